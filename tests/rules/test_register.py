"""In which band is a risk, on the scale of its force?"""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pip_api.rules.register import band, register, score
from tests.rules.plans import plan

ENDED = {"id": "m", "status": "ended"}
FOUR = {"id": "four", "size": 4, "bands": [("low", 1), ("medium", 5), ("high", 9)]}
FIVE = {"id": "five", "size": 5, "bands": [("low", 1), ("medium", 5), ("high", 10), ("very high", 20)]}


def scale(given: dict[str, Any]) -> dict[str, Any]:
    return given | {"bands": [{"name": name, "from_score": start} for name, start in given["bands"]]}


@pytest.mark.parametrize("given", [FOUR, FIVE], ids=["4x4", "5x5"])
def test_each_cell_of_the_matrix_is_in_the_band_that_begins_last_below_it(given: dict[str, Any]) -> None:
    steps = range(1, given["size"] + 1)
    for likelihood, impact in product(steps, steps):
        expected = [name for name, start in given["bands"] if start <= likelihood * impact][-1]
        assert band(scale(given), score(likelihood, impact)) == expected


def test_the_scale_of_a_police_register() -> None:
    """Leicestershire's: 9 to 16 high, 5 to 8 medium, 1 to 4 low."""
    assert [band(scale(FOUR), points) for points in (1, 4, 5, 8, 9, 16)] == [
        "low", "low", "medium", "medium", "high", "high",
    ]  # fmt: skip


@given(st.integers(3, 6).flatmap(lambda size: st.tuples(st.just(size), st.sets(st.integers(2, size * size)))))
def test_a_higher_score_is_never_in_a_lower_band(given: tuple[int, set[int]]) -> None:
    size, starts = given
    bands = [{"name": str(place), "from_score": start} for place, start in enumerate([1, *sorted(starts)])]
    places = [int(band({"bands": bands}, points) or -1) for points in range(1, size * size + 1)]
    assert places == sorted(places)
    assert places[0] == 0


def test_the_register_has_the_gravest_open_risk_first() -> None:
    risks = [
        {"id": "small", "likelihood": 1, "impact": 2, "scale_id": "four", "mitigations": [{"id": "m"}]},
        {"id": "over", "likelihood": 4, "impact": 4, "scale_id": "four", "status": "closed"},
        {"id": "large", "likelihood": 3, "impact": 3, "scale_id": "four", "mitigations": [ENDED]},
        {"id": "unscored", "scale_id": "four"},
        {"id": "unscaled", "likelihood": 1, "impact": 1},
    ]  # fmt: skip
    told = [tuple(each)[1:] for each in register(plan({"/risks": risks, "/risk_scales": [scale(FOUR)]}))]
    assert told == [(9, "high", False), (2, "low", True), (1, None, False), (None, None, False), (16, "high", False)]
