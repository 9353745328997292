"""Does the status of a plan say where it stands today?"""

import re
from datetime import UTC, datetime

import httpx
import pytest

from tests.plans import AVON, DEVON, MEASURE, a_concern, a_plan, an_action, changed, made, moved, put
from tests.service import Record, Service, refused

CODE = "answered-in-time"
LEVELS = "/v1/support-level-assignments"
AT_THREE = {"force_code": AVON, "level_code": "level-3", "decided_by": "PPMG", "reason": "Two enduring concerns."}


@pytest.fixture
async def plan(service: Service, admin: httpx.AsyncClient) -> Record:
    """An active plan for a concern with a measure and for one without."""
    await made(admin, "/v1/measures", **MEASURE)
    measured = await a_concern(admin, measure_codes=[CODE], owner="ACC Response")
    root = await a_concern(admin, title="Demand is poorly understood", source="force")
    return await moved(service, await a_plan(admin, root, measured, lead="Deputy Chief Constable"), "active")


async def status(caller: httpx.AsyncClient, plan: Record) -> Record:
    answer = await caller.get(f"/v1/pips/{plan['id']}/status")
    assert answer.status_code == 200, answer.text
    found: Record = answer.json()
    return found


async def test_an_empty_plan_has_a_status_too(admin: httpx.AsyncClient) -> None:
    plan = await made(admin, "/v1/pips", force_code=AVON, title="A first draft")
    found = await status(admin, plan)
    assert (found["ref"], found["concerns"], found["level"], found["progress"]) == (plan["ref"], [], None, None)
    counts = dict.fromkeys(("total", "not_started", "in_progress", "completed", "cancelled", "overdue"), 0)
    assert found["actions"] == counts | {"overdue_refs": [], "next_due_on": None}


async def test_concerns_stand_in_the_plans_order_with_their_measures(admin: httpx.AsyncClient, plan: Record) -> None:
    root, measured = (await status(admin, plan))["concerns"]
    assert (root["title"], root["measures"]) == ("Demand is poorly understood", [])
    assert (measured["owner"], measured["status"]) == ("ACC Response", "open")
    assert measured["measures"] == [
        {"code": CODE, "name": "Calls answered in time", "unit": "percent", "direction": None, "latest": None}
    ]
    await changed(admin, "/v1/pips", plan, concern_ids=list(reversed(plan["concern_ids"])))
    assert [each["id"] for each in (await status(admin, plan))["concerns"]] == list(reversed(plan["concern_ids"]))


async def test_a_plan_that_was_withdrawn_says_so(admin: httpx.AsyncClient, plan: Record) -> None:
    draft = await made(admin, "/v1/pips", force_code=plan["force_code"], title="A second thought")
    assert (await admin.delete(f"/v1/pips/{draft['id']}", headers={"If-Match": '"v1"'})).status_code == 204
    refused(await admin.get(f"/v1/pips/{draft['id']}/status"), 410, "withdrawn")


async def test_the_latest_figure_is_the_newest_revision_of_the_latest_period(
    admin: httpx.AsyncClient, plan: Record
) -> None:
    for period, value in [("2026-10", "61.40"), ("2026-09", "99"), ("2026-10", "62.50"), ("2026-09", "98")]:
        await put(admin, (AVON, CODE, period), value)
    await put(admin, (DEVON, CODE, "2026-11"), "1")
    answer = await admin.get(f"/v1/pips/ref:{plan['ref']}/status")
    assert re.search(r'"value" ?: ?62\.50\b', answer.text)
    latest = answer.json()["concerns"][1]["measures"][0]["latest"]
    assert latest == {"value": 62.5, "period_start": "2026-10-01", "period_end": "2026-10-31"}


