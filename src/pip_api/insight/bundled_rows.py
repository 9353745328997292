"""Which rows does a bundle tell as they are now, to be held against what their last entries say?"""

from collections.abc import AsyncIterator, Sequence
from functools import cache
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Integer, bindparam, exists, select

from pip_api.db.columns import Code, Uid
from pip_api.db.constructs import constant
from pip_api.db.scopes import Forces
from pip_api.db.session import Database
from pip_api.db.statements import Record, Statement
from pip_api.insight.proofs import ENTRIES
from pip_api.kernel.changes import plain
from pip_api.kernel.resource import Resource, visible
from pip_api.ledger.bundle import line
from pip_api.ledger.envelope import sealable
from pip_api.ledger.seals import LEAVES

_BEFORE_ALL = UUID(int=0)


async def told_rows(
    database: Database, scope: Forces, of: Resource, whole: bool, params: Record, window: int
) -> AsyncIterator[bytes]:
    """The lines of a noun's rows that have entries in a log below a size, so many at a time."""
    statement, after = _rows(of, whole), _BEFORE_ALL
    while True:
        async with database.read(scope) as session:
            rows = await session.fetch(statement, **params, after=after, limit=window)
        if rows:
            yield _told(of, rows)
            after = rows[-1]["id"]
        if len(rows) < window:
            return


@cache
def _rows(of: Resource, whole: bool) -> Statement:
    """Rows by id. Whoever does not audit `whole` is told of those whose entries are told; whoever does, also of those
    that have no entry in any log, so that what was slipped in is found."""
    table = of.table
    versions = (
        ENTRIES.c.subject_id == table.c.id,
        ENTRIES.c.noun == constant(of.noun),
        ENTRIES.c.version.is_not(None),
    )
    told: ColumnElement[bool] = exists(
        select(LEAVES.c.leaf_index)
        .select_from(LEAVES.join(ENTRIES, ENTRIES.c.id == LEAVES.c.entry_id))
        .where(
            *versions,
            LEAVES.c.log_id == bindparam("log_id", type_=Code),
            LEAVES.c.leaf_index < bindparam("size", type_=BigInteger()),
            *(() if whole else visible(ENTRIES)),
        )
    )
    if whole:
        told |= ~exists(select(ENTRIES.c.id).where(*versions))
    return Statement(
        select(*(table.c[name] for name in of.names))
        .where(table.c.id > bindparam("after", type_=Uid()), told)
        .order_by(table.c.id)
        .limit(bindparam("limit", type_=Integer()))
    )


def _told(of: Resource, rows: Sequence[Record]) -> bytes:
    return b"".join(line("state", noun=of.noun, id=str(row["id"]), row=sealable(plain(row))) for row in rows)
