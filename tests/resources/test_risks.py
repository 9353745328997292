"""How is a risk scored on a force's own scale, and what is done against it?"""

import httpx
import pytest

from tests.plans import AVON, DEVON, KENT, a_concern, a_plan, an_action, changed, made, rules_broken, sees_through
from tests.service import Record, Service, refused

SCALES, RISKS, MITIGATIONS = "/v1/risk-scales", "/v1/risks", "/v1/mitigations"


def bands(*starts: int) -> list[Record]:
    return [{"name": f"band {start}", "from_score": start} for start in starts]


@pytest.fixture
async def scale(lead: httpx.AsyncClient) -> Record:
    about = {"force_code": AVON, "title": "Matrix", "size": 4, "valid_from": "2026-04-01"}
    return await made(lead, SCALES, **about, bands=bands(1, 5, 9))


async def test_a_scale_rises_from_one(lead: httpx.AsyncClient) -> None:
    about = {"force_code": AVON, "title": "Matrix", "size": 5, "valid_from": "2026-04-01"}
    assert await rules_broken(lead, SCALES, **about, bands=bands(2, 5)) == [("SCL-001", "#/bands/0/from_score")]
    assert await rules_broken(lead, SCALES, **about, bands=bands(1, 5, 5)) == [("SCL-002", "#/bands/2/from_score")]
    assert await rules_broken(lead, SCALES, **about, bands=bands(1, 26)) == [("SCL-003", "#/bands/1/from_score")]
    assert (await made(lead, SCALES, **about, bands=bands(1, 25)))["size"] == 5


async def test_a_risk_is_scored_on_its_scale(
    lead: httpx.AsyncClient, whole: Record, action: Record, foreign_action: Record, scale: Record
) -> None:
    about = {"pip_id": whole["id"], "title": "Staff leave", "scale_id": scale["id"], "raised_on": "2026-11-01"}
    about |= {"likelihood": 3, "impact": 4}
    ids = [action["id"]]
    assert await rules_broken(lead, RISKS, **about, action_ids=[foreign_action["id"]]) == [
        ("RSK-001", "#/action_ids/0")
    ]
    assert await rules_broken(lead, RISKS, **about, action_ids=ids * 2) == [("RSK-002", "#/action_ids/1")]
    assert await rules_broken(lead, RISKS, **about | {"impact": 5}, action_ids=ids) == [("RSK-003", "#/impact")]
    late = about | {"raised_on": "2026-11-22"}
    assert await rules_broken(lead, RISKS, **late, action_ids=ids) == [("RSK-004", "#/raised_on")]
    risk = await made(lead, RISKS, **about, action_ids=ids)
    assert (risk["score"], risk["kind"]) == (12, "risk")
    answer = await lead.patch(f"{RISKS}/{risk['id']}", json={"likelihood": 5}, headers={"If-Match": '"v1"'})
    assert [each["rule"] for each in answer.json()["errors"]] == ["RSK-003"]
    lower = await sees_through(lead, risk, RISKS, likelihood=1, kind="barrier", early_response="Ask for volunteers")
    assert (lower["score"], lower["early_response"]) == (4, "Ask for volunteers")
    await made(lead, RISKS, **about, action_ids=ids)
    listed = (await lead.get(RISKS, params={"sort": "-score"})).json()["items"]
    assert [each["score"] for each in listed] == [12, 4]
    for kind in ("issue", "opportunity"):
        raised = await made(lead, RISKS, **about, action_ids=ids, kind=kind)
        await made(lead, MITIGATIONS, risk_id=raised["id"], title="What is done")
        listed = (await lead.get(RISKS, params={"kind": kind, "expand": "mitigations"})).json()["items"]
        assert [(each["id"], each["mitigations"]["total"]) for each in listed] == [(raised["id"], 1)]


async def test_what_was_scored_stays_on_its_scale(
    lead: httpx.AsyncClient, whole: Record, action: Record, scale: Record
) -> None:
    about = {"pip_id": whole["id"], "title": "x", "raised_on": "2026-11-01", "action_ids": [action["id"]]}
    about |= {"likelihood": 4, "impact": 2}
    later = await made(lead, SCALES, force_code=AVON, title="x", size=4, valid_from="2030-01-01", bands=bands(1))
    assert await rules_broken(lead, RISKS, **about, scale_id=later["id"]) == [("RSK-005", "#/scale_id")]
    risk = await made(lead, RISKS, **about, scale_id=scale["id"])
    answer = await changed(lead, SCALES, scale, size=3, bands=bands(1), valid_from="2030-01-01")
    assert [each["rule"] for each in refused(answer, 422, "validation_failed")["errors"]] == ["SCL-004", "SCL-005"]
    await sees_through(lead, risk, RISKS, likelihood=3)
    smaller = await sees_through(lead, scale, SCALES, size=3, bands=bands(1))
    assert smaller["size"] == 3


async def test_what_is_agreed_against_a_risk_has_somebody(
    lead: httpx.AsyncClient, whole: Record, action: Record, scale: Record
) -> None:
    risk = await made(
        lead, RISKS, pip_id=whole["id"], title="x", scale_id=scale["id"], raised_on="2026-11-01", likelihood=1,
        impact=1, action_ids=[action["id"]],
    )  # fmt: skip
    about = {"risk_id": risk["id"], "title": "A list of officers"}
    assert await rules_broken(lead, MITIGATIONS, **about, status="agreed") == [("MIT-001", "#/owner")]
    mitigation = await made(lead, MITIGATIONS, **about)
    assert (mitigation["status"], mitigation["force_code"]) == ("considered", AVON)
    await sees_through(lead, mitigation, MITIGATIONS, status="in_place", owner="Inspector E. Example")
    shown = (await lead.get(f"{RISKS}/{risk['id']}", params={"expand": "mitigations"})).json()
    assert shown["mitigations"]["total"] == 1


async def test_threats_and_risks_are_seen_across_forces(service: Service) -> None:
    """One register for whoever oversees several forces."""
    for force in (AVON, DEVON, KENT):
        by = await service.caller("force_lead", f"force:{force}")
        plan = await a_plan(by, await a_concern(by, force_code=force))
        about = {"force_code": force, "title": "Matrix", "size": 4, "valid_from": "2026-04-01"}
        scale = await made(by, SCALES, **about, bands=bands(1, 9))
        said = {
            "title": f"In {force}",
            "scale_id": scale["id"],
            "raised_on": "2026-11-01",
            "likelihood": 2,
            "impact": 3,
        }
        await made(by, RISKS, pip_id=plan["id"], **said, action_ids=[(await an_action(by, plan))["id"]])
    region = await service.caller("regional_triage", "region:south-west")
    board = await service.caller("ppmg_member")
    for caller, forces in ((region, {AVON, DEVON}), (board, {AVON, DEVON, KENT})):
        listed = (await caller.get(RISKS, params={"status": "open"})).json()["items"]
        assert {each["force_code"] for each in listed} == forces
