"""Has this very request been answered already (Idempotency-Key)?

A key is consumed exactly when an effect is committed: the answer is kept in the transaction of the effect. What was
refused, or died on the way, leaves no trace, and may be mended and sent again with the same key.
"""

import hashlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import rfc8785
from sqlalchemy import Index, LargeBinary, bindparam, delete, insert, select
from sqlmodel import Field, SQLModel

from pip_api.access.principals import Principal
from pip_api.db.columns import Code, Instant, Json, Uid
from pip_api.db.errors import Conflict, StillHeld
from pip_api.db.session import Session
from pip_api.db.statements import Statement, column_of
from pip_api.http.problems import Problem, fault
from pip_api.kernel.call import Answer, Permit
from pip_api.kernel.running import Running

LONGEST_WAIT = 2.0  # seconds, for the first request with a key to be answered
RETENTION = timedelta(days=7)
_KEY = re.compile(r'"(?P<quoted>(?:[!#-\[\]-~]|\\["\\]){1,255})"|(?P<bare>[!#-\[\]-~]{1,255})')


class IdempotencyKey(SQLModel, table=True):
    """The answer to a request that had an effect and a key. No other client's key can be the same."""

    __tablename__ = "idempotency_key"
    __table_args__ = (Index("idempotency_key_answered_at", "answered_at"),)

    client_id: UUID = Field(primary_key=True, sa_type=Uid)
    operation: str = Field(primary_key=True, sa_type=Code)
    key: str = Field(primary_key=True, sa_type=Code)
    asked: dict[str, str] = Field(sa_type=Json, description="The digest of each part of the request.")
    permits: list[list[str | None]] = Field(sa_type=Json, description="Each permission that it took, and for whom.")
    status: int
    headers: dict[str, str] = Field(sa_type=Json)
    media_type: str
    body: bytes | None = Field(default=None, sa_type=LargeBinary)
    request_id: str
    answered_at: datetime = Field(sa_type=Instant)


_TABLE = IdempotencyKey.__table__  # type: ignore[attr-defined]
_IS_IT = [
    _TABLE.c[name] == bindparam(f"of_{name}", type_=_TABLE.c[name].type) for name in ("client_id", "operation", "key")
]
_FIND = Statement(select(*_TABLE.c).where(*_IS_IT))
_FORGET = Statement(delete(IdempotencyKey).where(*_IS_IT))
_KEEP = Statement(insert(IdempotencyKey).values({c.name: bindparam(c.name, type_=c.type) for c in _TABLE.c}))
_FORGET_OLD = Statement(
    delete(IdempotencyKey).where(column_of(IdempotencyKey, "answered_at") < bindparam("before", type_=Instant()))
)


@dataclass(frozen=True, slots=True)
class Keyed:
    """A request that was sent with a key; `asked` has the digest of each of its parts."""

    client_id: UUID
    operation: str
    key: str
    asked: Mapping[str, str]

    @property
    def name(self) -> str:
        return f"{self.client_id} {self.operation} {self.key}"

    @property
    def params(self) -> dict[str, Any]:
        return {"of_client_id": self.client_id, "of_operation": self.operation, "of_key": self.key}


@asynccontextmanager
async def alone(running: Running, keyed: Keyed) -> AsyncIterator[None]:
    """Waits until this process answers nobody else under the key. Raises 409. Other processes are kept out by `recall`.

    Those that wait here hold no connection.
    """
    async with AsyncExitStack() as held:
        try:
            await held.enter_async_context(running.alone(keyed.name, LONGEST_WAIT))
        except TimeoutError:
            raise _in_progress() from None
        yield


def key_in(header: str | None) -> str | None:
    """The key that a header holds, as a structured field string or bare. Raises 400."""
    if header is None:
        return None
    if (found := _KEY.fullmatch(header.strip())) is None:
        detail = "The key is 1 to 255 visible ASCII characters, in double quotes."
        wrong = fault("idempotency_key_invalid", detail, "header", header="Idempotency-Key")
        raise Problem("idempotency_key_invalid", detail, errors=[wrong])
    return found["bare"] or found["quoted"].replace('\\"', '"').replace("\\\\", "\\")


def digests(parts: Mapping[str, bytes]) -> dict[str, str]:
    """The digest of each part of a request."""
    return {name: hashlib.sha256(part).hexdigest() for name, part in parts.items()}


def canonical(body: bytes) -> bytes:
    """A JSON body in its canonical form (RFC 8785), so that blanks and order do not count; anything else as it is."""
    try:
        return rfc8785.dumps(json.loads(body))
    except (ValueError, RecursionError):
        return body


async def recall(session: Session, keyed: Keyed, by: Principal, now: datetime) -> Answer | None:
    """The answer that was given under this key, if there was one. Raises 403, 409 and 422."""
    try:
        await session.hold(keyed.name)
    except StillHeld:
        raise _in_progress() from None
    found = await session.one(_FIND, **keyed.params)
    if found is None:
        return None
    if found["answered_at"] <= now - RETENTION:
        await session.run(_FORGET, **keyed.params)
        return None
    differing = sorted(name for name in keyed.asked if keyed.asked[name] != found["asked"].get(name))
    if differing:
        detail = "The key was used for another request already. A new request needs a key of its own."
        raise Problem("idempotency_key_reused", detail, extra={"differs": differing})
    for permission, force in found["permits"]:
        by.require_for(permission, force)
    replayed = {"Idempotency-Replayed": "true", "Original-Request-Id": found["request_id"]}
    body = None if found["body"] is None else bytes(found["body"])
    return Answer(found["status"], body, {**found["headers"], **replayed}, found["media_type"])


async def keep(
    session: Session, keyed: Keyed, answer: Answer, permits: list[Permit], request_id: str, now: datetime
) -> None:
    """Keeps an answer, whose body is bytes, in the transaction of its effect. Raises 409."""
    kept = {
        "client_id": keyed.client_id,
        "operation": keyed.operation,
        "key": keyed.key,
        "asked": dict(keyed.asked),
        "permits": permits,
        "status": answer.status,
        "headers": dict(answer.headers),
        "media_type": answer.media_type,
        "body": answer.body,
        "request_id": request_id,
        "answered_at": now,
    }
    try:
        await session.run(_KEEP, **kept)
    except Conflict as conflict:
        raise Problem("concurrent_write", "Send it again.", headers={"Retry-After": "1"}) from conflict


async def forget_old(session: Session, now: datetime) -> int:
    """Drops the answers that are kept no longer; gives their number."""
    return await session.run(_FORGET_OLD, before=now - RETENTION)


def _in_progress() -> Problem:
    detail = "The first request with this key is still being answered."
    return Problem("idempotency_in_progress", detail, headers={"Retry-After": "1"})
