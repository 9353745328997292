"""Is told what a plan has due: the duties of its force, its calendar, its risks?"""

import httpx
import pytest

from tests.insight.test_plan_document import AT_THREE, document
from tests.plans import AVON, DEVON, a_concern, a_plan, an_action, changed, made, moved
from tests.service import Record, Service, refused


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
    assert told["milestones"] == {"met": 0, "late": 0, "coming": 0, "lapsed": 0}
    assert [(each["kind"], each["late"]) for each in told["reviews"]] == [("internal", False), ("with_partners", False)]
    register = await document(admin, plan, "risk-register")
    assert register == {"pip_id": plan["id"], "pip_ref": plan["ref"], "risks": []}


async def test_a_plan_with_days_and_risks_tells_them_in_order(lead: httpx.AsyncClient, plan: Record) -> None:
    action = await an_action(lead, plan)
    of_plan = {"pip_id": plan["id"]}
    await made(lead, "/v1/milestones", **of_plan, title="Later", due_on="2026-12-01", important=True, update_due=True)
    await made(lead, "/v1/milestones", **of_plan, title="Missed", due_on="2026-11-01")
    held = {
        "title": "First",
        "kind": "internal",
        "planned_on": "2026-10-20",
        "held_on": "2026-10-20",
        "attendees": ["DCC"],
    }
    await made(lead, "/v1/reviews", **of_plan, **held)
    await made(lead, "/v1/follow-ups", **of_plan, title="Does it hold?", due_on="2027-10-01")
    await changed(lead, "/v1/pips", plan, review_interval_days=30)
    told = await document(lead, plan, "calendar")
    assert [(each["day"], each["kind"], each["status"]) for each in told["entries"]] == [
        ("2026-10-20", "review", "done"),
        ("2026-11-01", "milestone", "late"),
        ("2026-12-01", "milestone", "coming"),
        ("2026-12-01", "update", "coming"),
        ("2027-10-01", "follow_up", "coming"),
    ]
    assert told["milestones"] == {"met": 0, "late": 1, "coming": 1, "lapsed": 0}
    internal, _ = told["reviews"]
    assert (internal["last_on"], internal["next_on"], internal["late"]) == ("2026-10-20", "2026-11-19", True)
    bands = [{"name": "low", "from_score": 1}, {"name": "high", "from_score": 9}]
    about = {"force_code": AVON, "title": "4x4", "size": 4, "valid_from": "2026-04-01"}
    scale = await made(lead, "/v1/risk-scales", **about, bands=bands)
    about = {**of_plan, "scale_id": scale["id"], "action_ids": [action["id"]], "raised_on": "2026-11-01"}
    await made(lead, "/v1/risks", **about, title="Small", likelihood=1, impact=2)
    risk = await made(lead, "/v1/risks", **about, title="Grave", kind="barrier", likelihood=3, impact=4)
    await made(lead, "/v1/mitigations", risk_id=risk["id"], title="A list of officers")
    grave, small = (await document(lead, plan, "risk-register"))["risks"]
    assert (grave["risk_id"], grave["kind"], grave["score"], grave["band"]) == (risk["id"], "barrier", 12, "high")
    assert (grave["tasks"], grave["mitigated"], grave["mitigations"]) == (["1.1"], True, ["A list of officers"])
    assert (small["band"], small["mitigated"], small["pointer"]) == ("low", False, "#/risks/0")


async def test_an_update_before_a_meeting_is_late_until_progress_is_told(lead: httpx.AsyncClient, plan: Record) -> None:
    board = {"force_code": AVON, "kind": "board", "title": "Board", "held_on": "2026-11-21"}
    await made(lead, "/v1/meetings", **board, pip_ids=[plan["id"]], updates_due_on="2026-11-20")
    for status in ("late", "done"):
        (update,) = (each for each in (await document(lead, plan, "calendar"))["entries"] if each["before"] == "Board")
        assert (update["kind"], update["status"]) == ("update", status)
        about = {"pip_id": plan["id"], "reported_on": "2026-11-21", "reported_by": "Inspector"}
        await made(lead, "/v1/progress-updates", **about, narrative="The shifts began.")


