"""Does a plan move only where it may, by whom may, with what the ledger keeps of it?"""

import httpx
import pytest

from pip_api.insight.plan_parts import needs
from tests.insight.test_plan_document import AT_THREE, document
from tests.plans import AVON, DEVON, a_concern, a_plan, an_action, changed, made, moved
from tests.service import Record, Service, codes, refused

OVERRIDE = {"override_readiness": "Agreed with the College to go on"}


@pytest.fixture
async def approver(service: Service) -> httpx.AsyncClient:
    return await service.caller("force_approver", f"force:{AVON}")


@pytest.fixture
async def plan(lead: httpx.AsyncClient, concern: Record) -> Record:
    return await a_plan(lead, concern, lead="Deputy Chief Constable")


async def move(caller: httpx.AsyncClient, plan: Record, to: str, **body: object) -> httpx.Response:
    sent = {"to": to, "reason": "Agreed at the board"} | body
    headers = {"If-Match": f'"v{plan["version"]}"'}
    return await caller.post(f"/v1/pips/{plan['id']}/transitions", json=sent, headers=headers)


async def gone(caller: httpx.AsyncClient, plan: Record, to: str, **body: object) -> Record:
    answer = await move(caller, plan, to, **body)
    assert answer.status_code == 200, answer.text
    after: Record = answer.json()
    assert (after["status"], after["version"]) == (to, plan["version"] + 1)
    assert answer.headers["etag"] == f'"v{after["version"]}"'
    return after


async def blocks(caller: httpx.AsyncClient, plan: Record, to: str, **body: object) -> list[str]:
    """What keeps a plan from a state; where the request adds nothing, GET tells the same."""
    blocked = refused(await move(caller, plan, to, **body), 409, "invalid_transition")["blocked_by"]
    if not body:
        items = (await document(caller, plan, "transitions"))["items"]
        assert next(each["blocked_by"] for each in items if each["to"] == to) == blocked
    return list(dict.fromkeys(each["code"] for each in blocked))


async def test_a_plan_of_a_lighter_level_goes_from_draft_to_closed(
    service: Service, lead: httpx.AsyncClient, approver: httpx.AsyncClient, admin: httpx.AsyncClient, plan: Record
) -> None:
    await made(admin, "/v1/support-level-assignments", **AT_THREE | {"level_code": "level-2"}, starts_on="2026-06-01")
    told = await document(lead, plan, "obligations")
    assert (told["level_code"], told["obligations"]) == ("level-2", [])
    service.clock.forward(days=2)
    for each in (lead, approver, admin):
        await service.again(each)
    plan = await gone(lead, plan, "shared_for_review", effective_at="2026-11-22T23:30:00Z")
    assert (plan["shared_on"], plan["moved_on"]) == ("2026-11-22", "2026-11-22")
    assert await blocks(lead, plan, "agreed") == ["separation_of_duties", "permission_denied"]
    plan = await gone(approver, plan, "agreed")
    assert plan["approved_on"] == "2026-11-23"
    assert plan["approved_by"] not in (None, plan["shared_by"])
    assert await blocks(approver, plan, "active") == ["readiness_failed"]
    plan = await gone(approver, plan, "active", **OVERRIDE)
    plan = await gone(lead, plan, "sustaining")
    action = await an_action(lead, plan)
    assert await blocks(approver, plan, "closed") == ["action_open", "concern_open", "readiness_failed"]
    done = {"status": "completed", "completed_on": "2026-11-22"}
    assert (await changed(lead, "/v1/actions", action, **done)).status_code == 200
    (concern,) = (await document(lead, plan, "document"))["concerns"]
    assert (await changed(admin, "/v1/concerns", concern, status="resolved")).status_code == 200
    assert await blocks(approver, plan, "closed") == ["readiness_failed"]
    plan = await gone(approver, plan, "closed", **OVERRIDE)
    assert plan["closed_on"] == "2026-11-23"
    assert not any(each["allowed"] for each in (await document(lead, plan, "transitions"))["items"])


async def test_the_ledger_says_who_moved_a_plan_and_why(
    lead: httpx.AsyncClient, approver: httpx.AsyncClient, plan: Record
) -> None:
    plan = await gone(lead, plan, "shared_for_review")
    plan = await gone(approver, plan, "agreed")
    await gone(approver, plan, "active", **OVERRIDE)
    versions = (await lead.get(f"/v1/pips/{plan['id']}/versions")).json()["items"]
    assert [each["act"] for each in versions] == ["pip.moved"] * 3 + ["pip.created"]
    assert versions[1]["reason"] == "Agreed at the board"
    assert versions[0]["reason"] == (
        "Agreed at the board (moved on though not ready: Agreed with the College to go on)"
    )
    assert {"op": "replace", "path": "/status", "value": "active"} in versions[0]["patch"]


