"""What may be said of a plan's progress, and does it stay as it was said?"""

import httpx
import pytest

from tests.plans import a_concern, a_plan, an_action, made
from tests.service import Record, codes, refused

PATH = "/v1/progress-updates"


@pytest.fixture
async def plan(lead: httpx.AsyncClient) -> Record:
    return await a_plan(lead, await a_concern(lead))


def said(plan: Record, **other: object) -> Record:
    about = {"pip_id": plan["id"], "reported_on": "2026-11-20", "reported_by": "DCC", "narrative": "Half way."}
    return about | other


async def test_an_update_is_never_changed_nor_withdrawn(lead: httpx.AsyncClient, plan: Record) -> None:
    update = await made(lead, PATH, **said(plan, brag="amber", percent_complete=45))
    one = f"{PATH}/{update['id']}"
    for method in ("PATCH", "PUT", "DELETE"):
        answer = await lead.request(method, one, headers={"If-Match": '"v1"'})
        refused(answer, 405, "method_not_allowed")
        assert "GET" in answer.headers["allow"]
    assert (await lead.get(one)).json() == update


async def test_the_rules_of_an_update_are_named(lead: httpx.AsyncClient, plan: Record) -> None:
    action = await an_action(lead, plan)
    other = await a_plan(lead, await a_concern(lead, title="Something else"))
    foreign = await an_action(lead, other)

    async def rules(**about: object) -> list[tuple[str, str]]:
        document = refused(await lead.post(PATH, json=said(plan, **about)), 422, "validation_failed")
        return [(each["rule"], each["pointer"]) for each in document["errors"]]

    both = {"concern_id": plan["concern_ids"][0], "action_id": action["id"]}
    assert await rules(**both) == [("PRG-001", "#/action_id")]
    assert await rules(concern_id=other["concern_ids"][0]) == [("PRG-002", "#/concern_id")]
    assert await rules(action_id=foreign["id"]) == [("PRG-003", "#/action_id")]
    assert await rules(reported_on="2026-11-22") == [("PRG-004", "#/reported_on")]
    assert await rules(brag="blue", percent_complete=99) == [("PRG-005", "#/percent_complete")]
    for about in ({"concern_id": both["concern_id"]}, {"action_id": action["id"]}, {"brag": "blue"}):
        await made(lead, PATH, **said(plan, **about))
    await made(lead, PATH, **said(plan, brag="blue", percent_complete=100))


async def test_what_is_not_an_update_is_refused(lead: httpx.AsyncClient, plan: Record) -> None:
    wrong: list[tuple[Record, str, str]] = [
        ({"brag": "rag"}, "enum", "#/brag"),
        ({"percent_complete": 101}, "less_than_equal", "#/percent_complete"),
        ({"percent_complete": 45.5}, "int_type", "#/percent_complete"),
        ({"narrative": ""}, "string_too_short", "#/narrative"),
    ]
    for other, code, pointer in wrong:
        answer = await lead.post(PATH, json=said(plan, **other))
        refused(answer, 422, "validation_failed")
        assert codes(answer) == [(code, pointer)], other


async def test_updates_are_found(lead: httpx.AsyncClient, plan: Record) -> None:
    action = await an_action(lead, plan)
    await made(lead, PATH, **said(plan, reported_on="2026-10-01", brag="red"))
    late = await made(lead, PATH, **said(plan, action_id=action["id"], brag="green"))
    by = {"action": action["id"], "brag": "green", "reported_after": "2026-10-01"}
    for name, value in by.items():
        items = (await lead.get(PATH, params={name: value})).json()["items"]
        assert [each["id"] for each in items] == [late["id"]], name
    assert len((await lead.get(PATH, params={"pip": plan["id"]})).json()["items"]) == 2
