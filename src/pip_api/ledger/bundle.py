"""How is a bundle of entries and proofs written, and how is it read so that one text is one bundle?

docs/audit.md describes the lines. Reading asks for no more than the standard library, and is quick: a line is parsed
once and written once, and what it should say is compared with what it says.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from json.encoder import c_make_encoder, encode_basestring  # type: ignore[attr-defined]  # typeshed knows one of them
from typing import Any, Final, NoReturn

from pip_api.ledger.envelope import BODY, ENVELOPE, canonical, is_moment

FORMAT: Final = 1
_TYPES_IN_ORDER: Final = ("bundle", "head", "consistency", "retirement", "entry", "state", "cosignature", "end")
ORDER: Final = {kind: place for place, kind in enumerate(_TYPES_IN_ORDER)}
"""The types of lines, as they follow one another."""
LONGEST_LINE: Final = 1 << 24  # bytes
_LARGEST_INTEGER: Final = 2**53 - 1
_HASH: Final = re.compile(r"[0-9a-f]{64}").fullmatch
# Below U+E000, characters are in the same order as code points and in UTF-16.
_BEYOND: Final = re.compile(rb"[\xee-\xff]").search
_LARGE_INTEGER: Final = re.compile(rb"[:,\[]-?[0-9]{16}").search  # or text that looks like one


class LineRefused(Exception):
    """A line is none of a bundle; the text says why, in a few words."""


@dataclass(slots=True)
class Line:
    kind: str
    members: dict[str, Any]
    is_canonical: bool
    envelope: bytes = b""
    """The canonical text of an entry's envelope, and of its body."""
    body: bytes = b""


def line(kind: str, **members: Any) -> bytes:
    """One line of a bundle, of values that are sealable."""
    return canonical({"type": kind, **members}) + b"\n"


def read(raw: bytes) -> Line:
    """A line without its end. Raises LineRefused when it cannot be used at all; what can be may not be canonical."""
    try:
        members = (_decode_with_care if _LARGE_INTEGER(raw) else _decode)(raw.decode())
    except (ValueError, RecursionError) as error:
        raise LineRefused("it is not JSON as it is sealed") from error
    kind = members.get("type") if isinstance(members, dict) else None
    if not isinstance(kind, str) or kind not in ORDER:
        raise LineRefused("it has no type that a bundle knows")
    if not _SHAPES[kind](members):
        raise LineRefused(f"it has not the members of type {kind}")
    write = _written if raw.isascii() or not _BEYOND(raw) else canonical
    try:
        if kind in ("entry", "retirement"):
            return _entry(kind, members, raw, write)
        return Line(kind, members, write(members) == raw)
    except (ValueError, RecursionError) as error:  # lone surrogates, which no text has
        raise LineRefused("it is not text") from error


def parsed(raw: bytes) -> dict[str, Any]:
    """The members of a line that was read before."""
    members: dict[str, Any] = _decode(raw.decode())
    return members


def _entry(kind: str, members: dict[str, Any], raw: bytes, write: Callable[[Any], bytes]) -> Line:
    # Parts are written once: the line is made of them, and two of them are hashed.
    parts = {name: write(members[name]) for name in ("body", "envelope") if name in members}
    rest = write({name: value for name, value in members.items() if name not in parts})
    told = b"".join(b'"%s":%s,' % (name.encode(), part) for name, part in parts.items())
    is_canonical = b"{" + told + rest[1:] == raw
    return Line(kind, members, is_canonical, parts["envelope"], parts.get("body", b""))


def _integer(digits: str) -> int:
    value = int(digits)
    if abs(value) > _LARGEST_INTEGER:
        raise ValueError("an integer that a double does not hold")
    return value


def _no_number(digits: str) -> NoReturn:
    raise ValueError("no number that is sealed")


_decode: Final = json.JSONDecoder(parse_float=_no_number, parse_constant=_no_number).decode
_decode_with_care: Final = json.JSONDecoder(
    parse_float=_no_number, parse_constant=_no_number, parse_int=_integer
).decode
# What JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")) makes anew for each value that it encodes.
_encode: Final[Callable[[Any, int], tuple[str, ...]]] = c_make_encoder(
    None, _no_number, encode_basestring, None, ":", ",", True, False, False
)


