"""Who did what, when and why, and who was refused? The ledger, as those who audit it read it.

What happened in a force is for those who audit that force; what no force owns is for those who audit all of them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, get_args
from uuid import UUID

from pydantic import BaseModel, Field, RootModel
from sqlalchemy import ColumnElement, FromClause, Select, Table, and_, bindparam, literal_column, not_, select

from pip_api.access.permissions import PERMISSIONS, WITHHELD
from pip_api.access.principals import Principal
from pip_api.db.columns import Uid
from pip_api.db.statements import Record, Statement
from pip_api.http.problems import Problem
from pip_api.kernel.answer_shapes import PatchOperation, State, page_shape
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.document import ID, IF_NONE_MATCH, Operation, fields_parameter, listing_parameters
from pip_api.kernel.pages import answered, list_page, rowwise
from pip_api.kernel.query import Filter, Listing, Shown, equal
from pip_api.kernel.resource import Resource, visible
from pip_api.kernel.validation import identified
from pip_api.kernel.verbs import asked_fields
from pip_api.ledger.as_of import MarkKind, later
from pip_api.ledger.entries import Kind, LedgerEntry

READS = "audit:read"


class EventActor(BaseModel):
    """Who did it, under the name that they had then."""

    type: str = Field(json_schema_extra={"examples": ["service_client"]})
    id: UUID
    name: str
    client_id: str = Field(description="The program that it was done with.")
    credential_id: UUID | None = Field(description="The credential that it signed in with, if it did so here.")


class EventResource(BaseModel):
    """What it was done to, under the names that it had then."""

    type: str = Field(description="The noun.", json_schema_extra={"examples": ["pip"]})
    id: UUID | None
    ref: str | None
    force: str | None
    version_before: int | None
    version_after: int | None


class AuditEvent(BaseModel):
    """One entry of the ledger."""

    id: UUID
    seq: int
    at: datetime
    kind: str = Field(json_schema_extra={"x-extensible-enum": list(get_args(Kind))})
    action: str = Field(json_schema_extra={"examples": ["pip.changed"]})
    outcome: str = Field(json_schema_extra={"x-extensible-enum": ["success", "refused"]})
    actor: EventActor
    request_id: str
    reason: str | None
    overridden: bool = Field(description="Whether the version that was replaced was not named (If-Match: *).")
    resource: EventResource
    withheld: str | None = Field(
        description="The permission without which words and values are left out here: they are of a single person."
    )
    patch: list[PatchOperation] = Field(description="JSON Patch (RFC 6902) from the version before.")


class Before(RootModel[dict[str, Any]]):
    """What stood before at the places that the patch replaces."""


class AuditEventRead(AuditEvent):
    """One entry of the ledger, with what was before and what is after."""

    before: Before | None
    state: State = Field(description="The new version as a whole; of what changed nothing, what is known of it.")


_entries: Table = LedgerEntry.__table__  # type: ignore[attr-defined]
_FLAT = (
    "id", "seq", "at", "kind", "act", "noun", "subject_id", "subject_ref", "version", "force_code", "actor_type",
    "actor_id", "actor_name", "client_id", "credential_id", "request_id", "reason", "overridden", "patch",
)  # fmt: skip


def _events(kind: MarkKind) -> FromClause:
    """The entries, as far as they were there when a walk began."""
    if not kind:
        return _entries
    then = _entries.alias("entry")
    return select(*then.c).where(not_(later(then, kind))).subquery("events")


def _of_import(id: ColumnElement[Any], given: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whatever was done in the request that an import came with."""
    rows, whole = id.table, _entries.alias("import")
    asked = select(whole.c.request_id, whole.c.actor_id).where(whole.c.id == given).subquery("asked")
    same = and_(rows.c.request_id == asked.c.request_id, rows.c.actor_id == asked.c.actor_id)
    return select(literal_column("1")).where(same).exists()


def _moment(name: str, describes: str, compare: Callable[[Any, Any], ColumnElement[bool]]) -> Filter:
    return Filter(name, "at", "moment", describes, compare=compare)


_BESIDE = {
    "figure": ("recorded",),
    "individual_figure": ("recorded",),
    "import": ("completed",),
    "log": ("retired",),
    "pip": ("moved",),
    "redaction": ("approved",),
    "sign_in": ("refused",),
    "token": ("revoked",),
}
"""What is done to nouns beside what is done to all resources, and to what is no resource."""


def actions(resources: Sequence[Resource]) -> list[str]:
    """Every action that an entry may name: a noun, and what became of it."""
    of_rows = [f"{each.noun}.{done}" for each in resources for done in ("created", "changed", "withdrawn", "redacted")]
    asked = {permission.partition(":")[0] for permission in PERMISSIONS}
    of_requests = [f"{noun}.{done}" for noun in asked for done in ("denied", "read", "exported")]
    return sorted({*of_rows, *of_requests, *(f"{noun}.{done}" for noun, all in _BESIDE.items() for done in all)})


def _filters(actions: Sequence[str]) -> Sequence[Filter]:
    nouns = sorted({action.partition(".")[0] for action in actions})
    return (
        equal("actor", "actor_id", "id", "Done by these, by their ids, with commas."),
        equal("client", "client_id", describes="Done with these programs, with commas."),
        equal("credential", "credential_id", "id", "By who signed in with these credentials, with commas."),
        equal("force", "force_code", describes="Of these forces, with commas."),
        equal("resource", "noun", "text", "Done to these nouns, such as pip, with commas.", nouns, grows=True),
        equal("resource_id", "subject_id", "id", "Done to these things, by their ids, with commas."),
        equal("action", "act", "text", "These actions, such as pip.changed, with commas.", actions, grows=True),
        equal("kind", choices=get_args(Kind), describes="Of these kinds, with commas."),
        equal("request", "request_id", describes="Done in these requests, by their ids, with commas."),
        Filter("import", "id", "id", "Done by the import with this id.", compare=_of_import),
        _moment("from", "Not before this moment.", lambda at, moment: at >= moment),
        _moment("to", "Before this moment.", lambda at, moment: at < moment),
    )


