"""Do objectives of teams serve those of the force?"""

import httpx

from tests.plans import AVON, a_tree, changed, made
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
