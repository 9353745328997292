"""What is accepted of a plan, how does it move through its life, and how is it called?"""

import asyncio
from datetime import UTC, datetime

import httpx
import pytest

from tests.plans import AVON, DEVON, a_concern, a_plan, an_action, changed, made, moved
from tests.service import Record, Service, codes, refused

PATH = "/v1/pips"


async def test_plans_are_numbered_by_force_and_year(
    service: Service, admin: httpx.AsyncClient, concern: Record
) -> None:
    other = await a_concern(admin, force_code=DEVON)
    refs = [(await a_plan(admin, each))["ref"] for each in (concern, concern, other)]
    assert refs == ["avon-and-somerset-2026-01", "avon-and-somerset-2026-02", "devon-and-cornwall-2026-01"]
    read = await admin.get(f"{PATH}/ref:avon-and-somerset-2026-02")
    assert read.json()["ref"] == "avon-and-somerset-2026-02"
    service.clock.time = datetime(2027, 1, 1, tzinfo=UTC)
    admin = await service.caller("national_admin")
    assert (await a_plan(admin, concern))["ref"] == "avon-and-somerset-2027-01"


@pytest.mark.parametrize(("first", "second"), [("x-y", "x_y"), ("x_y", "x-y"), ("x-2026", "x"), ("x", "x-2026")])
async def test_forces_of_like_names_number_their_own_plans(admin: httpx.AsyncClient, first: str, second: str) -> None:
    for code in (first, second):
        about = {"kind": "territorial", "nation": "England"}
        await made(admin, "/v1/forces", code=code, name=code, short_name=code, **about)
        refs = [(await a_plan(admin, await a_concern(admin, force_code=code)))["ref"] for _ in range(2)]
        assert refs == [f"{code}-2026-01", f"{code}-2026-02"]


async def test_plans_made_at_once_get_different_numbers(lead: httpx.AsyncClient, concern: Record) -> None:
    plans = await asyncio.gather(*(a_plan(lead, concern) for _ in range(3)))
    assert sorted(each["ref"] for each in plans) == [f"avon-and-somerset-2026-0{n}" for n in (1, 2, 3)]


async def test_the_state_of_a_plan_is_not_written(lead: httpx.AsyncClient, concern: Record) -> None:
    plan = await a_plan(lead, concern)
    assert (plan["status"], plan["shared_by"], plan["approved_on"]) == ("draft", None, None)
    for member in ("status", "shared_by", "approved_on"):
        answer = await changed(lead, PATH, plan, **{member: plan[member] or "2026-10-01"})
        refused(answer, 422, "validation_failed")
        assert codes(answer) == [("read_only", f"#/{member}")]
    answer = await lead.post(PATH, json={"force_code": AVON, "title": "Born closed", "status": "closed"})
    assert codes(answer) == [("read_only", "#/status")]


async def test_the_rules_of_a_plan_are_named(service: Service, lead: httpx.AsyncClient, concern: Record) -> None:
    plan, id = await a_plan(lead, concern), concern["id"]

    async def rules(**patch: object) -> list[tuple[str, str]]:
        document = refused(await changed(lead, PATH, plan, **patch), 422, "validation_failed")
        return [(each["rule"], each["pointer"]) for each in document["errors"]]

    assert await rules(starts_on="2026-10-02", ends_on="2026-10-01") == [("PIP-002", "#/ends_on")]
    assert await rules(concern_ids=[id, id]) == [("PIP-003", "#/concern_ids/1")]
    assert (await lead.get(f"{PATH}/{plan['id']}")).json() == plan
    plan = await moved(service, (await changed(lead, PATH, plan, lead="DCC")).json(), "active")
    assert await rules(concern_ids=[]) == [("PIP-004", "#/concern_ids")]
    assert await rules(lead=None) == [("PIP-005", "#/lead")]


async def test_a_plan_answers_concerns_of_its_own_force(
    lead: httpx.AsyncClient, admin: httpx.AsyncClient, concern: Record
) -> None:
    theirs = await a_concern(admin, force_code=DEVON)
    for caller in (lead, admin):
        body = {"force_code": AVON, "title": "x", "concern_ids": [concern["id"], theirs["id"]]}
        answer = await caller.post(PATH, json=body)
        refused(answer, 422, "validation_failed")
        assert codes(answer) == [("unknown_reference", "#/concern_ids/1")]


