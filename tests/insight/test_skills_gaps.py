"""Is it told which skill is missing where, without telling of whom?"""

import httpx

from tests.plans import AVON, DEVON, a_tree, made
from tests.resources.test_people import assessed
from tests.service import Record, Service, refused

PATH = f"/v1/forces/{AVON}/skills-gaps"
LEVEL_1 = [f"statement-1.{place}" for place in range(1, 6)]


async def test_gaps_by_role_team_and_force(service: Service, lead: httpx.AsyncClient) -> None:
    leader = await service.caller("people_lead", f"force:{AVON}")
    tree = await a_tree(lead)
    sergeant = await made(lead, "/v1/job-roles", force_code=AVON, title="Sergeant", required_skill_level=1)
    clerk = await made(lead, "/v1/job-roles", force_code=AVON, title="Clerk")

    async def person(role: Record, unit: str) -> Record:
        about = {"job_role_id": role["id"], "unit_id": tree[unit]["id"]}
        return await made(leader, "/v1/people", force_code=AVON, name=f"Somebody in {unit}", **about)

    able, learning = await person(sergeant, "post-7"), await person(sergeant, "south-response")
    await person(clerk, "south-response")
    for code in LEVEL_1:
        await assessed(leader, able, code, "fully")
        await assessed(leader, learning, code, "fully" if code != LEVEL_1[1] else "not_yet")
    claimed = await assessed(leader, learning, LEVEL_1[1], "fully")
    assert claimed["assessed_by"] == "self"
    await assessed(leader, learning, LEVEL_1[1], "partly", assessed_by="supervisor")

    async def gaps(**query: str) -> list[Record]:
        answer = await leader.get(PATH, params=query)
        assert answer.status_code == 200, answer.text
        assert "Somebody" not in answer.text
        items: list[Record] = answer.json()["items"]
        return items

    missing = [{"level": 1, "statement": 2, "people": 1}]
    whole = {"group": "Sergeant", "people": 2, "at_level": 1, "mean_gap": 0.5, "missing": missing}
    assert await gaps() == [whole]
    assert await gaps(by="force") == [whole | {"group": AVON}]
    assert await gaps(by="team") == [
        {"group": "south-response", "people": 1, "at_level": 0, "mean_gap": 1, "missing": missing},
        {"group": "north-response", "people": 1, "at_level": 1, "mean_gap": 0, "missing": []},
    ]
    refused(await leader.get(PATH, params={"by": "rank"}), 400, "invalid_parameter")
    refused(await lead.get(PATH), 403, "permission_denied")
    elsewhere = await service.caller("people_lead", f"force:{DEVON}")
    refused(await elsewhere.get(PATH), 404, "not_found")
