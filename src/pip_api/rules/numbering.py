"""Which number does a new task of a plan get?"""

from collections.abc import Hashable, Sequence


def next_number(given: Sequence[tuple[str, Hashable]], concern: Hashable, place: int) -> str:
    """`given` are the numbers of the plan's tasks, oldest first, each with its concern; `place` is where the concern
    stands in the plan, from 1.

    A concern keeps the first part of its numbers when the plan is put in another order. One without tasks gets its
    place, or, when another concern has that, the next part that is free.
    """
    numbers = [tuple(map(int, number.split(".")[:2])) for number, _ in given]
    own = [number[0] for number, (_, whose) in zip(numbers, given, strict=True) if whose == concern]
    others = {first for first, _ in numbers}
    first = own[0] if own else place if place not in others else max(others) + 1
    return f"{first}.{max((second for part, second in numbers if part == first), default=0) + 1}"