def _written(value: Any) -> bytes:
    """The canonical text of a value without fractions, whose characters are all below U+E000."""
    return "".join(_encode(value, 0)).encode()


def same(one: Any, other: Any) -> bool:
    """Whether two values of a bundle are one; for Python, true and 1 are."""
    return "".join(_encode(one, 0)) == "".join(_encode(other, 0))


def _is_hash(value: Any) -> bool:
    return isinstance(value, str) and _HASH(value) is not None


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _is_proof(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_hash, value))


def _are_logs(value: Any) -> bool:
    """At least one, the oldest first."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        return False
    ids = [each.get("log_id") for each in value]
    return (
        bool(ids)
        and all(isinstance(id, str) for id in ids)
        and ids == sorted(set(ids))
        and all(_is_count(each.get("tree_size")) for each in value)
    )


def _shape(
    required: Mapping[str, Callable[[Any], bool]], *, others: bool = False
) -> Callable[[Mapping[str, Any]], bool]:
    def fits(members: Mapping[str, Any]) -> bool:
        return (others or len(members) == len(required) + 1) and all(
            name in members and fit(members[name]) for name, fit in required.items()
        )

    return fits


_SORTED: Final = tuple(sorted(ENVELOPE))
_MAY_BE_NULL: Final[Mapping[str, type]] = {"credential_id": str, "force_code": str, "subject_id": str, "version": int}
_TYPES: Final = frozenset(
    product(
        *(
            (_MAY_BE_NULL[name], type(None)) if name in _MAY_BE_NULL else (bool if name == "overridden" else str,)
            for name in _SORTED
        )
    )
)
_BODY: Final = frozenset(BODY)
_ENTRY: Final = ("type", "log_id", "leaf_index", "leaf", "envelope")
_FORMS: Final = {
    tuple(sorted((*_ENTRY, *content, *proof))): content
    for content in (("body", "salt"), ("redacted_by",), ("retired_by",), ("withheld",))
    for proof in ((), ("proof",))
}
"""The members that an entry may have, and which of them say what was in it."""


def _is_entry(members: Mapping[str, Any]) -> bool:
    content = _FORMS.get(tuple(members)) or _FORMS.get(tuple(sorted(members)))
    return (
        content is not None
        and isinstance(members["log_id"], str)
        and _is_count(members["leaf_index"])
        and isinstance(members["leaf"], str)
        and ("proof" not in members or _is_proof(members["proof"]))
        and _is_envelope(members["envelope"])
        and (
            _is_hash(members["salt"]) and _is_body(members["body"])
            if "salt" in content
            else isinstance(members[content[0]], str)
        )
    )


def _is_retirement(members: Mapping[str, Any]) -> bool:
    """An entry with its body, its path, and the head that this leads to."""
    rest = {name: value for name, value in members.items() if name != "head"}
    return isinstance(members.get("head"), str) and {"body", "proof"} <= rest.keys() and _is_entry(rest)


def _is_envelope(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    if tuple(value) != _SORTED:
        value = dict(sorted(value.items()))
    return tuple(value) == _SORTED and tuple(map(type, value.values())) in _TYPES and is_moment(value["at"])


def _is_body(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == _BODY
        and isinstance(value["state"], dict)
        and isinstance(value["patch"], list)
        and all(isinstance(each, dict) for each in value["patch"])
    )


def _is_row(value: Any) -> bool:
    return isinstance(value, dict) and type(value.get("version")) is int


_SHAPES: Final[Mapping[str, Callable[[Mapping[str, Any]], bool]]] = {
    "bundle": _shape(
        {
            "format": lambda value: type(value) is int and value == FORMAT,
            "full": lambda value: isinstance(value, bool),
            "every_head": lambda value: isinstance(value, bool),
            "logs": _are_logs,
            "other_logs": _are_texts,
            "states": _are_texts,
        },
        others=True,
    ),
    "head": _shape({"head": _is_text}),
    "consistency": _shape({"log_id": _is_text, "first": _is_count, "second": _is_count, "proof": _is_proof}),
    "retirement": _is_retirement,
    "entry": _is_entry,
    "state": _shape({"noun": _is_text, "id": _is_text, "row": _is_row}),
    "cosignature": _shape({"cosignature": _is_text}),
    "end": _shape({"lines": _is_count}),
}
