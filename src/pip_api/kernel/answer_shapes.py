"""Which shapes do answers have in common: pages, versions, differences, refusals?"""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, RootModel, create_model

from pip_api.kernel.query import MOST_LIMIT


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
    overridden: bool = Field(description="Whether the version that was replaced was not named (If-Match: *).")
    entry: UUID = Field(description="The entry of the ledger.")
    patch: list[PatchOperation] = Field(description="JSON Patch (RFC 6902) from the version before.")
    state: State


class Told(BaseModel):
    """One difference, in a sentence."""

    kind: str = Field(description="The noun and what was done, such as action.added.")
    id: UUID
    ref: str = Field(description="What people call it.")
    text: str


class Counts(RootModel[dict[str, int]]):
    """How many differences there are of each kind."""


class DiffRead(BaseModel):
    """What is different between two moments."""

    model_config = ConfigDict(populate_by_name=True)

    start: datetime = Field(alias="from")
    end: datetime = Field(alias="to")
    patch: list[PatchOperation] = Field(description="JSON Patch (RFC 6902), of the row with what belongs to it by id.")
    summary: list[Told]
    counts: Counts


class Page(BaseModel):
    """Where in the list this page is."""

    limit: int = Field(ge=1)
    has_more: bool
    next_cursor: str | None = Field(description="What to send as `cursor` for the next page.")
    total: int | None = Field(default=None, description="How many items there are on all pages, where it was asked.")


class Links(BaseModel):
    """The addresses of this page and of the next, relative to the service."""

    self: str
    first: str
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
