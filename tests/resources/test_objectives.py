"""Do objectives of teams serve those of the force?"""

import httpx

from tests.plans import AVON, a_tree, changed, made
from tests.resources.test_tags import item
from tests.service import refused


async def test_each_tier_serves_a_higher_one(lead: httpx.AsyncClient) -> None:
    tree = await a_tree(lead)
    force = await made(lead, "/v1/objectives", force_code=AVON, tier="organisational", title="Calls are answered")
    about = {"force_code": AVON, "tier": "operational", "title": "Shifts follow demand"}
    middle = await made(lead, "/v1/objectives", **about, parent_objective_id=force["id"])
    team = {"force_code": AVON, "tier": "team", "title": "x", "parent_objective_id": middle["id"]}

    async def rules(**sent: object) -> list[str]:
        answer = await lead.post("/v1/objectives", json=sent)
        return [each["rule"] for each in refused(answer, 422, "validation_failed")["errors"]]

    assert await rules(**team) == ["OBJ-002"]
    made_one = await made(lead, "/v1/objectives", **team, unit_id=tree["north-response"]["id"], due_on="2027-03-31")
    assert await rules(**(about | {"parent_objective_id": made_one["id"]})) == ["OBJ-001"]
    assert await rules(**about, starts_on="2026-12-01", due_on="2026-11-01") == ["OBJ-003"]
    answer = await changed(lead, "/v1/objectives", middle, parent_objective_id=middle["id"])
    assert [each["rule"] for each in refused(answer, 422, "validation_failed")["errors"]] == ["OBJ-001"]
    listed = (await lead.get("/v1/objectives", params={"parent": force["id"]})).json()["items"]
    assert [each["title"] for each in listed] == ["Shifts follow demand"]


async def test_an_objective_says_on_whom_it_rests_and_who_set_it(lead: httpx.AsyncClient) -> None:
    ids = [
        await item(lead, f"lancashire-12x12:{each}") for each in ("communities-and-stakeholders", "key-value-for-money")
    ]
    said = {"tier": "organisational", "title": "Value for money", "set_by": "Police and crime commissioner"}
    said |= {"success_criteria": "Two per cent of the budget is saved and goes to the front line."}
    made_one = await made(lead, "/v1/objectives", force_code=AVON, **said, framework_item_ids=ids)
    shown = (await lead.get(f"/v1/objectives/{made_one['id']}", params={"expand": "framework_items"})).json()
    assert [each["code"] for each in shown["framework_items"]["items"]] == [
        "communities-and-stakeholders", "key-value-for-money",
    ]  # fmt: skip
    assert said.items() <= shown.items()
