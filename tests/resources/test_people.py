"""Do those who lead people, and nobody else, know who they are and how far they are, and can it be erased?"""

import httpx
import pytest

from pip_api.http.problems import Problem
from tests.plans import AVON, DEVON, a_tree, changed, made
from tests.service import Record, Service, codes, refused

PEOPLE = ("people", "skill-assessments", "personal-objectives", "conversations")
SKILL = "performance-management-skill"


@pytest.fixture
async def leader(service: Service) -> httpx.AsyncClient:
    return await service.caller("people_lead", f"force:{AVON}")


@pytest.fixture
async def somebody(lead: httpx.AsyncClient, leader: httpx.AsyncClient) -> Record:
    """A sergeant of a team, whose role asks for the second level."""
    tree = await a_tree(lead)
    role = await made(lead, "/v1/job-roles", force_code=AVON, title="Sergeant", required_skill_level=2)
    body = {"name": "Robin Example", "job_role_id": role["id"], "unit_id": tree["north-response"]["id"]}
    return await made(leader, "/v1/people", force_code=AVON, **body)


async def statement(caller: httpx.AsyncClient, code: str) -> str:
    """The id of a statement of the skill."""
    id: str = (await caller.get(f"/v1/framework-items/{SKILL}:{code}")).json()["id"]
    return id


async def assessed(caller: httpx.AsyncClient, person: Record, code: str, met: str, **other: object) -> Record:
    body = {"person_id": person["id"], "statement_item_id": await statement(caller, code), "met": met}
    told = {"evidence": "Seen at work.", "assessed_on": "2026-11-01"}
    return await made(caller, "/v1/skill-assessments", **(body | told | other))


async def test_people_are_read_by_those_who_lead_them_only(
    service: Service, admin: httpx.AsyncClient, lead: httpx.AsyncClient, leader: httpx.AsyncClient, somebody: Record
) -> None:
    assert set(somebody) - {"id", "version", "created_at", "updated_at", "withdrawn_at"} == {
        "name", "job_role_id", "unit_id", "force_code",
    }  # fmt: skip
    others = [lead, admin]
    others += [await service.caller(role) for role in ("ppmg_member", "reviewer_college", "reviewer_hmicfrs")]
    for caller in others:
        for noun in PEOPLE:
            refused(await caller.get(f"/v1/{noun}"), 403, "permission_denied")
        refused(await caller.get(f"/v1/people/{somebody['id']}"), 403, "permission_denied")
    elsewhere = await service.caller("people_lead", f"force:{DEVON}")
    assert (await elsewhere.get("/v1/people")).json()["items"] == []
    refused(await elsewhere.get(f"/v1/people/{somebody['id']}"), 404, "not_found")


async def test_it_is_known_who_saw_what_of_a_person(
    service: Service, leader: httpx.AsyncClient, somebody: Record
) -> None:
    await leader.get(f"/v1/people/{somebody['id']}")
    await leader.get("/v1/conversations", params={"person": somebody["id"]})
    auditor = await service.caller("auditor", f"force:{AVON}")
    events = (await auditor.get("/v1/audit-events", params={"kind": "read"})).json()["items"]
    seen = {
        (each["action"], each["resource"]["id"])
        for each in events
        if each["actor"]["client_id"] == service.name_of(leader)
    }
    assert seen == {("person.read", somebody["id"]), ("conversation.read", None)}


async def test_nobody_leads_the_people_of_the_nation(service: Service) -> None:
    warden = await service.signed_in(("access_admin", "national"), ("national_admin", "national"))
    account = await made(warden, "/v1/accounts", kind="service", name="x", client_id="hr", place="national")
    grant = {"account_id": account["id"], "role": "people_lead", "place": "national", "reason": "x"}
    with pytest.raises(Problem) as refusal:
        await service.person(("people_lead", "national"))
    assert [each["rule"] for each in refusal.value.errors] == ["GRA-008"]
    refused(await warden.post("/v1/grants", json=grant), 403, "grant_denied")  # and these do not even hold it


