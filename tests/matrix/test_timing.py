"""Does the time of an answer tell what another force has? The one test that measures time: `make soak` runs it."""

import gc
import random
from bisect import bisect_left, bisect_right
from time import perf_counter

import pytest

from tests.matrix.asking import RULES, asked
from tests.matrix.trying import Tried
from tests.soak import LONG

EACH = 2_000


def area_under_curve(some: list[float], others: list[float]) -> float:
    """How often one of the first took longer than one of the second (Mann and Whitney): a half says nothing."""
    ranked = sorted(others)
    wins = sum(bisect_left(ranked, each) + bisect_right(ranked, each) for each in some)
    return wins / (2 * len(some) * len(others))


def test_the_area_is_that_of_the_definition() -> None:
    assert area_under_curve([1, 2, 3], [1, 2, 3]) == 0.5
    assert area_under_curve([2, 3], [0, 1]) == 1
    assert area_under_curve([0, 0], [1, 0]) == 0.25


@pytest.mark.skipif(not LONG, reason="times are measured with SOAK=1 only")
@pytest.mark.parametrize("name", ["getPip", "changePip", "listPipVersions", "createAction", "getFigure"])
async def test_what_is_foreign_takes_as_long_as_what_never_was(tried: Tried, name: str) -> None:
    caller = next(client for caller, client in tried.clients.items() if caller.name == "force-lead-force")
    order = ["other_region", "missing"] * EACH
    random.Random(1).shuffle(order)
    took: dict[str, list[float]] = {"other_region": [], "missing": []}
    gc.collect()
    gc.disable()
    try:
        for position in (*order[:100], *order):
            began = perf_counter()
            answer = await asked(caller, tried.world, RULES[name], position)
            took[position].append(perf_counter() - began)
            assert answer.status_code in (404, 422)
    finally:
        gc.enable()
    area = area_under_curve(took["other_region"][-EACH:], took["missing"][-EACH:])
    print(f"{name}: the area under the curve is {area:.3f} over {EACH} and {EACH} requests")
    assert 0.45 <= area <= 0.55