@dataclass(frozen=True, slots=True)
class _Listings:
    """The list for those who audit all forces, and for all others."""

    of_all: Listing
    of_forces: Listing


def _listings(resources: Sequence[Resource]) -> _Listings:
    filters = _filters(actions(resources))

    def listing(always: Callable[[FromClause, Shown], Any]) -> Listing:
        return Listing(_events, _FLAT, filters, ["at"], always, tie_break=("at", "seq"))

    return _Listings(listing(lambda rows, shown: ()), listing(lambda rows, shown: visible(rows, shown.one_force)))


_before = _entries.alias("before")


class Audited:
    """How one entry is read by its id: by whom it is audited, and by nobody else."""

    def __init__(self, one: Select[Any]) -> None:
        named = one.where(_entries.c.id == bindparam("of_id", type_=Uid()))
        self._of_all, self._of_forces = Statement(named), Statement(named.where(*visible(_entries)))

    async def read(self, call: Call) -> Record:
        """The entry that the path names. Raises 404."""
        _, id = identified(call.path["id"], None)
        row = None
        if id is not None and audits_all(call.by):
            row = await call.session.one(self._of_all, of_id=id)
        elif id is not None:
            row = await call.session.one(self._of_forces, of_id=id, forces=call.by.reach(READS))
        if row is None:
            raise Problem("not_found", "There is no audit event with this id.")
        return row


_ONE = Audited(
    select(*(_entries.c[name] for name in _FLAT), _entries.c.state, _before.c.state.label("state_before")).select_from(
        _entries.outerjoin(
            _before,
            and_(
                _before.c.subject_id == _entries.c.subject_id,
                _before.c.version == _entries.c.version - literal_column("1"),
            ),
        )
    )
)


async def list_events(listings: _Listings, call: Call) -> Answer:
    """A page of the entries that the caller audits, in the order of their moments."""
    fields = asked_fields(tuple(AuditEvent.model_fields), call)
    shaped = rowwise(lambda row: _only(_shown(row, call.by), fields))
    if audits_all(call.by):
        return await list_page(listings.of_all, call, "/v1/audit-events", {}, shaped)
    return await list_page(listings.of_forces, call, "/v1/audit-events", {"forces": call.by.reach(READS)}, shaped)


async def get_event(call: Call) -> Answer:
    """One entry, with what stood before where something was replaced."""
    row = await _ONE.read(call)
    event = _shown(row, call.by)
    if event["withheld"]:
        return answered(call, event | {"before": None, "state": {}})
    return answered(call, event | {"before": _replaced(row["patch"], row["state_before"]), "state": row["state"]})


def withheld(row: Record, by: Principal) -> str | None:
    """The permission that a caller lacks to be told the words of an entry, if they are of a single person.

    A note of who read what has no such words.
    """
    permission = None if row["version"] is None else WITHHELD.get(row["noun"])
    return None if permission is None or by.held.holds(permission, row["force_code"]) else permission


def audits_all(by: Principal) -> bool:
    """Whether a caller audits every force, and what no force owns."""
    return by.held.holds(READS, None)


def _shown(row: Record, by: Principal) -> Record:
    """An entry as it is answered."""
    version, lacking = row["version"], withheld(row, by)
    told = row if lacking is None else row | {"reason": None, "subject_ref": None, "patch": []}
    return {
        **{name: row[name] for name in ("id", "seq", "at", "kind")},
        "action": row["act"],
        "outcome": "refused" if row["kind"] == "denied" else "success",
        "actor": {"type": row["actor_type"], "id": row["actor_id"], "name": row["actor_name"],
                  "client_id": row["client_id"], "credential_id": row["credential_id"]},
        **{name: told[name] for name in ("request_id", "reason", "overridden")},
        "resource": {
            "type": row["noun"], "id": row["subject_id"], "ref": told["subject_ref"], "force": row["force_code"],
            "version_before": version - 1 if version is not None and version > 1 else None, "version_after": version,
        },
        "withheld": lacking,
        "patch": told["patch"],
    }  # fmt: skip


def _only(event: Record, fields: Iterable[str]) -> Record:
    return {name: event[name] for name in fields} or event


def _replaced(patch: Iterable[Mapping[str, Any]], before: Mapping[str, Any] | None) -> Record | None:
    """What stood at the places of a patch, which are members of the whole."""
    if before is None:
        return None
    return {each["path"]: before.get(each["path"].removeprefix("/")) for each in patch if each["path"]}


def operations(resources: Sequence[Resource]) -> list[Operation]:
    """The list and the reading of entries; what may be done to these resources is known."""
    listings = _listings(resources)
    return [
        Operation(
            "GET", "/v1/audit-events", "listAuditEvents", "audit", "List who did what, when and why", READS,
            partial(list_events, listings), {200: page_shape("AuditEvent", AuditEvent), 304: None},
            [*listing_parameters(listings.of_all), fields_parameter(tuple(AuditEvent.model_fields)), IF_NONE_MATCH],
            noted="read",
        ),
        Operation(
            "GET", "/v1/audit-events/{id}", "getAuditEvent", "audit", "Read one audit event", READS, get_event,
            {200: AuditEventRead, 304: None}, [ID, IF_NONE_MATCH], noted="read",
        ),
    ]  # fmt: skip
