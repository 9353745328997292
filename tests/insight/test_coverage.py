"""Does a report of coverage show what the plans of a force leave out, and nothing of what the caller may not see?"""

import httpx
import pytest

from tests.plans import AVON, KENT, MEASURE, a_concern, a_plan, an_action, changed, made
from tests.resources.test_tags import item, tagged
from tests.service import Record, Service, refused

STRATEGY, LANCASHIRE = [
    f"/v1/frameworks/{code}/coverage" for code in ("national-improvement-strategy", "lancashire-12x12")
]


async def read(caller: httpx.AsyncClient, path: str, **query: str) -> Record:
    answer = await caller.get(path, params=query)
    assert answer.status_code == 200, answer.text
    told: Record = answer.json()
    return told


@pytest.fixture
async def plan(lead: httpx.AsyncClient, concern: Record) -> Record:
    """A plan on leadership for citizens, with an action on teams, and one of Kent on its own."""
    plan = await a_plan(lead, concern)
    action = await an_action(lead, plan)
    await tagged(lead, "pip", plan, "national-improvement-strategy:vision-18")
    await tagged(lead, "pip", plan, "national-improvement-strategy:citizens")
    await tagged(lead, "action", action, "national-improvement-strategy:teams")
    return plan


async def test_the_matrix_and_the_levels_count_what_is_tagged(lead: httpx.AsyncClient, plan: Record) -> None:
    told = await read(lead, STRATEGY)
    assert len(told["matrix"]) == 7
    assert {len(row["approaches"]) for row in told["matrix"]} == {5}
    filled = {
        (row["code"], cell["code"]): cell["subjects"]
        for row in told["matrix"]
        for cell in row["approaches"]
        if cell["subjects"]
    }
    assert filled == {("leadership", "citizens"): 1}
    assert {each["code"]: each["subjects"] for each in told["levels"]} == {
        "individual": 0, "teams": 1, "forces": 0, "service": 0,
    }  # fmt: skip
    assert told["levels_without_element"] == ["individual", "forces", "service"]
    (gaps,) = told["plans_missing_levels"]
    assert (gaps["id"], gaps["missing_levels"]) == (plan["id"], ["individual", "forces", "service"])


async def test_what_is_gone_or_out_of_reach_is_not_counted(
    service: Service, lead: httpx.AsyncClient, plan: Record
) -> None:
    (action,) = (await lead.get("/v1/actions")).json()["items"]
    theirs = await service.caller("force_lead", f"force:{KENT}")
    await tagged(theirs, "concern", await a_concern(theirs, force_code=KENT), "national-improvement-strategy:forces")
    before = (await read(lead, STRATEGY))["as_of"]
    service.clock.forward(minutes=5)
    assert (await lead.delete(f"/v1/actions/{action['id']}", headers={"If-Match": '"v1"'})).status_code == 204
    assert (await read(lead, STRATEGY))["levels_without_element"] == ["individual", "teams", "forces", "service"]
    assert (await read(lead, STRATEGY, as_of=before))["levels_without_element"] == ["individual", "forces", "service"]
    board = await service.caller("ppmg_member")
    assert (await read(board, STRATEGY))["levels_without_element"] == ["individual", "teams", "service"]
    assert (await read(board, STRATEGY, force=KENT))["matrix"][1]["subjects"] == 0
    assert (await read(theirs, STRATEGY, force=AVON))["plans_missing_levels"] == []


