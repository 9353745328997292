"""How does a log whose time is over lose what need not be kept, so that every proof still holds?

The log is closed with the newest of its heads, and an entry of today says so. Then words and names go from its entries,
and the salts with them; envelopes and leaves stay. Of each row the version stays that stood at the end of the log: rows
of now, and what they were at any moment since, are built on it. It goes when a log is retired that has a later one.
Figures keep their revisions themselves, so that their entries go.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Table,
    and_,
    bindparam,
    exists,
    func,
    insert,
    not_,
    null,
    or_,
    select,
    update,
)

from pip_api.access.principals import Principal
from pip_api.db.columns import Code, Instant, Uid
from pip_api.db.constructs import Uids, any_of, constant
from pip_api.db.scopes import EVERY_FORCE
from pip_api.db.session import Database, Session
from pip_api.db.statements import Record, Statement
from pip_api.ledger import entries, seals
from pip_api.ledger.entries import LedgerEntry, Occasion
from pip_api.ledger.heads import end_of
from pip_api.ledger.seals import HEADS, LEAVES, RETIRED, Unsealed

ACT: Final = "log.retired"
_GONE: Final = "[retired]"
_BATCH: Final = 500  # entries that lose their words in one transaction

_entries: Table = LedgerEntry.__table__  # type: ignore[attr-defined]
_next = _entries.alias("next_version")
_end = bindparam("end", type_=Instant())


def _goes() -> ColumnElement[bool]:
    """Whether an entry is one that need not be kept."""
    later = exists().where(
        _next.c.subject_id == _entries.c.subject_id, _next.c.version == _entries.c.version + 1, _next.c.at < _end
    )
    kept = _entries.c.retired_by.is_(None)
    is_version = and_(_entries.c.subject_id.is_not(None), _entries.c.version.is_not(None))
    return and_(_entries.c.at < _end, kept, _entries.c.noun != constant("log"), or_(not_(is_version), later))


_COUNT = Statement(select(func.count().label("count")).select_from(_entries).where(_goes()))
_NEXT = Statement(
    select(_entries.c.seq, _entries.c.id)
    .where(_entries.c.seq > bindparam("after", type_=_entries.c.seq.type), _goes())
    .order_by(_entries.c.seq)
    .limit(bindparam("limit", type_=Integer()))
)
_ids = bindparam("ids", type_=Uids())
_TAKE = Statement(
    update(_entries)
    .where(any_of(_entries.c.id, _ids))
    .values(
        state=bindparam("state", {}, type_=_entries.c.state.type),
        patch=bindparam("patch", [], type_=_entries.c.patch.type),
        reason=null(),
        subject_ref=null(),
        actor_name=_GONE,
        retired_by=bindparam("by", type_=Uid()),
    )
)
_UNSALT = Statement(update(LEAVES).where(any_of(LEAVES.c.entry_id, _ids)).values(salt=null()))
_CLOSED = Statement(select(RETIRED.c.entry_id).where(RETIRED.c.log_id == bindparam("log_id", type_=Code)))
_EARLIER = Statement(
    select(func.min(HEADS.c.log_id).label("log_id")).where(
        HEADS.c.log_id < bindparam("log_id", type_=Code), ~exists().where(RETIRED.c.log_id == HEADS.c.log_id)
    )
)
_queue = Unsealed.__table__  # type: ignore[attr-defined]
_WAITS = Statement(
    select(_queue.c.seq).join(_entries, _entries.c.seq == _queue.c.seq).where(_entries.c.at < _end).limit(1)
)
_CLOSE = Statement(insert(RETIRED).values({c.name: bindparam(c.name, type_=c.type) for c in RETIRED.c}))


class NotRetired(Exception):
    """A log cannot be retired now; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A log that nothing comes into any more."""

    log_id: str
    entry_id: UUID


async def close(
    database: Database, log_id: str, years: int, by: Principal, now: datetime, new_id: Callable[[], UUID], reason: str
) -> Closed:
    """Closes a log, or finds it closed. Raises NotRetired."""
    end = end_of(log_id)
    first_day = end.replace(year=end.year + years)
    if now < first_day:
        raise NotRetired(
            f"The log of {log_id} is kept for {years} years: it may be retired from {first_day.date()} on."
        )
    async with database.transaction(EVERY_FORCE, bulk=True) as session:
        if (closed := await session.one(_CLOSED, log_id=log_id)) is not None:
            return Closed(log_id, closed["entry_id"])
        entry = await _closing(session, log_id, Occasion(now, by, "pip-api-ledger", reason or None), new_id(), years)
        await entries.record(session, entry)
        await session.run(_CLOSE, log_id=log_id, entry_id=entry["id"])
    return Closed(log_id, entry["id"])


async def _closing(session: Session, log_id: str, occasion: Occasion, id: UUID, years: int) -> Record:
    """The entry that closes a log: with which head, and of how many entries the words go."""
    end = end_of(log_id)
    head, earlier = await seals.newest_head(session, log_id), await session.one(_EARLIER, log_id=log_id)
    if head is None:
        raise NotRetired(f"There is no log of {log_id}.")
    if earlier is not None and earlier["log_id"] is not None:
        raise NotRetired(f"The log of {earlier['log_id']} comes first.")
    if await session.one(_WAITS, end=end) is not None:
        raise NotRetired(f"Something in the log of {log_id} is not sealed yet.")
    (counted,) = await session.fetch(_COUNT, end=end)
    told = {name: head[name] for name in ("log_id", "tree_size", "root_hash")} | {"head": head["signature"]}
    return entries.entry(
        occasion, id=id, act=ACT, subject_id=None, subject_ref=log_id, version=None, force_code=None,
        state={**told, "entries": counted["count"], "years": years}, patch=[], kind="system",
    )  # fmt: skip


async def empty(database: Database, closed: Closed) -> int:
    """Takes words, names and salts from what need not be kept of a closed log and those before; gives the number of
    entries. What was broken off is gone on with."""
    done, after, end = 0, 0, end_of(closed.log_id)
    while True:
        async with database.transaction(EVERY_FORCE, bulk=True) as session:
            rows = await session.fetch(_NEXT, end=end, after=after, limit=_BATCH)
            if not rows:
                return done
            ids = [row["id"] for row in rows]
            await session.run(_TAKE, ids=ids, by=closed.entry_id)
            await session.run(_UNSALT, ids=ids)
        done, after = done + len(rows), rows[-1]["seq"]
