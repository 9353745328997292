"""What does this process know of the newest log, and of what waits to be sealed?"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy import func, literal_column, select, true

from pip_api.db.errors import Unavailable
from pip_api.db.scopes import EVERY_FORCE
from pip_api.db.session import Database
from pip_api.db.statements import Record, Statement
from pip_api.ledger import seals
from pip_api.ledger.entries import LedgerEntry
from pip_api.ledger.heads import end_of, key_of, log_of
from pip_api.ledger.seals import HEADS, RETIRED, Unsealed

LONGEST_LAG: Final = 10.0
"""Seconds that an entry may wait for its seal before readiness warns."""
_EVERY = 1.0  # seconds

_entries = LedgerEntry.__table__  # type: ignore[attr-defined]
_queue = Unsealed.__table__  # type: ignore[attr-defined]


@dataclass(slots=True)
class LogState:
    """As it was when this process last looked, or sealed."""

    log_id: str = ""
    tree_size: int = 0
    head_at: datetime | None = None
    waiting: int = 0
    oldest: datetime | None = None
    """The moment of the entry that has waited longest."""
    kept_from: datetime | None = None
    """What was before is no longer kept whole; None where all is."""
    keys: Sequence[Mapping[str, str]] = ()
    """The public keys of heads: of those to come, and of those that were signed before."""

    def has_grown(self, head: Record) -> None:
        if (head["log_id"], head["tree_size"]) > (self.log_id, self.tree_size):
            self.log_id, self.tree_size, self.head_at = head["log_id"], head["tree_size"], head["at"]

    def size_at(self, at: datetime) -> int:
        """How large the log of a moment is, as far as is known here."""
        return self.tree_size if self.log_id == log_of(at) else 0

    def lag(self, now: datetime) -> float:
        """Seconds that the oldest entry waits for its seal."""
        return 0.0 if self.oldest is None else max((now - self.oldest).total_seconds(), 0.0)

    def figures(self, clock: Callable[[], datetime]) -> Mapping[str, tuple[str, Callable[[], float]]]:
        """Numbers for whoever watches over the service."""

        def head_age() -> float:
            return 0.0 if self.head_at is None else (clock() - self.head_at).total_seconds()

        return {
            "seal_lag_seconds": ("Seconds that the oldest entry waits for its seal.", lambda: self.lag(clock())),
            "seal_queue": ("Entries that wait for their seals.", lambda: self.waiting),
            "log_tree_size": ("Entries in the newest log.", lambda: self.tree_size),
            "log_head_age_seconds": ("Seconds since the newest head was signed.", head_age),
        }


def _looking() -> Statement:
    # What has no entry is passed over: it has waited for no time that anybody knows.
    in_order = select(_entries.c.at).join(_queue, _queue.c.seq == _entries.c.seq).order_by(_queue.c.seq)
    oldest = in_order.limit(literal_column("1")).scalar_subquery()
    waiting = select(func.count().label("waiting"), oldest.label("oldest")).select_from(_queue).subquery("waiting")
    newest = select(HEADS).order_by(HEADS.c.log_id.desc(), HEADS.c.tree_size.desc())
    head = newest.limit(literal_column("1")).subquery("head")
    retired = select(func.max(RETIRED.c.log_id)).scalar_subquery().label("retired")
    shown = (head.c[name] for name in ("log_id", "tree_size", "at"))
    return Statement(
        select(waiting.c.waiting, waiting.c.oldest, retired, *shown).select_from(waiting.outerjoin(head, true()))
    )


_LOOK = _looking()


async def look(database: Database, state: LogState) -> None:
    """Looks how large the newest log is, and how much waits."""
    async with database.read(EVERY_FORCE) as session:
        (found,) = await session.fetch(_LOOK)
    state.waiting, state.oldest = found["waiting"], found["oldest"]
    if found["retired"] is not None:
        state.kept_from = end_of(found["retired"])
    if found["log_id"] is not None:
        state.has_grown(found)


async def tell_of_missing_key(database: Database, state: LogState) -> None:
    """Says in the log when nobody could check the newest head with the keys that this process publishes."""
    async with database.read(EVERY_FORCE) as session:
        newest = await seals.newest_head(session)
    kid = None if newest is None else key_of(newest["signature"])
    if newest is not None and kid not in {each.get("kid") for each in state.keys}:
        structlog.get_logger().warning(
            "the newest head was signed with a key that is not published: add its public key to"
            " PIP_EARLIER_SEALING_KEY_FILES",
            kid=kid, log_id=newest["log_id"], tree_size=newest["tree_size"],
        )  # fmt: skip


async def watch(database: Database, state: LogState) -> None:
    """Looks for ever, for a process that leaves sealing to others."""
    log = structlog.get_logger()
    while True:
        try:
            await look(database, state)
        except Unavailable as error:
            log.debug("nobody knows how large the log is", reason=str(error))
        except Exception:
            log.exception("nobody knows how large the log is")
        await asyncio.sleep(_EVERY)
