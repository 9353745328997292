"""Are figures counted and added up exactly, each once, and only those that the caller may see?"""

import httpx
import pytest

from tests.plans import AVON, DEVON, KENT, MEASURE, made, put
from tests.service import Record, Service, codes, refused

PATH = "/v1/figures/totals"


@pytest.fixture
async def figures(admin: httpx.AsyncClient) -> None:
    for code in ("one", "two"):
        await made(admin, "/v1/measures", **(MEASURE | {"code": code}))
    for place, values in {
        (AVON, "one", "2026-09"): ["0.1"],
        (AVON, "one", "2026-10"): ["7", "0.2"],
        (AVON, "two", "2026-10-05"): ["-5"],
        (DEVON, "one", "2026-FY"): ["999999999999.25"],
        (DEVON, "two", "2026-09"): ["0.75", "999999999999999"],
    }.items():
        for value in values:
            await put(admin, place, value)


async def rows(caller: httpx.AsyncClient, **query: str) -> list[Record]:
    answer = await caller.get(PATH, params=query)
    assert answer.status_code == 200, answer.text
    items: list[Record] = answer.json()["items"]
    return items


async def test_totals_are_exact_sums_of_the_newest_revisions(admin: httpx.AsyncClient, figures: None) -> None:
    assert await rows(admin) == [
        {"code": AVON, "figures": 3, "total": -4.7, "first_day": "2026-09-01", "last_day": "2026-10-31"},
        {
            "code": DEVON,
            "figures": 2,
            "total": 1000999999999998.25,
            "first_day": "2026-04-01",
            "last_day": "2027-03-31",
        },
    ]
    text = (await admin.get(PATH, params={"by": "measure"})).text
    assert '"total":999999999999.55,' in text
    assert '"total":999999999999994,' in text


async def test_totals_are_chosen_by_force_and_measure(
    service: Service, admin: httpx.AsyncClient, figures: None
) -> None:
    assert [(each["code"], each["total"]) for each in await rows(admin, by="force", measure="one")] == [
        (AVON, 0.3),
        (DEVON, 999999999999.25),
    ]
    assert [each["code"] for each in await rows(admin, by="measure", force=f"{AVON},{KENT}")] == ["one", "two"]
    assert await rows(admin, force=KENT) == []
    lead = await service.caller("force_lead", f"force:{AVON}")
    assert [each["code"] for each in await rows(lead)] == [AVON]
    assert await rows(lead, force=DEVON) == []


async def test_totals_come_in_pages(admin: httpx.AsyncClient, figures: None) -> None:
    first = (await admin.get(PATH, params={"limit": "1"})).json()
    assert first["page"]["has_more"]
    second = (await admin.get(first["links"]["next"])).json()
    assert [each["code"] for each in (*first["items"], *second["items"])] == [AVON, DEVON]
    assert not second["page"]["has_more"]
    for other in ({"by": "measure"}, {"measure": "one"}):
        query = other | {"limit": "1", "cursor": first["page"]["next_cursor"]}
        refused(await admin.get(PATH, params=query), 400, "cursor_filter_mismatch")


async def test_what_cannot_be_asked_is_refused(admin: httpx.AsyncClient) -> None:
    for query in ({"by": "region"}, {"limit": "0"}, {"limit": "x"}):
        answer = await admin.get(PATH, params=query)
        refused(answer, 400, "invalid_parameter")
        assert codes(answer) == [("invalid_parameter", next(iter(query)))]
    refused(await admin.get(PATH, params={"sort": "total"}), 400, "unknown_query_parameter")
