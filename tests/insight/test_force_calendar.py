"""Does a force see its learning reviews and strategic scrutiny a year ahead, with their themes and what is missing?"""

import httpx
import pytest

from tests.insight.test_plan_document import document
from tests.plans import AVON, DEVON, a_plan, changed, made
from tests.resources.test_tags import item
from tests.service import Record, Service, codes, refused

PATH = f"/v1/forces/{AVON}/calendar"
YEAR = (
    ("2026-11-25", "learning_review", "priority-1"),
    ("2027-02-10", "learning_review", "priority-2"),
    ("2027-03-10", "strategic_scrutiny", "priority-2"),
    ("2027-05-12", "learning_review", "priority-3"),
    ("2027-08-11", "learning_review", "priority-4"),
)


async def read(caller: httpx.AsyncClient, **query: str) -> Record:
    answer = await caller.get(PATH, params=query)
    assert answer.status_code == 200, answer.text
    found: Record = answer.json()
    return found


@pytest.fixture
async def year(lead: httpx.AsyncClient) -> list[Record]:
    """Four learning reviews and a strategic scrutiny, each on a priority of the police and crime plan."""
    meetings = []
    for day, kind, priority in YEAR:
        theme: Record = {"theme": priority, "framework_item_ids": [await item(lead, f"lancashire-12x12:{priority}")]}
        about = {"force_code": AVON, "kind": kind, "title": "Review", "held_on": day}
        meetings.append(await made(lead, "/v1/meetings", **about, **theme))
    return meetings


async def test_the_year_ahead_is_shown_with_its_themes(lead: httpx.AsyncClient, year: list[Record]) -> None:
    found = await read(lead)
    assert (found["starts_on"], found["ends_before"], found["faults"]) == ("2026-10-01", "2027-10-01", [])
    assert [(each["held_on"], each["kind"], each["items"][0]["ref"]) for each in found["meetings"]] == [
        (day, kind, f"lancashire-12x12:{priority}") for day, kind, priority in YEAR
    ]
    assert {(each["items"][0]["kind"], each["theme"]) for each in found["meetings"]} == {
        ("priority", f"priority-{number}") for number in "1234"
    }
    later = await read(lead, starts_on="2027-04-01")
    assert [each["held_on"] for each in later["meetings"]] == ["2027-05-12", "2027-08-11"]
    within = await read(lead, starts_on="2026-12-20")
    assert ([each["held_on"] for each in within["meetings"]], within["faults"]) == ([day for day, *_ in YEAR[1:]], [])


async def test_a_quarter_without_a_learning_review_is_told(
    service: Service, lead: httpx.AsyncClient, year: list[Record]
) -> None:
    before = service.clock.time.isoformat()
    service.clock.forward(minutes=5)
    path = f"/v1/meetings/{year[1]['id']}"
    assert (await lead.delete(path, headers={"If-Match": '"v1"'})).status_code == 204
    assert (await read(lead))["faults"] == [{"pointer": None, "detail": "No learning review in 2027 Q1."}]
    assert (await read(lead, as_of=before))["faults"] == []
    service.clock.forward(days=10)
    lead = await service.again(lead)
    late = {"kind": "learning_review", "title": "Late", "theme": "Made up on the day", "held_on": "2026-12-01"}
    await made(lead, "/v1/meetings", force_code=AVON, **late)
    assert {"pointer": "#/meetings/1", "detail": "The theme was not set in advance."} in (await read(lead))["faults"]


async def test_a_theme_comes_before_the_inspectorate_looks_at_it(lead: httpx.AsyncClient, year: list[Record]) -> None:
    answer = await changed(lead, "/v1/meetings", year[0], inspection_theme_on="2027-01-20")
    assert answer.status_code == 200, answer.text
    assert (await read(lead))["meetings"][0]["inspection_theme_on"] == "2027-01-20"


async def test_what_a_force_committed_to_is_due_for_its_yearly_check(lead: httpx.AsyncClient) -> None:
    said = [
        {"text": "Never checked"},
        {"text": "Checked long ago", "checked_on": "2025-10-30", "finding": "Half done"},
        {"text": "Checked of late", "checked_on": "2026-10-30", "finding": "Done"},
    ]
    about = {"force_code": AVON, "title": "Force management statement", "kind": "statement"}
    plan = await made(lead, "/v1/supporting-plans", **about, starts_on="2026-04-01", commitments=said)
    due = (await read(lead))["commitments"]
    assert [(each["text"], each["due_on"], each["late"]) for each in due] == [
        ("Never checked", "2027-04-01", False),
        ("Checked long ago", "2026-10-30", True),
    ]
    assert {(each["supporting_plan_id"], each["supporting_plan"]) for each in due} == {(plan["id"], about["title"])}


async def test_the_calendar_is_the_forces_own(service: Service, lead: httpx.AsyncClient) -> None:
    stranger = await service.caller("force_lead", f"force:{DEVON}")
    refused(await stranger.get(PATH), 404, "not_found")
    refused(await lead.get(PATH, params={"starts_on": "soon"}), 400, "invalid_parameter")
    assert len((await read(lead))["faults"]) == 4


async def test_no_day_of_another_age_breaks_a_calendar(
    lead: httpx.AsyncClient, admin: httpx.AsyncClient, concern: Record
) -> None:
    answer = await lead.get(PATH, params={"starts_on": "9999-06-01"})
    assert "1900 to 2199" in refused(answer, 400, "invalid_parameter")["detail"]
    about = {"force_code": AVON, "title": "Far", "commitments": [{"text": "In the end"}]}
    far = await lead.post("/v1/supporting-plans", json=about | {"starts_on": "9999-01-01"})
    assert codes(far) == [("date_range", "#/starts_on")]
    new = {"code": "far", "edition": "1", "title": "Far", "valid_from": "9999-12-31"}
    assert codes(await admin.post("/v1/frameworks", json=new)) == [("date_range", "#/valid_from")]
    last = "2199-12-31"
    await made(lead, "/v1/supporting-plans", **about, starts_on=last)
    await made(admin, "/v1/frameworks", **new | {"valid_from": last})
    found = await read(lead, starts_on=last)
    assert (found["ends_before"], found["commitments"]) == ("2200-12-31", [])  # the first check is due on that day
    plan = await a_plan(lead, concern, starts_on=last, review_interval_days=3660)
    assert (await document(lead, plan, "calendar"))["reviews"][0]["next_on"] == "2210-01-08"
