"""What does Schemathesis have to know that the document cannot say? Loaded by it (`hooks` in schemathesis.toml).

Every failure that is let pass stands in WAIVED, with its reason; nothing else is.
"""

import json
import os
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import cycle
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zlib import crc32

import schemathesis
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from schemathesis.core.failures import Failure

from pip_api.kernel.shapes import FIRST_YEAR, LAST_YEAR
from tests.matrix.table import TABLE
from tests.plans import AVON
from tests.serving import ROOT

DOCUMENT = json.loads((ROOT / "openapi" / "openapi.json").read_text())

WAIVED = {
    # What a request asks for may be refused for what it means, which no schema can say.
    ("RejectedPositiveData", "invalid_cursor"): "Only the service can make a cursor.",
    ("RejectedPositiveData", "cursor_filter_mismatch"): "A cursor belongs to the query that it was given for.",
    ("RejectedPositiveData", "invalid_parameter id"): "A list with nothing in it has no form in a query.",
    ("RejectedPositiveData", "invalid_parameter resource_id"): "The same.",
    ("RejectedPositiveData", "invalid_parameter sort"): "A column may stand in an order once, up or down.",
    ("RejectedPositiveData", "invalid_parameter as_of"): "A moment is past, and a pattern cannot say which days are.",
    ("RejectedPositiveData", "invalid_parameter Accept-Datetime"): "The same.",
    ("RejectedPositiveData", "invalid_parameter from"): "A version is there or not, and a moment is past.",
    ("RejectedPositiveData", "invalid_parameter to"): "The same.",
    ("RejectedPositiveData", "invalid_parameter expand"): "Which relations a relation has is told by its own lists.",
    ("RejectedPositiveData", "not_yet_created"): "What is now was not always.",
    ("RejectedPositiveData", "idempotency_key_reused"): "A key is used once.",
    ("RejectedPositiveData", "invalid_parameter period"): "A pattern cannot say which months have 31 days.",
    ("RejectedPositiveData", "malformed_json number_out_of_range"): "No schema bounds the exponent of a number.",
    ("RejectedPositiveData", "validation_failed meaning"): "Rules look at several members, at other rows, at the day, "
    "and at how many digits a number has.",
    ("RejectedPositiveData", "oauth invalid_request"): "Credentials come in the form or in the header, not in both.",
    ("RejectedPositiveData", "uri_too_long"): "Good parts may make an address that is too long.",
    ("RejectedPositiveData", "import_failed"): "What stands in a file is no matter of a schema.",
    ("RejectedPositiveData", "withdrawn"): "What was withdrawn before is gone.",
    ("RejectedPositiveData", "version_mismatch"): "A version is current or not.",
    ("RejectedPositiveData", "precondition_required"): "The version may come in a header or in the body.",
    # A value of another type may be written in an address just like a good one (0.0 is a text too), or not at all ({}).
    ("AcceptedNegativeData", "header Prefer"): "RFC 7240: a preference that is not understood is ignored.",
    ("AcceptedNegativeData", "header Accept-Datetime"): "Beside as_of it is not looked at.",
    ("AcceptedNegativeData", "header Idempotency-Key"): "Blanks around it do not count, and a dry run takes none.",
    ("AcceptedNegativeData", "good as sent"): "What was sent is what the document asks for.",
    # An answer with only some of its members has not all that its schema requires; clients are better off with types
    # that say that a member is there. tests/kernel/test_verbs.py holds what such an answer has.
    # Nothing was made, so it has no id.
    ("JsonSchemaError", "dry_run"): "In a dry run the ids that would be made up are null.",
    ("JsonSchemaError", "fields"): "With `fields`, members are left out.",
}


FORM = {
    "required",
    "unknown_field",
    "read_only",
    "enum",
    "literal_error",
    "string_type",
    "bool_type",
    "list_type",
}
"""Faults that a schema can foresee: whoever keeps to the document never meets them."""