async def test_of_a_plan_that_ended_nothing_is_late(service: Service, lead: httpx.AsyncClient, plan: Record) -> None:
    await changed(lead, "/v1/pips", plan, review_interval_days=30)
    await made(lead, "/v1/milestones", pip_id=plan["id"], title="Missed", due_on="2026-11-01")
    told = await document(lead, plan, "calendar")
    assert (told["milestones"]["late"], told["reviews"][0]["late"]) == (1, True)
    await moved(service, plan, "withdrawn")
    told = await document(lead, plan, "calendar")
    assert told["milestones"] == {"met": 0, "late": 0, "coming": 0, "lapsed": 1}
    assert [(each["late"], each["next_on"]) for each in told["reviews"]] == [(False, None)] * 2
    assert (await document(lead, plan, "dashboard"))["milestones"]["by_state"] == {"lapsed": 1}


async def test_a_force_without_a_plan_is_told_that_one_is_due(
    service: Service, lead: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    path = f"/v1/forces/{AVON}/obligations"
    none = {"force_code": AVON, "level_code": None, "since": None, "late": 0}
    assert (await lead.get(path)).json() == none | {"plans": [{"pip_id": None, "pip_ref": None, "obligations": []}]}
    level = (await admin.get("/v1/support-levels/ref:level-3")).json()
    await changed(admin, "/v1/support-levels", level, draft_within_days=28, submit_within_days=49)
    await made(admin, "/v1/support-level-assignments", **AT_THREE, starts_on="2026-10-23")
    before = service.clock().isoformat()
    for days, late in ((0, 1), (30, 2)):  # the draft was due on 20 November, and the plan is due at PPMG on 11 December
        service.clock.forward(days=days)
        lead = await service.again(lead)
        told = (await lead.get(path)).json()
        assert (told["level_code"], told["since"], told["late"]) == ("level-3", "2026-10-23", late)
        (without,) = told["plans"]
        assert without["pip_ref"] is None
        draft = without["obligations"][0]
        assert (draft["duty"], draft["due_on"], draft["status"]) == ("draft", "2026-11-20", "late")
    plan = await a_plan(lead, await a_concern(lead))
    (with_one,) = (await lead.get(path)).json()["plans"]
    assert with_one["pip_ref"] == plan["ref"]
    assert with_one["obligations"] == (await document(lead, plan, "obligations"))["obligations"]
    assert [each["status"] for each in with_one["obligations"]] == ["done_late", *["open"] * 3, "late", "open"]
    assert (await lead.get(path, params={"as_of": before})).json()["late"] == 1
    await moved(service, plan, "withdrawn")
    assert [each["pip_id"] for each in (await lead.get(path)).json()["plans"]] == [None]
    other = await service.caller("force_lead", f"force:{DEVON}")
    refused(await other.get(path), 404, "not_found")


async def test_a_level_that_is_renewed_is_counted_from_its_first_day(
    lead: httpx.AsyncClient, admin: httpx.AsyncClient, plan: Record
) -> None:
    for days in (
        {"starts_on": "2025-01-01", "ends_on": "2025-12-30"},  # a day before the next: that was another time
        {"starts_on": "2026-01-01", "ends_on": "2026-06-30"},
        {"starts_on": "2026-07-01", "ends_on": "2026-09-30"},
        {"starts_on": "2026-10-01"},
    ):
        await made(admin, "/v1/support-level-assignments", **AT_THREE, **days)
    assert (await document(lead, plan, "obligations"))["since"] == "2026-01-01"
    assert (await document(lead, plan, "status"))["level"]["since"] == "2026-01-01"
    assert (await lead.get(f"/v1/forces/{AVON}/obligations")).json()["since"] == "2026-01-01"


async def test_an_operator_sets_within_how_many_days_a_duty_is_due(admin: httpx.AsyncClient, plan: Record) -> None:
    level = (await admin.get("/v1/support-levels/ref:level-3")).json()
    names = ("draft_within_days", "share_within_days", "submit_within_days", "present_within_days")
    assert {level[name] for name in names} == {None}
    assert (await changed(admin, "/v1/support-levels", level, submit_within_days=42)).status_code == 200
    await made(admin, "/v1/support-level-assignments", **AT_THREE, starts_on="2026-10-01")
    (submit,) = (each for each in (await document(admin, plan, "obligations"))["obligations"] if each["due_on"])
    assert (submit["duty"], submit["due_on"], submit["status"]) == ("submit", "2026-11-12", "late")