async def test_at_level_three_partners_agree_first_and_ppmg_sees_it(
    service: Service, lead: httpx.AsyncClient, approver: httpx.AsyncClient, admin: httpx.AsyncClient, plan: Record
) -> None:
    await made(admin, "/v1/support-level-assignments", **AT_THREE, starts_on="2026-06-01")
    plan = await gone(lead, plan, "shared_for_review")
    assert await blocks(approver, plan, "agreed") == ["not_shared"]
    shared = [
        await made(lead, "/v1/partner-reviews", pip_id=plan["id"], partner=each, shared_on="2026-11-21")
        for each in ("home_office", "hmicfrs", "college")
    ]
    assert await blocks(approver, plan, "agreed") == ["review_pending"]
    answer = {"answer": "agreed", "answered_on": "2026-11-21"}
    own = await changed(lead, "/v1/partner-reviews", shared[0], **answer)
    assert codes(own) == [("permission_denied", f"#/{member}") for member in answer]
    reviewers = [await service.caller(f"reviewer_{each['partner']}") for each in shared]
    for each, itself in zip(shared, reviewers, strict=True):
        for reviewer in (*(other for other in reviewers if other is not itself), itself):
            answered = await changed(reviewer, "/v1/partner-reviews", each, **answer)
            assert answered.status_code == (200 if reviewer is itself else 422), answered.text
    plan = await gone(approver, plan, "agreed")
    assert await blocks(approver, plan, "active", **OVERRIDE) == ["not_submitted", "not_presented"]
    assert await blocks(approver, plan, "submitted_to_ppmg") == [
        "separation_of_duties", "readiness_failed", "permission_denied",
    ]  # fmt: skip
    plan = await gone(lead, plan, "submitted_to_ppmg", **OVERRIDE)
    assert plan["submitted_to_ppmg_on"] == "2026-11-21"
    ppmg = await service.caller("ppmg_member")
    assert await blocks(ppmg, plan, "active", **OVERRIDE) == ["not_presented"]
    duties = (await document(lead, plan, "obligations"))["obligations"]
    assert [each["status"] for each in duties] == ["done"] * 5 + ["open"]
    plan = await gone(ppmg, plan, "returned")
    assert plan["status"] == "returned"


async def test_what_ppmg_returned_is_seen_by_ppmg_again(
    service: Service, lead: httpx.AsyncClient, approver: httpx.AsyncClient, admin: httpx.AsyncClient, plan: Record
) -> None:
    """At level three a plan comes into force by PPMG alone, and for what partners and PPMG saw of it last."""
    await made(admin, "/v1/support-level-assignments", **AT_THREE, starts_on="2026-06-01")
    about = {"pip_id": plan["id"], "presented_by": "Deputy Chief Constable"}

    async def shown(kind: str, day: str, **said: str) -> None:
        service.clock.forward(seconds=5)  # what is presented is what stood before
        where = {"region_code": "south-west"} if kind == "regional_triage" else {}
        meeting = await made(admin, "/v1/national-meetings", title=kind, kind=kind, held_on=day, **where)
        await made(admin, "/v1/presentations", **about, national_meeting_id=meeting["id"], presented_on=day, **said)

    async def shared(plan: Record, day: str) -> Record:
        plan = await gone(lead, plan, "shared_for_review")
        assert await blocks(approver, plan, "agreed") == ["not_shared"]
        for partner in ("home_office", "hmicfrs", "college"):
            answer = {"partner": partner, "shared_on": day, "answer": "agreed", "answered_on": day}
            await made(admin, "/v1/partner-reviews", pip_id=plan["id"], **answer)
        return await gone(approver, plan, "agreed")

    plan = await gone(lead, await shared(plan, "2026-11-21"), "submitted_to_ppmg", **OVERRIDE)
    ppmg = await service.caller("ppmg_member")
    await shown("ppmg", "2026-11-21", outcome="rejected", comments="Say who leads it.")
    assert await blocks(ppmg, plan, "active", **OVERRIDE) == ["rejected"]
    plan = await gone(ppmg, plan, "returned")
    service.clock.forward(days=1)
    for caller in (lead, approver, admin, ppmg):
        await service.again(caller)
    plan = await shared(plan, "2026-11-22")
    for kind in ("regional_triage", "other"):
        await shown(kind, "2026-11-22")
    assert await blocks(approver, plan, "active", **OVERRIDE) == ["not_submitted", "rejected"]
    plan = await gone(lead, plan, "submitted_to_ppmg", **OVERRIDE)
    assert await blocks(ppmg, plan, "active", **OVERRIDE) == ["not_presented"]
    duties = (await document(lead, plan, "obligations"))["obligations"]
    assert (duties[-1]["duty"], duties[-1]["status"]) == ("present", "open")
    await shown("ppmg", "2026-11-22", outcome="accepted")
    await gone(ppmg, plan, "active", **OVERRIDE)


async def test_who_shared_a_plan_does_not_put_it_in_force(
    service: Service, lead: httpx.AsyncClient, approver: httpx.AsyncClient, plan: Record
) -> None:
    """Even where another submitted it since. Taking up again what was sustained is no approval."""
    both = await service.caller("national_admin")
    plan = await gone(both, plan, "shared_for_review")
    plan = await gone(approver, plan, "agreed")
    plan = await gone(lead, plan, "submitted_to_ppmg", **OVERRIDE)
    assert await blocks(both, plan, "active", **OVERRIDE) == ["separation_of_duties"]
    plan = await gone(await service.caller("ppmg_member"), plan, "active", **OVERRIDE)
    plan = await gone(lead, plan, "sustaining")
    await gone(lead, plan, "active", **OVERRIDE)


