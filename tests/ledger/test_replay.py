from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pip_api.kernel.changes import difference
from pip_api.ledger.replay import PatchRefused, applied

PLAIN = st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab", max_size=3)
OBJECTS = st.dictionaries(
    st.text("ab", max_size=3), PLAIN | st.lists(PLAIN, max_size=3) | st.dictionaries(st.just("c"), PLAIN), max_size=4
)


def op(operation: str, path: str, *value: Any) -> dict[str, Any]:
    return {"op": operation, "path": path} | ({"value": value[0]} if value else {})


@pytest.mark.parametrize(
    ("state", "patch", "after"),
    [
        (None, [op("add", "", {"a": 1})], {"a": 1}),
        ({"a": 1}, [], {"a": 1}),
        ({"a": 1}, [op("replace", "/a", 2), op("add", "/b", 3)], {"a": 2, "b": 3}),
        ({"a": 1, "b": 2}, [op("remove", "/b")], {"a": 1}),
        ({"a/b": 1, "~": 2}, [op("replace", "/a~1b", 3), op("remove", "/~0")], {"a/b": 3}),
        ({"": 1}, [op("replace", "/", 2)], {"": 2}),
        ({"a": {"b": 1}}, [op("add", "/a/c", 2)], {"a": {"b": 1, "c": 2}}),
        ({"a": [1, 3]}, [op("add", "/a/1", 2), op("add", "/a/-", 4)], {"a": [1, 2, 3, 4]}),
        ({"a": [1, 2]}, [op("remove", "/a/0"), op("replace", "/a/0", 5)], {"a": [5]}),
    ],
)
def test_a_patch_is_applied_as_rfc_6902_says(state: Any, patch: list[Any], after: Any) -> None:
    assert applied(state, patch) == after


@pytest.mark.parametrize(
    ("state", "patch"),
    [
        (None, [op("replace", "/a", 1)]),
        ({}, [op("replace", "/a", 1)]),
        ({}, [op("remove", "/a")]),
        ({}, [op("add", "a", 1)]),
        ({}, [op("add", "/a")]),
        ({}, [op("add", "/a/b", 1)]),
        ({"a": [1]}, [op("replace", "/a/1", 1)]),
        ({"a": [1]}, [op("add", "/a/3", 1)]),
        ({"a": [1]}, [op("remove", "/a/-1")]),
        ({"a": "text"}, [op("replace", "/a/0", "x")]),
        ({"a": 1}, [op("test", "/a", 1)]),
        ({"a": 1}, [op("move", "/a", 1)]),
        ({"a": 1}, [{"op": "add", "path": 1, "value": 1}]),
        ({"a": 1}, [{"op": ["add"], "path": "/a", "value": 1}]),
        ({"a": 1}, [{}]),
    ],
)
def test_a_patch_that_does_not_fit_is_refused(state: Any, patch: list[Any]) -> None:
    with pytest.raises(PatchRefused):
        applied(state, patch)


@given(OBJECTS, OBJECTS)
def test_the_difference_of_two_states_leads_from_one_to_the_other(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert applied(before, difference(before, after)) == after


def test_what_a_patch_is_applied_to_stays_as_it_was() -> None:
    before = {"a": {"b": [1]}, "c": 1}
    assert applied(before, [op("add", "/a/b/-", 2), op("remove", "/c")]) == {"a": {"b": [1, 2]}}
    assert before == {"a": {"b": [1]}, "c": 1}
