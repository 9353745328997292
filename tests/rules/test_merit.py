"""Who leads on a measure, when are forces compared, and which products are hardly used?"""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from pip_api.rules.merit import best_first, compared_period, little_used, shortfall

FIGURES = [{"force_code": force, "value": Decimal(value)} for force, value in (("c", "90"), ("a", "70"), ("b", "90"))]


@pytest.mark.parametrize(
    ("direction", "order"),
    [
        ("increase", [("b", 1, True), ("c", 1, True), ("a", 3, False)]),
        ("decrease", [("a", 1, True), ("b", 2, False), ("c", 2, False)]),
        ("neutral", []),
        (None, []),
    ],
)
def test_the_best_come_first_and_equals_share_a_place(direction: str | None, order: list[Any]) -> None:
    found = best_first(FIGURES, direction, Decimal(80))
    assert [(each["force_code"], each["place"], each["meets_target"]) for each in found] == order


def test_without_a_target_nobody_meets_it() -> None:
    assert {each["meets_target"] for each in best_first(FIGURES, "increase")} == {None}


@pytest.mark.parametrize(
    ("direction", "target", "short"),
    [("increase", 95, 5), ("increase", 90, 0), ("increase", 80, 0), ("decrease", 80, 10), ("decrease", 95, 0),
     ("neutral", 80, None), (None, 80, None), ("increase", None, None)],
)  # fmt: skip
def test_a_shortfall_is_what_is_missing_to_the_target(direction: str | None, target: Any, short: int | None) -> None:
    assert shortfall(Decimal(90), direction, None if target is None else Decimal(target)) == short


def test_a_period_that_few_have_figures_for_is_not_compared() -> None:
    september, october = (date(2026, 9, 1), date(2026, 9, 30)), (date(2026, 10, 1), date(2026, 10, 31))
    assert compared_period([(*september, 4), (*october, 1)]) == september
    assert compared_period([(*september, 4), (*october, 2)]) == october
    assert compared_period([]) is None


TODAY = date(2026, 11, 21)


def product(title: str, uses: int, used_on: date | None = None, retired_on: date | None = None) -> dict[str, Any]:
    return {"title": title, "uses": uses, "used_on": used_on, "retired_on": retired_on}


def test_the_least_used_come_first_with_the_reasons() -> None:
    products = [
        product("Weekly", 100, date(2026, 11, 20)),
        product("Yearly", 100, date(2026, 1, 1)),
        product("Never", 0),
        product("Few", 4, date(2026, 11, 1)),
        product("Gone", 0, retired_on=TODAY),
        product("Leaving", 1, date(2026, 1, 2), retired_on=date(2026, 12, 1)),
    ]
    found = little_used(products, TODAY, fewer_than=5, unused_days=90)
    assert [(each["title"], each["why"]) for each in found] == [
        ("Never", ["never_used"]),
        ("Leaving", ["few_uses", "not_of_late"]),
        ("Few", ["few_uses"]),
        ("Yearly", ["not_of_late"]),
    ]
    assert found[3]["days_since_use"] == 324