async def test_measures_without_plan_and_plans_without_measure(
    admin: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    await made(admin, "/v1/measures", **MEASURE)
    m3 = (await admin.get("/v1/framework-items/lancashire-12x12:m3")).json()
    await changed(admin, "/v1/framework-items", m3, measure_code=MEASURE["code"])
    measured = await a_plan(lead, await a_concern(lead, measure_codes=[MEASURE["code"]]))
    moving = await a_plan(lead, await a_concern(lead))
    await an_action(lead, moving, measure_codes=[MEASURE["code"]])
    bare = await a_plan(lead, await a_concern(lead), title="Without a measure")
    about = {"force_code": AVON, "title": "Domestic abuse plan"}
    ids = {code: await item(lead, f"lancashire-12x12:{code}") for code in ("m7", "priority-3")}
    supporting = {
        code: await made(lead, "/v1/supporting-plans", **about, framework_item_ids=[ids[code]]) for code in ids
    }
    told = await read(lead, LANCASHIRE)
    without = [each["code"] for each in told["measures_without_plan"]]
    assert len(without) == 22
    assert {"m3", "m7"}.isdisjoint(without)
    assert {each["id"] for each in told["plans_without_measure"]} == {bare["id"], supporting["priority-3"]["id"]}
    assert {measured["id"], moving["id"]}.isdisjoint(each["id"] for each in told["plans_without_measure"])
    assert told["plans_missing_levels"] == [], "this framework has no organisational levels"
    assert told["evidence"]["not_said"] == 0
    assert told["evidence"]["qualitative_share"] == 0.667, "two thirds, as the paper says"


async def test_a_plan_that_was_given_up_covers_nothing(admin: httpx.AsyncClient, lead: httpx.AsyncClient) -> None:
    plan = await a_plan(lead, await a_concern(lead))
    dropped, kept = await an_action(lead, plan), await an_action(lead, plan)
    for action, code in ((dropped, "m5"), (kept, "m6"), (plan, "m7")):
        await tagged(lead, "pip" if action is plan else "action", action, f"lancashire-12x12:{code}")

    async def covered() -> set[str]:
        lacking = {each["code"] for each in (await read(lead, LANCASHIRE))["measures_without_plan"]}
        return {"m5", "m6", "m7"} - lacking

    assert await covered() == {"m5", "m6", "m7"}
    assert (await changed(lead, "/v1/actions", dropped, status="cancelled")).status_code == 200
    assert await covered() == {"m6", "m7"}
    path = f"/v1/pips/{plan['id']}/transitions"
    moved = await lead.post(path, json={"to": "withdrawn", "reason": "Not needed."}, headers={"If-Match": '"v1"'})
    assert moved.is_success, moved.text
    assert await covered() == set()


async def test_a_capability_area_has_measures_boards_and_stakeholders(
    admin: httpx.AsyncClient, lead: httpx.AsyncClient, plan: Record
) -> None:
    strategy = (await admin.get("/v1/frameworks/national-improvement-strategy")).json()
    bare = ("areas_without_measure", "areas_without_board", "areas_without_stakeholder")
    told = await read(lead, STRATEGY)
    assert [len(told[each]) for each in bare] == [7, 7, 7]
    measure = await made(admin, "/v1/measures", **MEASURE)
    about = {"framework_id": strategy["id"], "kind": "measure", "title": "Leaders who were trained", "position": 1}
    judged = {"parent_code": "leadership", "evidence_kind": "quantitative", "measure_code": measure["code"]}
    await made(admin, "/v1/framework-items", **about, **judged, code="leaders-trained")
    board = await made(lead, "/v1/boards", force_code=AVON, title="Leadership", level="force", challenges=True)
    await tagged(lead, "board", board, "national-improvement-strategy:leadership")
    said = {"title": "Chief officers", "body": "NPCC", "interest": "Leaders", "engagement": "Monthly"}
    stakeholder = await made(lead, "/v1/stakeholders", pip_id=plan["id"], **said)
    assert said.items() <= stakeholder.items()
    await tagged(lead, "stakeholder", stakeholder, "national-improvement-strategy:vision-17")
    told = await read(lead, STRATEGY)
    for each in bare:
        assert len(told[each]) == 6
        assert "leadership" not in {area["code"] for area in told[each]}
    assert "leaders-trained" in {each["code"] for each in told["measures_without_plan"]}


async def test_what_helps_a_plan_counts_on_the_level_that_it_acts_on(lead: httpx.AsyncClient, plan: Record) -> None:
    about = {"pip_id": plan["id"], "title": "Peers of Kent", "kind": "peer_networking", "origin": "internal"}
    support = await made(lead, "/v1/support-measures", **about)
    for level in ("individual", "forces"):
        await tagged(lead, "support_measure", support, f"national-improvement-strategy:{level}")
    told = await read(lead, STRATEGY)
    assert told["levels_without_element"] == ["service"]
    assert [each["missing_levels"] for each in told["plans_missing_levels"]] == [["service"]]


async def test_coverage_is_for_readers_of_plans_and_known_frameworks(service: Service) -> None:
    sender = await service.caller("data_submitter", f"force:{AVON}")
    refused(await sender.get(STRATEGY), 403, "permission_denied")
    reader = await service.caller("force_reader", f"force:{AVON}")
    refused(await reader.get("/v1/frameworks/none/coverage"), 404, "not_found")
    tag = (await reader.get(STRATEGY)).headers["ETag"]
    service.clock.forward(minutes=5)
    assert (await reader.get(STRATEGY, headers={"If-None-Match": tag})).status_code == 304
