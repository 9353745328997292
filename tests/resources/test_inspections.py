"""Is a question graded with a grade of the same framework, by the inspectorate or by the force itself?"""

import httpx

from tests.plans import AVON, changed, made
from tests.resources.test_tags import item
from tests.service import Service, codes, refused

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


async def test_only_questions_and_pillars_are_graded_and_only_with_grades(admin: httpx.AsyncClient) -> None:
    lead = admin
    measure, pillar = await item(lead, "lancashire-12x12:m1"), await item(lead, "peel:legitimacy")
    good = await item(lead, "peel:good")
    body = {"force_code": AVON, "framework_item_id": measure, "grade_item_id": good, "graded_on": "2026-10-01"}
    answer = await lead.post(PATH, json=body)
    assert codes(answer) == [("rule_broken", "#/framework_item_id"), ("rule_broken", "#/grade_item_id")]
    answer = await lead.post(PATH, json=body | {"framework_item_id": pillar, "grade_item_id": pillar})
    assert codes(answer) == [("rule_broken", "#/grade_item_id")]


async def test_nobody_writes_the_grades_of_another(service: Service, lead: httpx.AsyncClient) -> None:
    """What HMICFRS found stays what HMICFRS found, and what a force says of itself is its own word."""
    inspector = await service.caller("reviewer_hmicfrs")
    contributor = await service.caller("force_contributor", f"force:{AVON}")
    about = {"force_code": AVON, "framework_item_id": await item(lead, "peel:understanding-demand")}
    about |= {"grade_item_id": await item(lead, "peel:adequate"), "graded_on": "2026-11-01"}
    theirs = await made(inspector, PATH, **about, kind="inspection")
    own = await made(contributor, PATH, **about, kind="self_assessment")
    version = {"If-Match": '"v1"'}
    for caller, kind, row in (
        (contributor, "inspection", theirs), (lead, "inspection", theirs), (inspector, "self_assessment", own),
    ):  # fmt: skip
        needed = {"inspection": ["inspection_grade:inspect"], "self_assessment": ["inspection_grade:self_assess"]}
        for answer in (
            await caller.post(PATH, json=about | {"kind": kind}),
            await changed(caller, PATH, row, report="Not so."),
            await changed(caller, PATH, own if row is theirs else theirs, kind=kind),
            await caller.delete(f"{PATH}/{row['id']}", headers=version),
        ):
            assert refused(answer, 403, "permission_denied")["required"] == needed[kind]
    assert (await contributor.delete(f"{PATH}/{own['id']}", headers=version)).status_code == 204
    assert (await inspector.delete(f"{PATH}/{theirs['id']}", headers=version)).status_code == 204
