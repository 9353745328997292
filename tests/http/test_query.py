"""Is the query string taken strictly?"""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pip_api.http.problems import Problem
from pip_api.http.query import LONGEST_OF_SEVERAL, LONGEST_VALUE, MOST_VALUES, parameters, several

NAMES = ["force", "status", "limit"]
VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=10)


@given(st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_what_is_sent_is_what_is_read(asked: dict[str, str]) -> None:
    assert parameters(urlencode(asked).encode(), NAMES) == asked


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"forcee=x", [("unknown_query_parameter", "forcee")]),
        (b"force=x&force=x", [("repeated_query_parameter", "force")]),
        (b"force", [("invalid_parameter", "force")]),
        (b"force=", [("invalid_parameter", "force")]),
        (b"force=a%00", [("invalid_parameter", "force")]),
        (b"=x", [("unknown_query_parameter", "this")]),
        (b"a%20b=x&status=&limit=1&limit=2", [
            ("unknown_query_parameter", "this"), ("invalid_parameter", "status"), ("repeated_query_parameter", "limit"),
        ]),
        (b"force=%ED%A0%80", []),
        (b"force=\xff", []),
        (b"&".join(b"limit=%d" % n for n in range(101)), []),
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_all_its_faults(query: bytes, expected: list[tuple[str, str]]) -> None:
    with pytest.raises(Problem) as refusal:
        parameters(query, NAMES)
    assert refusal.value.status == 400
    assert [(each["code"], each["parameter"]) for each in refusal.value.errors] == expected


def test_a_semicolon_does_not_separate() -> None:
    assert parameters(b"force=a;status=b", NAMES) == {"force": "a;status=b"}


@pytest.mark.parametrize(("longest", "most"), [({}, LONGEST_VALUE), ({"force": 10}, 10)])
def test_a_value_has_its_length(longest: dict[str, int], most: int) -> None:
    assert parameters(b"force=" + b"x" * most, NAMES, longest) == {"force": "x" * most}
    with pytest.raises(Problem) as refusal:
        parameters(b"force=" + b"x" * (most + 1), NAMES, longest)
    assert refusal.value.errors[0]["detail"] == f"'force' has at most {most} characters."


def test_several_values_stand_in_one_parameter() -> None:
    assert several("force", "kent,essex") == ["kent", "essex"]
    assert len(several("force", ",".join("x" * MOST_VALUES))) == MOST_VALUES
    for text in ("kent,,essex", ",".join("x" * (MOST_VALUES + 1)), "x" * (LONGEST_OF_SEVERAL + 1)):
        with pytest.raises(Problem) as refusal:
            several("force", text)
        assert (refusal.value.code, refusal.value.errors[0]["parameter"]) == ("invalid_parameter", "force")
