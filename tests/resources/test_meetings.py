"""Are meetings kept with their themes, decisions and days, in the force and in the nation?"""

import httpx

from tests.plans import AVON, a_concern, a_plan, changed, made
from tests.service import Record, Service, codes, refused


async def a_check(caller: httpx.AsyncClient, plan: Record) -> Record:
    """What a test of delivery by the Quality Assurance Model found."""
    model = {"title": "QAM", "what": "Grading", "method": "quality_assurance_model", "by_whom": "Quality team"}
    mechanism = await made(caller, "/v1/assurance-mechanisms", pip_id=plan["id"], **model)
    found = {"done_on": "2026-11-02", "finding": "Four of forty were wrong", "outcome": "mixed"}
    return await made(caller, "/v1/assurance-checks", assurance_mechanism_id=mechanism["id"], **found)


async def test_what_is_found_where_delivery_is_tested_feeds_the_learning_review(lead: httpx.AsyncClient) -> None:
    plan = await a_plan(lead, await a_concern(lead))
    check = await a_check(lead, plan)
    review = {"kind": "learning_review", "title": "Third quarter", "theme": "Response", "held_on": "2026-11-15"}
    told = {"pip_ids": [plan["id"]], "assurance_check_ids": [check["id"]]}
    met = await made(lead, "/v1/meetings", force_code=AVON, **review, **told)
    path = f"/v1/meetings/{met['id']}"
    shown = (await lead.get(path, params={"expand": "assurance_checks"})).json()
    assert [each["finding"] for each in shown["assurance_checks"]["items"]] == ["Four of forty were wrong"]
    refused(await lead.delete(f"/v1/assurance-checks/{check['id']}", headers={"If-Match": '"v1"'}), 409, "in_use")


async def test_the_rules_of_a_meeting_are_named(lead: httpx.AsyncClient) -> None:
    concern = await a_concern(lead)
    plan = await a_plan(lead, concern)
    review = {"force_code": AVON, "kind": "learning_review", "title": "Third quarter", "held_on": "2026-12-15"}
    check = await a_check(lead, plan)

    async def rules(**sent: object) -> list[str]:
        answer = await lead.post("/v1/meetings", json=review | {"theme": "Response"} | sent)
        return [each["rule"] for each in refused(answer, 422, "validation_failed")["errors"]]

    assert await rules(theme=None) == ["MTG-001"]  # set in advance
    assert await rules(pip_ids=[plan["id"]] * 2) == ["MTG-002"]
    assert await rules(updates_due_on="2026-12-16") == ["MTG-004"]
    assert await rules(decisions=[{"text": "Move shifts"}], attendees=["DCC"]) == ["MTG-005", "MTG-005"]
    assert await rules(inspection_theme_on="2026-12-01") == ["MTG-006"]
    planned = await made(lead, "/v1/meetings", **review, theme="Response", inspection_theme_on="2027-02-01")
    assert await rules(assurance_check_ids=[check["id"]] * 2) == ["MTG-007"]
    decided = {"decisions": [{"text": "Move shifts", "owner": "Superintendent, response", "due_on": "2026-12-01"}]}
    held = await changed(lead, "/v1/meetings", planned, held_on="2026-11-15", pip_ids=[plan["id"]], **decided)
    assert held.json()["decisions"][0]["due_on"] == "2026-12-01"
    refused(await lead.delete(f"/v1/pips/{plan['id']}", headers={"If-Match": '"v1"'}), 409, "in_use")


async def test_meetings_of_the_nation_are_seen_by_all_and_set_by_the_nation(
    service: Service, admin: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    ppmg = {"title": "PPMG, December", "kind": "ppmg", "held_on": "2026-12-10", "updates_due_on": "2026-12-01"}
    member = await service.caller("ppmg_member")
    met = await made(member, "/v1/national-meetings", **ppmg, agenda=["Forces at level three"])
    triage = {"title": "Triage", "kind": "regional_triage", "region_code": "south-west", "held_on": "2026-11-30"}
    await made(admin, "/v1/national-meetings", **triage)
    refused(await lead.post("/v1/national-meetings", json=ppmg), 403, "permission_denied")
    listed = (await lead.get("/v1/national-meetings", params={"sort": "held_on"})).json()["items"]
    assert [each["kind"] for each in listed] == ["regional_triage", "ppmg"]
    regional = (await lead.get("/v1/national-meetings", params={"region": "south-west"})).json()["items"]
    assert [(each["held_on"], each["region_code"]) for each in regional] == [("2026-11-30", "south-west")]
    for wrong, rule in (
        (ppmg | {"region_code": "south-west"}, "MIN-002"),
        (triage | {"region_code": None}, "MIN-001"),
        (ppmg | {"updates_due_on": "2026-12-11"}, "MIN-003"),
    ):
        answer = await member.post("/v1/national-meetings", json=wrong)
        assert [each["rule"] for each in refused(answer, 422, "validation_failed")["errors"]] == [rule]
    part = {"force_code": AVON, "kind": "ppmg", "title": "Our part", "held_on": "2026-12-10"}
    await made(lead, "/v1/meetings", **part, national_meeting_id=met["id"])
    unknown = part | {"national_meeting_id": "0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c"}
    answer = await lead.post("/v1/meetings", json=unknown)
    assert codes(answer) == [("unknown_reference", "#/national_meeting_id")]
    refused(await member.delete(f"/v1/national-meetings/{met['id']}", headers={"If-Match": '"v1"'}), 409, "in_use")


async def test_what_the_nation_decided_is_kept(service: Service) -> None:
    board = await service.caller("ppmg_member")
    met = await made(board, "/v1/national-meetings", title="PPMG", kind="ppmg", held_on="2026-11-10")
    decided = [{"text": "Forces share their rotas", "owner": "Chair", "due_on": "2026-12-01"}]
    assert (await changed(board, "/v1/national-meetings", met, decisions=decided)).json()["decisions"] == decided
    later = await made(board, "/v1/national-meetings", title="PPMG", kind="ppmg", held_on="2026-12-10")
    answer = await changed(board, "/v1/national-meetings", later, decisions=decided)
    assert [each["rule"] for each in refused(answer, 422, "validation_failed")["errors"]] == ["MIN-004"]
