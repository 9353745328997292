"""Which forces do well on a measure, how far is a figure from its target, and which products are hardly used?"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

Figure = Mapping[str, Any]


def best_first(figures: Iterable[Figure], direction: str | None, target: Decimal | None = None) -> list[dict[str, Any]]:
    """Figures of one period in the order of merit, with their places; equal values share a place.

    Where neither way is better, nobody does better than another: the list is empty.
    """
    if direction not in ("increase", "decrease"):
        return []
    more = direction == "increase"
    ordered = sorted(figures, key=lambda each: (-each["value"] if more else each["value"], each["force_code"]))
    ranked: list[dict[str, Any]] = []
    for place, figure in enumerate(ordered, 1):
        shared = ranked and ranked[-1]["value"] == figure["value"]
        short = shortfall(figure["value"], direction, target)
        meets = None if short is None else not short
        ranked.append({**figure, "place": ranked[-1]["place"] if shared else place, "meets_target": meets})
    return ranked


def shortfall(value: Decimal, direction: str | None, target: Decimal | None) -> Decimal | None:
    """How far a value falls short of the target: not at all where it meets it. Null without a target, and where
    neither way is better."""
    if target is None or direction not in ("increase", "decrease"):
        return None
    return max(target - value if direction == "increase" else value - target, Decimal())


def compared_period(counts: Sequence[tuple[date, date, int]]) -> tuple[date, date] | None:
    """The newest period for which at least half as many forces have a figure as for the fullest one: a period that
    few have sent figures for yet is no ground for comparison. `counts` are first day, last day and forces."""
    most = max((count for *_, count in counts), default=0)
    fair = [(end, start) for start, end, count in counts if 2 * count >= most]
    if not fair:
        return None
    end, start = max(fair)
    return start, end


def little_used(
    products: Iterable[Mapping[str, Any]], today: date, fewer_than: int, unused_days: int
) -> list[dict[str, Any]]:
    """The products that are still made and were never used, few times, or not of late; the least used first."""
    found = []
    for product in products:
        if product["retired_on"] is not None and product["retired_on"] <= today:
            continue
        days = None if product["used_on"] is None else (today - product["used_on"]).days
        why = []
        if product["uses"] == 0:
            why.append("never_used")
        elif product["uses"] < fewer_than:
            why.append("few_uses")
        if days is not None and days > unused_days:
            why.append("not_of_late")
        if why:
            found.append({**product, "days_since_use": days, "why": why})
    return sorted(found, key=lambda each: (each["uses"], each["used_on"] or date.min, each["title"]))
