"""How far are people from the level of skill that their role asks for, and roles, teams and forces with them?

The skill has five levels with 5, 5, 5, 3 and 3 statements. Somebody is at a level when they fully meet each statement
of it and of those below.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

STATEMENTS: Final = (5, 5, 5, 3, 3)
"""How many statements each level has, from the first."""
By = Literal["role", "team", "force"]

Statement = tuple[int, int]
"""A statement: its level, and its place among those of the level, both from 1."""
ALL: Final[Sequence[Statement]] = tuple(
    (level, place) for level, count in enumerate(STATEMENTS, 1) for place in range(1, count + 1)
)


def assessed_level(met: Mapping[Statement, str]) -> int:
    """The level of somebody who meets statements so; 0 for none."""
    reached = 0
    for level, count in enumerate(STATEMENTS, 1):
        if any(met.get((level, place)) != "fully" for place in range(1, count + 1)):
            break
        reached = level
    return reached


def latest(assessments: Iterable[Mapping[str, Any]]) -> dict[Statement, str]:
    """What was last said of each statement: of one day, a supervisor's word goes before somebody's own."""
    ordered = sorted(assessments, key=lambda each: (each["assessed_on"], each.get("assessed_by") == "supervisor"))
    return {tuple(each["statement"]): each["met"] for each in ordered}


class Person(NamedTuple):
    """What is looked at of a person: no name."""

    role: str
    team: str
    force: str
    required: int
    met: Mapping[Statement, str]


class Gap(NamedTuple):
    """How a role, a team or a force stands."""

    group: str
    people: int
    at_level: int
    """How many are at the level that their role requires, or above."""
    mean_gap: float
    """Levels between what is required and what was assessed, on average; who is above counts as none."""
    missing: Sequence[tuple[Statement, int]]
    """The statements of required levels that are not fully met, with by how many people, the most common first."""


def gap(person: Person) -> int:
    """How many levels somebody is short of what their role requires."""
    return max(0, person.required - assessed_level(person.met))


def gaps(people: Iterable[Person], by: By) -> list[Gap]:
    """The gaps of each role, team or force, the widest first."""
    groups: defaultdict[str, list[Person]] = defaultdict(list)
    for person in people:
        groups[getattr(person, by)].append(person)
    made = [_gap(name, members) for name, members in groups.items()]
    return sorted(made, key=lambda each: (-each.mean_gap, each.group))


def _gap(name: str, members: Sequence[Person]) -> Gap:
    short = [gap(each) for each in members]
    lacking = {
        statement: sum(statement[0] <= each.required and each.met.get(statement) != "fully" for each in members)
        for statement in ALL
    }
    missing = sorted(((one, count) for one, count in lacking.items() if count), key=lambda each: (-each[1], each[0]))
    return Gap(name, len(members), short.count(0), sum(short) / len(members), missing)
