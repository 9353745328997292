"""May everybody say something to a framework that is consulted on, only then, and is the answer kept with it?"""

import httpx

from tests.plans import AVON, changed, made
from tests.resources.test_tags import item
from tests.service import Service, codes, refused

PATH = "/v1/consultation-responses"
STRATEGY = "/v1/frameworks/national-improvement-strategy"


async def test_responses_to_a_draft_are_gathered(
    service: Service, admin: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    strategy = (await lead.get(STRATEGY)).json()
    assert strategy["status"] == "consultation"
    about = {"force_code": AVON, "framework_id": strategy["id"], "respondent": "Neighbourhood forum", "text": "Good."}
    vision = await item(lead, "national-improvement-strategy:vision-14")
    said = await made(lead, PATH, **about, received_on="2026-11-02", framework_item_ids=[vision])
    theirs = about | {"force_code": "kent", "respondent": "Chief officers"}
    await made(await service.caller("force_lead", "force:kent"), PATH, **theirs, received_on="2026-11-03")
    college = await service.caller("reviewer_college")
    query = {"framework": strategy["id"], "sort": "received_on"}
    found = (await college.get(PATH, params=query)).json()["items"]
    assert [each["respondent"] for each in found] == ["Neighbourhood forum", "Chief officers"]
    foreign = await item(lead, "peel:good")
    for wrong, fault in (
        ({"framework_item_ids": [foreign]}, ("rule_broken", "#/framework_item_ids/0")),
        ({"framework_item_ids": [vision] * 2}, ("duplicate", "#/framework_item_ids/1")),
        ({"received_on": "2026-11-22"}, ("in_the_future", "#/received_on")),
    ):
        assert codes(await lead.post(PATH, json=about | {"received_on": "2026-11-02"} | wrong)) == [fault], wrong
    assert (await changed(admin, "/v1/frameworks", strategy, status="in_force")).status_code == 200
    answer = await lead.post(PATH, json=about | {"received_on": "2026-11-02"})
    refused(answer, 422, "validation_failed")
    assert [each["rule"] for each in answer.json()["errors"]] == ["CNS-001"]
    answered = await changed(lead, PATH, said, answer="Taken up in the statement.")
    assert answered.json()["answer"] == "Taken up in the statement."
