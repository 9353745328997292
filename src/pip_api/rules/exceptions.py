"""Which figures stand out, so that people are told of these and not of all?

A measure needs no target for it: a figure stands out by what was said with it, or by being the highest or lowest of a
run that is long enough to say so.
"""

from collections.abc import Sequence
from decimal import Decimal

LEAST = 6
"""A figure is the highest or lowest so far only where at least so many came before it."""


def stands_out(values: Sequence[Decimal], narrative: str) -> list[str]:
    """Why the last of some figures, the earliest first, stands out; empty where it does not."""
    reasons = ["narrative"] if values and narrative.strip() else []
    *earlier, last = values or [Decimal()]
    if len(earlier) >= LEAST:
        if last > max(earlier):
            reasons.append("highest_so_far")
        elif last < min(earlier):
            reasons.append("lowest_so_far")
    return reasons
