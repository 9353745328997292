"""Is a question graded with a grade of the same framework, by the inspectorate or by the force itself?"""

import httpx

from tests.plans import AVON, made
from tests.resources.test_tags import item
from tests.service import Service, codes

PATH = "/v1/inspection-grades"


async def test_a_force_grades_itself_before_it_is_inspected(service: Service, lead: httpx.AsyncClient) -> None:
    about = {"force_code": AVON, "framework_item_id": await item(lead, "peel:understanding-demand")}
    good, poor = [await item(lead, f"peel:{each}") for each in ("adequate", "requires-improvement")]
    await made(lead, PATH, **about, grade_item_id=good, kind="self_assessment", graded_on="2026-10-01")
    inspector = await service.caller("reviewer_hmicfrs")
    await made(inspector, PATH, **about, grade_item_id=poor, graded_on="2026-11-01", report="Report, page 9")
    found = (await lead.get(PATH, params={"sort": "graded_on", "expand": "grade_item"})).json()["items"]
    assert [(each["kind"], each["grade_item"]["title"]) for each in found] == [
        ("self_assessment", "Adequate"), ("inspection", "Requires improvement"),
    ]  # fmt: skip


async def test_only_questions_and_pillars_are_graded_and_only_with_grades(lead: httpx.AsyncClient) -> None:
    measure, pillar = await item(lead, "lancashire-12x12:m1"), await item(lead, "peel:legitimacy")
    good = await item(lead, "peel:good")
    body = {"force_code": AVON, "framework_item_id": measure, "grade_item_id": good, "graded_on": "2026-10-01"}
    answer = await lead.post(PATH, json=body)
    assert codes(answer) == [("rule_broken", "#/framework_item_id"), ("rule_broken", "#/grade_item_id")]
    answer = await lead.post(PATH, json=body | {"framework_item_id": pillar, "grade_item_id": pillar})
    assert codes(answer) == [("rule_broken", "#/grade_item_id")]
