"""What may a force pass on of what it learned, and what must it say of it?"""

import httpx

from tests.plans import AVON, KENT, a_concern, a_plan, made, rules_broken, sees_through
from tests.service import Record, Service, codes

SUBMISSIONS, LESSONS = "/v1/practice-submissions", "/v1/lessons"


async def test_practice_is_submitted_with_its_result(lead: httpx.AsyncClient, whole: Record) -> None:
    about = {"pip_id": whole["id"], "title": "Shifts that follow the calls", "done": "Planned by hour"}
    submitted = about | {"status": "submitted"}
    assert await rules_broken(lead, SUBMISSIONS, **submitted, result="worked") == [("PRB-001", "#/submitted_on")]
    assert await rules_broken(lead, SUBMISSIONS, **submitted, submitted_on="2026-11-01") == [("PRB-002", "#/result")]
    assert await rules_broken(lead, SUBMISSIONS, **about, submitted_on="2026-11-22") == [("PRB-003", "#/submitted_on")]
    draft = await made(lead, SUBMISSIONS, **about)
    assert {name: draft[name] for name in about} == about
    await sees_through(lead, draft, SUBMISSIONS, status="submitted", submitted_on="2026-11-20", result="did_not_work")
    found = (await lead.get(SUBMISSIONS, params={"result": "did_not_work"})).json()["items"]
    assert [each["id"] for each in found] == [draft["id"]]


async def test_a_lesson_may_come_from_a_plan_of_the_force(
    service: Service, lead: httpx.AsyncClient, whole: Record
) -> None:
    about = {"force_code": AVON, "title": "Tell partners first", "text": "They read it in the press"}
    assert await rules_broken(lead, LESSONS, **about, noted_on="2026-11-22") == [("LSN-001", "#/noted_on")]
    evidence = about | {"kind": "evidence_item", "noted_on": "2026-11-20"}
    assert await rules_broken(lead, LESSONS, **evidence) == [("LSN-002", "#/strength")]
    lesson = await made(lead, LESSONS, **evidence, strength="weak", pip_id=whole["id"])
    await sees_through(lead, lesson, LESSONS, strength="strong", pip_id=None)
    kent = await service.caller("force_lead", f"force:{KENT}")
    foreign = await a_plan(kent, await a_concern(kent, force_code=KENT))
    answer = await lead.post(LESSONS, json=evidence | {"strength": "weak", "pip_id": foreign["id"]})
    assert codes(answer) == [("unknown_reference", "#/pip_id")]
