"""What comes along with a row, and does nothing come along that the caller may not see?"""

import httpx
import pytest

from tests.plans import AVON, DEVON, MEASURE, a_concern, a_plan, an_action, changed, made
from tests.service import Record, Service, codes, refused


@pytest.fixture
async def plan(admin: httpx.AsyncClient) -> Record:
    """A plan with two concerns, of which one rests on a measure, and three actions."""
    await made(admin, "/v1/measures", **MEASURE)
    measured = await a_concern(admin, measure_codes=[MEASURE["code"]], title="Measured")
    other = await a_concern(admin, title="Other")
    plan = await a_plan(admin, measured, other)
    for concern in (measured, measured, other):
        await an_action(admin, plan, concern_id=concern["id"])
    return plan


async def test_children_and_references_come_along(admin: httpx.AsyncClient, plan: Record) -> None:
    expanded = (await admin.get(f"/v1/pips/{plan['id']}?expand=actions,concerns,force")).json()
    actions = (await admin.get(f"/v1/actions?pip={plan['id']}")).json()["items"]
    href = f"/v1/actions?pip={plan['id']}"
    assert expanded["actions"] == {"items": actions, "total": 3, "href": href}
    concerns = [(await admin.get(f"/v1/concerns/{id}")).json() for id in plan["concern_ids"]]
    listed = f"/v1/concerns?id={','.join(plan['concern_ids'])}"
    assert expanded["concerns"] == {"items": concerns, "total": 2, "href": listed}
    assert expanded["force"] == (await admin.get(f"/v1/forces/{AVON}")).json()
    assert {name: expanded[name] for name in plan} == plan
    for href, items in ((expanded["actions"]["href"], actions), (expanded["concerns"]["href"], concerns)):
        assert (await admin.get(href)).json()["items"] == items


async def test_three_steps_deep_and_no_further(admin: httpx.AsyncClient, plan: Record) -> None:
    expanded = (await admin.get(f"/v1/pips/{plan['id']}?expand=actions.concern.measures")).json()
    names = [
        (each["concern"]["title"], [measure["code"] for measure in each["concern"]["measures"]["items"]])
        for each in expanded["actions"]["items"]
    ]
    assert names == [("Measured", [MEASURE["code"]])] * 2 + [("Other", [])]
    assert expanded["actions"]["items"][2]["concern"]["measures"]["href"] is None
    too_deep = await admin.get(f"/v1/pips/{plan['id']}?expand=actions.pip.actions.concern")
    assert codes(too_deep) == [("invalid_parameter", "expand")]


async def test_a_list_is_expanded_with_one_statement_a_relation(admin: httpx.AsyncClient, plan: Record) -> None:
    second = await a_plan(admin, await a_concern(admin))
    items = (await admin.get("/v1/pips?expand=actions,concerns.measures&fields=ref")).json()["items"]
    assert [(each["ref"], each["actions"]["total"], each["concerns"]["total"]) for each in items] == [
        (plan["ref"], 3, 2),
        (second["ref"], 0, 1),
    ]
    assert set(items[0]) == {"ref", "actions", "concerns"}


async def test_what_is_hidden_is_counted_nowhere(service: Service, admin: httpx.AsyncClient, plan: Record) -> None:
    narrow = await service.caller("force_reader", f"force:{AVON}", scope="pip:read force:read")
    expanded = (await narrow.get(f"/v1/pips/{plan['id']}?expand=actions,concerns,force")).json()
    assert (expanded["actions"]["items"], expanded["actions"]["total"]) == ([], 0)
    assert (expanded["concerns"]["items"], expanded["concerns"]["total"]) == ([], 0)
    assert expanded["force"]["code"] == AVON
    elsewhere = await service.caller("force_reader", f"force:{DEVON}")
    refused(await elsewhere.get(f"/v1/pips/{plan['id']}?expand=actions"), 404, "not_found")


async def test_what_is_withdrawn_does_not_come_along(admin: httpx.AsyncClient, plan: Record) -> None:
    action = (await admin.get("/v1/actions?limit=1")).json()["items"][0]
    await admin.delete(f"/v1/actions/{action['id']}", headers={"If-Match": '"v1"'})
    assert (await admin.get(f"/v1/pips/{plan['id']}?expand=actions")).json()["actions"]["total"] == 2


async def test_at_most_a_hundred_come_along(admin: httpx.AsyncClient, plan: Record) -> None:
    for _ in range(100):
        await an_action(admin, plan)
    expanded = (await admin.get(f"/v1/pips/{plan['id']}?expand=actions")).json()["actions"]
    assert (len(expanded["items"]), expanded["total"]) == (100, 103)


async def test_all_is_of_one_moment(service: Service, admin: httpx.AsyncClient, plan: Record) -> None:
    one = f"/v1/pips/{plan['id']}?expand=actions.concern"
    query = {"expand": "actions,concerns"}
    then, single = service.clock().isoformat(), (await admin.get(one)).json()
    listed = (await admin.get("/v1/pips", params=query)).json()["items"]
    service.clock.forward(minutes=1)
    await an_action(admin, plan)
    concern = (await admin.get(f"/v1/concerns/{plan['concern_ids'][0]}")).json()
    await changed(admin, "/v1/concerns", concern, title="Renamed")
    assert (await admin.get(one)).json() != single
    assert (await admin.get("/v1/pips", params=query | {"as_of": then})).json()["items"] == listed
    assert (await admin.get(f"{one}&as_of={then.replace('+', '%2B')}")).json() == single


async def test_the_tag_is_of_all_that_is_shown(admin: httpx.AsyncClient, plan: Record) -> None:
    one = f"/v1/pips/{plan['id']}?expand=actions"
    first = await admin.get(one)
    held = {"If-None-Match": first.headers["etag"]}
    assert (await admin.get(one, headers=held)).status_code == 304
    await an_action(admin, plan)
    assert (await admin.get(one, headers=held)).status_code == 200


async def test_the_tag_is_good_for_a_change_too(admin: httpx.AsyncClient, plan: Record) -> None:
    tag = (await admin.get(f"/v1/pips/{plan['id']}?expand=actions")).headers["etag"]
    answer = await admin.patch(f"/v1/pips/{plan['id']}", json={"title": "Seen"}, headers={"If-Match": tag})
    assert (answer.status_code, answer.json()["title"]) == (200, "Seen")


async def test_no_answer_carries_more_along_than_it_should(admin: httpx.AsyncClient, plan: Record) -> None:
    """A hundred actions, each with its plan, each with its hundred actions."""
    for _ in range(98):
        await an_action(admin, plan)
    answer = await admin.get("/v1/actions?limit=100&expand=pip.actions")
    refused(answer, 400, "invalid_parameter")
    assert codes(answer) == [("invalid_parameter", "expand")]
    assert (await admin.get("/v1/actions?limit=50&expand=pip.actions")).status_code == 200


async def test_what_cannot_be_expanded_is_refused_with_a_suggestion(admin: httpx.AsyncClient, plan: Record) -> None:
    answer = await admin.get("/v1/pips?expand=action,actions.concrn,actions")
    document = refused(answer, 400, "invalid_parameter")
    assert [each["suggestion"] for each in document["errors"]] == ["actions", "concern"]
    assert {"actions", "concerns", "force", "progress_updates"} <= set(document["errors"][0]["allowed"])
    refused(await admin.get("/v1/regions?expand=forces"), 400, "unknown_query_parameter")
