"""What comes when: milestones, reviews, meetings and updates in date order, what is late, and the year's themes?"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final, Literal, NamedTuple

from pip_api.rules.lifecycle import ENDED, PlanStatus
from pip_api.rules.plan_document import PlanDocument
from pip_api.rules.plan_parts import Meeting, Review

Kind = Literal["milestone", "review", "meeting", "update", "follow_up"]
Status = Literal["done", "late", "coming", "lapsed"]
State = Literal["met", "met_late", "late", "to_come", "lapsed"]
STATUS_OF: Final[Mapping[State, Status]] = {
    "met": "done", "met_late": "done", "late": "late", "to_come": "coming", "lapsed": "lapsed",
}  # fmt: skip
"""In a calendar it is the same whether something was done in time."""


class Entry(NamedTuple):
    """One day of a calendar."""

    day: date
    kind: Kind
    title: str
    status: Status
    pointer: str
    """Where it stands in the plan document."""
    before: str | None = None
    """For an update: the meeting before which it is due."""
    important: bool = False


def has_ended(plan: PlanDocument) -> bool:
    """Whether a plan is in a state that it does not leave: what was not done by then is no longer due."""
    return plan["pip"].get("status") in ENDED


def state(due_on: str, done_on: str | None, today: date, *, ended: bool = False) -> State:
    """How something stands that was to be done by a day."""
    if done_on is not None:
        return "met" if done_on <= due_on else "met_late"
    return "lapsed" if ended else "late" if date.fromisoformat(due_on) < today else "to_come"


def calendar(plan: PlanDocument, today: date) -> list[Entry]:
    """All that has a day in a plan, in date order, with the updates that are due before each meeting."""
    ended = has_ended(plan)
    closed = plan["pip"].get("status") == PlanStatus.closed  # what is followed up then is due all the same
    entries = [
        *_dated(plan["milestones"], "milestones", "milestone", "due_on", "done_on", today, ended),
        *_dated(plan["follow_ups"], "follow_ups", "follow_up", "due_on", "done_on", today, ended and not closed),
        *_dated(plan["reviews"], "reviews", "review", "planned_on", "held_on", today, ended),
    ]
    for name in ("meetings", "national_meetings"):
        meetings: Sequence[Meeting] = plan[name]
        for place, meeting in enumerate(meetings):
            entries.extend(_of_meeting(plan, meeting, f"#/{name}/{place}", today))
    return sorted(entries, key=lambda each: (each.day, each.kind == "meeting", each.pointer))


def _dated(
    rows: Iterable[Mapping[str, Any]], name: str, kind: Kind, due: str, done: str, today: date, ended: bool
) -> Iterable[Entry]:
    for place, row in enumerate(rows):
        if (told := row.get(due) or row.get(done)) is None:
            continue
        day = date.fromisoformat(told)
        status = STATUS_OF[state(told, row.get(done), today, ended=ended)]
        title = str(row.get("title") or "")
        yield Entry(day, kind, title, status, f"#/{name}/{place}", None, bool(row.get("important")))
        if row.get("update_due"):
            yield Entry(day, "update", title, status, f"#/{name}/{place}")


def _of_meeting(plan: PlanDocument, meeting: Meeting, pointer: str, today: date) -> Iterable[Entry]:
    held, title = meeting.get("held_on"), meeting.get("title") or ""
    if held is not None:
        day = date.fromisoformat(held)
        yield Entry(day, "meeting", title, "done" if day < today else "coming", pointer)
    if (due := meeting.get("updates_due_on")) is not None:
        status = STATUS_OF[state(due, _updated_on(plan, meeting), today, ended=has_ended(plan))]
        yield Entry(date.fromisoformat(due), "update", title, status, pointer, title)


def _updated_on(plan: PlanDocument, meeting: Meeting) -> str | None:
    """The day of the first progress update for a meeting: one since the meeting of its kind before it."""
    held, kind = meeting.get("held_on") or date.max.isoformat(), meeting.get("kind")
    others = [*plan["meetings"], *plan["national_meetings"]]
    earlier = [day for each in others if each.get("kind") == kind and (day := each.get("held_on")) and day < held]
    since = max(earlier, default="")
    told = [day for each in plan["progress_updates"] if (day := each.get("reported_on")) and since < day <= held]
    return min(told, default=None)


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
    pip, ended = plan["pip"], has_ended(plan)
    first = pip.get("starts_on")
    kinds: Sequence[tuple[Literal["internal", "with_partners"], int | None]] = (
        ("internal", pip.get("review_interval_days")),
        ("with_partners", pip.get("partner_review_interval_days")),
    )
    return [
        _review_state(kind, every, [each for each in plan["reviews"] if each.get("kind") == kind], first, today, ended)
        for kind, every in kinds
    ]


def _review_state(
    kind: Literal["internal", "with_partners"],
    every: int | None,
    rows: list[Review],
    first: str | None,
    today: date,
    ended: bool,
) -> ReviewState:
    """Only the last that was held says when the next one is: it may have been held before the day set for it."""
    held = {date.fromisoformat(day): each.get("next_on") for each in rows if (day := each.get("held_on"))}
    last = max(held, default=None)
    if ended:
        return ReviewState(kind, every, last, None, late=False, missed=[])
    planned = [date.fromisoformat(day) for each in rows if not each.get("held_on") and (day := each.get("planned_on"))]
    if last is not None and (announced := held[last]) is not None:
        planned.append(date.fromisoformat(announced))
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
    """What is wrong with the year from a day: a learning review each quarter, each with a theme set before it is held.

    The quarter that the day is in counts as a whole, so `meetings` are those from its beginning, in date order; a
    place is told by the number of a meeting among those from the day on.
    """
    held = [(date.fromisoformat(text), each) for each in meetings if (text := each.get("held_on"))]
    quarters = {_quarter(day) for day, each in held if each.get("kind") == "learning_review"}
    faults = []
    for place, (day, meeting) in enumerate(each for each in held if each[0] >= start):
        theme_set = (meeting.get("created_at") or "")[:10]
        if meeting.get("kind") == "learning_review" and theme_set and date.fromisoformat(theme_set) >= day:
            faults.append(ThemeFault(f"#/meetings/{place}", "The theme was not set in advance."))
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
