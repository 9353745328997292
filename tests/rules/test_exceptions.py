"""Does a figure stand out where something is to be told of it?"""

from decimal import Decimal

import pytest

from pip_api.rules.exceptions import stands_out

RUN = [Decimal(each) for each in (5, 6, 4, 5, 6, 4)]


@pytest.mark.parametrize(
    ("last", "narrative", "why"),
    [
        ("5", "", []),
        ("6", "", []),  # as high as before is not higher
        ("6.1", "", ["highest_so_far"]),
        ("3.9", "", ["lowest_so_far"]),
        ("5", "A festival.", ["narrative"]),
        ("7", " A festival.", ["narrative", "highest_so_far"]),
        ("5", "  ", []),
    ],
)
def test_by_what_is_said_or_by_a_run(last: str, narrative: str, why: list[str]) -> None:
    assert stands_out([*RUN, Decimal(last)], narrative) == why


def test_a_short_run_says_nothing() -> None:
    assert stands_out([*RUN[:5], Decimal(99)], "") == []
    assert stands_out([Decimal(99)], "New.") == ["narrative"]
    assert stands_out([], "") == []
