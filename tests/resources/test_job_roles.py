"""Is what a role sees set for the role, and little of it?"""

import httpx

from tests.plans import AVON, MEASURE, made
from tests.service import refused


async def test_a_role_sees_a_few_aspects(admin: httpx.AsyncClient, lead: httpx.AsyncClient) -> None:
    items = (await lead.get("/v1/framework-items", params={"kind": "question", "limit": "5"})).json()["items"]
    measures = [str((await made(admin, "/v1/measures", **(MEASURE | {"code": f"m{n}"})))["code"]) for n in range(3)]
    ids = [each["id"] for each in items]
    role = {"force_code": AVON, "title": "Sergeant", "required_skill_level": 2, "unit_kind": "team"}
    assert (await made(lead, "/v1/job-roles", **role, measure_codes=measures))["measure_codes"] == measures

    async def rules(**sent: object) -> list[str]:
        answer = await lead.post("/v1/job-roles", json=role | sent)
        return [each.get("rule") or each["code"] for each in refused(answer, 422, "validation_failed")["errors"]]

    assert await rules(measure_codes=measures, framework_item_ids=ids) == ["JOB-003"]
    assert await rules(measure_codes=["m1", "m1"]) == ["JOB-001"]
    assert await rules(framework_item_ids=[ids[0], ids[0]]) == ["JOB-002"]
    assert await rules(required_skill_level=6) == ["less_than_equal"]
