"""What did the rows look like at a moment, or in the snapshot that a walk through a list began with?

The current rows are taken where nothing has happened to them since; for the others the ledger has the version that
stood then. The outcome has the columns of the table itself, so whatever reads the table can read this instead.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, FromClause, String, Table, and_, bindparam, exists, literal_column, or_, select

from pip_api.db.columns import Instant
from pip_api.db.constructs import constant, kept, unseen
from pip_api.db.statements import Record
from pip_api.ledger.entries import LedgerEntry

LONGEST_TRANSACTION = timedelta(hours=1)
"""No transaction is let run for longer, so what happened earlier before a snapshot than this is in it."""

_entries: Table = LedgerEntry.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Mark:
    """What a reading counts: what had happened at a moment, what a snapshot shows, what both have; or all."""

    moment: datetime | None = None
    snapshot: str | None = None
    taken_at: datetime | None = None
    """About when the snapshot was taken."""

    @property
    def kind(self) -> "MarkKind":
        return MarkKind(self.moment is not None, self.snapshot is not None)

    @property
    def params(self) -> Record:
        """The parameters of statements that read so."""
        params: Record = {} if self.moment is None else {"as_of": self.moment}
        if self.snapshot is not None and self.taken_at is not None:
            params |= {"snapshot": self.snapshot, "snapshot_since": self.taken_at - LONGEST_TRANSACTION}
        return params


@dataclass(frozen=True, slots=True)
class MarkKind:
    """Which of the two limits a reading has: each kind needs statements of its own."""

    moment: bool = False
    snapshot: bool = False

    def __bool__(self) -> bool:
        return self.moment or self.snapshot


NOW = MarkKind()


def as_of(table: Table, noun: str, kind: MarkKind) -> FromClause:
    """The rows of a noun as they stood, with the columns of their table."""
    if not kind:
        return table
    last = _entries.alias("last_entry")
    untouched = ~exists(
        select(last.c.seq).where(last.c.subject_id == table.c.id, last.c.version == table.c.version, later(last, kind))
    )
    following, stood = _entries.alias("following_entry"), _entries.alias("stood_entry")
    # Apart from the rest, since a subtraction may fail, and what may fail PostgreSQL looks at after a table's policy,
    # too late for an index: the entries of a row with a thousand versions would be read a million times.
    followed = (
        select(following.c.subject_id, (following.c.version - literal_column("1")).label("version"))
        .where(following.c.noun == constant(noun), later(following, kind))
        .cte(f"followed_{noun}")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    replaced = and_(
        stood.c.subject_id == followed.c.subject_id, stood.c.version == followed.c.version, ~later(stood, kind)
    )
    members = [kept(stood.c.state, column).label(column.name) for column in table.c]
    return select(*table.c).where(untouched).union_all(select(*members).where(replaced)).subquery(noun)


def as_of_appended(table: Table, kind: MarkKind) -> FromClause:
    """The same for a table that only grows, whose rows name the entry that brought them."""
    if not kind:
        return table
    brought = _entries.alias("brought_by")
    known = ~exists(select(brought.c.seq).where(brought.c.id == table.c.entry_id, later(brought, kind)))
    return select(*table.c).where(known).subquery(table.name)


def later(entry: Any, kind: MarkKind) -> ColumnElement[bool]:
    """Whether an entry is not counted."""
    conditions: list[ColumnElement[bool]] = []
    if kind.moment:
        conditions.append(entry.c.at > bindparam("as_of", type_=Instant()))
    if kind.snapshot:
        since = bindparam("snapshot_since", type_=Instant())
        transaction: ColumnElement[Any] = literal_column(f"{entry.name}.xmin")
        conditions.append(unseen(entry.c.seq, transaction, entry.c.at, bindparam("snapshot", type_=String()), since))
    return or_(*conditions)
