"""How is a bundle made of the ledger, of what its reader audits, that `pip-api verify` accepts?

Leaves never change, so a bundle is read a window of them at a time, each in a statement of its own: however slow its
reader is, it holds no connection while it waits.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import BigInteger, ColumnElement, bindparam, select

from pip_api.access.permissions import WITHHELD
from pip_api.access.principals import Principal
from pip_api.db.columns import Code, Instant
from pip_api.db.scopes import EVERY_FORCE, Forces
from pip_api.db.session import Database
from pip_api.db.statements import Record, Statement
from pip_api.http.problems import bad_parameter
from pip_api.insight.audit_events import READS, audits_all
from pip_api.insight.audit_log import LOG_ID, SIZE, asked_head, asked_size, consistency, head_of
from pip_api.insight.bundled_rows import told_rows
from pip_api.insight.proofs import ENTRIES, SEALED, told
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.document import Operation, query
from pip_api.kernel.query import Filter, flag
from pip_api.kernel.resource import Resource, visible
from pip_api.ledger import seals
from pip_api.ledger.bundle import FORMAT, line
from pip_api.ledger.envelope import moment
from pip_api.ledger.seals import HEADS, LEAVES, RETIRED
from pip_api.ledger.tree import Node, inclusion_nodes, inclusion_proof

NDJSON = "application/x-ndjson"
WINDOW = 1_000
_ROWS = flag("rows")
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

_log = LEAVES.c.log_id == bindparam("log_id", type_=Code)
_low, _high = (bindparam(name, type_=BigInteger()) for name in ("low", "high"))
_since, _until = (bindparam(name, type_=Instant()) for name in ("since", "until"))
_in_span = (ENTRIES.c.at >= _since, ENTRIES.c.at < _until)


def _window(*conditions: ColumnElement[bool]) -> Statement:
    leaves = LEAVES.join(ENTRIES, ENTRIES.c.id == LEAVES.c.entry_id)
    within = (_log, LEAVES.c.leaf_index >= _low, LEAVES.c.leaf_index < _high)
    return Statement(SEALED.select_from(leaves).where(*within, *conditions).order_by(LEAVES.c.leaf_index))


_OF_ALL, _OF_FORCES = _window(*_in_span), _window(*_in_span, *visible(ENTRIES))
_HEADS = Statement(
    select(HEADS.c.tree_size, HEADS.c.signature)
    .where(HEADS.c.log_id == bindparam("log_id", type_=Code), HEADS.c.tree_size >= _low, HEADS.c.tree_size < _high)
    .order_by(HEADS.c.tree_size)
)
_RETIREMENTS = Statement(
    SEALED.select_from(
        RETIRED.join(ENTRIES, ENTRIES.c.id == RETIRED.c.entry_id).join(LEAVES, LEAVES.c.entry_id == ENTRIES.c.id)
    )
    .where(RETIRED.c.log_id >= bindparam("log_id", type_=Code))
    .order_by(RETIRED.c.log_id)
)
_LOGS = Statement(select(HEADS.c.log_id).distinct().order_by(HEADS.c.log_id))


async def export_log(resources: Sequence[Resource], call: Call) -> Answer:
    """A bundle of what the caller audits, for `pip-api verify`: entries, proofs and heads, as docs/audit.md says.

    It is full for whoever audits everything and asks for no span of time; any other proves each of its entries.
    """
    if not _ROWS.read(call.query.get("rows", "false")):
        resources = ()
    elif older := [name for name in ("from", "to", "tree_size") if name in call.query]:
        raise bad_parameter("rows", f"Rows are told as they are now: leave out {' and '.join(older)}.")
    resources = [each for each in resources if _tells(each, call.by)]
    since, until = (_moment(call, name) for name in ("from", "to"))
    head, kept, whole = await asked_head(call, "tree_size"), asked_size(call, "since"), audits_all(call.by)
    first = None if kept is None else await head_of(call.session, head["log_id"], kept)
    if first is not None and not 0 < first["tree_size"] <= head["tree_size"]:
        size = head["tree_size"]
        raise bad_parameter("since", f"'since' is the size of an earlier head: from 1 to {size}, that of this bundle.")
    others = [row["log_id"] for row in await call.session.fetch(_LOGS) if row["log_id"] != head["log_id"]]
    full = whole and since is None and until is None
    opening = line(
        "bundle",
        format=FORMAT,
        full=full,
        every_head=full,
        logs=[{"log_id": head["log_id"], "tree_size": head["tree_size"]}],
        other_logs=others,
        states=[each.noun for each in resources],
        exported_at=moment(call.now),
        exported_by={"id": str(call.by.id), "name": call.by.name},
    )
    reach: Record = {} if whole else {"forces": call.by.reach(READS)}
    span = {"since": since or _FIRST, "until": until or _LAST}
    # Whoever audits all forces audits also one that came after its grants were read: else the bundle had a gap.
    scope = EVERY_FORCE if whole else call.by.scope
    bundle = _Bundle(call.services.database, call.by, scope, head, first, full, whole, span, reach, resources)
    name = f'attachment; filename="audit-log-{head["log_id"]}.ndjson"'
    return Answer(200, bundle.lines(opening), {"Content-Disposition": name}, NDJSON)


def _moment(call: Call, name: str) -> datetime | None:
    text = call.query.get(name)
    return None if text is None else Filter(name, "", "moment", "").read(text)


@dataclass(frozen=True, slots=True)
class _Bundle:
    database: Database
    by: Principal
    scope: Forces
    head: Record
    first: Record | None
    """The head from which a proof of consistency is to lead."""
    full: bool
    whole: bool
    """Whether every force is audited."""
    span: Record
    reach: Record
    resources: Sequence[Resource]

    async def lines(self, opening: bytes) -> AsyncIterator[bytes]:
        count = 0
        async for part in self._parts(opening):
            count += part.count(b"\n")
            yield part
        yield line("end", lines=count)

    async def _parts(self, opening: bytes) -> AsyncIterator[bytes]:
        log_id, size = self.head["log_id"], self.head["tree_size"]
        yield opening
        async for part in self._heads():
            yield part
        if self.first is not None and self.first["tree_size"] < size:
            async with self.database.read(self.scope) as session:
                proof = await consistency(session, log_id, self.first["tree_size"], size)
            yield line("consistency", log_id=log_id, first=self.first["tree_size"], second=size, proof=proof)
        if closed := await self._retirements():
            yield closed
        entries = _OF_ALL if self.whole else _OF_FORCES
        params = {"log_id": log_id, **self.span, **self.reach}
        for low in range(0, size, WINDOW):
            async with self.database.read(self.scope) as session:
                rows = await session.fetch(entries, **params, low=low, high=min(low + WINDOW, size))
                indices = [row["leaf_index"] for row in rows]
                places = () if self.full else {place for index in indices for place in inclusion_nodes(index, size)}
                node = await seals.nodes(session, log_id, tuple(places)) if places else None
            if rows:
                yield await asyncio.to_thread(_written, rows, self.by, node, size)
        within = {"log_id": log_id, "size": size, **self.reach}
        for of in self.resources:
            async for part in told_rows(self.database, self.scope, of, self.whole, within, WINDOW):
                yield part

    async def _retirements(self) -> bytes:
        """The entries that closed this log and later ones, each with its own proof: they say why words are gone."""
        async with self.database.read(self.scope) as session:
            rows = await session.fetch(_RETIREMENTS, log_id=self.head["log_id"])
            heads = [await seals.newest_head(session, row["log_id"]) for row in rows]
            told = []
            for row, head in zip(rows, heads, strict=True):
                if head is not None:
                    size, index = head["tree_size"], row["leaf_index"]
                    node = await seals.nodes(session, row["log_id"], inclusion_nodes(index, size))
                    told.append(_entry(row, self.by, node, size, "retirement", head=head["signature"]))
        return b"".join(told)

    async def _heads(self) -> AsyncIterator[bytes]:
        if not self.full:
            several = {each["tree_size"]: each for each in (self.first or self.head, self.head)}
            yield b"".join(line("head", head=each["signature"]) for each in several.values())
            return
        size = self.head["tree_size"]
        for low in range(0, size + 1, WINDOW):
            async with self.database.read(self.scope) as session:
                high = min(low + WINDOW, size + 1)
                rows = await session.fetch(_HEADS, log_id=self.head["log_id"], low=low, high=high)
            if rows:
                yield b"".join(line("head", head=row["signature"]) for row in rows)


def _tells(of: Resource, by: Principal) -> bool:
    """Whether a bundle has the rows of a noun: those of single people only for who may read all that are audited."""
    permission = WITHHELD.get(of.noun)
    if permission is None or by.held.holds(permission, None):
        return True
    return not audits_all(by) and set(by.reach(READS)) <= set(by.reach(permission))


def _written(rows: Sequence[Record], by: Principal, node: Node | None, size: int) -> bytes:
    return b"".join(_entry(row, by, node, size) for row in rows)


def _entry(row: Record, by: Principal, node: Node | None, size: int, kind: str = "entry", **more: str) -> bytes:
    shown = {"log_id": row["log_id"], **told(row, by)}
    if node is not None:
        shown["proof"] = [each.hex() for each in inclusion_proof(row["leaf_index"], size, node)]
    return line(kind, **shown, **more)


def operations(resources: Sequence[Resource]) -> list[Operation]:
    """The export, with the rows of these resources."""
    return [
        Operation(
            "GET", "/v1/audit-log/export", "exportAuditLog", "audit", "Export the ledger with its proofs", READS,
            partial(export_log, resources), {200: None},
            [
                LOG_ID,
                query("tree_size", "The size of the head that is proved; the newest, where nothing is said.", SIZE),
                query("since", "The size of a head that was kept: with a proof from there.", {**SIZE, "minimum": 1}),
                query("from", "Only entries not before this moment.", {"type": "string", "format": "date-time"}),
                query("to", "Only entries before this moment.", {"type": "string", "format": "date-time"}),
                query(
                    "rows", "Also the rows as they are now, to hold them against their last entries.",
                    {"type": "boolean", "default": False},
                ),
            ],
            also={NDJSON: {"type": "string", "examples": ['{"lines":4,"type":"end"}']}}, sends=["Content-Disposition"],
            noted="export",
        ),
    ]  # fmt: skip
