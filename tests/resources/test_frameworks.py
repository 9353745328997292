"""Are frameworks and their items there, mapped and edited, and does a review make a next edition of the whole?"""

from collections import Counter

import httpx

from tests.plans import MEASURE, changed, made
from tests.service import Record, Service, codes, refused

LANCASHIRE = "/v1/frameworks/lancashire-12x12"
ITEMS = "/v1/framework-items"


async def items(caller: httpx.AsyncClient, **query: str) -> list[Record]:
    answer = await caller.get(ITEMS, params={"limit": "500", "sort": "position", **query})
    assert answer.status_code == 200, answer.text
    found: list[Record] = answer.json()["items"]
    return found


async def test_the_shipped_frameworks_are_there(service: Service) -> None:
    reader = await service.caller("force_reader", "force:kent")
    shipped = (await reader.get("/v1/frameworks", params={"sort": "code"})).json()["items"]
    assert [each["code"] for each in shipped] == [
        "i-serve", "lancashire-12x12", "national-improvement-strategy", "peel", "performance-management-skill",
    ]  # fmt: skip
    (lancashire,) = (each for each in shipped if each["code"] == "lancashire-12x12")
    assert (lancashire["valid_from"], lancashire["status"]) == ("2017-04-01", "in_force")
    measures = await items(reader, framework=lancashire["id"], kind="measure")
    assert [each["code"] for each in measures] == [f"m{number}" for number in range(1, 13)]
    assert [each["text"] for each in measures if "M3" in each["text"]] == [
        "The label M3 is missing in the document; the line stands under M2."
    ]
    grades = await items(reader, ref="peel:good,peel:adequate,peel:inadequate", kind="grade")
    assert [each["title"] for each in grades] == ["Good", "Adequate", "Inadequate"]


async def test_the_skill_has_its_levels_and_statements(service: Service) -> None:
    reader = await service.caller("force_reader", "force:kent")
    skill = (await reader.get("/v1/frameworks/performance-management-skill")).json()
    assert (skill["valid_from"], skill["edition"], skill["publisher"]) == ("2024-08-14", "2024", "College of Policing")
    found = await items(reader, framework=skill["id"])
    assert [each["code"] for each in found if each["kind"] == "skill_level"] == [f"level-{n}" for n in range(1, 6)]
    statements = [each for each in found if each["kind"] == "skill_statement"]
    assert Counter(each["parent_code"] for each in statements) == {
        "level-1": 5, "level-2": 5, "level-3": 5, "level-4": 3, "level-5": 3,
    }  # fmt: skip
    assert all(each["code"] == f"statement-{each['parent_code'][-1]}.{each['code'][-1]}" for each in statements)
    assert all(len(each["title"]) > 30 for each in statements)
    assert {each["code"] for each in found if each["kind"] == "heading"} == {"other-core-skills", "career-pathways"}


async def test_an_inferred_mapping_can_be_set_right(admin: httpx.AsyncClient) -> None:
    item = (await admin.get(f"{ITEMS}/lancashire-12x12:m4")).json()
    assert {(each["item_code"], each["inferred"]) for each in item["mappings"]} == {
        ("lancashire-12x12:heading-effectiveness", True),
        ("i-serve:investigation", True),
    }
    sure = [{"item_code": "peel:effectiveness", "relation": "peel_heading", "note": "Asked the force"}]
    answer = await changed(admin, ITEMS, item, mappings=sure)
    assert answer.json()["mappings"] == [{**sure[0], "inferred": False}]
    strange = [{"item_code": "peel:elegance", "relation": "peel_heading"}]
    answer = await changed(admin, ITEMS, answer.json(), mappings=strange)
    refused(answer, 422, "validation_failed")
    assert codes(answer) == [("unknown_reference", "#/mappings/0/item_code")]


async def test_a_measure_may_have_figures_and_no_target(admin: httpx.AsyncClient) -> None:
    await made(admin, "/v1/measures", **MEASURE)
    item = (await admin.get(f"{ITEMS}/lancashire-12x12:m3")).json()
    answer = await changed(admin, ITEMS, item, measure_code=MEASURE["code"])
    assert (answer.json()["measure_code"], answer.json()["evidence_kind"]) == ("answered-in-time", "quantitative")
    refused(await admin.delete("/v1/measures/answered-in-time", headers={"If-Match": '"v1"'}), 409, "in_use")
    wrong = (await admin.get(f"{ITEMS}/lancashire-12x12:fairness")).json()
    answer = await changed(admin, ITEMS, wrong, measure_code=MEASURE["code"])
    assert codes(answer) == [("rule_broken", "#/measure_code")]


async def test_an_item_hangs_on_one_of_its_own_framework(admin: httpx.AsyncClient) -> None:
    framework = await made(admin, "/v1/frameworks", code="own", edition="1", title="Our own")
    about = {"framework_id": framework["id"], "kind": "priority", "title": "A", "position": 1}
    answer = await admin.post(ITEMS, json=about | {"code": "a", "parent_code": "priority-1"})
    assert codes(answer) == [("unknown_reference", "#/parent_code")]
    first = await made(admin, ITEMS, **about, code="a")
    assert first["ref"] == "own:a"
    second = await made(admin, ITEMS, **about, code="b", parent_code="a")
    refused(await admin.post(ITEMS, json=about | {"code": "b"}), 409, "duplicate_reference")
    refused(await admin.delete(f"{ITEMS}/own:a", headers={"If-Match": '"v1"'}), 409, "in_use")
    other = await made(admin, "/v1/frameworks", code="other", edition="1", title="Another")
    await made(admin, ITEMS, **(about | {"framework_id": other["id"]}), code="b")
    answer = await admin.delete(f"{ITEMS}/other:b", headers={"If-Match": '"v1"'})
    assert answer.status_code == 204, "what belongs to an item of this code is in another framework"
    assert codes(await changed(admin, ITEMS, second, parent_code="b")) == [("rule_broken", "#/parent_code")]


