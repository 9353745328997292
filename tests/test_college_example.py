"""Is the worked example of the College's guide told from start to end by those who take part in it?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import httpx
import pytest

from tests import college as said
from tests.insight.test_plan_document import document
from tests.insight.test_transitions import blocks, gone
from tests.plans import AVON, a_concern, a_plan, an_action, changed, made, put
from tests.service import Record, Service

NATIONAL = ("ppmg_member", "national_admin", *(f"reviewer_{each}" for each in said.PARTNERS))


@dataclass
class Cast:
    """Who takes part, by their roles."""

    service: Service
    callers: dict[str, httpx.AsyncClient]

    def __getattr__(self, role: str) -> httpx.AsyncClient:
        return self.callers[role]

    async def on(self, day: str) -> None:
        """The morning of another day, on which everybody signs in again."""
        self.service.clock.time = datetime.fromisoformat(f"{day}T09:00:00Z")
        for caller in self.callers.values():
            await self.service.again(caller)


@pytest.fixture
async def cast(service: Service) -> Cast:
    callers = {role: await service.caller(role) for role in NATIONAL}
    for role in ("force_lead", "force_approver", "force_reader"):
        callers[role] = await service.caller(role, f"force:{AVON}")
    return Cast(service, callers)


async def set_to(caller: httpx.AsyncClient, path: str, id: str, **patch: object) -> Record:
    """A row after a change of its newest version."""
    answer = await changed(caller, path, (await caller.get(f"{path}/{id}")).json(), **patch)
    assert answer.status_code == 200, answer.text
    told: Record = answer.json()
    return told


async def of_plan(caller: httpx.AsyncClient, path: str, plan: Record, **query: str) -> list[Record]:
    answer = await caller.get(path, params={"pip": plan["id"], **query})
    items: list[Record] = answer.json()["items"]
    return items


async def red(caller: httpx.AsyncClient, plan: Record) -> str:
    """The numbers of the rules that a plan does not keep to."""
    results = (await document(caller, plan, "readiness"))["results"]
    return " ".join(each["rule"][-2:] for each in results if each["result"] in ("fail", "warn"))


async def duties(caller: httpx.AsyncClient, plan: Record) -> list[tuple[str, str]]:
    told = (await document(caller, plan, "obligations"))["obligations"]
    return [(each["due_on"], each["status"]) for each in told]


async def identified(cast: Cast) -> None:
    """PPMG puts the force at level three and names two concerns, and the force sees both."""
    await set_to(cast.national_admin, "/v1/support-levels", "ref:level-3", **said.WITHIN)
    await made(cast.ppmg_member, "/v1/support-level-assignments", **said.AT_THREE)
    for measure in said.MEASURES:
        await made(cast.national_admin, "/v1/measures", **measure)
    for concern in (said.ATTENDANCE, said.ABANDONMENT):
        await a_concern(cast.ppmg_member, **concern)
    items = (await cast.ppmg_member.get("/v1/triage", params={"region": "south-west"})).json()["items"]
    (own,) = (each for each in items if each["force"]["code"] == AVON)
    assert (own["level"]["code"], own["plans"]) == ("level-3", [])


async def analysed(lead: httpx.AsyncClient) -> tuple[list[Record], list[Record]]:
    """The analysis finds a third concern, which is behind both: that is what is cross-cutting."""
    seen = (await lead.get("/v1/concerns", params={"source": "ppmg", "sort": "-title"})).json()["items"]
    assert [each["title"] for each in seen] == [said.ATTENDANCE["title"], said.ABANDONMENT["title"]]
    effects = [{"concern_id": each["id"], "kind": "is_root_cause_of", "how": "Nobody knows when"} for each in seen]
    concerns = [await a_concern(lead, **said.DEMAND, affects=effects), *seen]
    ids = [each["id"] for each in concerns]
    analysis = await made(lead, "/v1/root-cause-analyses", **said.ANALYSIS, concern_ids=ids)
    found = []
    for title, kind, behind, cause in (
        ("Each district counts a call in its own way", "root_cause", ids[:1], None),
        ("Demand is poorly understood", "root_cause", ids[1:], ids[0]),
        ("Nobody who waits can be called back", "root_cause", ids[2:], None),
        ("Callers who wait ring again", "symptom", ids[1:2], None),
    ):
        about = {"root_cause_analysis_id": analysis["id"], "title": title, "kind": kind, "theme": "demand"}
        found.append(await made(lead, "/v1/findings", **about, concern_ids=behind, cause_concern_id=cause))
    assert [each["cross_cutting"] for each in found] == [False, True, False, False]
    return concerns, found


async def planned(lead: httpx.AsyncClient, concerns: Sequence[Record], found: Sequence[Record]) -> Record:
    """A first draft is red, and each part that is added makes rules green, until all are."""
    plan = await a_plan(lead, *concerns, title="Attend and answer in time")
    pairs = zip(concerns, said.TITLES, strict=True)
    actions = [await an_action(lead, plan, concern_id=concern["id"], title=title) for concern, title in pairs]
    assert [each["task_number"] for each in actions] == ["1.1", "2.1", "3.1"]
    assert (await document(lead, plan, "transitions"))["step"] == "develop_actions"
    assert await red(lead, plan) == "05 06 07 08 09 10 13 14 15 16 17 18 19 20 21 22 23 26 27"
    fixes = {each["rule"]: each["fix"] for each in (await document(lead, plan, "readiness"))["results"]}
    assert fixes["PIP-GP-21"] == {"method": "PATCH", "href": f"/v1/concerns/{concerns[0]['id']}"}

    for priority, (action, answered) in enumerate(zip(actions, found, strict=False), 1):
        linked = {"finding_ids": [answered["id"]], "measure_codes": [said.ATTENDED], "priority": priority}
        await set_to(lead, "/v1/actions", action["id"], **said.ACTION, **linked)
    assert await red(lead, plan) == "05 13 14 15 16 17 18 19 20 21 22 23 26"
    await set_to(lead, "/v1/actions", actions[1]["id"], finding_ids=[found[3]["id"]])  # a mere symptom
    assert (await red(lead, plan)).startswith("05 06 07 13")
    await set_to(lead, "/v1/actions", actions[1]["id"], finding_ids=[found[1]["id"]])
    for concern in concerns:
        await set_to(lead, "/v1/concerns", concern["id"], owner="Assistant Chief Constable", **said.DAYS)
    boards = [await made(lead, "/v1/boards", **said.BOARD, title=each) for each in ("Demand", "Chief officers")]
    await set_to(lead, "/v1/pips", plan["id"], **said.PLAN, board_ids=[each["id"] for each in boards])
    assert await red(lead, plan) == "14 15 16 17 18 19 22"

    of: Record = {"pip_id": plan["id"]}
    for action, due in zip(actions, said.MILESTONES, strict=True):
        marks = {"title": action["title"], "due_on": due, "important": True, "update_due": due < "2027"}
        await made(lead, "/v1/milestones", **of, **marks, action_id=action["id"])
    assert await red(lead, plan) == "17 18 19 22"
    assert (await document(lead, plan, "transitions"))["step"] == "identify_support"
    for support in (*said.SUPPORT, said.EVENT):
        await made(lead, "/v1/support-measures", **of, **support, concern_ids=plan["concern_ids"])
    assert await red(lead, plan) == "19 22"
    assert (await document(lead, plan, "transitions"))["step"] == "draft"

    scale = await made(lead, "/v1/risk-scales", **said.SCALE)
    barrier = {"scale_id": scale["id"], "action_ids": [actions[2]["id"]]}
    risk = await made(lead, "/v1/risks", **of, **said.BARRIER, **barrier)
    assert await red(lead, plan) == "19 22 25"
    await made(lead, "/v1/mitigations", risk_id=risk["id"], **said.MITIGATION)
    (entry,) = (await document(lead, plan, "risk-register"))["risks"]
    assert (entry["kind"], entry["band"], entry["tasks"]) == ("barrier", "high", ["3.1"])
    assert entry["mitigations"] == [said.MITIGATION["title"]]
    await made(lead, "/v1/assurance-mechanisms", **of, **said.ASSURANCE)
    ids = [each["id"] for each in actions]
    await made(lead, "/v1/sustainability-arrangements", **of, **said.LASTING, action_ids=ids)
    assert await red(lead, plan) == ""
    assert (await document(lead, plan, "readiness"))["verdict"] == "ready"
    assert (await document(lead, plan, "smart"))["smart"]
    entries = (await document(lead, plan, "calendar"))["entries"]
    assert [each["day"] for each in entries if each["before"] == said.PPMG["title"]] == ["2026-12-03"]
    now: Record = (await document(lead, plan))["pip"]
    return now


async def agreed(cast: Cast, plan: Record) -> Record:
    """The force shares its plan, each partner answers for itself, and somebody else than the lead approves."""
    lead, approver = cast.force_lead, cast.force_approver
    plan = await gone(lead, plan, "shared_for_review")
    assert await blocks(lead, plan, "agreed") == ["separation_of_duties", "not_shared", "permission_denied"]
    about = {"pip_id": plan["id"], "shared_on": "2026-11-30"}
    for partner in said.PARTNERS:
        review = await made(lead, "/v1/partner-reviews", **about, partner=partner)
        assert "review_pending" in await blocks(approver, plan, "agreed")
        await set_to(cast.callers[f"reviewer_{partner}"], "/v1/partner-reviews", review["id"], **said.AGREED)
    assert [status for _, status in await duties(lead, plan)] == ["done"] * 4 + ["open"] * 2
    assert await blocks(lead, plan, "agreed") == ["separation_of_duties", "permission_denied"]
    plan = await gone(approver, plan, "agreed")
    assert plan["approved_by"] not in (None, plan["shared_by"])
    return await gone(lead, plan, "submitted_to_ppmg", reason="Agreed with all partners")


async def presented(cast: Cast, plan: Record, meeting: Record) -> Record:
    """PPMG sees one version of the plan, and that stays as it was seen."""
    lead, member = cast.force_lead, cast.ppmg_member
    assert await blocks(member, plan, "active") == ["not_presented", "readiness_failed"]
    about = {"pip_id": plan["id"], "national_meeting_id": meeting["id"], "presented_on": meeting["held_on"]}
    seen = await made(lead, "/v1/presentations", **about, presented_by="Deputy Chief Constable")
    await set_to(member, "/v1/presentations", seen["id"], **said.ACCEPTED)
    plan = await gone(member, plan, "active", reason="PPMG accepted the plan")
    assert (await document(lead, plan, "transitions"))["step"] == "implement_monitor_review"
    cast.service.clock.forward(minutes=1)
    plan = await set_to(lead, "/v1/pips", plan["id"], title="Attend and answer in time, from March")
    told = (await member.get(f"/v1/presentations/{seen['id']}/document")).json()
    assert (told["unaltered"], told["pip_version"]) == (True, seen["pip_version"])
    assert (told["document"]["pip"]["title"], len(told["document"]["actions"])) == ("Attend and answer in time", 3)
    return plan


async def delivered(cast: Cast, plan: Record) -> None:
    """What was done is told apart from what came of it, and beside each figure what people say."""
    lead, of = cast.force_lead, {"pip_id": plan["id"]}
    for month, *values in said.FIGURES:
        for code, value in zip((said.ATTENDED, said.ABANDONED), values, strict=True):
            await put(lead, (AVON, code, month), value)
    first, *_ = await of_plan(lead, "/v1/actions", plan, sort="task_number")
    await set_to(lead, "/v1/actions", first["id"], status="completed", completed_on="2027-02-01")
    mark, *_ = await of_plan(lead, "/v1/milestones", plan, sort="due_on")
    await set_to(lead, "/v1/milestones", mark["id"], done_on="2026-12-08")
    (mechanism,) = await of_plan(lead, "/v1/assurance-mechanisms", plan)
    await made(lead, "/v1/assurance-checks", assurance_mechanism_id=mechanism["id"], **said.CHECK)
    await made(lead, "/v1/progress-updates", **of, **said.PROGRESS)
    await made(lead, "/v1/measure-assessments", **of, **said.JUDGED)
    await made(lead, "/v1/stories", **of, **said.TESTED)
    shown = await document(cast.force_reader, plan, "dashboard")
    assert (shown["outputs"]["of_completed"], shown["outcomes"]["resolved"]) == (1, 0)
    assert shown["milestones"]["by_state"] == {"met": 1, "late": 1, "to_come": 1}
    attendance = shown["outcomes"]["concerns"][1]["measures"][0]
    assert ([each["value"] for each in attendance["figures"]], attendance["change"]) == ([61.2, 63.8, 68.7], 4.9)
    assert (attendance["assessments"][0]["judgement"], attendance["stories"][0]["location"]) == ("weak", "North")
    assert shown["evidence"]["measures_without_judgement"] == [said.ABANDONED]
    status = await document(cast.force_reader, plan, "status")
    assert (status["progress"]["percent_complete"], status["actions"]["completed"]) == (45, 1)


async def reviewed(lead: httpx.AsyncClient, plan: Record) -> None:
    """A review in the force is late until it is held; what it cannot settle goes to the next board."""
    of, (start, end) = {"pip_id": plan["id"]}, plan["board_ids"]
    assert [each["late"] for each in (await document(lead, plan, "calendar"))["reviews"]] == [True, False]
    for kind in ("internal", "with_partners"):
        await made(lead, "/v1/reviews", **of, **said.REVIEW, title="February", kind=kind)
    told = (await document(lead, plan, "calendar"))["reviews"]
    assert [(each["late"], each["next_on"]) for each in told] == [(False, "2027-03-10")] * 2
    raised = await made(lead, "/v1/escalations", **of, **said.ESCALATION, from_board_id=start, to_board_id=end)
    await set_to(lead, "/v1/escalations", raised["id"], **said.RESOLVED)


async def closed(cast: Cast, plan: Record) -> Record:
    """A plan closes when what it brought lasts and what it taught is shared."""
    lead, of = cast.force_lead, {"pip_id": plan["id"]}
    for action in (await of_plan(lead, "/v1/actions", plan, sort="task_number"))[1:]:
        await set_to(lead, "/v1/actions", action["id"], status="completed", completed_on="2027-05-20")
    for id, who in zip(plan["concern_ids"], (lead, cast.ppmg_member, cast.ppmg_member), strict=True):
        await set_to(who, "/v1/concerns", id, status="resolved")  # by whom it was identified
    plan = await gone(lead, plan, "sustaining", reason="All actions are done")
    await made(lead, "/v1/follow-ups", **of, title="Does it hold?", due_on="2027-09-01")
    assert await red(lead, plan) == "28"
    assert await blocks(cast.force_approver, plan, "closed") == ["readiness_failed"]
    await made(lead, "/v1/practice-submissions", **of, **said.PRACTICE)
    (event,) = await of_plan(lead, "/v1/support-measures", plan, kind="knowledge_sharing_event")
    await set_to(lead, "/v1/support-measures", event["id"], **said.EVENT_ENDED)
    return await gone(cast.force_approver, plan, "closed", reason="It lasts, and others learn from it")


async def test_the_worked_example_from_its_concerns_to_what_it_taught(cast: Cast) -> None:
    await cast.on("2026-11-23")
    await identified(cast)
    meeting = await made(cast.ppmg_member, "/v1/national-meetings", **said.PPMG)
    plan = await planned(cast.force_lead, *await analysed(cast.force_lead))
    await cast.on("2026-11-30")
    plan = await agreed(cast, plan)
    await cast.on("2026-12-10")
    plan = await presented(cast, plan, meeting)
    await cast.on("2027-02-10")
    await delivered(cast, plan)
    await reviewed(cast.force_lead, plan)
    await cast.on("2027-05-31")
    plan = await closed(cast, plan)
    await cast.on("2027-09-01")
    (follow_up,) = await of_plan(cast.force_lead, "/v1/follow-ups", plan)
    await set_to(cast.force_lead, "/v1/follow-ups", follow_up["id"], **said.HELD)
    assert (await document(cast.force_reader, plan, "dashboard"))["outcomes"]["resolved"] == 3
    due = ["2026-12-14", *["2026-12-28"] * 3, "2027-01-04", "2027-01-11"]
    assert await duties(cast.ppmg_member, plan) == [(day, "done") for day in due]
    versions = (await cast.force_reader.get(f"/v1/pips/{plan['id']}/versions")).json()["items"]
    moves = [each for each in reversed(versions) if each["act"] == "pip.moved"]
    names = {cast.service.name_of(caller): role for role, caller in cast.callers.items()}
    assert [(each["state"]["status"], names[each["actor"]["client_id"]], each["reason"]) for each in moves] == [
        ("shared_for_review", "force_lead", "Agreed at the board"),
        ("agreed", "force_approver", "Agreed at the board"),
        ("submitted_to_ppmg", "force_lead", "Agreed with all partners"),
        ("active", "ppmg_member", "PPMG accepted the plan"),
        ("sustaining", "force_lead", "All actions are done"),
        ("closed", "force_approver", "It lasts, and others learn from it"),
    ]
