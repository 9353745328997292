"""How does the OpenAPI document come to say what the operations do?"""

import inspect
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from pydantic import BaseModel

from pip_api.access.permissions import PERMISSIONS
from pip_api.http.problems import CATALOGUE, Problem
from pip_api.kernel.answer_shapes import ProblemDocument
from pip_api.kernel.document import EVERY_ANSWER, HEADERS, JSON, OF_REFUSALS, Operation, Schema
from pip_api.kernel.examples import NAMED, example
from pip_api.kernel.links import add_links
from pip_api.kernel.schemas import AT, component_schemas

PROBLEM = "application/problem+json"
SUCCESSES = {
    200: "As asked.",
    201: "It is made.",
    202: "Accepted; it goes on by itself.",
    204: "Done; there is nothing to say of it.",
    207: "Some of it is done, and some is not: look.",
    304: "Unchanged since the ETag that was sent.",
}
SERVER = {
    "url": "/",
    "description": "The service that this document is read from: local, staging or production.",
    "x-internal": False,
}
OF_KNOWN_CALLERS = ("RateLimit", "RateLimit-Policy")
OF_CHANGES = (
    "Audit-Event", "Audit-Tree-Size", "Dry-Run", "Idempotency-Key", "Idempotency-Replayed", "Original-Request-Id",
)  # fmt: skip
TWO_REASONS = (
    "The member `reason` belongs to the row and is shown with it; the parameter `reason` says why this request was "
    "made, and stands in the ledger only."
)
ALWAYS_REFUSED = (400, 401, 403, 406, 414, 429, 500, 503)


def described(operation: Operation) -> Schema:
    """An operation in the words of OpenAPI. Shapes stand in it as they are, until the document is put together."""
    story = operation.story
    says = inspect.getdoc(story.func if isinstance(story, partial) else story) or operation.summary
    taken = {each["name"] for each in operation.parameters}
    if operation.body is not None and "reason" in operation.body.model_fields.keys() & taken:
        says += f"\n\n{TWO_REASONS}"
    parameters = [
        {**each, "required": True} if each["name"] == "If-Match" and operation.method == "DELETE" else each
        for each in operation.parameters
    ]
    extra: Schema = {
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": says,
        "operationId": operation.id,
        "parameters": parameters,
        "security": [{"oauth2": [operation.permission]}, {"bearer": []}],
        "x-permission": operation.permission,
        "responses": answers(operation.answers, _headers(operation), operation.also),
    }
    has_body = operation.body is not None or operation.upload
    refused = {
        *ALWAYS_REFUSED,
        *operation.refuses,
        *((404, 410) if "{" in operation.path else ()),
        *((409,) if operation.method != "GET" else ()),
        *((412, 428) if "If-Match" in taken else ()),
        *((413, 415, 422) if has_body else ()),
        *((422,) if "Idempotency-Key" in taken else ()),
    }
    extra["responses"] |= refusals(refused)
    if has_body:
        binary = {"schema": {"type": "string", "format": "binary"}}
        content = binary if operation.body is None else {"schema": operation.body}
        kinds = {kind: dict(content) for kind in operation.accepts}
        if operation.sample is not None:
            kinds[operation.accepts[0]]["example"] = operation.sample
        extra["requestBody"] = {"required": not operation.may_be_empty, "content": kinds}
    return extra


def answers(
    shapes: Mapping[int, type[BaseModel] | None],
    headers: Mapping[int, Sequence[str]] | None = None,
    also: Mapping[str, Schema] | None = None,
) -> Schema:
    """The successful answers of an operation, by status."""
    made: Schema = {}
    for status, shape in shapes.items():
        names = (*EVERY_ANSWER, *(headers or {}).get(status, ()))
        made[str(status)] = {"description": SUCCESSES[status], "headers": {name: HEADERS[name] for name in names}}
        schemas: Schema = {} if shape is None else {JSON[0]: shape}
        if shape is not None or status == 200:
            schemas |= also or {}
        if schemas:
            made[str(status)]["content"] = {kind: {"schema": schema} for kind, schema in schemas.items()}
    return made


def refusals(statuses: Iterable[int]) -> Schema:
    """The refusals with these statuses, as far as there are such."""
    known = {kind.status for kind in CATALOGUE.values()}
    return {str(status): {"$ref": f"#/components/responses/{_named(status)}"} for status in sorted(known & {*statuses})}


def _headers(operation: Operation) -> dict[int, list[str]]:
    """The headers of each successful answer beside those of every answer."""
    tagged = any(each["name"] in ("If-Match", "If-None-Match") for each in operation.parameters)
    made: dict[int, list[str]] = {}
    for status, shape in operation.answers.items():
        names = [*operation.sends, *OF_KNOWN_CALLERS]
        if operation.method != "GET":
            names += OF_CHANGES
        if any(each["name"] == "as_of" for each in operation.parameters):
            names.append("Memento-Datetime")
        if tagged or (status == 201 and operation.method == "POST"):
            names.append("ETag")
        if operation.body is not None:
            names.append("Preference-Applied")
        if status == 201 and operation.method == "POST":
            names.append("Location")
        if shape is not None and shape.__name__.endswith("Page"):
            names.append("Link")
        made[status] = sorted({*names})
    return made


