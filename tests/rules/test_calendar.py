"""Is the calendar in order, are late reviews found, and is the year of themes held to what was asked?"""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pip_api.rules.calendar import a_year_after, calendar, quarter_start, reviews, state, themes
from pip_api.rules.plan_document import read
from tests.rules.plans import plan

TODAY = date(2026, 10, 1)
BOARD = {"id": "b", "title": "Board", "kind": "board", "held_on": "2026-09-30"}
DAYS = st.dates(date(2026, 1, 1), date(2027, 12, 31))


def test_a_calendar_has_everything_in_date_order_with_updates_before_meetings() -> None:
    ppmg = {"id": "m", "title": "PPMG", "kind": "ppmg", "held_on": "2026-11-20", "updates_due_on": "2026-11-13"}
    follow_up = {"id": "f", "title": "Does it hold?", "due_on": "2027-12-01"}
    full = plan({"/national_meetings": [ppmg], "/meetings": [BOARD], "/follow_ups": [follow_up]})
    told = [(str(each.day), each.kind, each.status, each.before) for each in calendar(full, TODAY)]
    assert told == [
        ("2026-08-01", "review", "done", None),
        ("2026-09-01", "milestone", "late", None),
        ("2026-09-30", "meeting", "done", None),
        ("2026-11-13", "update", "coming", "PPMG"),
        ("2026-11-20", "milestone", "coming", None),
        ("2026-11-20", "update", "coming", None),
        ("2026-11-20", "meeting", "coming", None),
        ("2027-12-01", "follow_up", "coming", None),
    ]
    assert [each.pointer for each in calendar(full, TODAY) if each.important] == ["#/milestones/0"]


@given(st.lists(st.tuples(DAYS, st.none() | DAYS), max_size=8), DAYS)
def test_what_is_not_done_is_late_from_the_day_after(given: list[tuple[date, date | None]], today: date) -> None:
    rows = [{"id": str(n), "due_on": str(due), "done_on": done and str(done)} for n, (due, done) in enumerate(given)]
    entries = calendar(read({"pip": {"id": "plan"}, "milestones": rows}), today)
    assert [each.day for each in entries] == sorted(due for due, _ in given)
    late = sorted(due for due, done in given if done is None and due < today)
    assert [each.day for each in entries if each.status == "late"] == late
    assert sum(each.status == "done" for each in entries) == sum(done is not None for _, done in given)


def reviewed(*rows: dict[str, Any], **pip: Any) -> Any:
    kept = [{"id": str(place), "kind": "internal"} | row for place, row in enumerate(rows)]
    return plan({"/reviews": kept} | {f"/pip/{name}": value for name, value in pip.items()})


@pytest.mark.parametrize(
    ("rows", "next_on", "late", "missed"),
    [
        ([], "2026-07-31", True, []),  # 30 days after the start of 1 July
        ([{"held_on": "2026-09-10"}], "2026-10-10", False, []),
        ([{"held_on": "2026-08-31"}], "2026-09-30", True, []),
        ([{"held_on": "2026-09-10", "next_on": "2026-09-20"}], "2026-09-20", True, ["2026-09-20"]),
        ([{"held_on": "2026-09-10"}, {"planned_on": "2026-09-30"}], "2026-09-30", True, ["2026-09-30"]),
        ([{"held_on": "2026-09-10"}, {"planned_on": "2026-10-01"}], "2026-10-01", False, []),
        ([{"held_on": "2026-08-01", "next_on": "2026-11-01"}], "2026-11-01", True, []),  # the interval passed
        (  # held a day before the day that was set for it
            [
                {"planned_on": "2026-08-18", "held_on": "2026-08-18", "next_on": "2026-09-15"},
                {"planned_on": "2026-09-15", "held_on": "2026-09-14", "next_on": "2026-10-12"},
            ],
            "2026-10-12",
            False,
            [],
        ),
    ],
)
def test_a_late_review_is_shown(rows: list[dict[str, Any]], next_on: str, late: bool, missed: list[str]) -> None:
    internal, partners = reviews(reviewed(*rows), TODAY)
    assert (str(internal.next_on), internal.late) == (next_on, late)
    assert list(map(str, internal.missed)) == missed
    assert (partners.kind, partners.last_on, str(partners.next_on), partners.late) == (
        "with_partners", None, "2026-09-29", True,
    )  # fmt: skip


@pytest.mark.parametrize("status", ["closed", "withdrawn", "superseded"])
def test_of_a_plan_that_ended_nothing_is_late(status: str) -> None:
    ended = reviewed({"planned_on": "2026-09-01"}, status=status)
    assert [(each.next_on, each.late, each.missed) for each in reviews(ended, TODAY)] == [(None, False, [])] * 2
    follow_up = {"id": "f", "title": "Does it hold?", "due_on": "2026-09-15"}
    ended["follow_ups"], ended["meetings"] = [follow_up], [BOARD | {"updates_due_on": "2026-09-20"}]
    ended["national_meetings"] = []
    told = [(str(each.day), each.kind, each.status) for each in calendar(ended, TODAY)]
    assert told == [
        ("2026-09-01", "milestone", "lapsed"),
        ("2026-09-01", "review", "lapsed"),
        ("2026-09-15", "follow_up", "late" if status == "closed" else "lapsed"),  # which is for after the closing
        ("2026-09-20", "update", "lapsed"),
        ("2026-09-30", "meeting", "done"),
        ("2026-11-20", "milestone", "lapsed"),
        ("2026-11-20", "update", "lapsed"),
    ]