async def test_somebody_is_assessed_by_the_statements_of_the_skill(leader: httpx.AsyncClient, somebody: Record) -> None:
    mine = await assessed(leader, somebody, "statement-1.1", "partly")
    assert (mine["force_code"], mine["assessed_by"], mine["met"]) == (AVON, "self", "partly")
    again = await changed(leader, "/v1/skill-assessments", mine, met="fully", evidence="Twelve talks led.")
    assert again.json()["met"] == "fully"
    body = {"person_id": somebody["id"], "met": "fully", "evidence": "x", "assessed_on": "2026-11-01"}
    level = await statement(leader, "level-1")
    answer = await leader.post("/v1/skill-assessments", json=body | {"statement_item_id": level})
    assert [each["rule"] for each in refused(answer, 422, "validation_failed")["errors"]] == ["PER-001"]
    ahead = body | {"statement_item_id": mine["statement_item_id"], "assessed_on": "2026-12-24"}
    assert codes(await leader.post("/v1/skill-assessments", json=ahead)) == [("in_the_future", "#/assessed_on")]
    bare = {name: value for name, value in body.items() if name != "evidence"}
    answer = await leader.post("/v1/skill-assessments", json=bare | {"statement_item_id": level})
    assert ("required", "#") in codes(answer)


async def test_what_somebody_sets_out_to_reach_serves_the_team(
    lead: httpx.AsyncClient, leader: httpx.AsyncClient, somebody: Record
) -> None:
    force = await made(lead, "/v1/objectives", force_code=AVON, tier="organisational", title="Calls are answered")
    about = {"force_code": AVON, "tier": "team", "unit_id": somebody["unit_id"], "title": "The north answers"}
    about |= {
        "success_criteria": "Nine in ten in ten seconds.",
        "progress": "Seven in ten: Saturdays are short of two.",
    }
    team = await made(lead, "/v1/objectives", **about, parent_objective_id=force["id"])
    assert {name: team[name] for name in about} == about
    assert team["parent_objective_id"] == force["id"]
    own = {"person_id": somebody["id"], "title": "Talks with all eight", "success_criteria": "Eight a month."}
    mine = await made(leader, "/v1/personal-objectives", **own, objective_id=team["id"], status="agreed")
    assert (mine["kind"], mine["success_criteria"]) == ("work", "Eight a month.")
    done = await changed(leader, "/v1/personal-objectives", mine, progress="Six of eight.", status="under_way")
    assert done.json()["progress"] == "Six of eight."
    listed = (await leader.get("/v1/personal-objectives", params={"objective": team["id"]})).json()["items"]
    assert [each["title"] for each in listed] == ["Talks with all eight"]
    for kind in ("development", "career"):
        await made(leader, "/v1/personal-objectives", person_id=somebody["id"], title=f"My {kind}", kind=kind)
        listed = (await leader.get("/v1/personal-objectives", params={"kind": kind})).json()["items"]
        assert [each["title"] for each in listed] == [f"My {kind}"]


async def test_what_is_said_in_talks_is_kept(leader: httpx.AsyncClient, somebody: Record) -> None:
    talk = {"person_id": somebody["id"], "kind": "coaching", "held_on": "2026-11-10", "with_whom": "Inspector"}
    held = await made(leader, "/v1/conversations", **talk, summary="Listening.", agreed="Two talks together.")
    answer = await changed(leader, "/v1/conversations", held, held_on="2026-12-10")
    assert codes(answer) == [("in_the_future", "#/held_on")]
    for kind in ("performance", "feedback", "career"):
        await made(leader, "/v1/conversations", **talk | {"kind": kind}, summary=kind, next_on="2026-12-10")
    query = {"person": somebody["id"], "kind": "feedback"}
    (told,) = (await leader.get("/v1/conversations", params=query)).json()["items"]
    assert (told["summary"], told["with_whom"], told["next_on"]) == ("feedback", "Inspector", "2026-12-10")


async def test_a_person_is_erased_by_redaction(service: Service, leader: httpx.AsyncClient, somebody: Record) -> None:
    """The present is changed, the past is redacted, and no version of it tells the name any more."""
    assert (await changed(leader, "/v1/people", somebody, name="[left the force]")).status_code == 200
    keepers = [await service.signed_in(("redactor", f"force:{AVON}"), ("people_lead", f"force:{AVON}")) for _ in "12"]
    about = {"force_code": AVON, "noun": "person", "subject_id": somebody["id"], "members": ["/name"]}
    asked = await made(keepers[0], "/v1/redactions", **about, legal_basis="UK GDPR, article 17(1)(a)", why="Left")
    await service.seal()
    service.clock.forward(hours=26)
    second = await service.again(keepers[1])
    answer = await second.post(f"/v1/redactions/{asked['id']}/approve", headers={"If-Match": '"v1"'})
    assert answer.status_code == 200, answer.text
    leader = await service.again(leader)
    for version in (1, 2):
        told = (await leader.get(f"/v1/people/{somebody['id']}/versions/{version}")).text
        assert "Robin" not in told
    auditor = await service.caller("auditor", f"force:{AVON}")
    assert "Robin" not in (await auditor.get("/v1/audit-log/export")).text
    assert "Robin" not in (await leader.get("/v1/people?include_withdrawn=true")).text
