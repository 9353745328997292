"""Is JSON read exactly, and is everything that two readers could understand differently refused?"""

import json
import math
import timeit
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pip_api.http.strict_json import LARGEST_EXPONENT, JsonValue, MalformedJson, read_json

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
DIGITS_AS_FLOAT = st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda number: number == 0 or abs(math.log10(abs(number))) < LARGEST_EXPONENT
)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**40) + 1, 10**40 - 1) | DIGITS_AS_FLOAT | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5),
    max_leaves=30,
)


def refused(body: bytes, **limits: int) -> MalformedJson:
    with pytest.raises(MalformedJson) as caught:
        read_json(body, **limits)
    assert 0 <= caught.value.offset <= len(body)
    assert caught.value.detail.endswith(".")
    return caught.value


def same(read: JsonValue, written: object) -> bool:
    if isinstance(written, float):
        return isinstance(read, Decimal) and str(read) == str(Decimal(repr(written if written else abs(written))))
    if isinstance(written, list):
        return isinstance(read, list) and len(read) == len(written) and all(map(same, read, written))
    if isinstance(written, dict):
        return (
            isinstance(read, dict)
            and list(read) == list(written)
            and all(same(read[key], value) for key, value in written.items())
        )
    return type(read) is type(written) and read == written


@given(DOCUMENTS, st.booleans(), st.sampled_from([None, 1]))
def test_what_json_writes_is_read_back(document: object, ascii_only: bool, indent: int | None) -> None:
    body = json.dumps(document, ensure_ascii=ascii_only, indent=indent).encode()
    assert same(read_json(body), document)


@given(
    st.lists(
        st.sampled_from([*'{}[],:"\\ \n1x', '"a"', '"a":', "NaN", "1e400", "\\u0000", "\\ud800", "9" * 41]), max_size=14
    )
)
def test_any_text_is_read_or_refused(pieces: list[str]) -> None:
    body = "".join(pieces).encode()
    with suppress(MalformedJson):
        assert same(read_json(body, max_depth=3, max_members=4), json.loads(body))


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(MalformedJson):
        read_json(body)


def test_a_figure_keeps_the_digits_as_sent() -> None:
    assert str(read_json(b"61.40")) == "61.40"
    assert str(read_json(b"0.1000000000000000000000000000000000000000"[:41])) == "0." + "1" + "0" * 38
    assert read_json(b"614") == 614


@pytest.mark.parametrize(("body", "read"), [(b"-0", "0"), (b"-0.0", "0.0"), (b"[-0]", "[0]")])
def test_minus_nothing_is_nothing(body: bytes, read: str) -> None:
    assert str(read_json(body)) == read


@pytest.mark.parametrize(
    "body",
    [
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
        '{"a": 1}'.encode("utf-16-le"),
        '{"a": 1}'.encode("utf-16-be"),
        '{"a": 1}'.encode("utf-32-le"),
        '{"a": "Ystradgynlais, caf\xe9"}'.encode("latin-1"),
        b'"\xc0\xaf"',
        b'"\xed\xa0\x80"',
    ],
    ids=["mark", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "overlong", "surrogate in utf-8"],
)
def test_only_utf8_without_a_mark_is_read(body: bytes) -> None:
    assert refused(body).code == "not_utf8"


@pytest.mark.parametrize(
    ("body", "offset"),
    [
        (b"", 0),
        (b"   ", 3),
        (b'{"a": 1', 7),
        (b'{"a": 1,}', 8),
        (b"{'a': 1}", 1),
        (b'{"a": 1} 2', 9),
        (b"[01]", 2),
        (b"[+1]", 1),
        (b'["a', 1),
        (b'["a\x01"]', 3),
        (b'["a\\x"]', 3),
        (b"[1] // the rest", 4),
        ('{"enw": "Llanbed\u0175r", "b": tru}'.encode(), 27),
    ],
)
def test_a_fault_of_syntax_is_named_by_its_byte(body: bytes, offset: int) -> None:
    problem = refused(body)
    assert (problem.code, problem.offset) == ("malformed_json", offset)
    assert f"byte {offset}" in problem.detail


@pytest.mark.parametrize(
    ("body", "key", "offset"),
    [
        (b'{"a": 1, "a": 1}', "a", 9),
        (b'{"a": 1, "\\u0061": 2}', "a", 9),
        (b'[{"b": {"a": 1}}, {"b": [{"c": 1, "d": {"c": 2}, "c": 3}]}]', "c", 49),
        (b'{"a": {"a": "a"}, "b": "\\"a\\": ", "b": 1}', "b", 34),
    ],
)
def test_a_member_that_appears_twice_is_named(body: bytes, key: str, offset: int) -> None:
    problem = refused(body)
    assert (problem.code, problem.offset) == ("duplicate_key", offset)
    assert repr(key) in problem.detail


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_what_is_not_a_number_is_refused(name: str) -> None:
    problem = refused(f'{{"{name}": "{name}", "value": {name}}}'.encode())
    assert problem.code == "not_a_number"
    assert problem.offset == 18 + 2 * len(name)
    assert refused(f"[{name}x]".encode()).code == "not_a_number"


