"""How is struck out what entries say, where the law asks for it, without a change to anything else that they say?

The words go from the entry, and the salt from its leaf: nobody can guess them back from the digest, and every proof
holds. The database lets no entry be changed in any other way.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, null, select, update

from pip_api.db.columns import Uid
from pip_api.db.constructs import Uids, any_of
from pip_api.db.session import Session
from pip_api.db.statements import Record, Statement
from pip_api.ledger.entries import LedgerEntry
from pip_api.ledger.seals import LEAVES

STRUCK: Final = "[redacted]"

_ENTRIES = LedgerEntry.__table__  # type: ignore[attr-defined]
_OF_ONE = Statement(
    select(*(_ENTRIES.c[name] for name in ("id", "at", "version", "reason", "state", "patch")))
    .where(
        _ENTRIES.c.subject_id == bindparam("subject_id", type_=Uid()),
        _ENTRIES.c.version.is_not(None),
        _ENTRIES.c.retired_by.is_(None),
    )
    .order_by(_ENTRIES.c.version)
)
_STRIKE = Statement(
    update(_ENTRIES)
    .where(_ENTRIES.c.id == bindparam("of_id", type_=Uid()))
    .values(
        {name: bindparam(f"new_{name}", type_=_ENTRIES.c[name].type) for name in ("reason", "state", "patch")}
        | {"redacted_by": bindparam("redaction", type_=Uid())}
    )
)
_UNSALT = Statement(update(LEAVES).where(any_of(LEAVES.c.entry_id, bindparam("ids", type_=Uids()))).values(salt=null()))


async def versions_of(session: Session, subject_id: UUID) -> list[Record]:
    """The entries of a row's versions that are still kept, the first one first."""
    return await session.fetch(_OF_ONE, subject_id=subject_id)


async def strike(
    session: Session, redaction: UUID, rows: Sequence[Record], names: Mapping[str, Collection[str]], *, reasons: bool
) -> bool:
    """Strikes members out of these entries, and their reasons. False when one of them is not sealed yet.

    `names` gives for each member the names inside it that stay, where it is of objects.
    """
    struck = [
        {
            "of_id": row["id"],
            "new_reason": STRUCK if reasons and row["reason"] is not None else row["reason"],
            "new_state": _struck_members(row["state"], names),
            "new_patch": [_struck_step(step, names) for step in row["patch"]],
            "redaction": redaction,
        }
        for row in rows
    ]
    await session.run_many(_STRIKE, struck)
    return await session.run(_UNSALT, ids=[row["id"] for row in rows]) == len(rows)


def struck_out(value: Any, stays: Collection[str]) -> Any:
    """A value with every text in it struck out; what is empty stays so."""
    if isinstance(value, str):
        return STRUCK if value else value
    if isinstance(value, list):
        return [struck_out(each, stays) for each in value]
    if isinstance(value, dict):
        return {name: each if name in stays else struck_out(each, stays) for name, each in value.items()}
    return value


def says_anything(value: Any, stays: Collection[str]) -> bool:
    """Whether there is anything to strike out."""
    return bool(struck_out(value, stays) != value)


def _struck_members(state: Record, names: Mapping[str, Collection[str]]) -> Record:
    return {name: struck_out(value, names[name]) if name in names else value for name, value in state.items()}


def _struck_step(step: Record, names: Mapping[str, Collection[str]]) -> Record:
    """A step of a patch, which is of a member, or of the whole when a row was new."""
    name = step["path"].removeprefix("/")
    if step["path"] == "":
        return step | {"value": _struck_members(step["value"], names)}
    return step | {"value": struck_out(step["value"], names[name])} if name in names else step


def members_of(pointers: Collection[str]) -> list[str]:
    """The members that pointers name."""
    return [each.removeprefix("/") for each in pointers if each.startswith("/")]
