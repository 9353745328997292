"""With what does a program prove that it is the one it says?"""

import hashlib
import hmac
import secrets
from datetime import datetime

from sqlalchemy import bindparam, or_, select

from pip_api.access.tables import ACCOUNT, CREDENTIAL
from pip_api.db.columns import Code, Instant
from pip_api.db.session import Session
from pip_api.db.statements import Record, Statement


def new_secret() -> str:
    """A secret of 256 random bits. It is shown once; only its hash is kept."""
    return secrets.token_urlsafe(32)


def secret_hash(secret: str) -> str:
    """SHA-256: a slow hash protects secrets that people choose, and these are random."""
    return hashlib.sha256(secret.encode()).hexdigest()


_NOW = bindparam("now", type_=Instant())
_SECRETS = Statement(
    select(ACCOUNT.c.id, ACCOUNT.c.client_id, CREDENTIAL.c.secret_hash)
    .join_from(ACCOUNT, CREDENTIAL, ACCOUNT.c.id == CREDENTIAL.c.account_id)
    .where(
        ACCOUNT.c.client_id == bindparam("client_id", type_=Code),
        ACCOUNT.c.issuer.is_(None),
        or_(ACCOUNT.c.disabled_at.is_(None), ACCOUNT.c.disabled_at > _NOW),
        CREDENTIAL.c.secret_hash.is_not(None),
        CREDENTIAL.c.withdrawn_at.is_(None),
        CREDENTIAL.c.valid_from <= _NOW,
        or_(CREDENTIAL.c.expires_at.is_(None), CREDENTIAL.c.expires_at > _NOW),
    )
)


async def authenticate(session: Session, client_id: str, secret: str, now: datetime) -> Record | None:
    """The account of a client with this id and one of its secrets, or None.

    Takes the same steps whether or not the id exists.
    """
    sent, client = secret_hash(secret), None
    for row in await session.fetch(_SECRETS, client_id=client_id, now=now) or [{"secret_hash": secret_hash("")}]:
        if hmac.compare_digest(row["secret_hash"], sent) and "id" in row:
            client = row
    return client