async def test_what_is_allowed_is_told_with_the_step_of_the_guide(lead: httpx.AsyncClient, plan: Record) -> None:
    told = await document(lead, plan, "transitions")
    assert (told["status"], told["version"], told["step"]) == ("draft", 1, "develop_actions")
    assert {each["to"] for each in told["items"] if each["allowed"]} == {"shared_for_review", "withdrawn"}
    assert {tuple(each["requires"]) for each in told["items"]} == {("reason",)}
    assert "out_of_order" in await blocks(lead, plan, "closed")


async def test_a_move_names_the_version_that_was_seen(lead: httpx.AsyncClient, plan: Record) -> None:
    path, sent = f"/v1/pips/{plan['id']}/transitions", {"to": "shared_for_review", "reason": "x"}
    refused(await lead.post(path, json=sent), 428, "precondition_required")
    refused(await lead.post(path, json=sent, headers={"If-Match": '"v2"'}), 412, "version_mismatch")
    moved_on = await lead.post(path, json=sent | {"version": 1})
    assert moved_on.status_code == 200
    refused(await lead.post(path, json=sent, headers={"If-Match": '"v1"'}), 412, "version_mismatch")


async def test_a_move_needs_a_reason_and_takes_effect_by_now(lead: httpx.AsyncClient, plan: Record) -> None:
    for body, wrong in (
        ({"reason": ""}, "#/reason"),
        ({"to": "finished"}, "#/to"),
        ({"effective_at": "2026-11-22T00:00:00Z"}, "#/effective_at"),
        ({"effective_at": "2026-11-20T00:00:00"}, "#/effective_at"),
        ({"effective_at": 0}, "#/effective_at"),
        ({"effective_at": "0001-01-01T00:00:00Z"}, "#/effective_at"),
        ({"effective_at": "1999-12-31T00:00:00Z"}, "#/effective_at"),
    ):
        answer = await move(lead, plan, **({"to": "shared_for_review"} | body))
        refused(answer, 422, "validation_failed")
        assert [place for _, place in codes(answer)] == [wrong]


async def test_a_move_is_not_before_the_one_that_came_before_it(
    service: Service, lead: httpx.AsyncClient, approver: httpx.AsyncClient, plan: Record
) -> None:
    service.clock.forward(days=3)
    for each in (lead, approver):
        await service.again(each)
    too_early = await move(lead, plan, "shared_for_review", effective_at="2026-11-20T23:59:59Z")  # it was not there yet
    assert codes(too_early) == [("date_before_start", "#/effective_at")]
    plan = await gone(lead, plan, "shared_for_review", effective_at="2026-11-23T09:00:00Z")
    plan = await gone(approver, plan, "returned", effective_at="2026-11-23T17:00:00Z")
    assert plan["moved_on"] == "2026-11-23"
    before = await move(lead, plan, "draft", effective_at="2026-11-22T12:00:00Z")
    assert codes(before) == [("date_before_start", "#/effective_at")]


async def test_a_token_that_is_to_move_plans_names_what_they_are_read_with(service: Service, plan: Record) -> None:
    parts = " ".join(dict.fromkeys(needs()))
    for scope, status in (("pip:read pip:move pip:write", 403), (f"{parts} pip:move pip:write", 200)):
        caller = await service.caller("force_lead", f"force:{AVON}", scope=scope)
        assert (await move(caller, plan, "withdrawn")).status_code == status


async def test_the_gate_is_passed_only_by_those_who_may(
    service: Service, lead: httpx.AsyncClient, plan: Record
) -> None:
    plan = await moved(service, plan, "shared_for_review", "agreed")
    contributor = await service.caller("force_contributor", f"force:{AVON}")
    assert await blocks(contributor, plan, "submitted_to_ppmg", **OVERRIDE) == ["readiness_failed", "permission_denied"]
    plan = await gone(lead, plan, "submitted_to_ppmg", **OVERRIDE)
    assert plan["submitted_to_ppmg_by"] is not None


async def test_a_rehearsed_move_keeps_nothing(lead: httpx.AsyncClient, plan: Record) -> None:
    path = f"/v1/pips/{plan['id']}/transitions?dry_run=true"
    sent = {"to": "shared_for_review", "reason": "x"}
    answer = await lead.post(path, json=sent, headers={"If-Match": '"v1"'})
    assert (answer.status_code, answer.json()["status"]) == (200, "shared_for_review")
    assert (await lead.get(f"/v1/pips/{plan['id']}")).json() == plan


async def test_others_do_not_move_it(service: Service, admin: httpx.AsyncClient, plan: Record) -> None:
    other = await service.caller("force_lead", f"force:{DEVON}")
    refused(await move(other, plan, "withdrawn"), 404, "not_found")
    reader = await service.caller("force_reader", f"force:{AVON}")
    refused(await move(reader, plan, "withdrawn"), 403, "permission_denied")
    assert await a_concern(admin)
