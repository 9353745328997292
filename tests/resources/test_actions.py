"""How are actions numbered, what is accepted of them, and is the first due day kept?"""

import asyncio

import httpx
import pytest

from tests.plans import AVON, DEVON, a_concern, a_plan, an_action, changed
from tests.service import Record, Service, codes, refused

PATH = "/v1/actions"


@pytest.fixture
async def plan(lead: httpx.AsyncClient) -> Record:
    """A plan for two concerns."""
    return await a_plan(lead, await a_concern(lead), await a_concern(lead, title="Calls are abandoned"))


async def test_tasks_are_numbered_under_the_place_of_their_concern(lead: httpx.AsyncClient, plan: Record) -> None:
    one, two = plan["concern_ids"]
    numbers = [(await an_action(lead, plan, concern_id=each))["task_number"] for each in (one, one, two, one)]
    assert numbers == ["1.1", "1.2", "2.1", "1.3"]


async def test_a_concern_keeps_its_number_when_the_plan_is_put_in_another_order(
    lead: httpx.AsyncClient, plan: Record
) -> None:
    one, two = plan["concern_ids"]
    for each in (one, two):
        await an_action(lead, plan, concern_id=each)
    assert (await changed(lead, "/v1/pips", plan, concern_ids=[two, one])).status_code == 200
    numbers = [(await an_action(lead, plan, concern_id=each))["task_number"] for each in (one, two)]
    assert numbers == ["1.2", "2.2"]


async def test_an_action_outlives_its_concern_in_the_plan(lead: httpx.AsyncClient, plan: Record) -> None:
    one, two = plan["concern_ids"]
    action = await an_action(lead, plan, concern_id=two)
    assert (await changed(lead, "/v1/pips", plan, concern_ids=[one])).status_code == 200
    assert (await changed(lead, PATH, action, status="in_progress")).json()["status"] == "in_progress"
    body = {"pip_id": plan["id"], "concern_id": two, "title": "x"}
    answer = await lead.post(PATH, json=body)
    refused(answer, 422, "validation_failed")
    assert codes(answer) == [("concern_not_in_plan", "#/concern_id")]


async def test_numbers_are_sorted_as_numbers(lead: httpx.AsyncClient, plan: Record) -> None:
    for number in ("1.10", "1.2.5", "1.9", "2.1", "1.2"):
        await an_action(lead, plan, task_number=number)
    seen: list[str] = []
    following = f"{PATH}?pip={plan['id']}&sort=task_number&limit=2"
    while following:
        page = (await lead.get(following)).json()
        seen += [each["task_number"] for each in page["items"]]
        following = page["links"].get("next")
    assert seen == ["1.2", "1.2.5", "1.9", "1.10", "2.1"]


async def test_a_number_stays_and_is_never_given_again(lead: httpx.AsyncClient, plan: Record) -> None:
    first = await an_action(lead, plan)
    second = await an_action(lead, plan)
    await lead.delete(f"{PATH}/{second['id']}", headers={"If-Match": '"v1"'})
    assert (await an_action(lead, plan))["task_number"] == "1.3"
    turned = list(reversed(plan["concern_ids"]))
    assert (await changed(lead, "/v1/pips", plan, concern_ids=turned)).status_code == 200
    assert (await lead.get(f"{PATH}/{first['id']}")).json()["task_number"] == "1.1"
    refused(await changed(lead, PATH, first, task_number="9.9"), 422, "validation_failed")


async def test_a_number_may_be_chosen_once(lead: httpx.AsyncClient, plan: Record) -> None:
    assert (await an_action(lead, plan, task_number="1.9"))["task_number"] == "1.9"
    assert (await an_action(lead, plan))["task_number"] == "1.10"
    about = {"title": "x", "pip_id": plan["id"], "concern_id": plan["concern_ids"][0]}
    refused(await lead.post(PATH, json=about | {"task_number": "1.9"}), 409, "duplicate_reference")
    for number in ("1", "0.1", "1.01", "one", "1.1.1.1", "1."):
        answer = await lead.post(PATH, json=about | {"task_number": number})
        assert codes(answer) == [("string_pattern_mismatch", "#/task_number")], number


async def test_actions_made_at_once_get_different_numbers(lead: httpx.AsyncClient, plan: Record) -> None:
    made = await asyncio.gather(*(an_action(lead, plan) for _ in range(3)))
    assert sorted(each["task_number"] for each in made) == ["1.1", "1.2", "1.3"]