@pytest.mark.parametrize(
    ("told_on", "status"),
    [
        ([], "late"),
        (["2026-09-05"], "done"),  # between the meeting before and this one
        (["2026-09-03"], "late"),  # told at the meeting before
        (["2026-09-26"], "done"),  # in the end
        (["2026-10-01"], "late"),  # after the meeting
    ],
)
def test_an_update_is_done_when_progress_was_told_since_the_meeting_before(told_on: list[str], status: str) -> None:
    before, meeting = BOARD | {"held_on": "2026-09-03"}, BOARD | {"updates_due_on": "2026-09-25"}
    other = BOARD | {"kind": "other", "held_on": "2026-09-20"}
    updates = [{"id": day, "reported_on": day} for day in told_on]
    full = plan({"/meetings": [before, meeting, other], "/progress_updates": updates})
    (update,) = (each for each in calendar(full, TODAY) if each.before == "Board")
    assert update.status == status
    (update,) = (each for each in calendar(full, date(2026, 9, 25)) if each.before == "Board")
    assert update.status == ("coming" if status == "late" else "done")


@pytest.mark.parametrize(
    ("due_on", "done_on", "ended", "expected"),
    [
        ("2026-09-30", "2026-09-30", False, "met"),
        ("2026-09-30", "2026-10-01", True, "met_late"),
        ("2026-09-30", None, False, "late"),
        ("2026-10-01", None, False, "to_come"),
        ("2026-09-30", None, True, "lapsed"),
    ],
)
def test_how_something_stands(due_on: str, done_on: str | None, ended: bool, expected: str) -> None:
    assert state(due_on, done_on, TODAY, ended=ended) == expected


def test_without_an_interval_or_a_plan_for_one_no_review_is_due() -> None:
    internal, _ = reviews(reviewed(review_interval_days=None), TODAY)
    assert (internal.next_on, internal.late) == (None, False)


@given(held=DAYS, every=st.integers(1, 400), today=DAYS)
def test_a_review_is_late_the_day_after_its_interval(held: date, every: int, today: date) -> None:
    internal, _ = reviews(reviewed({"held_on": str(held)}, review_interval_days=every), today)
    assert internal.late == (today > held + timedelta(days=every))


def learning(held_on: str, theme: str | None = "Victims", created_at: str = "2026-01-01T00:00:00Z", **more: Any) -> Any:
    return {
        "id": held_on,
        "kind": "learning_review",
        "held_on": held_on,
        "theme": theme,
        "created_at": created_at,
    } | more


YEAR = [learning(day) for day in ("2026-11-05", "2027-02-04", "2027-05-06", "2027-08-05")]


def test_a_whole_year_of_themes_has_no_fault() -> None:
    assert themes(YEAR, TODAY) == []


@pytest.mark.parametrize("left_out", range(4))
def test_each_quarter_has_a_learning_review(left_out: int) -> None:
    year = [each for place, each in enumerate(YEAR) if place != left_out]
    quarter = ("2026 Q4", "2027 Q1", "2027 Q2", "2027 Q3")[left_out]
    assert [tuple(each) for each in themes(year, TODAY)] == [(None, f"No learning review in {quarter}.")]
    scrutiny = learning(YEAR[left_out]["held_on"], kind="strategic_scrutiny")
    assert len(themes([*year, scrutiny], TODAY)) == 1


def test_a_theme_made_up_on_the_day_is_told_with_the_place_of_the_meeting() -> None:
    meeting = learning("2026-11-06", created_at="2026-11-06T09:00:00Z")
    year = [YEAR[0], meeting, *YEAR[1:]]
    assert [tuple(each) for each in themes(year, TODAY)] == [("#/meetings/1", "The theme was not set in advance.")]
    from_then = date(2026, 11, 6)  # the first is not told then, and counts for its quarter
    assert [tuple(each) for each in themes(year, from_then)] == [("#/meetings/0", "The theme was not set in advance.")]


def test_a_quarter_that_has_begun_counts_as_a_whole() -> None:
    assert themes(YEAR, date(2026, 12, 20)) == []
    assert [each.detail for each in themes(YEAR[1:], date(2026, 12, 20))] == ["No learning review in 2026 Q4."]


def test_a_year_from_a_leap_day_has_four_quarters_too() -> None:
    assert len(themes([], date(2028, 2, 29))) == 4


@pytest.mark.parametrize(
    ("day", "quarter", "later"),
    [
        ("2026-11-21", "2026-10-01", "2027-11-21"),
        ("2026-10-01", "2026-10-01", "2027-10-01"),
        ("2027-03-31", "2027-01-01", "2028-03-31"),
        ("2028-02-29", "2028-01-01", "2029-03-01"),
    ],
)
def test_a_quarter_begins_and_a_year_passes(day: str, quarter: str, later: str) -> None:
    asked = date.fromisoformat(day)
    assert (str(quarter_start(asked)), str(a_year_after(asked))) == (quarter, later)
