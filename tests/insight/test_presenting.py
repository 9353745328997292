"""Does presenting freeze what the meeting saw?"""

import httpx
import pytest

from tests.plans import AVON, DEVON, a_concern, a_plan, an_action, changed, made
from tests.service import Record, Service, codes, refused

PATH = "/v1/presentations"


@pytest.fixture
async def meeting(admin: httpx.AsyncClient) -> Record:
    return await made(admin, "/v1/national-meetings", title="PPMG", kind="ppmg", held_on="2026-11-21")


async def presented(service: Service, caller: httpx.AsyncClient, plan: Record, meeting: Record) -> Record:
    service.clock.forward(seconds=5)  # what is presented is what stood before
    about = {"pip_id": plan["id"], "national_meeting_id": meeting["id"], "presented_on": meeting["held_on"]}
    return await made(caller, PATH, **about, presented_by="Deputy Chief Constable")


async def test_what_was_seen_stays_as_it_was_seen(
    service: Service, lead: httpx.AsyncClient, concern: Record, meeting: Record
) -> None:
    plan = await a_plan(lead, concern)
    action = await an_action(lead, plan)
    seen = await presented(service, lead, plan, meeting)
    assert (seen["force_code"], seen["pip_version"], len(seen["digest"])) == (AVON, 1, 64)
    service.clock.forward(seconds=60)
    await changed(lead, "/v1/pips", plan, title="Another title")
    await lead.delete(f"/v1/actions/{action['id']}", headers={"If-Match": '"v1"'})
    told = (await lead.get(f"{PATH}/{seen['id']}/document")).json()
    assert (told["unaltered"], told["digest"], told["pip_version"]) == (True, seen["digest"], 1)
    assert told["document"]["pip"]["title"] == plan["title"]
    assert [each["title"] for each in told["document"]["actions"]] == [action["title"]]
    about = {"pip_id": plan["id"], "national_meeting_id": meeting["id"], "presented_on": meeting["held_on"]}
    refused(await lead.post(PATH, json=about | {"presented_by": "DCC"}), 409, "duplicate_reference")


async def test_what_is_filed_later_was_seen_on_the_day(
    service: Service, admin: httpx.AsyncClient, lead: httpx.AsyncClient, concern: Record, meeting: Record
) -> None:
    """And a plan that was not here yet is told as it was when it was filed, which `as_of` says."""
    plan = await a_plan(lead, concern)
    earlier = await made(admin, "/v1/national-meetings", title="PPMG", kind="ppmg", held_on="2026-11-19")
    service.clock.forward(days=2)
    await service.again(lead)
    await changed(lead, "/v1/pips", plan, title="Another title")
    seen = await presented(service, lead, plan, meeting)
    assert (seen["pip_version"], seen["as_of"]) == (1, "2026-11-21T23:59:59.999999Z")
    told = (await lead.get(f"{PATH}/{seen['id']}/document")).json()
    assert (told["unaltered"], told["document"]["pip"]["title"]) == (True, plan["title"])
    late = await presented(service, lead, plan, earlier)
    assert (late["pip_version"], late["as_of"][:10]) == (2, "2026-11-23")


async def test_what_the_board_said_is_added_and_nothing_else(
    service: Service, lead: httpx.AsyncClient, concern: Record, meeting: Record
) -> None:
    """And by those who saw it: whoever presents a plan does not say what came of it."""
    seen = await presented(service, lead, await a_plan(lead, concern), meeting)
    answer = await changed(lead, PATH, seen, outcome="accepted", comments="Well done.")
    assert [each["rule"] for each in refused(answer, 422, "validation_failed")["errors"]] == ["PRS-004", "PRS-005"]
    member = await service.caller("ppmg_member")
    answer = await changed(member, PATH, seen, outcome="comments")
    assert [each["rule"] for each in refused(answer, 422, "validation_failed")["errors"]] == ["PRS-003"]
    answer = await changed(member, PATH, seen, outcome="comments", comments="Say who leads the second action.")
    assert (answer.json()["outcome"], answer.json()["digest"]) == ("comments", seen["digest"])
    refused(await changed(member, PATH, answer.json(), pip_version=7), 422, "validation_failed")
    refused(await member.delete(f"{PATH}/{seen['id']}", headers={"If-Match": '"v2"'}), 405, "method_not_allowed")


async def test_what_cannot_be_presented(
    service: Service, admin: httpx.AsyncClient, lead: httpx.AsyncClient, concern: Record, meeting: Record
) -> None:
    plan = await a_plan(lead, concern)
    service.clock.forward(seconds=5)
    about = {"pip_id": plan["id"], "national_meeting_id": meeting["id"], "presented_by": "DCC"}
    answer = await lead.post(PATH, json=about | {"presented_on": "2026-11-18"})
    assert [each["rule"] for each in refused(answer, 422, "validation_failed")["errors"]] == ["PRS-002"]
    later = await made(admin, "/v1/national-meetings", title="PPMG", kind="ppmg", held_on="2026-12-20")
    ahead = about | {"national_meeting_id": later["id"], "presented_on": "2026-12-20"}
    assert codes(await lead.post(PATH, json=ahead)) == [("in_the_future", "#/presented_on")]
    theirs = await a_plan(admin, await a_concern(admin, force_code=DEVON))
    answer = await lead.post(PATH, json=about | {"pip_id": theirs["id"], "presented_on": "2026-11-21"})
    assert codes(answer) == [("unknown_reference", "#/pip_id")]
    seen = await presented(service, admin, theirs, meeting)
    refused(await lead.get(f"{PATH}/{seen['id']}/document"), 404, "not_found")
    reader = await service.caller("force_reader", f"force:{AVON}")
    answer = await reader.post(PATH, json=about | {"presented_on": "2026-11-21"})
    refused(answer, 403, "permission_denied")


async def test_what_was_presented_and_the_meeting_that_saw_it_stay(
    service: Service, admin: httpx.AsyncClient, lead: httpx.AsyncClient, concern: Record, meeting: Record
) -> None:
    plan = await a_plan(lead, concern)
    await presented(service, lead, plan, meeting)
    for path in (f"/v1/pips/{plan['id']}", f"/v1/national-meetings/{meeting['id']}"):
        answer = await admin.delete(path, headers={"If-Match": '"v1"'})
        assert refused(answer, 409, "in_use")["detail"] == "It is still named by presentations."
