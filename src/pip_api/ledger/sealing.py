"""How do entries come into the tree of their log, and who signs it?

Every quarter of a second one sealer takes what waits in the queue, in the order of its numbers, and writes leaves,
nodes and one signed head in one transaction. What it was doing when it died is undone, or is done. The next version of
a row is written only after the one before was committed, so causes stand before effects.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from time import monotonic
from typing import Any, Final

import structlog
from sqlalchemy import BigInteger, Column, ColumnElement, Integer, Table, bindparam, cast, delete, insert, select

from pip_api.access.keys import SigningKey
from pip_api.db.columns import Json, Uid, from_json
from pip_api.db.constructs import as_uid, constant, each, json_member, json_text
from pip_api.db.errors import Conflict, Unavailable
from pip_api.db.scopes import EVERY_FORCE
from pip_api.db.session import Database, Session
from pip_api.db.statements import Record, Statement
from pip_api.ledger import heads, seals
from pip_api.ledger.entries import LedgerEntry
from pip_api.ledger.envelope import SALT_BYTES, seal
from pip_api.ledger.heads import Head, log_of
from pip_api.ledger.log_state import LogState, look
from pip_api.ledger.seals import HEADS, LEAVES, NODES, Unsealed
from pip_api.ledger.tree import Frontier

MOST: Final = 5_000
"""Entries that are sealed in one round, at most."""
_BATCH = 250  # rows that are read at once: other requests are answered in between
_SEALER = "sealer of the ledger"
_LOOKS_FOR_MISSED = 3_600.0  # seconds between two searches for entries that wait in no queue
_AFTER_FAILURE = 1.0  # seconds

_entries = LedgerEntry.__table__  # type: ignore[attr-defined]
_queue = Unsealed.__table__  # type: ignore[attr-defined]


class TreeDamaged(Exception):
    """The nodes that are kept do not lead to the root that was signed: nothing is built on them."""


_WAITING = Statement(
    select(
        _queue.c.seq.label("number"),
        LEAVES.c.leaf_index,
        *(column for column in _entries.c if column.name not in ("seq", "state", "patch")),
        *(json_text(_entries.c[name]).label(name) for name in ("state", "patch")),
    )
    .select_from(_queue.outerjoin(_entries, _entries.c.seq == _queue.c.seq))
    .outerjoin(LEAVES, LEAVES.c.entry_id == _entries.c.id)
    .order_by(_queue.c.seq)
    .limit(bindparam("most", type_=Integer()))
)
_numbers = each(bindparam("numbers", type_=Json()))
_TAKE = Statement(delete(_queue).where(_queue.c.seq.in_(select(cast(_numbers.c.value, BigInteger())))))
_REQUEUE = Statement(
    insert(_queue).from_select(
        ["seq"],
        select(_entries.c.seq).where(
            ~select(LEAVES.c.leaf_index).where(LEAVES.c.entry_id == _entries.c.id).exists(),
            ~select(_queue.c.seq).where(_queue.c.seq == _entries.c.seq).exists(),
        ),
    )
)


def _adding(table: Table) -> Statement:
    """Adds rows, which travel as one list: thousands of parameters would keep the event loop for too long."""
    rows = each(bindparam("rows", type_=Json()))

    def value(column: Column[Any]) -> ColumnElement[Any]:
        text = json_member(rows.c.value, constant(column.name))
        return as_uid(text) if isinstance(column.type, Uid) else cast(text, column.type)

    return Statement(insert(table).from_select(table.c.keys(), select(*map(value, table.c))))


_ADD_LEAVES, _ADD_NODES = _adding(LEAVES), _adding(NODES)
_ADD_HEAD = Statement(insert(HEADS).values({c.name: bindparam(c.name, type_=c.type) for c in HEADS.c}))


@dataclass(frozen=True, slots=True)
class _Grown:
    """What a round adds to one log."""

    head: Record
    leaves: list[Record]
    nodes: list[Record]


class Sealer:
    """Seals what waits. Of several, in one process or in many, one works at a time and the others do nothing."""

    def __init__(self, database: Database, clock: Callable[[], datetime], key: SigningKey, state: LogState) -> None:
        self._database = database
        self._clock = clock
        self.key = key
        self._state = state
        self._lost: set[int] = set()
        """Numbers in the queue of which no entry is seen."""
        self._log = structlog.get_logger()

    async def run(self, seconds: float) -> None:
        """Seals for ever, every so many seconds, and at once where more waits than a round takes."""
        search_due = 0.0
        while True:
            try:
                if (now := monotonic()) >= search_due:
                    await self.return_to_queue()
                    search_due = now + _LOOKS_FOR_MISSED
                await look(self._database, self._state)
                while self._state.waiting and await self.round() == MOST:
                    await look(self._database, self._state)
                await asyncio.sleep(seconds)
            except Unavailable as error:
                self._log.warning("entries are not sealed while the database is unavailable", reason=str(error))
                await asyncio.sleep(_AFTER_FAILURE)
            except Exception:
                self._log.exception("entries were not sealed; it is tried again")
                await asyncio.sleep(_AFTER_FAILURE)

    async def round(self) -> int:
        """Takes at most MOST entries out of the queue and seals them, in one transaction; gives their number.

        What stands in the queue without an entry that is seen stays there and holds up nothing.
        """
        async with self._database.transaction(EVERY_FORCE, bulk=True) as session:
            if not await session.take(_SEALER):
                return 0
            most = MOST + len(self._lost)
            waiting = [row async for batch in session.stream(_WAITING, size=_BATCH, most=most) for row in batch]
            self._miss({row["number"] for row in waiting if row["id"] is None})
            rows = [row for row in waiting if row["id"] is not None][:MOST]
            if not rows:
                return 0
            sealed = await asyncio.to_thread(_sealed, [row for row in rows if row["leaf_index"] is None])
            try:
                signed = [await self._grow(session, log_id, list(each)) for log_id, each in groupby(sealed, _log)]
                taken = await session.run(_TAKE, numbers=[row["number"] for row in rows])
            except Conflict as conflict:
                if conflict.kind != "unique":
                    raise
                taken = -1
            if taken != len(rows):  # on SQLite, where nobody waits before the first write
                raise Unavailable("another process sealed the same entries")
        for head in signed:
            self._tell(head)
        return len(rows)

    def _miss(self, lost: set[int]) -> None:
        """Tells once of each number without an entry: somebody took an entry away, or wrote into the queue."""
        if new := sorted(lost - self._lost):
            self._log.error("numbers wait for a seal whose entries are not there", numbers=new[:20], count=len(new))
        self._lost = lost

    async def return_to_queue(self) -> int:
        """Queues again what has no leaf and does not wait, as after a restore; gives the number of such entries."""
        async with self._database.transaction(EVERY_FORCE, bulk=True) as session:
            await session.hold(_SEALER)  # else what another is sealing now would be queued again
            returned = await session.run(_REQUEUE)
        if returned:
            self._log.warning("entries without a seal did not wait for one", entries=returned)
        return returned

    async def _grow(self, session: Session, log_id: str, leaves: Sequence[Record]) -> Record:
        last = await seals.newest_head(session, log_id)
        frontier = await seals.frontier(session, log_id, last["tree_size"] if last else 0)
        if last is not None and frontier.root().hex() != last["root_hash"]:
            raise TreeDamaged(f"the nodes of the log {log_id} do not lead to the root of its head")
        now = self._clock()
        at = max(now, last["at"]) if last else now
        grown = await asyncio.to_thread(_grown, frontier, log_id, leaves, at, self.key)
        await session.run(_ADD_LEAVES, rows=grown.leaves)
        await session.run(_ADD_NODES, rows=grown.nodes)
        await session.run(_ADD_HEAD, **grown.head)
        return grown.head

    def _tell(self, head: Record) -> None:
        """Heads leave in the log too: whoever collects it holds what can no longer be denied."""
        self._state.has_grown(head)
        self._log.info("sealed", **{name: head[name] for name in ("log_id", "tree_size", "root_hash", "signature")})


def _sealed(rows: Sequence[Record]) -> list[Record]:
    """The leaves of entries, log by log, each in the order that they came in."""
    return sorted(map(_leaf, rows), key=_log)


def _leaf(row: Record) -> Record:
    made = seal(row | {name: from_json(row[name]) for name in ("state", "patch")}, os.urandom(SALT_BYTES))
    hashes = {"salt": made.salt.hex(), "body_digest": made.body_digest.hex(), "leaf_hash": made.leaf.hex()}
    return {"log_id": log_of(row["at"]), "entry_id": row["id"], **hashes}


def _log(leaf: Record) -> str:
    return str(leaf["log_id"])


def _grown(frontier: Frontier, log_id: str, leaves: Sequence[Record], at: datetime, key: SigningKey) -> _Grown:
    placed, nodes = [], []
    for leaf in leaves:
        placed.append({**leaf, "leaf_index": frontier.size})
        complete = frontier.append(bytes.fromhex(leaf["leaf_hash"]))
        nodes += [
            {"log_id": log_id, "level": level, "idx": idx, "hash": made.hex()} for level, idx, made in complete if level
        ]
    head = Head(log_id, frontier.size, frontier.root(), at)
    signed = {"log_id": log_id, "tree_size": head.tree_size, "root_hash": head.root.hex(), "at": at}
    return _Grown({**signed, "signature": heads.sign(head, key)}, placed, nodes)
