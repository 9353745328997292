"""What does the OpenAPI document say? The words, shapes and schemas that operations are described with."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.json_schema import models_json_schema

from pip_api.access.permissions import PERMISSIONS
from pip_api.access.principals import Principal
from pip_api.http.problems import CATALOGUE
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.query import DEFAULT_LIMIT, MOST_LIMIT, Listing

Story = Callable[[Call], Awaitable[Answer]]
Schema = dict[str, Any]

JSON = ("application/json",)
MERGE_PATCH = ("application/merge-patch+json", "application/json")


def query(name: str, describes: str, schema: Schema | None = None) -> Schema:
    """A query parameter in the words of OpenAPI."""
    return {"name": name, "in": "query", "description": describes, "schema": schema or {"type": "string"}}


def path_parameter(name: str, describes: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "description": describes, "schema": {"type": "string"}}


def header(name: str, describes: str) -> Schema:
    return {"name": name, "in": "header", "description": describes, "schema": {"type": "string"}}


EXPAND = query("expand", "Related rows to carry along, with commas; a dot goes deeper, to a depth of 3.")
NUMBER = path_parameter("version", "The number of the version.")
FROM = query("from", "A version, or a moment.") | {"required": True}
TO = query("to", "A version, or a moment; now, where nothing is said.")
FIELDS = query("fields", "Only these members, with commas.")
LIMIT = query(
    "limit", "Items on a page.", {"type": "integer", "minimum": 1, "maximum": MOST_LIMIT, "default": DEFAULT_LIMIT}
)
CURSOR = query("cursor", "The `next_cursor` of the page before.")
TOTAL = query("include_total", "Also how many items there are on all pages.", {"type": "boolean", "default": False})
MODE = query(
    "page_mode",
    "Whether all pages show the rows as they stood when the first was read, or each as they are.",
    {"type": "string", "enum": ["snapshot", "live"], "default": "snapshot"},
)
PAGING = (LIMIT, CURSOR, TOTAL, MODE)
SORT = query("sort", "Columns with commas; a leading '-' turns the order round.")
WITHDRAWN = query("include_withdrawn", "Also what was withdrawn.", {"type": "boolean", "default": False})
REASON = query(
    "reason", "Why; kept in the ledger. No personal data: addresses are logged.", {"type": "string", "maxLength": 1000}
)
ID = path_parameter("id", "The id, or `ref:` and the reference.")
IF_MATCH = header("If-Match", "The ETag that you last read.")
IF_NONE_MATCH = header("If-None-Match", "The ETag that you hold; 304 when it is still current.")


DRY_RUN = query(
    "dry_run",
    "The same answer, and nothing of it is kept; ids that would be made up are null.",
    {"type": "boolean", "default": False},
)
IDEMPOTENCY_KEY = header(
    "Idempotency-Key",
    "A key of your own for this change: sent again, it gives the same answer, and nothing is done twice. Kept 7 days.",
)

PREFER = header(
    "Prefer",
    "`return=minimal` for an answer without the row; `handling=lenient` to have members that nobody knows ignored, "
    "with a warning for each in the member `warnings` of the answer.",
)


@dataclass(frozen=True)
class Operation:
    """One operation of the document: a story, where it is found, and the one permission that it needs."""

    method: Literal["GET", "POST", "PATCH", "PUT", "DELETE"]
    path: str
    id: str
    tag: str
    summary: str
    permission: str
    story: Story
    answers: Mapping[int, type[BaseModel] | None]
    parameters: Sequence[Schema] = ()
    body: type[BaseModel] | None = None
    accepts: Sequence[str] = JSON
    upload: bool = False
    admit: Callable[[Principal, Mapping[str, str]], None] | None = None
    """Refuses a request by its caller and its query, before the body is received."""
    changes_access: bool = False
    """Whether it changes who reaches what, so that what is remembered of callers is stale."""
    also: Mapping[str, Schema] = field(default_factory=dict)
    """Other media types of the successful answer, with their schemas."""

    def __post_init__(self) -> None:
        if self.method != "GET":
            object.__setattr__(self, "parameters", (*self.parameters, DRY_RUN, IDEMPOTENCY_KEY))
        if self.body is not None:
            object.__setattr__(self, "parameters", (*self.parameters, PREFER))
            object.__setattr__(self, "answers", {**self.answers, 204: None})

    @cached_property
    def offers(self) -> tuple[str, ...]:
        """The media types in which it answers, the usual one first; none when it answers without content."""
        json = JSON if any(shape is not None for shape in self.answers.values()) else ()
        return (*json, *self.also)

    @property
    def allowed(self) -> frozenset[str]:
        return frozenset(each["name"] for each in self.parameters if each["in"] == "query")


def listing_parameters(listing: Listing) -> list[Schema]:
    """The query parameters of a list."""
    filters = [query(each.name, each.describes, each.schema()) for each in listing.filters.values()]
    return [*filters, SORT, *PAGING, *([WITHDRAWN] if listing.withdrawable else [])]


class Actor(BaseModel):
    type: str
    name: str
    client_id: str


class VersionRead(BaseModel):
    """One version of a row: what it was, what changed, who changed it, when and why."""

    version: int
    act: str
    at: str
    actor: Actor
    reason: str | None
    request_id: str
    overridden: bool = Field(description="Whether the version that was replaced was not named (If-Match: *).")
    entry: str
    patch: list[dict[str, Any]] = Field(description="JSON Patch (RFC 6902) from the version before.")
    state: dict[str, Any] = Field(description="The version as a whole.")


class Told(BaseModel):
    """One difference, in a sentence."""

    kind: str
    id: str
    ref: str
    text: str


class DiffRead(BaseModel):
    """What is different between two moments."""

    model_config = ConfigDict(populate_by_name=True)

    start: str = Field(alias="from")
    end: str = Field(alias="to")
    patch: list[dict[str, Any]] = Field(description="JSON Patch (RFC 6902), of the row with what belongs to it by id.")
    summary: list[Told]
    counts: dict[str, int] = Field(description="How many differences there are of each kind.")


class Page(BaseModel):
    limit: int
    has_more: bool
    next_cursor: str | None
    total: int | None = Field(default=None, description="How many items there are on all pages, where it was asked.")


class Links(BaseModel):
    self: str
    first: str
    next: str | None = None


_PAGES: dict[str, type[BaseModel]] = {}


def page_shape(stem: str, item: type[BaseModel]) -> type[BaseModel]:
    """The shape of a page of items."""
    name = f"{stem}Page"
    if name not in _PAGES:
        members: dict[str, Any] = {
            "items": (list[item], ...),  # type: ignore[valid-type]
            "page": (Page, ...),
            "applied": (dict[str, Any], ...),
            "links": (Links, ...),
        }
        _PAGES[name] = create_model(name, **members)
    return _PAGES[name]


class Fault(BaseModel):
    code: str
    severity: str
    detail: str
    rule: str | None = None
    pointer: str | None = Field(default=None, description="JSON Pointer as a URI fragment, into the request.")
    parameter: str | None = None


class ProblemDocument(BaseModel):
    """RFC 9457. Further members depend on the code; GET /problems lists the codes."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: list[Fault] = Field(default_factory=list)
    errors_total: int = 0
    errors_truncated: bool = False