async def test_a_review_makes_the_next_edition_with_every_item(admin: httpx.AsyncClient, counted: list[str]) -> None:
    before = (await admin.get(LANCASHIRE)).json()
    asked = {"code": "lancashire-12x12-2018", "edition": "2018", "valid_from": "2018-04-01"}
    answer = await admin.post(f"{LANCASHIRE}/editions", json=asked)
    assert codes(answer) == [("required", "#")], "an edition needs the reason why there is one"
    discussed = "With chief officers, the local policing body and the Home Office, on 5 March"
    why = {"review_reason": "new_evidence", "review_discussion": discussed}
    counted.clear()
    answer = await admin.post(f"{LANCASHIRE}/editions", json=asked | why)
    assert answer.status_code == 201, answer.text
    assert len(counted) < 10, "however many items there are"
    after = answer.json()
    assert (after["review_discussion"], before["review_discussion"]) == (discussed, "")
    assert (await admin.get(answer.headers["Location"])).json() == after
    assert (after["reviewed_from"], after["review_reason"], after["status"]) == (
        "lancashire-12x12", "new_evidence", "consultation",
    )  # fmt: skip
    old, new = [await items(admin, framework=each["id"]) for each in (before, after)]
    assert {each["code"] for each in new} == {each["code"] for each in old}
    assert len(new) == len(old) > 100
    (m4,) = (each for each in new if each["code"] == "m4")
    assert m4["ref"] == "lancashire-12x12-2018:m4"
    assert {each["item_code"] for each in m4["mappings"]} == {
        "lancashire-12x12-2018:heading-effectiveness", "i-serve:investigation",
    }  # fmt: skip
    assert (await admin.get(LANCASHIRE)).json() == before
    answer = await changed(admin, ITEMS, m4, emphasis=True)
    assert (m4["emphasis"], answer.json()["emphasis"]) == (False, True)
    refused(await admin.post(f"{LANCASHIRE}/editions", json=asked | {"review_reason": "new_evidence"}), 409,
            "duplicate_reference")  # fmt: skip


async def test_only_the_nation_edits_frameworks(service: Service) -> None:
    lead = await service.caller("force_lead", "force:kent")
    body = {"code": "x", "edition": "x", "review_reason": "new_priority"}
    refused(await lead.post(f"{LANCASHIRE}/editions", json=body), 403, "permission_denied")
    refused(
        await lead.post("/v1/frameworks", json={"code": "x", "edition": "x", "title": "x"}), 403, "permission_denied"
    )


async def test_an_edition_that_follows_another_says_why(admin: httpx.AsyncClient) -> None:
    new = {"code": "x", "edition": "x", "title": "x", "valid_from": "2026-04-01", "valid_to": "2026-03-31"}
    answer = await admin.post("/v1/frameworks", json=new | {"reviewed_from": "peel"})
    assert codes(answer) == [("date_before_start", "#/valid_to"), ("required", "#/review_reason")]
    answer = await admin.post("/v1/frameworks", json=new | {"valid_to": None, "review_reason": "new_priority"})
    assert codes(answer) == [("required", "#/reviewed_from")]


async def test_a_framework_is_reviewed_each_year(admin: httpx.AsyncClient) -> None:
    lancashire = (await admin.get(LANCASHIRE)).json()
    assert lancashire["review_due_on"] == "2018-04-01"
    due = {"review_due_before": "2018-04-02", "sort": "review_due_on"}
    found = (await admin.get("/v1/frameworks", params=due)).json()["items"]
    assert [each["code"] for each in found] == ["i-serve", "lancashire-12x12"]
    answer = await changed(admin, "/v1/frameworks", lancashire, status="retired")
    assert answer.json()["review_due_on"] is None


async def test_a_measure_is_tied_to_values_and_expectations(admin: httpx.AsyncClient) -> None:
    item = (await admin.get(f"{ITEMS}/lancashire-12x12:m11")).json()
    tied = [
        {"item_code": f"lancashire-12x12:{code}", "relation": relation, "inferred": False, "note": ""}
        for code, relation in (
            ("fairness", "value"), ("respect", "value"), ("public-expectations", "expectation"),
            ("professional-expectations", "expectation"),
        )
    ]  # fmt: skip
    answer = await changed(admin, ITEMS, item, mappings=item["mappings"] + tied)
    assert answer.json()["mappings"] == item["mappings"] + tied
    path = f"{ITEMS}/lancashire-12x12:fairness"
    refused(await admin.delete(path, headers={"If-Match": '"v1"'}), 409, "in_use")


async def test_no_item_belongs_to_itself_by_a_way_round(admin: httpx.AsyncClient) -> None:
    framework = await made(admin, "/v1/frameworks", code="own", edition="1", title="Our own")
    about = {"framework_id": framework["id"], "kind": "priority", "title": "x", "position": 1}
    top = await made(admin, ITEMS, **about, code="a")
    await made(admin, ITEMS, **about, code="b", parent_code="a")
    low = await made(admin, ITEMS, **about, code="c", parent_code="b")
    answer = await changed(admin, ITEMS, top, parent_code="c")
    assert [each["rule"] for each in refused(answer, 422, "validation_failed")["errors"]] == ["FWI-004"]
    assert (await changed(admin, ITEMS, low, parent_code="a")).json()["parent_code"] == "a"
