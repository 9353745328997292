"""Is the OpenAPI document one that tools and people can rely on, in both of its forms?"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from pip_api.app import describe, describe_3_0
from pip_api.contract import RESOURCES
from pip_api.db.columns import to_json
from pip_api.http.strict_json import read_json
from pip_api.kernel.openapi_3_0 import as_3_0
from pip_api.resources.figures import FigureFields
from tests.service import Record

DOCUMENT: Record = json.loads(to_json(describe()))
OLDER: Record = json.loads(to_json(describe_3_0()))
REGISTRY = Registry().with_resource("urn:openapi", DRAFT202012.create_resource(DOCUMENT))


def within(node: Any, place: str = "#") -> Iterator[tuple[str, Record]]:
    """All that stands in the document, with its place; examples are not looked into."""
    if isinstance(node, dict):
        yield place, node
        for key, value in node.items():
            if key not in ("example", "examples"):
                yield from within(value, f"{place}/{key}")
    elif isinstance(node, list):
        for index, each in enumerate(node):
            yield from within(each, f"{place}/{index}")


def elsewhere(node: Any) -> Any:
    """A schema whose references lead into the document, wherever it is checked."""
    return json.loads(json.dumps(node).replace('"#/', '"urn:openapi#/'))


OPERATIONS = [operation for item in DOCUMENT["paths"].values() for operation in item.values()]


def test_both_forms_are_valid() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()
    OpenAPIV30SpecValidator(OLDER).validate()


def test_every_example_is_what_its_schema_asks_for() -> None:
    checked = 0
    for place, node in within(DOCUMENT):
        schema = node.get("schema", node)
        given = [node["example"]] if "example" in node else node.get("examples", [])
        if place.startswith("#/components/headers") or not isinstance(schema, dict):
            continue
        validator = Draft202012Validator(elsewhere(schema), registry=REGISTRY, format_checker=FormatChecker())
        for example in given:
            checked += 1
            assert [error.message for error in validator.iter_errors(example)] == [], place
    assert checked > 150


def test_every_json_body_and_answer_has_an_example() -> None:
    for place, node in within(DOCUMENT):
        for kind, content in node.get("content", {}).items() if isinstance(node.get("content"), dict) else ():
            assert "example" in content or kind.endswith("ndjson"), f"{place} {kind}"


@pytest.mark.parametrize("resource", [pytest.param(each, id=each.noun) for each in RESOURCES])
def test_the_example_of_a_resource_is_accepted(resource: Any) -> None:
    example = DOCUMENT["components"]["schemas"][resource.create.__name__]["examples"][0]
    resource.accepted(read_json(json.dumps(example).encode()))
    assert set(example) <= set(DOCUMENT["components"]["schemas"][f"{resource.stem}Read"]["properties"])


def test_the_example_of_a_figure_is_accepted() -> None:
    example = DOCUMENT["components"]["schemas"]["FigureFields"]["examples"][0]
    FigureFields.model_validate(read_json(json.dumps(example).encode()))


def test_every_operation_says_what_it_is_and_which_refusals_it_has() -> None:
    told = {tag["name"]: tag["description"] for tag in DOCUMENT["tags"]}
    for operation in OPERATIONS:
        name = operation["operationId"]
        assert operation["summary"], name
        assert operation["description"], name
        assert all(told[tag] for tag in operation["tags"]), name
        assert len(operation["tags"]) == 1, name
        refused = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
        assert "500" in refused, name
        for status, answer in refused.items():
            if name not in ("createToken", "revokeToken") or status not in ("400", "401"):
                assert answer == {"$ref": f"#/components/responses/Refused{status}"}, name
    assert set(told) == {operation["tags"][0] for operation in OPERATIONS}
    for answer in DOCUMENT["components"]["responses"].values():
        assert re.search(r"`\w+`", answer["description"])
        schema = answer["content"]["application/problem+json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/ProblemDocument"}


def test_what_two_reasons_are_for_is_told() -> None:
    told = {each["operationId"] for each in OPERATIONS if "the parameter `reason` says why" in each["description"]}
    nouns = ("Escalation", "Grant", "SupportLevelAssignment")
    assert told == {f"{verb}{noun}" for verb in ("create", "change") for noun in nouns}


def test_every_answer_names_its_headers_and_every_header_is_described() -> None:
    for place, node in within(DOCUMENT):
        if re.search(r"/responses/[^/]+$", place) and "$ref" not in node:
            assert "X-Request-Id" in node["headers"], place
    for name, described in DOCUMENT["components"]["headers"].items():
        assert described.keys() >= {"description", "schema"}, name


def test_no_object_is_without_a_name() -> None:
    """Makers of clients give every object a class; one without a name of ours gets a name of theirs."""
    objects = {place for place, node in within(DOCUMENT) if "properties" in node and not place.endswith("/properties")}
    assert {place for place in objects if not re.fullmatch(r"#/components/schemas/\w+", place)} == set()
    assert all(re.fullmatch(r"([A-Z][a-z0-9]*)+", name) for name in DOCUMENT["components"]["schemas"])


def test_an_enumeration_is_open_in_answers_and_closed_in_requests() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        text = json.dumps(schema)
        if name.endswith(("Create", "Patch", "Fields")):
            assert not re.search(r'schemas/\w+Read"', text), name
        if name.endswith("Read"):
            assert '"enum"' not in text, name
    assert "enum" in DOCUMENT["components"]["schemas"]["ActionStatus"]
    assert "x-extensible-enum" in DOCUMENT["components"]["schemas"]["ActionStatusRead"]


def test_links_lead_to_operations_with_the_parameters_that_these_have() -> None:
    by_name = {operation["operationId"]: operation for operation in OPERATIONS}
    followed = set()
    for operation in OPERATIONS:
        for answer in operation["responses"].values():
            for link in answer.get("links", {}).values():
                target = by_name[link["operationId"]]
                references = [each.get("$ref", "").rpartition("/")[2] for each in target["parameters"]]
                named = {DOCUMENT["components"]["parameters"][name]["name"] for name in references if name}
                named |= {each["name"] for each in target["parameters"] if "name" in each}
                assert set(link["parameters"]) <= named
                followed.add((operation["operationId"], link["operationId"]))
    assert {("createPip", each) for each in ("getPip", "changePip", "withdrawPip", "listPipVersions")} <= followed
    assert {("listPips", "getPip"), ("changePip", "withdrawPip"), ("createImport", "getImport")} <= followed
    assert {("putFigure", "getFigure"), ("putFigure", "listFigureRevisions")} <= followed


# The older form

WORDS = {"type": ["string", "null"]}, {"type": "string", "nullable": True}


def test_the_older_form_tells_of_the_same_operations() -> None:
    assert OLDER["openapi"] == "3.0.3"
    assert {path: set(item) for path, item in OLDER["paths"].items()} == {
        path: set(item) for path, item in DOCUMENT["paths"].items()
    }
    assert set(OLDER["components"]["schemas"]) == set(DOCUMENT["components"]["schemas"])


def test_the_older_form_has_no_word_that_it_does_not_know() -> None:
    for place, node in within(OLDER):
        if "/schema" in place and not place.endswith(("/properties", "/schemas")):
            assert not isinstance(node.get("type"), list), place
            assert not node.keys() & {"const", "examples"}, place
            assert node.get("type") != "null", place
            assert "$ref" not in node or len(node) == 1, place


@pytest.mark.parametrize(
    ("schema", "older"),
    [
        ({"type": ["string", "null"], "format": "date"}, {"type": "string", "format": "date", "nullable": True}),
        ({"type": ["integer", "string"]}, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        ({"const": "Bearer", "type": "string"}, {"type": "string", "enum": ["Bearer"]}),
        ({"type": "string", "examples": ["a", "b"]}, {"type": "string", "example": "a"}),
        ({"type": "number", "exclusiveMinimum": 0}, {"type": "number", "minimum": 0, "exclusiveMinimum": True}),
        (
            {"anyOf": [{"$ref": "#/a"}, {"type": "null"}]},
            {"anyOf": [{"$ref": "#/a"}, {"type": "string", "nullable": True, "enum": [None]}]},
        ),
        (
            {"anyOf": [{"type": "number"}, {"type": "string"}, {"type": "null"}]},
            {"anyOf": [{"type": "number", "nullable": True}, {"type": "string"}]},
        ),
        ({"$ref": "#/a", "description": "x"}, {"allOf": [{"$ref": "#/a"}], "description": "x"}),
        ({"type": "array", "items": WORDS[0]}, {"type": "array", "items": WORDS[1]}),
        ({"default": {"const": 1}}, {"default": {"const": 1}}),
    ],
)  # fmt: skip
def test_a_schema_in_the_older_form(schema: Record, older: Record) -> None:
    document = {"info": {}, "paths": {}, "components": {"schemas": {"A": schema}}}
    assert as_3_0(document)["components"]["schemas"]["A"] == older
