"""With what does a program prove that it is the one it says?"""

import hashlib
import hmac
import secrets
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, bindparam, or_, select

from pip_api.access import assertions, spent
from pip_api.access.keys import thumbprint
from pip_api.access.oauth import Named, NotTheClient, Proof
from pip_api.access.places import force_in
from pip_api.access.signatures import VerifyingKeys
from pip_api.access.tables import ACCOUNT, CREDENTIAL
from pip_api.access.token_text import TokenRefused
from pip_api.db.columns import Code, Instant
from pip_api.db.session import Session
from pip_api.db.statements import Record, Statement


class Client(NamedTuple):
    """A program that proved who it is, and with which credential."""

    id: UUID
    client_id: str
    name: str
    credential_id: UUID
    force_code: str | None
    """The force that it belongs to, if it is one's."""


def new_secret() -> str:
    """A secret of 256 random bits. It is shown once; only its hash is kept."""
    return secrets.token_urlsafe(32)


def secret_hash(secret: str) -> str:
    """SHA-256: a slow hash protects secrets that people choose, and these are random."""
    return hashlib.sha256(secret.encode()).hexdigest()


_NOW = bindparam("now", type_=Instant())
_GOOD = and_(
    CREDENTIAL.c.account_id == ACCOUNT.c.id,
    CREDENTIAL.c.withdrawn_at.is_(None),
    CREDENTIAL.c.valid_from <= _NOW,
    CREDENTIAL.c.expires_at > _NOW,
    or_(ACCOUNT.c.disabled_at.is_(None), ACCOUNT.c.disabled_at > _NOW),
)
_KNOWN = Statement(
    select(
        ACCOUNT.c.id, ACCOUNT.c.client_id, ACCOUNT.c.name, ACCOUNT.c.place,
        CREDENTIAL.c.id.label("credential_id"), CREDENTIAL.c.secret_hash, CREDENTIAL.c.jwk,
    )
    .select_from(ACCOUNT.outerjoin(CREDENTIAL, _GOOD))
    .where(ACCOUNT.c.client_id == bindparam("client_id", type_=Code), ACCOUNT.c.issuer.is_(None))
)  # fmt: skip
"""The account of a client, with each credential that is good; without any, where there is none."""


async def authenticate(session: Session, proof: Proof, audiences: Collection[str], now: datetime) -> Client:
    """The client that a proof is of. Raises NotTheClient.

    A client that there is not, and a credential that is not good, take the same steps as one that is.
    """
    rows = await session.fetch(_KNOWN, client_id=proof.client_id, now=now)
    good = [row for row in rows if row["credential_id"] is not None]
    if proof.assertion is None:
        found = _with_secret(good, proof.secret or "")
    else:
        found = await _with_key(session, good, proof, proof.assertion, audiences, now)
    if found is None:
        raise NotTheClient(account=_named(rows[0]) if rows else None)
    return Client(found["id"], found["client_id"], found["name"], found["credential_id"], force_in(found["place"]))


def _named(row: Record) -> Named:
    return Named(row["id"], row["client_id"], force_in(row["place"]))


def _with_secret(good: list[Record], secret: str) -> Record | None:
    sent = secret_hash(secret)
    known = [row for row in good if row["secret_hash"] is not None]
    matching = [row for row in known if hmac.compare_digest(row["secret_hash"], sent)]
    if not known:
        hmac.compare_digest(sent, secret_hash(""))
    return matching[0] if matching else None


async def _with_key(
    session: Session, good: list[Record], proof: Proof, text: str, audiences: Collection[str], now: datetime
) -> Record | None:
    keys = {row["jwk"]["kid"]: row for row in good if row["jwk"] is not None}
    try:
        assertion = assertions.verified(
            text, proof.client_id, {kid: row["jwk"] for kid, row in keys.items()}, audiences, now
        )
    except TokenRefused:
        return None
    return keys[assertion.kid] if await spent.use(session, assertion) else None


_MEMBERS = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n")}
_ALGORITHMS = {"EC": "ES256", "RSA": "RS256"}
LEAST_RSA_BITS = 3072


def usable_key(jwk: Mapping[str, Any]) -> dict[str, str] | None:
    """A public key as it is kept: what makes it the key that it is, and its name. None for one that is not good.

    Without a `kid` of its own it is named by its RFC 7638 thumbprint. A program can make itself a key of any length, so
    none of RSA is let down below 128 bits of strength, as an issuer's may be.
    """
    kind = jwk.get("kty")
    if not isinstance(kind, str) or kind not in _MEMBERS:
        return None
    if not all(isinstance(jwk.get(name), str) for name in _MEMBERS[kind]):
        return None
    members = {name: jwk[name] for name in _MEMBERS[kind]}
    kid = jwk.get("kid", thumbprint(members))
    if not isinstance(kid, str) or not VerifyingKeys({kid: jwk}, LEAST_RSA_BITS).kids:
        return None
    return {**members, "kid": kid, "alg": _ALGORITHMS[kind], "use": "sig"}
