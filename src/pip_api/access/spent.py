"""Which tokens and which assertions count no more, although their time is not over?"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Index, bindparam, delete, exists, insert
from sqlmodel import Field, SQLModel

from pip_api.access.assertions import Assertion
from pip_api.access.tokens import Claims
from pip_api.db.columns import Code, Instant, Uid, in_ledger
from pip_api.db.errors import Conflict
from pip_api.db.session import Session
from pip_api.db.statements import Statement, column_of

_LEEWAY = timedelta(minutes=1)
"""A token counts a little longer than it says."""
_CLOCKS_APART = timedelta(minutes=5)
"""The database lets nothing go before its time, and goes by its own clock."""


class UsedAssertion(SQLModel, table=True):
    """An assertion that somebody signed in with. It is good for one time."""

    __tablename__ = "used_assertion"
    __table_args__ = (Index("used_assertion_kept_until", "kept_until"),)

    client_id: str = Field(primary_key=True, sa_type=Code)
    jti: str = Field(primary_key=True, sa_type=Code)
    kept_until: datetime = Field(sa_type=Instant)


class RevokedToken(SQLModel, table=True):
    """An access token that was ended before its time."""

    __tablename__ = "revoked_token"
    __table_args__ = (Index("revoked_token_kept_until", "kept_until"),)

    issuer: str = Field(primary_key=True, sa_type=Code)
    jti: str = Field(primary_key=True, sa_type=Code)
    kept_until: datetime = Field(sa_type=Instant)
    entry_id: UUID = Field(sa_column_args=[in_ledger()], sa_type=Uid)


def _insert(table: type[SQLModel]) -> Statement:
    columns = table.__table__.c  # type: ignore[attr-defined]
    return Statement(insert(table).values({each.name: bindparam(each.name, type_=each.type) for each in columns}))


_TABLES: tuple[type[SQLModel], ...] = (UsedAssertion, RevokedToken)
_USE, _REVOKE = map(_insert, _TABLES)
_FORGET = [
    Statement(delete(each).where(column_of(each, "kept_until") <= bindparam("now", type_=Instant())))
    for each in _TABLES
]


async def use(session: Session, assertion: Assertion) -> bool:
    """Whether an assertion is used for the first time. Of two processes that ask at once, one is told so.

    To the other the transaction is of no more use.
    """
    row = {"client_id": assertion.client_id, "jti": assertion.jti, "kept_until": assertion.kept_until}
    try:
        await session.run(_USE, **row)
    except Conflict as conflict:
        if conflict.kind != "unique":
            raise
        return False
    return True


async def revoke(session: Session, claims: Claims, entry_id: UUID) -> None:
    """Ends a token. Raises Conflict when it was ended before."""
    kept_until = claims.expires_at + _LEEWAY
    await session.run(_REVOKE, issuer=claims.issuer, jti=claims.jti, kept_until=kept_until, entry_id=entry_id)


def is_revoked(issuer: ColumnElement[str], jti: ColumnElement[str]) -> ColumnElement[bool]:
    """A condition for the statement that looks for the account of a token."""
    same = column_of(RevokedToken, "issuer") == issuer, column_of(RevokedToken, "jti") == jti
    return exists().where(*same)


async def forget_old(session: Session, now: datetime) -> None:
    """Drops what would be refused for its age by now."""
    for statement in _FORGET:
        await session.run(statement, now=now - _CLOCKS_APART)
