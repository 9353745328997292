"""In which words are operations described? Parameters, headers, and the shapes that answers have in common."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel

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


def header(
    name: str, describes: str, schema: Schema | None = None, *, example: Any = None, required: bool = False
) -> Schema:
    made: Schema = {"name": name, "in": "header", "description": describes, "schema": schema or {"type": "string"}}
    made |= {"required": True} if required else {}
    return made if example is None else {**made, "example": example}


NUMBER = path_parameter("version", "The number of the version.", example="1")
_VERSION_OR_MOMENT: Schema = {
    "type": "string",
    "maxLength": 40,
    "pattern": "^([1-9][0-9]{0,8}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2}))$",
}
FROM = query("from", "A version, or a moment.", _VERSION_OR_MOMENT, example="1") | {"required": True}
TO = query("to", "A version, or a moment; now, where nothing is said.", _VERSION_OR_MOMENT, example="2")


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
    "Audit-Event": sent("The entry of the ledger that was written.", {"type": "string", "format": "uuid"}),
    "Audit-Tree-Size": sent(
        "How many entries the log was known to have then; the new one is sealed within seconds.",
        {"type": "integer", "format": "int64", "minimum": 0},
        example=120331,
    ),
    "Content-Disposition": sent("What to call the file.", example='attachment; filename="triage.csv"'),
    "Content-Language": sent("The language of texts in the answer.", example="en", always=True),
    "Dry-Run": sent("That nothing of it was kept.", example="true"),
    "ETag": sent("The version, to send back in If-Match or If-None-Match.", example='"v1"'),
    "Link": sent('The next page, as rel="next" (RFC 8288); on the last page it is not there.'),
    "Location": sent("Where it can be read; nowhere after a dry run.", {"type": "string", "format": "uri-reference"}),
    "Idempotency-Key": sent("The key that was sent, once the answer is kept under it."),
    "Idempotency-Replayed": sent("That the answer was given before.", example="true"),
    "Memento-Datetime": sent("The moment that the answer is of, where one was asked for."),
    "Original-Request-Id": sent("The id of the request that was answered first under the key."),
    "Preference-Applied": sent("The preferences that were followed.", example="return=minimal"),
    "RateLimit": sent(
        "What is left of the client's quota, and in how many seconds it is whole again.", example='"default";r=598;t=41'
    ),
    "RateLimit-Policy": sent("The client's quotas.", example='"default";q=600;w=60, "import";q=30;w=3600'),
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
EVERY_ANSWER = ("X-Request-Id", "Content-Language")
OF_REFUSALS: Mapping[int, Sequence[str]] = {
    401: ("WWW-Authenticate",),
    412: ("ETag",),
    415: ("Accept-Patch", "Accept-Post"),
    428: ("ETag",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}


DRY_RUN = query(
    "dry_run",
    "The same answer, and nothing of it is kept; ids that would be made up are null.",
    {"type": "boolean", "default": False},
)
IDEMPOTENCY_KEY = header(
    "Idempotency-Key",
    "A key of your own for this change: sent again, it gives the same answer, and nothing is done twice. Kept 7 days.",
    {"type": "string", "maxLength": 512, "pattern": r"""^("([!#-\[\]-~]|\\["\\]){1,255}"|[!#-\[\]-~]{1,255})$"""},
    example='"8e03978e-40d5-43dd-bc93-6894a57f9324"',
)

PREFER = header(
    "Prefer",
    "`return=minimal` for an answer without the row; `handling=lenient` to have members that nobody knows ignored, "
    "with a warning for each in the member `warnings` of the answer.",
    {"type": "string", "maxLength": LONGEST_VALUE},
    example="return=minimal",
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
    may_be_empty: bool = False
    """Whether no content at all is taken as an object without members."""
    upload: bool = False
    admit: Callable[[Principal, Mapping[str, str]], None] | None = None
    """Refuses a request by its caller and its query, before the body is received."""
    changes_access: bool = False
    """Whether it changes who reaches what, so that what is remembered of callers is stale."""
    shown_once: Sequence[str] = ()
    """Members of the answer that are in no answer that is given again, and not kept for one."""
    also: Mapping[str, Schema] = field(default_factory=dict)
    """Other media types of the successful answer, with their schemas and examples."""
    sends: Sequence[str] = ()
    """Headers of the successful answer beside those that every one of its kind has."""
    noted: Literal["read", "export"] | None = None
    """As what each of its answers is noted in the ledger: of reads, those that are to be accounted for."""
    refuses: Sequence[int] = ()
    """Statuses of refusals beside those of every operation of its kind."""
    sample: str | None = None
    """An example of an upload, of the first media type that is accepted."""

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
    def is_entry(self) -> bool:
        """Whether it can be read by whoever knows no more than its address."""
        return (
            self.method == "GET" and "{" not in self.path and not any(each.get("required") for each in self.parameters)
        )

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
    return [*filters, sort, *PAGING, *([WITHDRAWN] if listing.withdrawable else [])]


def expand_parameter(relations: Sequence[str]) -> Schema:
    """What can be carried along with rows that have these relations."""
    names = "|".join(relations)
    one = {"type": "string", "maxLength": 200, "pattern": f"^({names})([.][a-z_]+){{0,2}}$"}
    told = f"Related rows to carry along, with commas: {', '.join(relations)}. A dot goes deeper, to a depth of 3."
    return query("expand", told, commas(one), example=[relations[0]])


def fields_parameter(names: Sequence[str]) -> Schema:
    """FIELDS, for rows with these members."""
    return query("fields", FIELDS["description"], commas({"type": "string", "enum": list(names)}))