async def test_a_plan_with_actions_is_not_withdrawn(lead: httpx.AsyncClient, concern: Record) -> None:
    plan = await a_plan(lead, concern)
    action = await an_action(lead, plan)
    document = refused(await lead.delete(f"{PATH}/{plan['id']}", headers={"If-Match": '"v1"'}), 409, "in_use")
    assert "actions" in document["detail"]
    await lead.delete(f"/v1/actions/{action['id']}", headers={"If-Match": '"v1"'})
    assert (await lead.delete(f"{PATH}/{plan['id']}", headers={"If-Match": '"v1"'})).status_code == 204
    refused(await lead.get(f"{PATH}/{plan['id']}"), 410, "withdrawn")


async def test_plans_are_found(service: Service, lead: httpx.AsyncClient, concern: Record) -> None:
    first, second = await a_plan(lead, concern), await a_plan(lead, concern, lead="DCC")
    second = await moved(service, second, "active")
    for query in ({"status": "active,sustaining"}, {"ref": second["ref"]}, {"sort": "-ref", "limit": "1"}):
        items = (await lead.get(PATH, params=query)).json()["items"]
        assert [each["ref"] for each in items] == [second["ref"]], query
    assert len((await lead.get(PATH, params={"force": AVON})).json()["items"]) == 2
    refused(await lead.get(PATH, params={"status": "open"}), 400, "invalid_parameter")
    assert first["ref"] != second["ref"]


async def test_a_plan_says_on_whose_authority_it_stands_and_who_was_engaged(
    lead: httpx.AsyncClient, concern: Record
) -> None:
    said = {"mandate": "The chief constable's, of 1 October", "governance": "A weekly delivery group"}
    said |= {"engagement": "Two panels of callers, and the ambulance service"}
    plan = await a_plan(lead, concern, **said)
    assert said.items() <= plan.items()
    text = (await lead.get(f"{PATH}/{plan['id']}/document", headers={"Accept": "text/markdown"})).text
    assert all(each in text for each in said.values())


async def test_only_a_draft_is_withdrawn_without_a_move(
    service: Service, lead: httpx.AsyncClient, concern: Record
) -> None:
    """Else nobody would ask who may withdraw a plan that is in force."""
    draft, other = await a_plan(lead, concern), await a_plan(lead, concern)
    shared = await moved(service, other, "shared_for_review")
    gone = refused(await lead.delete(f"/v1/pips/{shared['id']}", headers={"If-Match": '"v2"'}), 409, "not_withdrawable")
    assert gone["transitions"] == f"/v1/pips/{shared['id']}/transitions"
    assert (await lead.get(f"/v1/pips/{shared['id']}")).json()["withdrawn_at"] is None
    assert (await lead.delete(f"/v1/pips/{draft['id']}", headers={"If-Match": '"v1"'})).status_code == 204


async def test_what_has_ended_is_kept_as_it_was(service: Service, lead: httpx.AsyncClient, concern: Record) -> None:
    """But for what is to be said after the end: whether it holds, and what others can learn of it."""
    plan = await a_plan(lead, concern)
    action = await an_action(lead, plan)
    within = {"pip_id": plan["id"], "title": "Afterwards"}
    asked = await made(lead, "/v1/follow-ups", **within, due_on="2026-12-01")
    plan = await moved(service, plan, "shared_for_review", "agreed", "active", "sustaining", "closed")
    path, tag = f"/v1/actions/{action['id']}", {"If-Match": '"v1"'}
    for refusal in (
        await changed(lead, PATH, plan, title="Another"),
        await changed(lead, "/v1/actions", action, title="Another"),
        await lead.delete(path, headers=tag),
        await lead.post("/v1/milestones", json=within | {"due_on": "2026-12-01"}),
    ):
        assert refused(refusal, 409, "ended")["detail"] == "The pip has ended, and is kept as it was."
    narrow = await service.caller("force_lead", f"force:{AVON}", "action:write action:read")
    refused(await narrow.delete(path, headers=tag), 409, "ended")
    assert (await changed(lead, "/v1/follow-ups", asked, done_on="2026-11-20", holds=True)).status_code == 200
    await made(lead, "/v1/practice-submissions", **within, done="Moved shifts", result="worked")