async def test_the_first_due_day_is_kept_when_it_is_revised(lead: httpx.AsyncClient, plan: Record) -> None:
    action = await an_action(lead, plan, due_on="2026-12-01")
    assert action["original_due_on"] == "2026-12-01"
    for day in ("2027-01-15", "2026-11-30"):
        action = (await changed(lead, PATH, action, due_on=day)).json()
        assert (action["due_on"], action["original_due_on"]) == (day, "2026-12-01")
    refused(await changed(lead, PATH, action, original_due_on="2027-01-15"), 422, "validation_failed")


async def test_the_rules_of_an_action_are_named(
    lead: httpx.AsyncClient, plan: Record, admin: httpx.AsyncClient
) -> None:
    action = await an_action(lead, plan)
    uncovered = await a_concern(lead, title="Not in the plan")

    def named(answer: httpx.Response) -> list[tuple[str, str, str]]:
        document = refused(answer, 422, "validation_failed")
        return [(each.get("rule"), each["code"], each["pointer"]) for each in document["errors"]]

    async def rules(**patch: object) -> list[tuple[str, str, str]]:
        return named(await changed(lead, PATH, action, **patch))

    body = {"title": "x", "pip_id": plan["id"], "concern_id": uncovered["id"]}
    assert named(await lead.post(PATH, json=body)) == [("ACT-001", "concern_not_in_plan", "#/concern_id")]
    theirs = await a_concern(admin, force_code=DEVON)
    assert named(await lead.post(PATH, json=body | {"concern_id": theirs["id"]}))[0][1] == "unknown_reference"

    late = ("ACT-014", "date_before_start", "#/due_on")
    assert await rules(starts_on="2026-10-02", due_on="2026-10-01") == [late]
    assert await rules(status="completed") == [("ACT-003", "required", "#/completed_on")]
    assert await rules(completed_on="2026-11-20") == [("ACT-004", "rule_broken", "#/completed_on")]
    future = {"status": "completed", "completed_on": "2026-11-22"}
    assert await rules(**future) == [("ACT-005", "in_the_future", "#/completed_on")]
    action = (await changed(lead, PATH, action, status="cancelled")).json()
    done = {"status": "completed", "completed_on": "2026-11-20"}
    assert await rules(**done) == [("ACT-002", "invalid_transition", "#/status")]


async def test_an_action_is_completed_and_opened_again(lead: httpx.AsyncClient, plan: Record) -> None:
    action = await an_action(lead, plan, status="in_progress")
    done = await changed(lead, PATH, action, status="completed", completed_on="2026-11-21")
    assert done.status_code == 200, done.text
    again = await changed(lead, PATH, done.json(), status="in_progress", completed_on=None)
    assert (again.json()["status"], again.json()["completed_on"]) == ("in_progress", None)


async def test_an_action_says_what_is_done_by_whom_and_with_what(lead: httpx.AsyncClient, plan: Record) -> None:
    steps = {"description": "Consult, then move.", "intended_outputs": ["In force", "Nobody waits"]}
    whole = steps | {"lead": "Supt", "contributors": ["Two inspectors"], "resources": "Two analysts for six months"}
    action = await an_action(lead, plan, **whole)
    read = (await lead.get(f"{PATH}/{action['id']}")).json()
    assert {name: read[name] for name in whole} == whole


async def test_an_action_belongs_to_the_force_of_its_plan(
    service: Service, lead: httpx.AsyncClient, plan: Record
) -> None:
    action = await an_action(lead, plan)
    assert action["force_code"] == AVON
    neighbour = await service.caller("force_lead", f"force:{DEVON}")
    refused(await neighbour.get(f"{PATH}/{action['id']}"), 404, "not_found")
    body = {"title": "x", "pip_id": plan["id"], "concern_id": plan["concern_ids"][0]}
    answer = await neighbour.post(PATH, json=body)
    refused(answer, 422, "validation_failed")
    assert ("unknown_reference", "#/pip_id") in codes(answer)


async def test_actions_are_found(lead: httpx.AsyncClient, plan: Record) -> None:
    two = plan["concern_ids"][1]
    await an_action(lead, plan, due_on="2026-11-01")
    await an_action(lead, plan, due_on="2026-12-01", concern_id=two, status="in_progress")
    by = {"concern": two, "status": "in_progress", "due_after": "2026-11-01", "task_number": "2.1"}
    for name, value in by.items():
        items = (await lead.get(PATH, params={name: value})).json()["items"]
        assert [each["task_number"] for each in items] == ["2.1"], name
    items = (await lead.get(PATH, params={"pip": plan["id"], "due_before": "2026-12-01"})).json()["items"]
    assert [each["task_number"] for each in items] == ["1.1"]
