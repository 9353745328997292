"""Does a plan say how its improvements last, and is it kept what was found later?"""

import httpx

from tests.plans import made, rules_broken, sees_through
from tests.service import Record

ARRANGEMENTS, FOLLOW_UPS = "/v1/sustainability-arrangements", "/v1/follow-ups"


async def test_an_arrangement_keeps_what_actions_of_the_plan_brought(
    lead: httpx.AsyncClient, whole: Record, action: Record, foreign_action: Record
) -> None:
    about = {"pip_id": whole["id"], "title": "Each spring", "description": "Shifts are compared", "owner": "Planning"}
    ids = [action["id"]]
    foreign = foreign_action["id"]
    assert await rules_broken(lead, ARRANGEMENTS, **about, action_ids=[foreign]) == [("SUS-001", "#/action_ids/0")]
    assert await rules_broken(lead, ARRANGEMENTS, **about, action_ids=ids * 2) == [("SUS-002", "#/action_ids/1")]
    other = foreign_action["concern_id"]
    assert await rules_broken(lead, ARRANGEMENTS, **about, concern_id=other) == [("SUS-003", "#/concern_id")]
    row = await made(lead, ARRANGEMENTS, **about, action_ids=ids, concern_id=action["concern_id"])
    assert {name: row[name] for name in about} == about
    await sees_through(lead, row, ARRANGEMENTS, starts_on="2027-04-01")


async def test_a_follow_up_says_whether_it_holds(lead: httpx.AsyncClient, whole: Record) -> None:
    about = {"pip_id": whole["id"], "title": "Half a year later", "due_on": "2026-11-20"}
    assert await rules_broken(lead, FOLLOW_UPS, **about, done_on="2026-11-22", holds=True) == [("FUP-001", "#/done_on")]
    assert await rules_broken(lead, FOLLOW_UPS, **about, done_on="2026-11-20") == [("FUP-002", "#/holds")]
    assert await rules_broken(lead, FOLLOW_UPS, **about, holds=False) == [("FUP-003", "#/done_on")]
    row = await made(lead, FOLLOW_UPS, **about)
    done = await sees_through(lead, row, FOLLOW_UPS, done_on="2026-11-21", holds=False, finding="Waits are back")
    assert done["holds"] is False
