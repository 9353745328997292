"""Does one call show every live plan of a region, and nothing that the caller may not see?"""

import csv
import io

import httpx
import pytest

from pip_api.insight.triage import CSV_COLUMNS
from tests.plans import AVON, DEVON, KENT, MEASURE, a_concern, a_plan, an_action, changed, made, moved, put
from tests.service import Record, Service, refused

LEVELS = "/v1/support-level-assignments"
SOUTH_WEST = [AVON, DEVON, "dorset", "gloucestershire", "wiltshire"]


@pytest.fixture
async def plan(service: Service, admin: httpx.AsyncClient) -> Record:
    """The one plan: of Avon and Somerset, which is at level 3; Kent is at level 4 and has none."""
    decided = {"decided_by": "PPMG", "reason": "Enduring concerns.", "starts_on": "2026-06-01"}
    await made(admin, LEVELS, **decided, force_code=AVON, level_code="level-3")
    await made(admin, LEVELS, **decided, force_code=KENT, level_code="level-4")
    await made(admin, "/v1/measures", **MEASURE)
    concern = await a_concern(admin, measure_codes=["answered-in-time"])
    return await moved(service, await a_plan(admin, concern, lead="Deputy Chief Constable"), "active")


async def triage(caller: httpx.AsyncClient, **query: str) -> dict[str, Record]:
    """What is answered of each force."""
    answer = await caller.get("/v1/triage", params=query)
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    assert [each["force"]["code"] for each in items] == sorted(each["force"]["code"] for each in items)
    return {each["force"]["code"]: each for each in items}


async def table(caller: httpx.AsyncClient, accept: str = "text/csv", **query: str) -> list[dict[str, str]]:
    answer = await caller.get("/v1/triage", params=query, headers={"Accept": accept})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="triage.csv"'
    rows = csv.DictReader(io.StringIO(answer.text))
    assert tuple(rows.fieldnames or ()) == CSV_COLUMNS
    return list(rows)


async def test_forces_are_shown_with_and_without_a_plan(admin: httpx.AsyncClient, plan: Record) -> None:
    found = await triage(admin)
    assert len(found) == 49
    assert found[AVON]["level"] == {"code": "level-3", "level": 3, "since": "2026-06-01"}
    assert [each["ref"] for each in found[AVON]["plans"]] == [plan["ref"]]
    assert (found[KENT]["level"]["level"], found[KENT]["plans"]) == (4, [])
    assert found["nca"] == {
        "force": {"code": "nca", "name": "National Crime Agency", "region_code": None},
        "level": None,
        "plans": [],
    }


async def test_a_plan_is_shown_as_in_its_status(admin: httpx.AsyncClient, plan: Record) -> None:
    await an_action(admin, plan, due_on="2026-11-20")
    await an_action(admin, plan, due_on="2026-11-21")
    await put(admin, (AVON, "answered-in-time", "2026-10"), "61.40")
    second = await a_plan(admin, await a_concern(admin, title="Another"))
    shown = (await triage(admin))[AVON]["plans"]
    assert [each["ref"] for each in shown] == [plan["ref"], second["ref"]]
    for each in shown:
        assert each == (await admin.get(f"/v1/pips/{each['id']}/status")).json()
    assert shown[0]["actions"]["overdue_refs"] == ["1.1"]


async def test_forces_are_chosen_by_region_and_level(admin: httpx.AsyncClient, plan: Record) -> None:
    assert sorted(await triage(admin, region="south-west")) == SOUTH_WEST
    assert sorted(await triage(admin, region="south-west", level="3")) == [AVON]
    assert sorted(await triage(admin, level="3,4")) == [AVON, KENT]
    assert await triage(admin, level="2") == {}
    for level in ("three", "3,", "10", "-1", "٣"):
        refused(await admin.get("/v1/triage", params={"level": level}), 400, "invalid_parameter")
    refused(await admin.get("/v1/triage", params={"format": "xlsx"}), 400, "invalid_parameter")
    refused(await admin.get("/v1/triage", params={"regoin": "wales"}), 400, "unknown_query_parameter")


async def test_plans_that_are_over_are_left_out(service: Service, admin: httpx.AsyncClient, plan: Record) -> None:
    old = await moved(service, plan, "superseded")
    assert (await triage(admin))[AVON]["plans"] == []
    concern = {"force_code": AVON, "id": old["concern_ids"][0]}
    new = await moved(service, await a_plan(admin, concern, lead="DCC"), "active")
    for status in ("sustaining", "closed"):
        assert [each["id"] for each in (await triage(admin))[AVON]["plans"]] == [new["id"]]
        new = await moved(service, new, status)
    assert (await triage(admin))[AVON]["plans"] == []
    draft = await a_plan(admin, concern)
    assert [each["id"] for each in (await triage(admin))[AVON]["plans"]] == [draft["id"]]
    await admin.delete(f"/v1/pips/{draft['id']}", headers={"If-Match": '"v1"'})
    assert (await triage(admin))[AVON]["plans"] == []


