"""Which programs may ask for a token, and which roles were they given where?"""

import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import String, bindparam, insert, select, update
from sqlmodel import Field, SQLModel

from pip_api.db.columns import Code, Instant, Uid, in_ledger
from pip_api.db.session import Session
from pip_api.db.statements import Record, Statement, column_of

Scope = Literal["national", "region", "force"]


class ServiceClient(SQLModel, table=True):
    __tablename__ = "service_client"

    id: UUID = Field(primary_key=True, sa_type=Uid)
    client_id: str = Field(unique=True, sa_type=Code)
    name: str
    secret_hash: str
    created_at: datetime = Field(sa_type=Instant)
    disabled_at: datetime | None = Field(default=None, sa_type=Instant)
    needs_keys: bool = Field(description="Whether its every change has to come with an Idempotency-Key.")
    entry_id: UUID = Field(sa_column_args=[in_ledger()], sa_type=Uid)


class Grant(SQLModel, table=True):
    __tablename__ = "access_grant"

    id: UUID = Field(primary_key=True, sa_type=Uid)
    client_id: UUID = Field(foreign_key="service_client.id", index=True, sa_type=Uid)
    role: str
    scope: Scope = Field(sa_type=String)
    scope_code: str | None = Field(default=None, sa_type=Code)
    valid_from: datetime = Field(sa_type=Instant)
    valid_to: datetime | None = Field(default=None, sa_type=Instant)
    granted_by: str
    reason: str
    entry_id: UUID = Field(sa_column_args=[in_ledger()], sa_type=Uid)


def new_secret() -> str:
    """A secret of 256 random bits. It is shown once; only its hash is kept."""
    return secrets.token_urlsafe(32)


def secret_hash(secret: str) -> str:
    """SHA-256: a slow hash protects secrets that people choose, and these are random."""
    return hashlib.sha256(secret.encode()).hexdigest()


INSERT_CLIENT = Statement(insert(ServiceClient))
INSERT_GRANT = Statement(insert(Grant))
DISABLE_CLIENT = Statement(
    update(ServiceClient)
    .where(column_of(ServiceClient, "id") == bindparam("of_id", type_=Uid()))
    .values({name: bindparam(name, type_=column_of(ServiceClient, name).type) for name in ("disabled_at", "entry_id")})
)
CLIENT = Statement(
    select(*ServiceClient.__table__.c).where(column_of(ServiceClient, "client_id") == bindparam("client_id"))  # type: ignore[attr-defined]
)


async def authenticate(session: Session, client_id: str, secret: str) -> Record | None:
    """The client with this id and secret, or None. Takes the same steps whether or not the id exists."""
    client = await session.one(CLIENT, client_id=client_id)
    known = client["secret_hash"] if client is not None else secret_hash("")
    matches = hmac.compare_digest(known, secret_hash(secret))
    return client if client is not None and matches and client["disabled_at"] is None else None