def assembled(info: Schema, tags: Sequence[Schema], operations: Iterable[tuple[str, str, Schema]]) -> Schema:
    """The document; each operation is given with its path and its method."""
    paths: dict[str, dict[str, Schema]] = {}
    for path, method, operation in operations:
        paths.setdefault(path, {})[method.lower()] = operation
    every = [operation for item in paths.values() for operation in item.values()]
    sent = _shapes([operation.get("requestBody") for operation in every])
    schemas = component_schemas(_shapes([operation["responses"] for operation in every]) | {ProblemDocument}, sent)
    paths = _referring(paths)
    every = [operation for item in paths.values() for operation in item.values()]
    for operation in every:
        _add_examples(operation, schemas)
    parameters = _shared_parameters(every)
    add_links(paths)
    return {
        "openapi": "3.1.0",
        "info": info,
        "servers": [SERVER],
        "tags": list(tags),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": parameters,
            "headers": _used_headers(every),
            "responses": _problems(every),
            "securitySchemes": _security(),
        },
    }


def _shapes(node: Any) -> set[type[BaseModel]]:
    """The shapes that stand in something."""
    if isinstance(node, type):
        return {node} if issubclass(node, BaseModel) else set()
    inside = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return set[type[BaseModel]]().union(*map(_shapes, inside))


def _referring(node: Any) -> Any:
    """The same with a reference for each shape and each header that is kept among the components."""
    if isinstance(node, type):
        return {"$ref": AT + node.__name__}
    if isinstance(node, list):
        return [_referring(each) for each in node]
    if not isinstance(node, dict):
        return node
    if "headers" in node and "description" in node:
        node = {**node, "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in node["headers"]}}
    return {key: _referring(value) for key, value in node.items()}


def _add_examples(operation: Schema, schemas: Mapping[str, Schema]) -> None:
    for where in (operation.get("requestBody", {}), *operation["responses"].values()):
        for content in where.get("content", {}).values():
            if "example" not in content and content["schema"].keys() & {"$ref", "examples"}:
                content["example"] = example(content["schema"], schemas)
    for each in operation.get("parameters", ()):
        if "example" not in each and (each["name"] in NAMED or "enum" in json.dumps(each["schema"])):
            each["example"] = example(each["schema"], schemas, each["name"])


def _shared_parameters(operations: Sequence[Schema]) -> dict[str, Schema]:
    """The headers, and the parameters that several operations have, each replaced by a reference where it stood."""
    written = [json.dumps(each, sort_keys=True) for operation in operations for each in operation.get("parameters", ())]
    shared: dict[str, str] = {}
    for text, times in Counter(written).most_common():
        name = _name_of(each := json.loads(text))
        if each["in"] == "header" and name in shared.values():
            name += "Required" if each.get("required") else "Other"
        if (times > 1 or each["in"] == "header") and name not in shared.values():
            shared[text] = name
    for operation in operations:
        for place, each in enumerate(operation.get("parameters", ())):
            if shared_name := shared.get(json.dumps(each, sort_keys=True)):
                operation["parameters"][place] = {"$ref": f"#/components/parameters/{shared_name}"}
    return {name: json.loads(text) for text, name in sorted(shared.items(), key=lambda each: each[1])}


def _name_of(parameter: Schema) -> str:
    words = parameter["name"].replace("-", "_").split("_")
    return (
        "".join(word.capitalize() for word in words)
        + {"query": "", "path": "Path", "header": "Header"}[parameter["in"]]
    )


def _used_headers(operations: Sequence[Schema]) -> dict[str, Schema]:
    answers = [answer for operation in operations for answer in operation["responses"].values()]
    statuses = {int(status) for operation in operations for status in operation["responses"]}
    used = {name for answer in answers for name in answer.get("headers", ())}
    used = used.union(EVERY_ANSWER, OF_KNOWN_CALLERS, *(OF_REFUSALS.get(status, ()) for status in statuses))
    return {name: HEADERS[name] for name in sorted(used)}


def _problems(operations: Sequence[Schema]) -> dict[str, Schema]:
    """One response for each status of a refusal; its description lists the codes."""
    used = {int(status) for operation in operations for status in operation["responses"] if int(status) >= 400}
    made = {}
    for status in sorted(used & {kind.status for kind in CATALOGUE.values()}):
        codes = [code for code, kind in CATALOGUE.items() if kind.status == status]
        problem = Problem(codes[0], "What is wrong, in a sentence.").document(str(NAMED["request_id"]))
        names = (*EVERY_ANSWER, *OF_KNOWN_CALLERS, *OF_REFUSALS.get(status, ()))
        made[_named(status)] = {
            "description": f"Refused: {', '.join(f'`{code}`' for code in codes)}.",
            "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in sorted(names)},
            "content": {PROBLEM: {"schema": {"$ref": AT + "ProblemDocument"}, "example": problem}},
        }
    return made


def _named(status: int) -> str:
    return f"Refused{status}"


def _security() -> Schema:
    """How a caller is authenticated."""
    scopes = {}
    for permission in sorted(PERMISSIONS):
        noun, verb = permission.split(":")
        scopes[permission] = f"{verb.capitalize()} {noun.replace('_', ' ')}s"
    flow = {"tokenUrl": "/oauth2/token", "scopes": scopes}
    return {
        "oauth2": {
            "type": "oauth2",
            "description": "The client credentials grant. Tokens are ES256 JWTs, made and read as RFC8725 says.",
            "flows": {"clientCredentials": flow},
        },
        "bearer": {"type": "http", "scheme": "bearer", "description": "A token from /oauth2/token."},
        "client": {"type": "http", "scheme": "basic", "description": "A client's id and secret."},
    }