_READING = (400, 401, 403, 404, 406, 410, 414, 429, 503)
_WRITING = (400, 401, 403, 404, 406, 409, 410, 412, 413, 414, 415, 422, 428, 429, 503)


def described(operation: Operation) -> Schema:
    """The operation in the words of OpenAPI."""
    extra: Schema = {
        "parameters": list(operation.parameters),
        "security": [{"oauth2": [operation.permission]}, {"bearer": []}],
        "x-permission": operation.permission,
        "responses": {},
    }
    for status, shape in operation.answers.items():
        described: Schema = {"description": "As asked." if status < 300 else "Unchanged."}
        if shape is not None:
            described["content"] = {"application/json": {"schema": _ref(shape)}}
            described["content"] |= {kind: {"schema": schema} for kind, schema in operation.also.items()}
        extra["responses"][str(status)] = described
    for status in _READING if operation.method == "GET" else _WRITING:
        codes = ", ".join(f"`{code}`" for code, kind in CATALOGUE.items() if kind.status == status)
        content = {"application/problem+json": {"schema": _ref(ProblemDocument)}}
        extra["responses"].setdefault(str(status), {"description": f"Refused: {codes}.", "content": content})
    if operation.body is not None:
        content = {kind: {"schema": _ref(operation.body)} for kind in operation.accepts}
        extra["requestBody"] = {"required": True, "content": content}
    elif operation.upload:
        content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in operation.accepts}
        extra["requestBody"] = {"required": True, "content": content}
    return extra


def _ref(shape: type[BaseModel]) -> Schema:
    return {"$ref": f"#/components/schemas/{shape.__name__}"}


def components(operations: Iterable[Operation]) -> Schema:
    """The shapes that operations name, as schemas, and how a caller is authenticated."""
    shapes: dict[str, type[BaseModel]] = {"ProblemDocument": ProblemDocument}
    for operation in operations:
        for shape in (*operation.answers.values(), operation.body):
            if shape is not None:
                shapes[shape.__name__] = shape
    _, definitions = models_json_schema(
        [(shape, "validation") for shape in shapes.values()], ref_template="#/components/schemas/{model}"
    )
    flow = {"tokenUrl": "/oauth2/token", "scopes": dict.fromkeys(sorted(PERMISSIONS), "")}
    return {
        "schemas": dict(sorted(definitions["$defs"].items())),
        "securitySchemes": {
            "oauth2": {"type": "oauth2", "flows": {"clientCredentials": flow}},
            "bearer": {"type": "http", "scheme": "bearer", "description": "A token from /oauth2/token."},
            "client": {"type": "http", "scheme": "basic", "description": "A client's id and secret."},
        },
    }