async def test_a_force_that_has_ended_is_left_out(admin: httpx.AsyncClient) -> None:
    for code, day in [("dorset", "2026-11-20"), ("wiltshire", "2026-11-21")]:
        force = (await admin.get(f"/v1/forces/{code}")).json()
        assert (await changed(admin, "/v1/forces", force, ends_on=day)).status_code == 200
    assert sorted(await triage(admin, region="south-west")) == [AVON, DEVON, "gloucestershire", "wiltshire"]


async def test_a_plan_that_an_ended_force_left_is_still_shown(
    service: Service, admin: httpx.AsyncClient, plan: Record
) -> None:
    force = (await admin.get(f"/v1/forces/{AVON}")).json()
    assert (await changed(admin, "/v1/forces", force, ends_on="2026-10-31")).status_code == 200
    assert [each["ref"] for each in (await triage(admin, region="south-west"))[AVON]["plans"]] == [plan["ref"]]
    await moved(service, plan, "superseded")
    assert AVON not in await triage(admin, region="south-west")


async def test_a_measure_of_two_concerns_is_counted_once(admin: httpx.AsyncClient, plan: Record) -> None:
    other = await a_concern(admin, measure_codes=["answered-in-time"])
    both = [*plan["concern_ids"], other["id"]]
    assert (await changed(admin, "/v1/pips", plan, concern_ids=both)).status_code == 200
    (row,) = [each for each in await table(admin) if each["pip_ref"]]
    assert (row["concerns"], row["measures"]) == ("2", "1")


async def test_a_region_sees_its_own_forces_only(service: Service, plan: Record) -> None:
    south_west = await service.caller("regional_triage", "region:south-west")
    assert sorted(await triage(south_west)) == SOUTH_WEST
    wales = await service.caller("regional_triage", "region:wales")
    assert AVON not in await triage(wales)
    assert await triage(wales, region="south-west") == {}


async def test_a_caller_without_a_part_of_it_gets_nothing(service: Service, plan: Record) -> None:
    lead = await service.caller("force_lead", f"force:{AVON}")
    assert refused(await lead.get("/v1/triage"), 403, "permission_denied")["required"] == ["triage:read"]
    parts = "triage:read pip:read concern:read action:read progress_update:read support_level_assignment:read"
    without_figures = await service.caller("regional_triage", "region:south-west", scope=parts)
    document = refused(await without_figures.get("/v1/triage"), 403, "permission_denied")
    assert document["required"] == ["figure:read"]


async def test_the_table_has_a_row_for_each_plan_and_each_force_without(admin: httpx.AsyncClient, plan: Record) -> None:
    await an_action(admin, plan, due_on="2026-11-20")
    about = {"pip_id": plan["id"], "reported_by": "DCC", "narrative": "Half way.", "reported_on": "2026-11-01"}
    await made(admin, "/v1/progress-updates", **about, brag="amber", percent_complete=45)
    rows = await table(admin, region="south-west")
    assert [each["force_code"] for each in rows] == SOUTH_WEST
    assert rows[0] == {
        "force_code": AVON,
        "force_name": "Avon and Somerset Constabulary",
        "region_code": "south-west",
        "level": "3",
        "level_since": "2026-06-01",
        "pip_ref": plan["ref"],
        "pip_title": "Answer calls in time",
        "pip_status": "active",
        "pip_lead": "Deputy Chief Constable",
        "concerns": "1",
        "measures": "1",
        "actions_total": "1",
        "actions_completed": "0",
        "actions_overdue": "1",
        "overdue_refs": "1.1",
        "next_due_on": "2026-11-20",
        "brag": "amber",
        "percent_complete": "45",
        "reported_on": "2026-11-01",
    }
    assert set(list(rows[1].values())[3:]) == {""}
    assert await table(admin, accept="application/json", format="csv", region="south-west") == rows
    as_json = await admin.get("/v1/triage", params={"format": "json"}, headers={"Accept": "text/csv"})
    assert as_json.headers["content-type"] == "application/json"


async def test_no_cell_of_the_table_is_a_formula(admin: httpx.AsyncClient, plan: Record) -> None:
    for title in ("=1+1", "+44 20", "-1", "@SUM(A1)", "Plain = plain"):
        await a_plan(admin, {"force_code": AVON, "id": plan["concern_ids"][0]}, title=title, lead='=HYPERLINK("x")')
    rows = await table(admin, region="south-west", level="3")
    assert [each["pip_title"] for each in rows[1:]] == ["'=1+1", "'+44 20", "'-1", "'@SUM(A1)", "Plain = plain"]
    assert {each["pip_lead"] for each in rows[1:]} == {'\'=HYPERLINK("x")'}


async def test_a_triage_without_news_need_not_be_sent_again(service: Service, admin: httpx.AsyncClient) -> None:
    for accept in ("application/json", "text/csv"):
        first = await admin.get("/v1/triage", headers={"Accept": accept})
        service.clock.forward(seconds=5)
        held = {"Accept": accept, "If-None-Match": first.headers["etag"]}
        assert (await admin.get("/v1/triage", headers=held)).status_code == 304, accept
        await a_plan(admin, await a_concern(admin))
        assert (await admin.get("/v1/triage", headers=held)).status_code == 200, accept
