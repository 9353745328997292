"""Does every task of a plan have a number of its own that tells its concern?"""

from hypothesis import given
from hypothesis import strategies as st

from pip_api.rules.numbering import next_number


def test_a_concern_keeps_its_number_when_the_plan_is_put_in_another_order() -> None:
    given = [("1.1", "c3"), ("2.1", "c4"), ("1.2", "c3")]
    assert next_number(given, "c3", place=2) == "1.3"
    assert next_number(given, "c4", place=1) == "2.2"


def test_a_concern_without_tasks_gets_its_place_if_that_is_free() -> None:
    assert next_number([], "c1", place=1) == "1.1"
    assert next_number([("1.1", "c1")], "c2", place=2) == "2.1"
    assert next_number([("1.1", "c1"), ("7.4", "c2")], "c3", place=1) == "8.1"


def test_a_number_of_three_parts_counts_as_its_first_two() -> None:
    assert next_number([("1.1", "c1"), ("1.2.5", "c1")], "c1", place=1) == "1.3"


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.permutations("abcd"))))
def test_no_number_is_given_twice_and_each_tells_its_concern(tasks: list[tuple[str, list[str]]]) -> None:
    """Each task is for a concern, in a plan that may have been put in another order since the last one."""
    numbers: list[tuple[str, str]] = []
    for concern, order in tasks:
        numbers.append((next_number(numbers, concern, order.index(concern) + 1), concern))
    assert len({number for number, _ in numbers}) == len(numbers)
    firsts = {(number.split(".")[0], concern) for number, concern in numbers}
    assert len({first for first, _ in firsts}) == len(firsts) == len({concern for _, concern in firsts})
