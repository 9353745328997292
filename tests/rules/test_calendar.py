"""Is the calendar in order, are late reviews found, and is the year of themes held to what was asked?"""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pip_api.rules.calendar import a_year_after, calendar, quarter_start, reviews, themes
from pip_api.rules.plan_document import read
from tests.rules.plans import plan

TODAY = date(2026, 10, 1)
DAYS = st.dates(date(2026, 1, 1), date(2027, 12, 31))


def test_a_calendar_has_everything_in_date_order_with_updates_before_meetings() -> None:
    ppmg = {"id": "m", "title": "PPMG", "kind": "ppmg", "held_on": "2026-11-20", "updates_due_on": "2026-11-13"}
    board = {"id": "b", "title": "Board", "kind": "board", "held_on": "2026-09-30"}
    follow_up = {"id": "f", "title": "Does it hold?", "due_on": "2027-12-01"}
    full = plan({"/national_meetings": [ppmg], "/meetings": [board], "/follow_ups": [follow_up]})
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
    ],
)
def test_a_late_review_is_shown(rows: list[dict[str, Any]], next_on: str, late: bool, missed: list[str]) -> None:
    internal, partners = reviews(reviewed(*rows), TODAY)
    assert (str(internal.next_on), internal.late) == (next_on, late)
    assert list(map(str, internal.missed)) == missed
    assert (partners.kind, partners.last_on, str(partners.next_on), partners.late) == (
        "with_partners", None, "2026-09-29", True,
    )  # fmt: skip


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


@pytest.mark.parametrize(
    ("meeting", "detail"),
    [
        (learning("2026-11-06", theme=" "), "The learning review has no theme."),
        (learning("2026-11-06", created_at="2026-11-06T09:00:00Z"), "The theme was not set in advance."),
        (
            learning("2026-11-06", inspection_theme_on="2026-11-06"),
            "The external review of this theme is not after it.",
        ),
    ],
)
def test_what_is_wrong_with_a_meeting_is_told_with_its_place(meeting: Any, detail: str) -> None:
    assert [tuple(each) for each in themes([*YEAR, meeting], TODAY)] == [("#/meetings/4", detail)]
    assert themes([*YEAR, learning("2026-11-06", inspection_theme_on="2026-11-07")], TODAY) == []


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