async def test_actions_are_counted_and_late_from_the_day_after_in_london(
    service: Service, admin: httpx.AsyncClient, plan: Record
) -> None:
    for number in (2, 10, 9):
        await an_action(admin, plan, task_number=f"1.{number}", due_on="2027-06-30", status="in_progress")
    await an_action(admin, plan, task_number="2.1", due_on="2027-07-15")
    await an_action(admin, plan, task_number="2.2")
    done = {"status": "completed", "completed_on": "2026-11-20", "due_on": "2026-11-19"}
    await an_action(admin, plan, task_number="2.3", **done)
    await an_action(admin, plan, task_number="2.4", status="cancelled", due_on="2026-11-19")
    gone = await an_action(admin, plan, task_number="2.5", due_on="2026-11-19")
    await admin.delete(f"/v1/actions/{gone['id']}", headers={"If-Match": '"v1"'})

    counts = {"total": 7, "not_started": 2, "in_progress": 3, "completed": 1, "cancelled": 1}
    on_time = {"overdue": 0, "overdue_refs": [], "next_due_on": "2027-06-30"}
    late = {"overdue": 3, "overdue_refs": ["1.2", "1.9", "1.10"], "next_due_on": "2027-06-30"}
    service.clock.time = datetime(2027, 6, 30, 22, 59, tzinfo=UTC)
    reader = await service.caller("force_reader", f"force:{AVON}")
    assert (await status(reader, plan))["actions"] == counts | on_time
    service.clock.forward(minutes=1)  # midnight of British Summer Time
    assert (await status(reader, plan))["actions"] == counts | late


async def test_the_last_word_is_that_on_the_whole_plan(admin: httpx.AsyncClient, plan: Record) -> None:
    action = await an_action(admin, plan)
    about = {"pip_id": plan["id"], "reported_by": "DCC", "narrative": "Half way."}
    await made(admin, "/v1/progress-updates", **about, reported_on="2026-10-30", brag="red")
    await made(admin, "/v1/progress-updates", **about, reported_on="2026-10-31", brag="amber", percent_complete=45)
    await made(admin, "/v1/progress-updates", **about, reported_on="2026-10-29", brag="green")
    await made(admin, "/v1/progress-updates", **about, reported_on="2026-11-20", action_id=action["id"])
    assert (await status(admin, plan))["progress"] == {
        "reported_on": "2026-10-31",
        "reported_by": "DCC",
        "brag": "amber",
        "percent_complete": 45,
        "narrative": "Half way.",
    }


async def test_the_level_is_that_of_today(service: Service, admin: httpx.AsyncClient, plan: Record) -> None:
    await made(admin, LEVELS, **(AT_THREE | {"level_code": "level-2"}), starts_on="2026-01-01", ends_on="2026-11-21")
    await made(admin, LEVELS, **AT_THREE, starts_on="2026-11-22")
    assert (await status(admin, plan))["level"] == {"code": "level-2", "level": 2, "since": "2026-01-01"}
    service.clock.forward(hours=12)
    admin = await service.caller("national_admin")
    assert (await status(admin, plan))["level"] == {"code": "level-3", "level": 3, "since": "2026-11-22"}


async def test_who_may_read_a_status(service: Service, plan: Record) -> None:
    path = f"/v1/pips/{plan['id']}/status"
    for role, on in [("force_reader", f"force:{AVON}"), ("regional_triage", "region:south-west")]:
        assert (await (await service.caller(role, on)).get(path)).status_code == 200
    for role, on in [("force_lead", f"force:{DEVON}"), ("regional_triage", "region:wales")]:
        refused(await (await service.caller(role, on)).get(path), 404, "not_found")
    submitter = await service.caller("data_submitter", f"force:{AVON}")
    assert refused(await submitter.get(path), 403, "permission_denied")["required"] == ["pip:read"]
    parts = "pip:read concern:read action:read progress_update:read support_level_assignment:read"
    without_figures = await service.caller("national_admin", scope=parts)
    assert refused(await without_figures.get(path), 403, "permission_denied")["required"] == ["figure:read"]


async def test_what_is_no_plan_has_no_status(admin: httpx.AsyncClient, plan: Record) -> None:
    for name in ("ref:avon-and-somerset-2026-99", "x", plan["concern_ids"][0]):
        refused(await admin.get(f"/v1/pips/{name}/status"), 404, "not_found")


async def test_what_stands_as_it_stood_need_not_be_sent_again(lead: httpx.AsyncClient, concern: Record) -> None:
    plan = await a_plan(lead, concern)
    path = f"/v1/pips/{plan['id']}/status"
    held = {"If-None-Match": (await lead.get(path)).headers["etag"]}
    assert (await lead.get(path, headers=held)).status_code == 304
    await an_action(lead, plan)
    assert (await lead.get(path, headers=held)).json()["actions"]["total"] == 1
