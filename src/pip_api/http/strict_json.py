"""What does this JSON say, once everything that two readers could understand differently is refused?"""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Literal, TypeAlias

JsonValue: TypeAlias = "bool | int | Decimal | str | list[JsonValue] | dict[str, JsonValue] | None"

JsonFault = Literal[
    "not_utf8",
    "malformed_json",
    "duplicate_key",
    "not_a_number",
    "number_out_of_range",
    "number_too_long",
    "json_too_deep",
    "too_many_members",
    "lone_surrogate",
    "control_character",
]

DEEPEST = 32  # levels of objects and lists
LONGEST_NUMBER = 40  # digits, those of the exponent included
LARGEST_EXPONENT = 307  # a number outside 1e-307..1e308 is infinite, or nothing, to a reader that uses doubles

_TOKEN = re.compile(
    r"""  (?P<text>"(?:[^"\\]++|\\.)*+"?)(?P<colon>[ \t\r\n]*+:)?
        | (?P<open>[\[{])
        | (?P<close>[\]}])
        | (?P<comma>,)
        | (?P<literal>[^ \t\r\n"\[\]{},:]++)""",
    re.VERBOSE | re.DOTALL,
)
# Ends at the end of the text too: a search that fails there would start again at each character before it.
_BRACKET = re.compile(r'(?:"(?:[^"\\]++|\\.)*+"?|[^"\[\]{}]++)*+(?:([\[{])|[\]}]|\Z)', re.DOTALL)
_ESCAPE = re.compile(
    r"""\\(?: u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}
            | u(?P<surrogate>[dD][89a-fA-F][0-9a-fA-F]{2})
            | u(?P<nul>0000)
            | . )""",
    re.VERBOSE | re.DOTALL,
)


class MalformedJson(Exception):
    """`offset` counts bytes from the start of the body."""

    def __init__(self, code: JsonFault, detail: str, offset: int) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.offset = offset


class _DuplicateKey(Exception):
    pass


class _RefusedLiteral(Exception):
    def __init__(self, code: JsonFault, detail: str, literal: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.literal = literal


def read_json(body: bytes, *, max_depth: int = DEEPEST, max_members: int = 10_000) -> JsonValue:
    """Numbers with a point or an exponent come back as Decimal with their digits as sent. Members are those of objects
    and of arrays, counted over the whole body. Raises MalformedJson."""
    text = _decode(body)
    _check_size(text, max_depth, max_members)
    _check_escapes(text)
    try:
        value: JsonValue = _DECODER.decode(text)
    except _DuplicateKey:
        key, position = _second_key(text)
        detail = f"The member {key[:60]!r} appears twice in one object."
        raise _malformed(text, "duplicate_key", detail, position) from None
    except _RefusedLiteral as refused:
        raise _malformed(text, refused.code, refused.detail, _find_literal(text, refused.literal)) from None
    except json.JSONDecodeError as error:
        offset = _byte_offset(text, error.pos)
        detail = f"This is not JSON: {error.msg.removesuffix(' at')} at byte {offset}."
        raise MalformedJson("malformed_json", detail, offset) from None
    return value


def _decode(body: bytes) -> str:
    if body.startswith(b"\xef\xbb\xbf"):
        raise MalformedJson("not_utf8", "JSON starts without a byte order mark.", 0)
    # NUL is never JSON, so one in the first two characters can only be UTF-16 or UTF-32 without a mark.
    if b"\0" in body[:2]:
        raise MalformedJson("not_utf8", "JSON is sent as UTF-8, not as UTF-16 or UTF-32.", 0)
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise MalformedJson("not_utf8", f"Byte {error.start} is not UTF-8.", error.start) from None


def _check_size(text: str, max_depth: int, max_members: int) -> None:
    # Before parsing, so that a hostile body builds nothing and cannot exhaust the stack. These counts look inside
    # strings too, so they can only be too high: most bodies are within the limits even so, and need no closer look.
    opened = text.count("{") + text.count("[")
    if opened > max_depth:
        _check_depth(text, max_depth)
    if opened + text.count(",") > max_members:
        _check_members(text, max_members)


def _check_depth(text: str, max_depth: int) -> None:
    depth = 0
    for bracket in _BRACKET.finditer(text):
        depth += 1 if bracket.lastindex == 1 else -1
        if depth > max_depth:
            detail = f"This is nested deeper than {max_depth} levels."
            raise _malformed(text, "json_too_deep", detail, bracket.end() - 1)


def _check_members(text: str, max_members: int) -> None:
    members = 0
    before = ""
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup or ""
        # Each container that is not empty has one member more than it has commas.
        if kind == "comma" or (before == "open" and kind != "close"):
            members += 1
            if members > max_members:
                detail = f"There are more than {max_members:,} members."
                raise _malformed(text, "too_many_members", detail, token.start())
        before = kind


def _check_escapes(text: str) -> None:
    # The text was UTF-8, and the parser refuses raw control characters: only an escape can bring in either of these.
    if "\\u" not in text:
        return
    for escape in _ESCAPE.finditer(text):
        if escape["surrogate"]:
            raise _malformed(text, "lone_surrogate", "Half of a surrogate pair is not a character.", escape.start())
        if escape["nul"]:
            raise _malformed(text, "control_character", "The NUL character is not accepted in text.", escape.start())


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _DuplicateKey
    return members


def _integer(digits: str) -> int:
    _check_length(digits)
    return int(digits)


def _decimal(digits: str) -> Decimal:
    _check_length(digits)
    try:
        number = Decimal(digits)
    except InvalidOperation:  # an exponent beyond what Decimal itself can hold
        raise _out_of_range(digits) from None
    if abs(number.adjusted()) > LARGEST_EXPONENT:
        raise _out_of_range(digits)
    return number or number.copy_abs()  # -0.0 is 0.0


def _constant(name: str) -> JsonValue:
    raise _RefusedLiteral("not_a_number", f"{name} is not a JSON number.", name)


def _check_length(digits: str) -> None:
    if len(digits) > LONGEST_NUMBER and sum(map(str.isdigit, digits)) > LONGEST_NUMBER:
        raise _RefusedLiteral("number_too_long", f"A number has at most {LONGEST_NUMBER} digits.", digits)


def _out_of_range(digits: str) -> _RefusedLiteral:
    detail = f"The exponent of a number is at most {LARGEST_EXPONENT}, up or down."
    return _RefusedLiteral("number_out_of_range", detail, digits)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_decimal, parse_constant=_constant
)


# What follows runs only for a body already refused: the hooks above are not told where in the text they stand.


def _second_key(text: str) -> tuple[str, int]:
    keys: list[set[str]] = []
    for token in _TOKEN.finditer(text):
        if token["open"]:
            keys.append(set())
        elif token["close"]:
            keys.pop()
        elif token["colon"]:
            key: str = json.loads(token["text"])
            if key in keys[-1]:
                return key, token.start()
            keys[-1].add(key)
    raise AssertionError("a duplicate key was reported, and none is there")


def _find_literal(text: str, literal: str) -> int:
    # In "[NaNx]" the parser refuses NaN before it meets the x.
    return next(token.start() for token in _TOKEN.finditer(text) if (token["literal"] or "").startswith(literal))


def _byte_offset(text: str, position: int) -> int:
    return len(text[:position].encode())


def _malformed(text: str, code: JsonFault, detail: str, position: int) -> MalformedJson:
    return MalformedJson(code, detail, _byte_offset(text, position))
