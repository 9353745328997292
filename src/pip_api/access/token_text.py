"""What are the parts of a token, read so strictly that one text is one token and no text is an accident?"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from pip_api.access import base64url

LONGEST_TOKEN: Final = 8192  # characters
_HEADER_BYTES: Final = 1024
_MEMBERS: Final = 64
_INTEGER_DIGITS: Final = 19
# The closing quote is optional so that an unterminated string is one match: trying again at each quote is quadratic.
_JSON_STRING: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_JSON_BRACKET: Final = re.compile(r"[\[\]{}]")


class TokenRefused(Exception):
    """`reason` is a short code for the log and the counters. The caller of the service is never told it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.signed: Mapping[str, Any] = {}
        """The claims, if their issuer signed them."""


def opened(token: str) -> tuple[bytes, bytes]:
    """The header and the claims as bytes; nothing in them has been believed or even parsed. Raises TokenRefused."""
    if not token.isascii():
        raise TokenRefused("not-ascii")
    if len(token) > LONGEST_TOKEN:
        raise TokenRefused("too-long")
    parts = token.split(".")
    if len(parts) != 3:
        raise TokenRefused("segments")
    header, claims, _ = (decoded(part) for part in parts)
    if len(header) > _HEADER_BYTES:
        raise TokenRefused("header-size")
    return header, claims


def decoded(part: str) -> bytes:
    """The bytes of canonical base64url. Raises TokenRefused."""
    try:
        return base64url.read(part)
    except base64url.NotBase64url as error:
        raise TokenRefused(f"b64-{error}") from error


def json_object(raw: bytes, depth: int) -> dict[str, Any]:
    """The object that a part of a token holds. Raises TokenRefused for what two readers could take differently."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TokenRefused("json-utf8") from error
    if _depth(text) > depth:
        raise TokenRefused("json-depth")
    try:
        value = _READER.decode(text)
    except json.JSONDecodeError as error:
        raise TokenRefused("json-syntax") from error
    if not isinstance(value, dict):
        raise TokenRefused("json-not-object")
    return value


def _depth(text: str) -> int:
    # Before the parser sees it: json recurses, and a deep text ends in RecursionError.
    depth = deepest = 0
    for bracket in _JSON_BRACKET.findall(_JSON_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > _MEMBERS:
        raise TokenRefused("json-members")
    members = dict(pairs)
    if len(members) != len(pairs):
        raise TokenRefused("json-duplicate-key")
    return members


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > _INTEGER_DIGITS:
        raise TokenRefused("json-int")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise TokenRefused("json-nonfinite")
    return value


def _constant(_: str) -> NoReturn:
    raise TokenRefused("json-nonfinite")


_READER: Final = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_integer, parse_float=_float, parse_constant=_constant
)
