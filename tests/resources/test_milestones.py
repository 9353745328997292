"""What may be a milestone of a plan, and how are those due found?"""

import httpx

from tests.plans import made, rules_broken, sees_through
from tests.service import Record

PATH = "/v1/milestones"


async def test_a_milestone_is_of_its_plan_and_has_one_concern(
    lead: httpx.AsyncClient, whole: Record, action: Record, foreign_action: Record
) -> None:
    about = {"pip_id": whole["id"], "title": "New shifts begin", "due_on": "2026-12-01"}
    one, two = whole["concern_ids"]
    foreign = foreign_action["concern_id"]
    assert await rules_broken(lead, PATH, **about, concern_id=foreign) == [("MIL-001", "#/concern_id")]
    assert await rules_broken(lead, PATH, **about, action_id=foreign_action["id"]) == [("MIL-002", "#/action_id")]
    both = {"action_id": action["id"], "concern_id": two}
    assert await rules_broken(lead, PATH, **about, **both) == [("MIL-003", "#/action_id")]
    assert await rules_broken(lead, PATH, **about, done_on="2026-11-22") == [("MIL-004", "#/done_on")]
    milestone = await made(lead, PATH, **about, action_id=action["id"], concern_id=one, important=True)
    assert (milestone["force_code"], milestone["important"], milestone["done_on"]) == (whole["force_code"], True, None)
    headers = {"If-Match": '"v1"'}
    moved = await lead.patch(f"{PATH}/{milestone['id']}", json={"concern_id": two}, headers=headers)
    assert [each["rule"] for each in moved.json()["errors"]] == ["MIL-003"]
    done = await sees_through(lead, milestone, PATH, done_on="2026-11-20", due_on="2026-12-02")
    assert (done["due_on"], done["done_on"]) == ("2026-12-02", "2026-11-20")


async def test_milestones_are_found_by_when_they_are_due(lead: httpx.AsyncClient, whole: Record) -> None:
    for day in ("2026-12-01", "2027-01-10"):
        await made(lead, PATH, pip_id=whole["id"], title=day, due_on=day, update_due=True)
    for query, days in (
        ({"due_before": "2027-01-01"}, ["2026-12-01"]),
        ({"sort": "-due_on"}, ["2027-01-10", "2026-12-01"]),
    ):
        items = (await lead.get(PATH, params={"pip": whole["id"], **query})).json()["items"]
        assert [each["title"] for each in items] == days
