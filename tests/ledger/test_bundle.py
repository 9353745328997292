from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from pip_api.ledger.bundle import LineRefused, line, parsed, read, same

TEXT = st.text()  # without halves of characters
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
)


def state_line(row: Any) -> bytes:
    return line("state", noun="pip", id="x", row={"version": 1, "value": row})[:-1]


@given(VALUES)
def test_what_is_written_is_canonical_and_read_as_such(value: Any) -> None:
    raw = state_line(value)
    read_back = read(raw)
    assert read_back.is_canonical
    assert read_back.members == parsed(raw)
    assert rfc8785.dumps(read_back.members) == raw


@given(st.dictionaries(TEXT, st.none(), min_size=2, max_size=6), st.randoms())
def test_another_order_is_not_canonical(names: dict[str, None], random: Any) -> None:
    raw = state_line(names)
    texts = [rfc8785.dumps(name) + b":null" for name in names]
    random.shuffle(texts)
    other = state_line({}).replace(b'"value":{}', b'"value":{' + b",".join(texts) + b"}")
    assert read(other).is_canonical is (other == raw)


def test_names_beyond_the_first_plane_are_sorted_as_in_utf_16() -> None:
    raw = state_line({"\U0001f600": 1, "\ufb33": 2})
    assert raw.index(b"\xf0\x9f\x98\x80") < raw.index(b"\xef\xac\xb3")
    assert read(raw).is_canonical
    assert not read(state_line(None).replace(b"null", '{"\ufb33":2,"\U0001f600":1}'.encode())).is_canonical


@pytest.mark.parametrize("number", ["9007199254740991", "-9007199254740991", "0", '"99999999999999999999"'])
def test_integers_that_a_double_holds_are_read(number: str) -> None:
    assert read(state_line(None).replace(b"null", number.encode())).is_canonical


@pytest.mark.parametrize(
    "number", ["9007199254740992", "-9007199254740992", "1.5", "1e3", "NaN", "Infinity", "-Infinity", "1" * 5000]
)
def test_other_numbers_are_refused(number: str) -> None:
    with pytest.raises(LineRefused, match="JSON as it is sealed"):
        read(state_line(None).replace(b"null", number.encode()))


@pytest.mark.parametrize("text", [b'{"a":1,"a":1}', b"-0", b'"\\u0061"', b"[ ]", b'"\\/"', b'"\x7f\\u007f"'])
def test_another_text_of_a_value_is_not_canonical(text: bytes) -> None:
    assert not read(state_line(None).replace(b"null", text)).is_canonical


def test_half_a_character_is_no_text() -> None:
    with pytest.raises(LineRefused, match="not text"):
        read(state_line(None).replace(b"null", b'"\\ud800"'))


@pytest.mark.parametrize(
    "members",
    [
        {"type": "head"},
        {"type": "head", "head": 1},
        {"type": "head", "head": "x", "more": 1},
        {"type": "consistency", "log_id": "2026", "first": 1, "second": 2, "proof": ["AB"]},
        {"type": "consistency", "log_id": "2026", "first": True, "second": 2, "proof": []},
        {"type": "state", "noun": "pip", "id": "x", "row": {"version": "1"}},
        {"type": "state", "noun": "pip", "id": "x", "row": []},
        {"type": "cosignature", "cosignature": None},
        {"type": "end", "lines": -1},
        {"type": "entry"},
        {"type": []},
        {"type": {}},
        {"type": None},
        {"type": "heads"},
        {},
    ],
)
def test_a_line_has_the_members_of_its_type(members: dict[str, Any]) -> None:
    with pytest.raises(LineRefused):
        read(rfc8785.dumps(members))


def test_true_is_not_1() -> None:
    assert same({"a": [1], "b": "x"}, {"b": "x", "a": [1]})
    assert not same({"a": [1]}, {"a": [True]})
