"""How do several processes on one PostgreSQL share what a client may ask for?

One row for each client and policy counts what was handed out in the current window. A process takes its share of what
is left, a twentieth, and asks again when that is used up: the sum never exceeds the quota, a process that goes away
takes a twentieth with it at most, and most requests touch no row.
"""

from sqlalchemy import BigInteger, ColumnElement, bindparam, case, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel

from pip_api.db.columns import Code
from pip_api.db.errors import ReadOnly
from pip_api.db.session import Database
from pip_api.db.statements import Statement, column_of
from pip_api.http.rates import Lease, Policy, whole_quota

SHARE = 20


class RateCount(SQLModel, table=True):
    """Requests handed out to processes. On PostgreSQL it is not logged: after a crash counting begins anew."""

    __tablename__ = "rate_count"

    client_id: str = Field(primary_key=True, sa_type=Code)
    policy: str = Field(primary_key=True)
    window_start: int = Field(sa_type=BigInteger)
    taken: int = Field(sa_type=BigInteger)
    granted: int = Field(sa_type=BigInteger)
    """The last lease."""


def _lease() -> Statement:
    """One statement, so that of two processes the second sees what the first took.

    A process whose clock is behind takes from the later window.
    """
    start, taken, granted = (column_of(RateCount, name) for name in ("window_start", "taken", "granted"))
    sent = {name: bindparam(name, type_=BigInteger()) for name in ("start", "first", "quota")}
    new = insert(RateCount).values(
        client_id=bindparam("client_id"), policy=bindparam("policy"), window_start=sent["start"],
        taken=sent["first"], granted=sent["first"],
    )  # fmt: skip
    left = func.greatest(sent["quota"] - taken, 0)
    share: ColumnElement[int] = func.least(left, func.greatest(left // SHARE, 1))
    same = start >= new.excluded.window_start
    leased = (
        new.on_conflict_do_update(
            index_elements=["client_id", "policy"],
            set_={
                "window_start": func.greatest(start, new.excluded.window_start),
                "taken": case((same, taken + share), else_=new.excluded.taken),
                "granted": case((same, share), else_=new.excluded.granted),
            },
        )
        .returning(granted, taken)
        .cte("leased")
    )
    return Statement(select(leased.c.granted, leased.c.taken))


_LEASE = _lease()


class SharedLeases:
    """Leases from the database. While it takes no writes each process counts alone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, client_id: str, policy: Policy, start: int) -> Lease:
        first = max(policy.quota // SHARE, 1)
        asked = {"client_id": client_id, "policy": policy.name, "start": start, "first": first, "quota": policy.quota}
        try:
            async with self._database.transaction() as session:
                (row,) = await session.fetch(_LEASE, **asked)
        except ReadOnly:
            return await whole_quota(client_id, policy, start)
        return Lease(row["granted"], max(policy.quota - row["taken"], 0))