@pytest.mark.parametrize(
    "number", ["1e400", "-1e400", "1E+1000000", "1e-400", "0e999999999", "1e999999999999999999999999", "12.5e308"]
)
def test_a_number_that_others_could_not_hold_is_refused(number: str) -> None:
    problem = refused(f'["{number}", {number}]'.encode())
    assert (problem.code, problem.offset) == ("number_out_of_range", len(number) + 5)


@pytest.mark.parametrize("number", ["1" * 41, "-" + "1" * 41, "0." + "1" * 40, "1" * 5000, "1" * 40 + "e1"])
def test_a_number_has_at_most_forty_digits(number: str) -> None:
    assert refused(number.encode()).code == "number_too_long"


@pytest.mark.parametrize("number", ["1" * 40, "-" + "1" * 40, "-0." + "1" * 39])
def test_forty_digits_are_read(number: str) -> None:
    assert str(read_json(number.encode())) == number


def nested(depth: int, inner: str = "") -> bytes:
    return ("[" * depth + inner + "]" * depth).encode()


def test_a_body_is_as_deep_as_allowed_and_no_deeper() -> None:
    assert read_json(nested(32)) is not None
    assert read_json(b'{"a":' * 32 + b"1" + b"}" * 32) is not None
    problem = refused(nested(33))
    assert (problem.code, problem.offset) == ("json_too_deep", 32)


@pytest.mark.parametrize("unit", [b"[", b'{"a":', b'[{"a":'])
def test_a_bottomless_body_is_refused_before_it_is_parsed(unit: bytes) -> None:
    assert refused(unit * 100_000).code == "json_too_deep"


def test_brackets_in_text_and_side_by_side_are_not_depth() -> None:
    assert read_json(json.dumps(["[" * 100, '"[{' * 100, "\\"]).encode()) is not None
    assert read_json(json.dumps([[{}]] * 100).encode()) is not None


def test_members_are_counted_over_the_whole_body() -> None:
    body = b'{"a": [1, 2, {}], "b": "1,2,3", "c": [ ]}'  # a b c, 1 2 {}
    assert read_json(body, max_members=6) is not None
    assert refused(body, max_members=5).code == "too_many_members"
    assert refused(b"[" + b"1," * 10_000 + b"1]").code == "too_many_members"
    assert read_json(b"[" + b"1," * 9_999 + b"1]") is not None


@pytest.mark.parametrize("escape", ["\\ud83d", "\\ude00", "\\ud83d\\u0061", "\\uDE00\\uD83D", "\\\\\\ud83d"])
def test_half_a_surrogate_pair_is_refused(escape: str) -> None:
    assert refused(f'{{"a": "x{escape}"}}'.encode()).code == "lone_surrogate"
    assert refused(f'{{"{escape}": 1}}'.encode()).code == "lone_surrogate"


def test_nul_is_refused_and_text_about_it_is_not() -> None:
    problem = refused(b'{"a": "x\\u0000"}')
    assert (problem.code, problem.offset) == ("control_character", 8)
    assert read_json(b'["\\\\u0000", "\\\\ud83d", "\\ud83d\\ude00"]') == ["\\u0000", "\\ud83d", "\U0001f600"]


@pytest.mark.parametrize(
    "body",
    [
        b'"' * 100_000,
        b'"\\' * 100_000,
        b"\\u" * 100_000,
        b"[" * 33 + b" " * 100_000,
        b'["' + b"[" * 100_000,
        b'"a"  ' * 50_000,
    ],
    ids=["quotes", "escapes", "u", "spaces", "open string", "strings"],
)
def test_a_hostile_body_is_refused_in_linear_time(body: bytes) -> None:
    assert timeit.timeit(lambda: refused(body), number=1) < 0.5  # a quadratic search takes minutes


def test_a_small_body_is_read_quickly() -> None:
    body = json.dumps({f"member_{i}": i / 7 if i % 3 else f"value number {i}" for i in range(36)}).encode()
    assert 900 < len(body) < 1_200
    best = min(timeit.repeat(lambda: read_json(body), number=200, repeat=5)) / 200
    assert best < 300e-6  # measured: 15 us; the slack is for a busy machine
