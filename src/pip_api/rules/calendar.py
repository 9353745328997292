"""What comes when: milestones, reviews, meetings and updates in date order, what is late, and the year's themes?"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Literal, NamedTuple

from pip_api.rules.plan_document import PlanDocument
from pip_api.rules.plan_parts import Meeting, Review

Kind = Literal["milestone", "review", "meeting", "update", "follow_up"]


class Entry(NamedTuple):
    """One day of a calendar."""

    day: date
    kind: Kind
    title: str
    status: Literal["done", "late", "coming"]
    pointer: str
    """Where it stands in the plan document."""
    before: str | None = None
    """For an update: the meeting before which it is due."""
    important: bool = False


def calendar(plan: PlanDocument, today: date) -> list[Entry]:
    """All that has a day in a plan, in date order, with the updates that are due before each meeting."""
    entries = [
        *_dated(plan["milestones"], "milestones", "milestone", "due_on", "done_on", today),
        *_dated(plan["follow_ups"], "follow_ups", "follow_up", "due_on", "done_on", today),
        *_dated(plan["reviews"], "reviews", "review", "planned_on", "held_on", today),
    ]
    for name in ("meetings", "national_meetings"):
        meetings: Sequence[Meeting] = plan[name]
        for place, meeting in enumerate(meetings):
            entries.extend(_of_meeting(meeting, f"#/{name}/{place}", today))
    return sorted(entries, key=lambda each: (each.day, each.kind == "meeting", each.pointer))


def _dated(
    rows: Iterable[Mapping[str, Any]], name: str, kind: Kind, due: str, done: str, today: date
) -> Iterable[Entry]:
    for place, row in enumerate(rows):
        if (told := row.get(due) or row.get(done)) is None:
            continue
        day = date.fromisoformat(told)
        status: Literal["done", "late", "coming"] = "done" if row.get(done) else "late" if day < today else "coming"
        title = str(row.get("title") or "")
        yield Entry(day, kind, title, status, f"#/{name}/{place}", None, bool(row.get("important")))
        if row.get("update_due"):
            yield Entry(day, "update", title, status, f"#/{name}/{place}")


def _of_meeting(meeting: Meeting, pointer: str, today: date) -> Iterable[Entry]:
    held, title = meeting.get("held_on"), meeting.get("title") or ""
    if held is not None:
        yield Entry(date.fromisoformat(held), "meeting", title, _passed(held, today), pointer)
    if (updates := meeting.get("updates_due_on")) is not None:
        yield Entry(date.fromisoformat(updates), "update", title, _passed(updates, today), pointer, title)


def _passed(day: str, today: date) -> Literal["done", "coming"]:
    return "done" if date.fromisoformat(day) < today else "coming"


class ReviewState(NamedTuple):
    """How one kind of review of a plan stands."""

    kind: Literal["internal", "with_partners"]
    every_days: int | None
    last_on: date | None
    next_on: date | None
    """The next that is planned, or else the last plus the interval."""
    late: bool
    missed: Sequence[date]
    """The days that were planned, passed, and on which none was held."""


def reviews(plan: PlanDocument, today: date) -> list[ReviewState]:
    """Whether the reviews in the force and those with partners are held at their intervals. A plan is first reviewed
    an interval after it starts."""
    pip = plan["pip"]
    first = pip.get("starts_on")
    kinds: Sequence[tuple[Literal["internal", "with_partners"], int | None]] = (
        ("internal", pip.get("review_interval_days")),
        ("with_partners", pip.get("partner_review_interval_days")),
    )
    return [
        _review_state(kind, every, [each for each in plan["reviews"] if each.get("kind") == kind], first, today)
        for kind, every in kinds
    ]


def _review_state(
    kind: Literal["internal", "with_partners"], every: int | None, rows: list[Review], first: str | None, today: date
) -> ReviewState:
    held = [date.fromisoformat(day) for each in rows if (day := each.get("held_on"))]
    planned = [date.fromisoformat(day) for each in rows if not each.get("held_on") and (day := each.get("planned_on"))]
    planned += [date.fromisoformat(day) for each in rows if (day := each.get("next_on")) and each.get("held_on")]
    last = max(held, default=None)
    since = last or (None if first is None else date.fromisoformat(first))
    by_interval = None if every is None or since is None else since + timedelta(days=every)
    ahead = [day for day in planned if last is None or day > last]
    known = [day for day in (min(ahead, default=None), by_interval) if day is not None]
    missed = sorted({day for day in ahead if day < today})
    due = min(known, default=None)
    return ReviewState(kind, every, last, min(ahead, default=by_interval), due is not None and due < today, missed)


class ThemeFault(NamedTuple):
    """What is wrong with the year's meetings, and at which of them; none where one is missing."""

    pointer: str | None
    detail: str


def a_year_after(day: date) -> date:
    """The same day of the next year; after a 29 February the 1 March."""
    return date(day.year + 1, 3, 1) if (day.month, day.day) == (2, 29) else day.replace(year=day.year + 1)


def quarter_start(day: date) -> date:
    """The first day of the quarter that a day is in."""
    return date(day.year, day.month - (day.month - 1) % 3, 1)


def themes(meetings: Sequence[Meeting], start: date) -> list[ThemeFault]:
    """What is wrong with the twelve months from a day: a learning review each quarter, each with a theme set before it
    is held, and a thematic review before the external one of the same theme."""
    end = a_year_after(start)
    faults = []
    quarters = set()
    for place, meeting in enumerate(meetings):
        if (text := meeting.get("held_on")) is None:
            continue
        day, pointer = date.fromisoformat(text), f"#/meetings/{place}"
        external = meeting.get("inspection_theme_on")
        if external is not None and date.fromisoformat(external) <= day:
            faults.append(ThemeFault(pointer, "The external review of this theme is not after it."))
        if meeting.get("kind") != "learning_review" or not start <= day < end:
            continue
        quarters.add(_quarter(day))
        theme_set = (meeting.get("created_at") or "")[:10]
        if not (meeting.get("theme") or "").strip():
            faults.append(ThemeFault(pointer, "The learning review has no theme."))
        elif theme_set and date.fromisoformat(theme_set) >= day:
            faults.append(ThemeFault(pointer, "The theme was not set in advance."))
    wanted = [_quarter_after(_quarter(start), number) for number in range(4)]
    faults += [
        ThemeFault(None, f"No learning review in {year} Q{quarter}.")
        for year, quarter in wanted
        if (year, quarter) not in quarters
    ]
    return faults


def _quarter(day: date) -> tuple[int, int]:
    return day.year, (day.month + 2) // 3


def _quarter_after(quarter: tuple[int, int], number: int) -> tuple[int, int]:
    year, place = divmod(quarter[0] * 4 + quarter[1] - 1 + number, 4)
    return year, place + 1
