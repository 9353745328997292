"""Is told what a plan has due: the duties of its force, its calendar, its risks?"""

import httpx
import pytest

from tests.insight.test_plan_document import AT_THREE, document
from tests.plans import a_concern, a_plan, made
from tests.service import Record


@pytest.fixture
async def plan(admin: httpx.AsyncClient) -> Record:
    return await a_plan(admin, await a_concern(admin), starts_on="2026-10-01")


async def test_a_level_brings_duties_without_a_day_where_none_is_set(admin: httpx.AsyncClient, plan: Record) -> None:
    told = await document(admin, plan, "obligations")
    assert told == {"pip_id": plan["id"], "pip_ref": plan["ref"], "level_code": None, "since": None, "obligations": []}
    await made(admin, "/v1/support-level-assignments", **AT_THREE, starts_on="2026-01-01")
    told = await document(admin, plan, "obligations")
    assert (told["level_code"], told["since"]) == ("level-3", "2026-01-01")
    duties = [(each["duty"], each["towards"], each["due_on"], each["status"]) for each in told["obligations"]]
    assert duties == [
        ("draft", None, None, "done"),
        ("share", "home_office", None, "open"),
        ("share", "hmicfrs", None, "open"),
        ("share", "college", None, "open"),
        ("submit", None, None, "open"),
        ("present", None, None, "open"),
    ]


async def test_a_plan_without_days_has_an_empty_calendar(admin: httpx.AsyncClient, plan: Record) -> None:
    told = await document(admin, plan, "calendar")
    assert (told["today"], told["entries"]) == ("2026-11-21", [])
    assert told["milestones"] == {"met": 0, "late": 0, "coming": 0}
    assert [(each["kind"], each["late"]) for each in told["reviews"]] == [("internal", False), ("with_partners", False)]
    register = await document(admin, plan, "risk-register")
    assert register == {"pip_id": plan["id"], "pip_ref": plan["ref"], "risks": []}
