"""What must be said of a review that was held, and how are those planned found?"""

import httpx

from tests.plans import made, rules_broken, sees_through
from tests.service import Record

PATH = "/v1/reviews"


async def test_a_review_is_planned_and_then_held(lead: httpx.AsyncClient, whole: Record) -> None:
    about = {"pip_id": whole["id"], "title": "November", "kind": "with_partners", "planned_on": "2026-11-20"}
    held = {"held_on": "2026-11-20", "attendees": ["DCC"]}
    assert await rules_broken(lead, PATH, **about, **held | {"held_on": "2026-11-22"}) == [("REV-001", "#/held_on")]
    assert await rules_broken(lead, PATH, **about, held_on="2026-11-20") == [("REV-002", "#/attendees")]
    assert await rules_broken(lead, PATH, **about, decisions=["Go on"]) == [("REV-003", "#/held_on")]
    assert await rules_broken(lead, PATH, **about, **held, next_on="2026-11-19") == [("REV-004", "#/next_on")]
    review = await made(lead, PATH, **about)
    review = await sees_through(lead, review, PATH, **held, decisions=["Go on"], next_on="2026-12-18")
    await made(lead, PATH, **about | {"kind": "internal", "planned_on": "2026-12-10"})
    for query in ({"kind": "with_partners"}, {"planned_before": "2026-12-01"}):
        items = (await lead.get(PATH, params={"pip": whole["id"], **query})).json()["items"]
        assert [each["id"] for each in items] == [review["id"]]
