"""What exactly is sealed of an entry?

Its envelope in the canonical form of RFC 8785: who, what, when, and a digest of its body. The body (the words and
values, personal ones among them) is digested with a salt: when it is redacted the salt goes too, nobody can guess the
body back from the digest, and the envelope with every proof stays as it was.

Canonical JSON knows no decimals: those, and integers that a double does not hold, are sealed as text with their digits.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import rfc8785

from pip_api.ledger.tree import leaf_hash

SALT_BYTES: Final = 32
BODY: Final = ("subject_ref", "actor_name", "reason", "state", "patch")
_COLUMNS: Final = (
    "id",
    "at",
    "kind",
    "act",
    "noun",
    "subject_id",
    "version",
    "force_code",
    "actor_type",
    "actor_id",
    "client_id",
    "credential_id",
    "request_id",
    "overridden",
)
ENVELOPE: Final = (*_COLUMNS, "body_digest")
_LARGEST_INTEGER: Final = 2**53 - 1
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is kept of a sealed entry beside the entry itself."""

    salt: bytes
    body_digest: bytes
    leaf: bytes


def seal(entry: Mapping[str, Any], salt: bytes) -> Sealed:
    """Works out the leaf of an entry, given as its row. Raises ValueError for what has no canonical form."""
    digest = digest_of(salt, canonical(body_of(entry)))
    return Sealed(salt, digest, leaf_hash(canonical(envelope_of(entry, digest))))


def envelope_of(entry: Mapping[str, Any], body_digest: bytes) -> dict[str, Any]:
    return {name: sealable(entry[name]) for name in _COLUMNS} | {"body_digest": body_digest.hex()}


def body_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: sealable(entry[name]) for name in BODY}


def digest_of(salt: bytes, body: bytes) -> bytes:
    if len(salt) != SALT_BYTES:
        raise ValueError(f"A salt has {SALT_BYTES} bytes.")
    return sha256(salt + body).digest()


def canonical(value: Any) -> bytes:
    """The one text of a value (RFC 8785). Raises ValueError when it has none."""
    return rfc8785.dumps(value)


def moment(at: datetime) -> str:
    """A moment as it is sealed: in UTC, with microseconds."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def is_moment(value: Any) -> bool:
    """Whether this is a moment as it is sealed."""
    if not (isinstance(value, str) and _MOMENT(value)):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def sealable(value: Any) -> Any:
    """A value of ours as it is sealed and exported, alike from either database. Raises ValueError."""
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if -_LARGEST_INTEGER <= value <= _LARGEST_INTEGER else str(value)
        case Decimal():
            # As it stands in JSON a decimal without a fraction is an integer, and that is what is read back.
            digits = format(value, "f")
            return digits if "." in digits else sealable(int(digits))
        case Mapping():
            return {name: sealable(each) for name, each in value.items()}
        case list() | tuple():
            return [sealable(each) for each in value]
        case datetime():
            return moment(value)
        case date() | UUID():
            return str(value)
    raise ValueError(f"A {type(value).__name__} cannot be sealed.")
