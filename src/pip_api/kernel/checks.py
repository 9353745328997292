"""Which rules do many nouns share: days in their order, names once, and what belongs to the same plan?

Each function makes a rule, with the id that it is told by.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from pip_api.db.statements import Record
from pip_api.kernel.resource import Reference, Rule, RuleContext


def has_come(rule: str, *fields: str) -> Rule:
    """None of the days is after today."""

    def check(row: Record, on: RuleContext) -> Iterator[Record]:
        for field in fields:
            if row[field] and row[field] > on.today:
                yield on.problem(rule, f"/{field}", "This day has not come yet.", "in_the_future")

    return check


def in_order(rule: str, *fields: str) -> Rule:
    """No day is before one that stands before it here."""

    def check(row: Record, on: RuleContext) -> Iterator[Record]:
        given = [field for field in fields if row[field]]
        for first, last in pairwise(given):
            if row[last] < row[first]:
                yield on.problem(rule, f"/{last}", f"This day is before that of '{first}'.", "date_before_start")

    return check


def is_no_debt(rule: str, *fields: str) -> Rule:
    """No amount of money is below nothing."""

    def check(row: Record, on: RuleContext) -> Iterator[Record]:
        for field in fields:
            if row[field] is not None and row[field] < 0:
                yield on.problem(rule, f"/{field}", "An amount of money is nothing or more.", "greater_than_equal")

    return check


def once(rule: str, field: str) -> Rule:
    """Nothing stands in the list twice."""

    def check(row: Record, on: RuleContext) -> Iterator[Record]:
        for place, each in enumerate(row[field]):
            if each in row[field][:place]:
                yield on.problem(rule, f"/{field}/{place}", "This is named twice.", "duplicate")

    return check


def needs(rule: str, field: str, when: Callable[[Record], Any], why: str) -> Rule:
    """The member has a value where it is needed."""

    def check(row: Record, on: RuleContext) -> Iterator[Record]:
        if row[field] in (None, "", []) and when(row):
            yield on.problem(rule, f"/{field}", why, "required")

    return check


def said_by(rule: str, field: str, permission: str | Callable[[Record], str], why: str, at_first: Any = None) -> Rule:
    """Only who holds the permission, which may be one for the row, gives the member another value than it had, or than
    what it has `at_first`."""

    def check(row: Record, on: RuleContext) -> Iterator[Record]:
        before = on.before[field] if on.before is not None else at_first
        force = on.parent["force_code"] if on.parent is not None else row.get("force_code")
        needed = permission if isinstance(permission, str) else permission(row)
        if row[field] != before and not on.by.held.holds(needed, force):
            yield on.problem(rule, f"/{field}", why, "permission_denied")

    return check


def covered_by_plan(rule: str, field: str = "concern_id") -> Rule:
    """The concerns named are those of the plan. It may drop one later: what was said of it stays."""

    def check(row: Record, on: RuleContext) -> Iterator[Record]:
        if on.parent is not None and (on.before is None or on.before[field] != row[field]):
            for place, name in Reference(field, None).names(row):
                if str(name) not in on.parent["concern_ids"]:
                    told = "The plan does not cover this concern."
                    yield on.problem(rule, place.removeprefix("#"), told, "concern_not_in_plan")

    return check


def of_the_plan(rule: str, field: str = "action_id") -> Rule:
    """What is named belongs to the same plan."""

    def check(row: Record, on: RuleContext) -> Iterator[Record]:
        homes = {str(each["id"]): each["pip_id"] for each in on.related.get(field, ())}
        for place, name in Reference(field, None).names(row):
            if homes.get(str(name), row["pip_id"]) != row["pip_id"]:
                told = "This belongs to another plan."
                yield on.problem(rule, place.removeprefix("#"), told, f"{field.split('_id')[0]}_not_in_plan")

    return check


def status_is(*statuses: str) -> Callable[[Record], bool]:
    """For `needs`: the status is one of these."""
    return lambda row: row["status"] in statuses
