"""Which duties does a level bring, by when, and which are late?"""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pip_api.rules.obligations import obligations
from tests.rules.plans import BASE, plan

LEVEL = BASE["level"]
DAYS = {"draft_within_days": 14, "share_within_days": 30, "submit_within_days": 42, "present_within_days": 60}
ALL = ["draft", "share", "share", "share", "submit", "present"]
TODAY = date(2026, 8, 1)


def test_without_a_level_there_are_no_duties() -> None:
    assert obligations(None, plan(), TODAY) == []
    lighter = dict.fromkeys(("pip_expected", "shared_with_partners", "presented_to_ppmg"), False)
    assert obligations(LEVEL | lighter, plan(), TODAY) == []


def test_a_force_without_a_plan_has_every_duty_open() -> None:
    duties = obligations(LEVEL, None, TODAY)
    assert [each.duty for each in duties] == ALL
    assert [each.towards for each in duties] == [None, "home_office", "hmicfrs", "college", None, None]
    assert {(each.due_on, each.done_on, each.status) for each in duties} == {(None, None, "open")}


def test_what_was_done_has_its_day() -> None:
    made = plan({"/pip/created_at": "2026-06-05T09:00:00Z", "/partner_reviews/2/shared_on": "2026-07-02"})
    told = [(each.duty, str(each.done_on), each.status) for each in obligations(LEVEL | DAYS, made, TODAY)]
    assert told == [
        ("draft", "2026-06-05", "done"),
        ("share", "2026-06-20", "done"),
        ("share", "2026-06-20", "done"),
        ("share", "2026-07-02", "done_late"),  # due on 1 July
        ("submit", "2026-07-10", "done"),
        ("present", "2026-07-20", "done"),
    ]


def test_what_a_day_is_set_for_is_late_the_day_after() -> None:
    open_ones = plan({"/partner_reviews": [], "/presentations": [], "/pip/submitted_to_ppmg_on": None})
    due = date(2026, 7, 13)  # 42 days from 1 June
    for today, status in ((due, "open"), (due + timedelta(days=1), "late")):
        (submit,) = (each for each in obligations(LEVEL | DAYS, open_ones, today) if each.duty == "submit")
        assert (submit.due_on, submit.status) == (due, status)


@pytest.mark.parametrize(
    ("flag", "brought"),
    [
        ("pip_expected", ["draft"]),
        ("shared_with_partners", ["share", "share", "share"]),
        ("presented_to_ppmg", ["submit", "present"]),
    ],
)
def test_each_flag_of_a_level_brings_its_duties(flag: str, brought: list[str]) -> None:
    only = {"code": "level-2", "since": "2026-06-01", flag: True}
    assert [each.duty for each in obligations(only, None, TODAY)] == brought


@given(
    since=st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    days=st.none() | st.integers(0, 400),
    today=st.dates(date(2020, 1, 1), date(2032, 1, 1)),
    done=st.none() | st.dates(date(2020, 1, 1), date(2032, 1, 1)),
)
def test_late_is_after_the_day_that_was_set(since: date, days: int | None, today: date, done: date | None) -> None:
    level: dict[str, Any] = LEVEL | {"since": str(since), "submit_within_days": days}
    made = plan({"/pip/submitted_to_ppmg_on": None if done is None else str(done)})
    (duty,) = (each for each in obligations(level, made, today) if each.duty == "submit")
    assert duty.due_on == (None if days is None else since + timedelta(days=days))
    late = duty.due_on is not None and (done or today) > duty.due_on
    assert duty.status == {(True, True): "done_late", (True, False): "done", (False, True): "late"}.get(
        (done is not None, late), "open"
    )