def known_as(failure: Failure, case: Any, response: Any) -> set[str]:
    """What a refusal is about, or how the answer was asked for."""
    if response is None or not response.headers.get("content-type", [""])[0].startswith("application/problem+json"):
        in_query = response is not None and " in query" in failure.message
        good = in_query and good_as_sent(case, response.request.url)
        headers = {
            f"header {name}" for name in ("Prefer", "Accept-Datetime", "Idempotency-Key") if name in failure.message
        }
        if response is not None and case.operation.path.startswith("/oauth2/"):
            return {f"oauth {response.json()['error']}"} if response.status_code == 400 else set()
        return ({"fields", "dry_run"} & set(case.query or {})) | ({"good as sent"} if good else set()) | headers
    problem = response.json()
    code = str(problem["code"])
    found = problem.get("errors", ())
    if code == "validation_failed":
        foreseen = FORM & {each["code"] for each in found if "rule" not in each}
        return set() if foreseen else {f"{code} meaning"}
    places = (each.get("parameter") or each.get("header") or each["code"] for each in found)
    return {code} | {f"{code} {place}" for place in places}


def good_as_sent(case: Any, url: str) -> bool:
    """Whether the query of a read, as it stands in its address, is one that the document describes."""
    item = DOCUMENT["paths"][case.operation.path]
    if case.operation.method.lower() != "get":
        return False
    components = DOCUMENT["components"]["parameters"]
    given = item["get"].get("parameters", ())
    named = [components[each["$ref"].rpartition("/")[2]] if "$ref" in each else each for each in given]
    schemas = {each["name"]: each["schema"] for each in named if each["in"] == "query"}
    sent = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    return len(sent) == len(dict(sent)) and all(
        name in schemas and Draft202012Validator(schemas[name]).is_valid(read(text, schemas[name]))
        for name, text in sent
    )


def read(text: str, schema: Any) -> Any:
    """A value as it stands in an address, in the type that its schema has."""
    if schema["type"] == "array":
        return [read(each, schema["items"]) for each in text.split(",")]
    if schema["type"] == "integer" and text.isascii() and text.isdecimal():
        return int(text)
    return {"true": True, "false": False}.get(text, text) if schema["type"] == "boolean" else text


_DAYS = st.dates(date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31))
_MOMENTS = st.builds(datetime.combine, _DAYS, st.times(), st.just(UTC))
# No format can say of which years a day is, so the years that are not taken are left to the tests of shapes.
schemathesis.openapi.format("date", _DAYS.map(date.isoformat))
schemathesis.openapi.format("date-time", _MOMENTS.map(datetime.isoformat))

MAY = {name: says["may"] for name, says in TABLE["operations"].items()}
"""The roles that may do an operation, by the matrix."""
TOKENS: dict[str, str] = json.loads(os.environ.get("PIP_TOKENS", "{}"))
"""A token for each role that asks."""
_turns: dict[str, Iterator[str]] = {}


def turns(operation: str) -> Iterator[str]:
    """The tokens of those who ask for an operation, over and over: first of the roles that may, then of the others."""
    may = [role for role in TOKENS if role in MAY.get(operation, ())]
    first = crc32(operation.encode()) % len(may) if may else 0  # so that not all begin with one role
    roles = dict.fromkeys([*may[first:], *may[:first], *TOKENS])
    return cycle([TOKENS[role] for role in roles])


@schemathesis.auth(refresh_interval=None)
class InTurns:
    """Tokens are got by a client, and everything else by whose turn it is."""

    def get(self, case: Any, context: Any) -> str:
        if case.operation.path.startswith("/oauth2/"):
            client = f"{os.environ['PIP_CLIENT_ID']}:{os.environ['PIP_CLIENT_SECRET']}"
            return f"Basic {b64encode(client.encode()).decode()}"
        operation = case.operation.definition.raw["operationId"]
        return f"Bearer {next(_turns.setdefault(operation, turns(operation)))}"

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers["Authorization"] = data


@schemathesis.hook
def filter_failure(context: schemathesis.HookContext, failure: Failure, case: Any, response: Any) -> bool:
    """Whether a failure counts."""
    return all((type(failure).__name__, each) not in WAIVED for each in known_as(failure, case, response))


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    """A force that exists, where any would do: else hardly anything would be created, and nothing changed later."""
    if isinstance(body, dict) and isinstance(body.get("force_code"), str) and 1 <= len(body["force_code"]) <= 100:
        return {**body, "force_code": AVON}
    return body


@schemathesis.hook
def map_path_parameters(context: schemathesis.HookContext, path_parameters: Any) -> Any:
    """A force and a measure that exist, so that figures are found and recorded."""
    known = {"force": AVON, "measure": "demo.101-abandoned"}
    return {name: known.get(name, value) if value else value for name, value in (path_parameters or {}).items()}
