"""What happened? One entry for every change, written in the transaction of the change and never altered.

What changes nothing and is to be known all the same (refusals, reads that count) is noted by `ledger/notes.py`.

The database holds the promise on its own: each row's (id, version) is a deferred foreign key into this table, so that a
change without its entry cannot commit, and triggers refuse to update or delete an entry.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Identity,
    Index,
    Integer,
    String,
    UniqueConstraint,
    bindparam,
    insert,
    select,
    text,
)
from sqlmodel import Field, SQLModel

from pip_api.access.principals import Principal
from pip_api.db.columns import Code, Instant, Json, Uid
from pip_api.db.errors import DRIVER_ERRORS, Conflict, Unavailable
from pip_api.db.session import Session
from pip_api.db.statements import Record, Statement, column_of

Kind = Literal["change", "denied", "read", "export", "credential", "grant", "redaction", "system"]
_KIND_OF: dict[str, Kind] = {
    "account": "credential",
    "credential": "credential",
    "grant": "grant",
    "redaction": "redaction",
}
"""Of nouns whose changes somebody looks for among all others."""
_BESIDE = text("kind <> 'change'")
_SIGNED_IN_HERE = text("credential_id IS NOT NULL")


class LedgerEntry(SQLModel, table=True):
    __tablename__ = "ledger_entry"
    __table_args__ = (
        UniqueConstraint("subject_id", "version", name="ledger_entry_subject_version"),
        Index("ledger_entry_noun_at", "noun", "at"),
        Index("ledger_entry_at", "at", "seq"),
        Index("ledger_entry_force", "force_code", "at", "seq"),
        Index("ledger_entry_actor", "actor_id", "at"),
        Index("ledger_entry_client", "client_id", "at"),
        Index(
            "ledger_entry_credential",
            "credential_id",
            "at",
            postgresql_where=_SIGNED_IN_HERE,
            sqlite_where=_SIGNED_IN_HERE,
        ),
        Index("ledger_entry_kind_at", "kind", "at", postgresql_where=_BESIDE, sqlite_where=_BESIDE),
        {"sqlite_autoincrement": True},  # a number is never given twice, also not after the newest entry is cut off
    )

    seq: int = Field(
        sa_column=Column(
            BigInteger().with_variant(Integer(), "sqlite"), Identity(always=True), primary_key=True, autoincrement=True
        )
    )
    id: UUID = Field(unique=True, sa_type=Uid)
    at: datetime = Field(sa_type=Instant)
    kind: Kind = Field(sa_type=String)
    act: str = Field(description="noun.past, such as action.changed")
    noun: str
    subject_id: UUID | None = Field(default=None, sa_type=Uid, description="The row changed; none for a batch.")
    subject_ref: str | None = Field(default=None, description="The reference that people use for it.")
    version: int | None = None
    force_code: str | None = Field(default=None, sa_type=Code)
    actor_type: str
    actor_id: UUID = Field(sa_type=Uid)
    actor_name: str = Field(description="As it was then, so that it can be read when the client is gone.")
    client_id: str
    credential_id: UUID | None = Field(
        default=None, sa_type=Uid, description="With which credential the actor signed in, if it did so here."
    )
    request_id: str = Field(index=True)
    reason: str | None = None
    overridden: bool = Field(default=False, description="Whether the version that was replaced was not named.")
    state: dict[str, Any] = Field(sa_type=Json, description="The new version as a whole, or the summary of a batch.")
    patch: list[dict[str, Any]] = Field(sa_type=Json, description="JSON Patch (RFC 6902) from the version before.")
    redacted_by: UUID | None = Field(
        default=None, sa_type=Uid, description="The entry by which words of it were struck out, if any were."
    )
    retired_by: UUID | None = Field(
        default=None, sa_type=Uid, description="The entry that closed its log, if its words and names went with that."
    )


@dataclass(frozen=True, slots=True)
class Occasion:
    """The circumstances that every entry of a request shares."""

    at: datetime
    by: Principal
    request_id: str
    reason: str | None = None
    overridden: bool = False


def entry(
    occasion: Occasion,
    *,
    id: UUID,
    act: str,
    subject_id: UUID | None,
    subject_ref: str | None,
    version: int | None,
    force_code: str | None,
    state: Record,
    patch: Sequence[Record],
    kind: Kind | None = None,
) -> Record:
    """The values of a new entry. `act` is `noun.past`. A `kind` is said of what is no change of the noun."""
    noun = act.partition(".")[0]
    return {
        "id": id,
        "at": occasion.at,
        "kind": kind or _KIND_OF.get(noun, "change"),
        "act": act,
        "noun": noun,
        "subject_id": subject_id,
        "subject_ref": subject_ref,
        "version": version,
        "force_code": force_code,
        "actor_type": occasion.by.kind,
        "actor_id": occasion.by.id,
        "actor_name": occasion.by.name,
        "client_id": occasion.by.client_id,
        "credential_id": occasion.by.credential_id,
        "request_id": occasion.request_id,
        "reason": occasion.reason,
        "overridden": occasion.overridden,
        "state": state,
        "patch": list(patch),
    }


_TABLE = LedgerEntry.__table__  # type: ignore[attr-defined]
_INSERT = Statement(
    insert(LedgerEntry).values(
        {
            name: bindparam(name, type_=column.type)
            for name, column in _TABLE.c.items()
            if name not in ("seq", "redacted_by", "retired_by")
        }
    )
)
OCCASION = ("id", "actor_type", "actor_name", "client_id", "reason", "request_id", "overridden")
"""The columns that `occasion_of` tells of."""
_VERSIONS = Statement(
    select(*(column_of(LedgerEntry, name) for name in (*OCCASION, "version", "act", "at", "patch", "state")))
    .where(
        column_of(LedgerEntry, "subject_id") == bindparam("subject_id"),
        column_of(LedgerEntry, "version") < bindparam("before"),
        column_of(LedgerEntry, "retired_by").is_(None),
    )
    .order_by(column_of(LedgerEntry, "version").desc())
    .limit(bindparam("limit", type_=Integer()))
)


async def record(session: Session, *values: Record) -> None:
    """Writes entries. Raises Conflict where a version is written already, and Unavailable where the ledger takes none:
    nothing is done that cannot be noted."""
    try:
        if len(values) == 1:
            await session.run(_INSERT, **values[0])
        else:
            await session.run_many(_INSERT, values)
    except Conflict as conflict:
        if conflict.kind == "unique":
            raise
        raise Unavailable(f"the ledger takes no entry: {conflict.detail}") from conflict
    except DRIVER_ERRORS as error:
        raise Unavailable(f"the ledger takes no entry: {error}") from error


async def versions(session: Session, subject_id: UUID, before: int, limit: int) -> list[Record]:
    """The versions of a row below `before` that are still kept, newest first."""
    return [_version(row) for row in await session.fetch(_VERSIONS, subject_id=subject_id, before=before, limit=limit)]


def occasion_of(row: Record) -> Record:
    """Who did it, in which request and why, as an answer tells it."""
    return {
        "actor": {"type": row["actor_type"], "name": row["actor_name"], "client_id": row["client_id"]},
        "reason": row["reason"],
        "request_id": row["request_id"],
        "overridden": row["overridden"],
        "entry": row["id"],
    }


def _version(row: Record) -> Record:
    return {
        "version": row["version"],
        "act": row["act"],
        "at": row["at"],
        **occasion_of(row),
        "patch": row["patch"],
        "state": row["state"],
    }
