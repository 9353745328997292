"""Is what a partner answered its own, and does it stay?"""

import httpx

from tests.plans import changed, made, rules_broken
from tests.service import Record, Service, refused

PATH = "/v1/partner-reviews"


async def test_what_a_partner_says_is_said_by_nobody_else(
    service: Service, lead: httpx.AsyncClient, whole: Record
) -> None:
    about = {"pip_id": whole["id"], "partner": "hmicfrs", "shared_on": "2026-11-20"}
    hmicfrs, college = await service.caller("reviewer_hmicfrs"), await service.caller("reviewer_college")
    said = {"comments": "Well done.", "answered_on": "2026-11-20"}
    assert await rules_broken(lead, PATH, **about, **said) == [("PRV-006", "#/answered_on"), ("PRV-007", "#/comments")]
    review = await made(lead, PATH, **about)
    answer = {"answer": "changes_asked", "answered_on": "2026-11-21", "comments": "Say who leads the plan."}
    answered = await changed(hmicfrs, PATH, review, **answer)
    assert answered.status_code == 200, answered.text
    review = answered.json()
    for other in (lead, college):
        for member, rule in (("comments", "PRV-007"), ("answered_on", "PRV-006")):
            wrong = refused(await changed(other, PATH, review, **{member: said[member]}), 422, "validation_failed")
            assert [each["rule"] for each in wrong["errors"]] == [rule]
    again = await changed(hmicfrs, PATH, review, comments="Say who leads it, and since when.")
    assert again.status_code == 200, again.text


async def test_an_answer_is_not_withdrawn(service: Service, lead: httpx.AsyncClient, whole: Record) -> None:
    """Else the answer before it would count again."""
    about = {"pip_id": whole["id"], "partner": "college", "shared_on": "2026-11-20"}
    asked, by_mistake = [await made(lead, PATH, **about) for _ in range(2)]
    college = await service.caller("reviewer_college")
    answer = {"answer": "changes_asked", "answered_on": "2026-11-21"}
    assert (await changed(college, PATH, asked, **answer)).status_code == 200
    for caller in (lead, college):
        gone = await caller.delete(f"{PATH}/{asked['id']}", headers={"If-Match": '"v2"'})
        refused(gone, 409, "not_withdrawable")
    assert (await lead.delete(f"{PATH}/{by_mistake['id']}", headers={"If-Match": '"v1"'})).status_code == 204
