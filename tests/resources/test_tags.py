"""May anything that a force owns be tagged with an item of a framework, and nothing else?"""

import httpx

from tests.plans import AVON, KENT, a_concern, a_plan, an_action, made
from tests.service import Record, Service, codes


async def item(caller: httpx.AsyncClient, ref: str) -> str:
    """The id of an item of a shipped framework."""
    return str((await caller.get(f"/v1/framework-items/{ref}")).json()["id"])


async def tagged(caller: httpx.AsyncClient, noun: str, row: Record, ref: str) -> Record:
    """A tag of a row with an item."""
    about = {"force_code": row["force_code"], "subject_noun": noun, "subject_id": row["id"]}
    return await made(caller, "/v1/tags", **about, framework_item_id=await item(caller, ref))


async def test_what_a_force_owns_is_tagged_and_found_by_item(lead: httpx.AsyncClient, concern: Record) -> None:
    plan = await a_plan(lead, concern)
    action = await an_action(lead, plan)
    for noun, row in (("concern", concern), ("pip", plan), ("action", action)):
        await tagged(lead, noun, row, "lancashire-12x12:m3")
    await tagged(lead, "pip", plan, "lancashire-12x12:technology")
    query = {"framework_item": await item(lead, "lancashire-12x12:m3"), "sort": "created_at"}
    found = (await lead.get("/v1/tags", params=query)).json()["items"]
    assert [each["subject_noun"] for each in found] == ["concern", "pip", "action"]
    found = (await lead.get("/v1/tags", params={"subject": plan["id"], "expand": "framework_item"})).json()["items"]
    assert {each["framework_item"]["ref"] for each in found} == {"lancashire-12x12:m3", "lancashire-12x12:technology"}


async def test_what_there_is_not_is_not_tagged(service: Service, lead: httpx.AsyncClient, concern: Record) -> None:
    theirs = await a_concern(await service.caller("force_lead", f"force:{KENT}"), force_code=KENT)
    good = {"force_code": AVON, "subject_noun": "concern", "subject_id": concern["id"]}
    good |= {"framework_item_id": await item(lead, "peel:efficiency")}
    for other, fault in (
        ({"subject_noun": "grant"}, ("unknown_noun", "#/subject_noun")),
        ({"subject_noun": "measure"}, ("unknown_reference", "#/subject_id")),
        ({"subject_noun": "pip"}, ("unknown_reference", "#/subject_id")),
        ({"subject_id": theirs["id"]}, ("unknown_reference", "#/subject_id")),
        ({"framework_item_id": concern["id"]}, ("unknown_reference", "#/framework_item_id")),
        ({"force_code": KENT}, ("unknown_reference", "#/force_code")),
    ):
        assert codes(await lead.post("/v1/tags", json=good | other)) == [fault], other
    both = await service.caller("national_admin")
    answer = await both.post("/v1/tags", json=good | {"force_code": KENT})
    assert codes(answer) == [("unknown_reference", "#/subject_id")], "what one force owns is not tagged as another's"


async def test_one_deliverable_serves_several_expectations(lead: httpx.AsyncClient, concern: Record) -> None:
    action = await an_action(lead, await a_plan(lead, concern))
    whose = {
        f"lancashire-12x12:{each}-expectations" for each in ("chief-constable", "commissioner", "national", "local")
    }
    for ref in sorted(whose):
        await tagged(lead, "action", action, ref)
    found = (await lead.get("/v1/tags", params={"subject": action["id"], "expand": "framework_item"})).json()["items"]
    assert {each["framework_item"]["ref"] for each in found} == whose


async def test_plans_grades_and_lessons_meet_at_one_item(lead: httpx.AsyncClient, concern: Record) -> None:
    """So that what is planned, what PEEL asks and what was learned are held against the same thing."""
    action = await an_action(lead, await a_plan(lead, concern))
    ids = {each: await item(lead, f"peel:{each}") for each in ("understanding-demand", "good")}
    graded = {"framework_item_id": ids["understanding-demand"], "grade_item_id": ids["good"], "graded_on": "2026-10-01"}
    grade = await made(lead, "/v1/inspection-grades", force_code=AVON, **graded, kind="self_assessment")
    about = {"title": "Demand by night grows", "text": "Seen in three forces.", "noted_on": "2026-11-01"}
    seen = await made(lead, "/v1/lessons", force_code=AVON, **about, kind="horizon_scan", source="A paper")
    for noun, row in (("action", action), ("inspection_grade", grade), ("lesson", seen)):
        await tagged(lead, noun, row, "lancashire-12x12:d1")
    query = {"framework_item": await item(lead, "lancashire-12x12:d1"), "sort": "created_at"}
    found = (await lead.get("/v1/tags", params=query)).json()["items"]
    assert [each["subject_noun"] for each in found] == ["action", "inspection_grade", "lesson"]


async def test_what_is_national_is_tagged_by_each_force(
    service: Service, admin: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    provided = await made(admin, "/v1/national-services", title="Records", success_criteria={"reliability": "x"})
    met = await made(admin, "/v1/national-meetings", title="PPMG", kind="ppmg", held_on="2026-11-10")
    for noun, row in (("national_service", provided), ("national_meeting", met)):
        await tagged(lead, noun, row | {"force_code": AVON}, "lancashire-12x12:technology")
        assert len((await lead.get("/v1/tags", params={"subject": row["id"]})).json()["items"]) == 1
        elsewhere = await service.caller("force_lead", f"force:{KENT}")
        assert (await elsewhere.get("/v1/tags", params={"subject": row["id"]})).json()["items"] == []


async def test_people_are_not_tagged(service: Service) -> None:
    """A tag and its note are read by whoever reads plans, up to the nation."""
    both = await service.signed_in(("force_lead", f"force:{AVON}"), ("people_lead", f"force:{AVON}"))
    somebody = await made(both, "/v1/people", force_code=AVON, name="Robin Example")
    about = {"force_code": AVON, "subject_noun": "person", "subject_id": somebody["id"], "note": "Robin leads it."}
    answer = await both.post("/v1/tags", json=about | {"framework_item_id": await item(both, "peel:efficiency")})
    assert codes(answer) == [("unknown_noun", "#/subject_noun")]
    assert not {"person", "conversation"} & set(answer.json()["errors"][0]["allowed"])
