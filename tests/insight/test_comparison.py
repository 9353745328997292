"""Do the units of a force stand side by side, for one period, with what adds up added up?"""

import httpx
import pytest

from tests.plans import AVON, DEVON, MEASURE, a_tree, changed, made
from tests.service import Record, Service, refused

PATH = f"/v1/forces/{AVON}/measures/{{}}/comparison"
FIGURE = f"/v1/forces/{AVON}/measures/{{}}/figures/{{}}"


@pytest.fixture
async def leader(service: Service) -> httpx.AsyncClient:
    """Who leads the force, and its people too."""
    return await service.signed_in(("force_lead", f"force:{AVON}"), ("people_lead", f"force:{AVON}"))


@pytest.fixture
async def figures(admin: httpx.AsyncClient, lead: httpx.AsyncClient, leader: httpx.AsyncClient) -> None:
    await a_tree(lead)
    await made(admin, "/v1/measures", **MEASURE)
    await made(admin, "/v1/measures", **(MEASURE | {"code": "calls", "unit": "count", "name": "Calls"}))
    for measure, period, unit, body in (
        ("calls", "2026-09", "north", {"value": 1}),
        ("calls", "2026-10", None, {"value": 100}),
        ("calls", "2026-10", "north", {"value": 40.1}),
        ("calls", "2026-10", "north", {"value": 40.2}),
        ("calls", "2026-10", "south", {"value": 59.9, "narrative": "A festival."}),
        ("calls", "2026-10", "north-response", {"value": 30}),
        ("calls", "2026-10", "north-patrol", {"value": 10}),
        ("calls", "2026-10", "south-response", {"value": 60}),
        ("calls", "2026-11", "post-7", {"value": 3}),
        ("answered-in-time", "2026-10", "north", {"value": 50, "numerator": 10, "denominator": 20}),
        ("answered-in-time", "2026-10", "north-response", {"value": 30}),
        ("answered-in-time", "2026-10", "south", {"value": 25, "numerator": 10, "denominator": 40}),
    ):
        query = {} if unit is None else {"unit": unit}
        answer = await (leader if unit == "post-7" else lead).put(
            FIGURE.format(measure, period), params=query, json=body
        )
        assert answer.is_success, answer.text


async def compared(caller: httpx.AsyncClient, measure: str = "calls", **query: str) -> Record:
    answer = await caller.get(PATH.format(measure), params=query)
    assert answer.status_code == 200, answer.text
    found: Record = answer.json()
    return found


def values(found: Record) -> dict[str, float | None]:
    return {each["unit"]["code"]: each["figure"] and each["figure"]["value"] for each in found["items"]}


async def test_places_are_compared_and_added_up(lead: httpx.AsyncClient, figures: None) -> None:
    found = await compared(lead)
    assert (found["of"], found["kind"], found["period"], found["own"]["value"]) == (None, "place", "2026-10", 100)
    assert values(found) == {"north": 40.2, "south": 59.9}
    assert found["items"][1]["figure"]["narrative"] == "A festival."
    assert found["total"] == {"figures": 2, "value": 100.1, "numerator": None, "denominator": None}
    earlier = await compared(lead, period="2026-09")
    assert (values(earlier), earlier["total"]["value"]) == ({"north": 1, "south": None}, 1)
    nothing = await compared(lead, period="2020-FY")
    assert (nothing["own"], nothing["total"]["figures"], nothing["total"]["value"]) == (None, 0, None)


async def test_shares_are_not_added_but_what_they_are_made_of(lead: httpx.AsyncClient, figures: None) -> None:
    total = (await compared(lead, "answered-in-time"))["total"]
    assert total == {"figures": 2, "value": None, "numerator": 20, "denominator": 60}


async def test_it_is_told_how_far_each_falls_short_of_the_target(
    admin: httpx.AsyncClient, lead: httpx.AsyncClient, figures: None
) -> None:
    async def gaps(**query: str) -> list[tuple[str, float | None]]:
        items = (await compared(lead, "answered-in-time", **query))["items"]
        return [(each["unit"]["code"], each["gap"]) for each in items]

    assert await gaps() == [("north", None), ("south", None)]
    measure = (await admin.get("/v1/measures/ref:answered-in-time")).json()
    assert (await changed(admin, "/v1/measures", measure, direction="increase", target=40)).status_code == 200
    assert await gaps() == [("north", 0), ("south", 15)]
    assert await gaps(kind="team") == [("north-patrol", None), ("north-response", 10), ("south-response", None)]
    assert (await compared(lead, "answered-in-time"))["measure"]["target"] == 40


async def test_each_level_can_be_compared(lead: httpx.AsyncClient, leader: httpx.AsyncClient, figures: None) -> None:
    teams = await compared(lead, of="north")
    assert (teams["of"]["code"], teams["kind"], teams["own"]["value"]) == ("north", "team", 40.2)
    assert (values(teams), teams["total"]["value"]) == ({"north-patrol": 10, "north-response": 30}, 40)
    assert {each["unit"]["parent_code"] for each in teams["items"]} == {"north"}
    assert [*values(await compared(lead, kind="team"))] == ["north-patrol", "north-response", "south-response"]
    assert values(await compared(leader, of="north", kind="individual")) == {"post-7": 3}
    unseen = await compared(lead, of="north", kind="individual")
    assert (values(unseen), unseen["total"]["figures"]) == ({"post-7": None}, 0)
    assert values(await compared(lead, of="south", kind="individual")) == {}
    for query in ({"of": "post-7"}, {"of": "north", "kind": "place"}, {"kind": "county"}, {"period": "october"}):
        refused(await lead.get(PATH.format("calls"), params=query), 400, "invalid_parameter")
    refused(await lead.get(PATH.format("calls"), params={"of": "nowhere"}), 404, "not_found")
    refused(await lead.get(PATH.format("gossip")), 404, "not_found")


async def test_as_it_was_then(service: Service, lead: httpx.AsyncClient, figures: None) -> None:
    then = service.clock.time.isoformat()
    service.clock.forward(seconds=60)
    await lead.put(FIGURE.format("calls", "2026-10"), params={"unit": "north"}, json={"value": 7})
    assert (await compared(lead))["total"]["value"] == 66.9
    assert (await compared(lead, as_of=then))["total"]["value"] == 100.1


async def test_another_force_is_as_if_it_were_not(service: Service, figures: None) -> None:
    stranger = await service.caller("force_lead", f"force:{DEVON}")
    refused(await stranger.get(PATH.format("calls")), 404, "not_found")
    narrowed = await service.caller("force_lead", f"force:{AVON}", scope="figure:read")
    assert refused(await narrowed.get(PATH.format("calls")), 403, "permission_denied")["required"] == ["unit:read"]
