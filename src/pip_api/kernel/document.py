"""In which words are operations described? Parameters, headers, and the shapes that answers have in common."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, RootModel, create_model

from pip_api.access.principals import Principal
from pip_api.http.query import LONGEST_VALUE
from pip_api.kernel.call import LONGEST_REASON, Answer, Call
from pip_api.kernel.query import DEFAULT_LIMIT, MOST_LIMIT, Listing, commas

Story = Callable[[Call], Awaitable[Answer]]
Schema = dict[str, Any]

JSON = ("application/json",)
MERGE_PATCH = ("application/merge-patch+json", "application/json")
TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": LONGEST_VALUE, "pattern": r"^[^\x00]*$"}


def query(name: str, describes: str, schema: Schema | None = None, *, example: Any = None) -> Schema:
    """A query parameter in the words of OpenAPI. A list stands in one parameter, with commas between."""
    made: Schema = {"name": name, "in": "query", "description": describes, "schema": schema or TEXT}
    if made["schema"].get("type") == "array":
        made |= {"style": "form", "explode": False}
    return made if example is None else {**made, "example": example}


def path_parameter(name: str, describes: str, schema: Schema | None = None, *, example: Any = None) -> Schema:
    made: Schema = {"name": name, "in": "path", "required": True, "description": describes, "schema": schema or TEXT}
    return made if example is None else {**made, "example": example}


def header(name: str, describes: str, *, example: Any = None, required: bool = False) -> Schema:
    made: Schema = {"name": name, "in": "header", "description": describes, "schema": {"type": "string"}}
    made |= {"required": True} if required else {}
    return made if example is None else {**made, "example": example}


def sent(describes: str, schema: Schema | None = None, *, example: Any = None, always: bool = False) -> Schema:
    """A header of an answer in the words of OpenAPI; `always` when it is on every answer that is said to have it."""
    made: Schema = {"description": describes, "schema": schema or {"type": "string"}}
    made |= {"required": True} if always else {}
    return made if example is None else {**made, "example": example}


FIELDS = query("fields", "Only these members, with commas; the others are left out of the answer.")
LIMIT = query(
    "limit",
    "Items on a page.",
    {"type": "integer", "format": "int32", "minimum": 1, "maximum": MOST_LIMIT, "default": DEFAULT_LIMIT},
)
CURSOR = query("cursor", "The `next_cursor` of the page before.")
SORT = query("sort", "Columns with commas; a leading '-' turns the order round.")
WITHDRAWN = query("include_withdrawn", "Also what was withdrawn.", {"type": "boolean", "default": False})
REASON = query(
    "reason",
    "Why; kept in the ledger. No personal data: addresses are logged.",
    {**TEXT, "maxLength": LONGEST_REASON},
    example="Agreed at regional triage",
)
ID = path_parameter("id", "The id, or `ref:` and the reference.")
IF_MATCH = header("If-Match", "The ETag that you last read.", example='"v1"')
IF_NONE_MATCH = header("If-None-Match", "The ETag that you hold; 304 when it is still current.", example='"v1"')

HEADERS: Mapping[str, Schema] = {
    "Accept-Patch": sent("The media types that a change may have.", example=", ".join(MERGE_PATCH)),
    "Accept-Post": sent("The media types that a body may have.", example=", ".join(JSON)),
    "Content-Disposition": sent("What to call the file.", example='attachment; filename="triage.csv"'),
    "ETag": sent("The version, to send back in If-Match or If-None-Match.", example='"v1"'),
    "Link": sent('The next page, as rel="next" (RFC 8288); on the last page it is not there.'),
    "Location": sent("Where it can be read.", {"type": "string", "format": "uri-reference"}, always=True),
    "Retry-After": sent(
        "Seconds to wait before trying again.",
        {"type": "integer", "format": "int32", "minimum": 0, "maximum": 86_400},
        example=1,
    ),
    "WWW-Authenticate": sent("How to authenticate (RFC 6750).", example='Bearer realm="pip_api"', always=True),
    "X-Request-Id": sent(
        "The id of the request: the one that was sent, when it was a good one, or a new one.",
        example="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        always=True,
    ),
}
"""The headers that answers are described with. Those of every answer, and those that a refusal has, stand below."""
EVERY_ANSWER = ("X-Request-Id",)
OF_REFUSALS: Mapping[int, Sequence[str]] = {
    401: ("WWW-Authenticate",),
    412: ("ETag",),
    415: ("Accept-Patch", "Accept-Post"),
    428: ("ETag",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}


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
    """Other media types of the successful answer, with their schemas and examples."""
    sends: Sequence[str] = ()
    """Headers of the successful answer beside those that every one of its kind has."""
    sample: str | None = None
    """An example of an upload, of the first media type that is accepted."""

    @property
    def allowed(self) -> frozenset[str]:
        return frozenset(each["name"] for each in self.parameters if each["in"] == "query")

    @property
    def longest(self) -> dict[str, int]:
        """How many characters the query parameters may have, where that is said."""
        schemas = {each["name"]: each["schema"] for each in self.parameters if each["in"] == "query"}
        return {name: schema["maxLength"] for name, schema in schemas.items() if "maxLength" in schema}


def listing_parameters(listing: Listing) -> list[Schema]:
    """The query parameters of a list."""
    filters = [query(each.name, each.describes, each.schema()) for each in listing.filters.values()]
    orders = [f"{sign}{name}" for name in listing.sorts for sign in ("", "-")]
    sort = query("sort", SORT["description"], commas({"type": "string", "enum": orders})) if orders else SORT
    return [*filters, sort, LIMIT, CURSOR, *([WITHDRAWN] if "withdrawn_at" in listing.columns else [])]


def fields_parameter(names: Sequence[str]) -> Schema:
    """FIELDS, for rows with these members."""
    return query("fields", FIELDS["description"], commas({"type": "string", "enum": list(names)}))


class Actor(BaseModel):
    """Who did it: a client of the service, under the name that it had then."""

    type: str
    name: str
    client_id: str


class PatchOperation(BaseModel):
    """One step of a JSON Patch (RFC 6902)."""

    op: str
    path: str = Field(description="A JSON Pointer; empty for the whole.")
    value: Any = Field(default=None, description="What stands there afterwards.")


class State(RootModel[dict[str, Any]]):
    """A version as a whole, with the members that the resource had then."""


class VersionRead(BaseModel):
    """One version of a row: what it was, what changed, who changed it, when and why."""

    version: int = Field(ge=1)
    act: str = Field(description="What was done, such as pip.changed.")
    at: datetime
    actor: Actor
    reason: str | None
    request_id: str
    entry: UUID = Field(description="The entry of the ledger.")
    patch: list[PatchOperation] = Field(description="JSON Patch (RFC 6902) from the version before.")
    state: State


class Page(BaseModel):
    """Where in the list this page is."""

    limit: int = Field(ge=1)
    has_more: bool
    next_cursor: str | None = Field(description="What to send as `cursor` for the next page.")


class Links(BaseModel):
    """The addresses of this page and of the next, relative to the service."""

    self: str
    next: str | None = None


class Applied(RootModel[dict[str, Any]]):
    """The filters and the order that the list was made with."""


_PAGES: dict[str, type[BaseModel]] = {}


def page_shape(stem: str, item: type[BaseModel]) -> type[BaseModel]:
    """The shape of a page of items."""
    name = f"{stem}Page"
    if name not in _PAGES:
        members: dict[str, Any] = {
            "items": (list[item], Field(max_length=MOST_LIMIT)),  # type: ignore[valid-type]
            "page": (Page, ...),
            "applied": (Applied, ...),
            "links": (Links, ...),
        }
        _PAGES[name] = create_model(name, __doc__="A page of a list.", **members)
    return _PAGES[name]


class Fault(BaseModel):
    """One thing that was wrong. What was sent is never repeated."""

    code: str
    severity: str
    detail: str
    in_: str = Field(alias="in", description="body, query, path, header, form or row")
    rule: str | None = Field(default=None, description="The id of the rule that was broken, such as ACT-014.")
    pointer: str | None = Field(default=None, description="JSON Pointer as a URI fragment, into the request.")
    parameter: str | None = None
    header: str | None = None
    allowed: list[str] | None = Field(default=None, description="What could have stood there.")
    suggestion: str | None = Field(default=None, description="What was probably meant.")


class ProblemDocument(BaseModel):
    """RFC 9457. Further members depend on the code; GET /problems lists the codes."""

    type: str = Field(description="The address of a page about it, relative to the service.")
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    instance: str
    code: str
    request_id: str
    errors: list[Fault] = Field(default_factory=list)
    errors_total: int = 0
    errors_truncated: bool = False
