"""Does every resource answer alike? The stories of the kernel, told with concerns, plans and actions."""

import httpx
import pytest

from tests.service import Record, Service, codes, refused

AVON = "avon-and-somerset"
CONCERN = {
    "force_code": AVON,
    "title": "Calls are not attended in time",
    "source": "ppmg",
    "identified_by": "PPMG",
    "identified_on": "2026-10-01",
}


async def made(caller: httpx.AsyncClient, path: str, body: Record) -> Record:
    answer = await caller.post(path, json=body)
    assert answer.status_code == 201, answer.text
    created: Record = answer.json()
    return created


@pytest.fixture
async def lead(service: Service) -> httpx.AsyncClient:
    return await service.caller("force_lead", f"force:{AVON}")


@pytest.fixture
async def concern(lead: httpx.AsyncClient) -> Record:
    return await made(lead, "/v1/concerns", CONCERN)


async def test_what_is_created_can_be_read_by_its_location(lead: httpx.AsyncClient) -> None:
    answer = await lead.post("/v1/concerns", json=CONCERN)
    assert answer.status_code == 201
    assert answer.headers["etag"] == '"v1"'
    read = await lead.get(answer.headers["location"])
    assert read.status_code == 200
    assert read.json() == answer.json()
    assert read.headers["etag"] == '"v1"'
    assert read.json()["created_at"] == "2026-11-21T12:00:00Z"


async def test_all_faults_are_named_at_once_in_the_order_of_the_document(lead: httpx.AsyncClient) -> None:
    body = {"titel": "x", "source": "gossip", "identified_on": 20261001, "affects": [{"how": ""}], "force_code": AVON}
    answer = await lead.post("/v1/concerns", json=body)
    document = refused(answer, 422, "validation_failed")
    assert codes(answer) == [
        ("unknown_field", "#/titel"),
        ("enum", "#/source"),
        ("date_type", "#/identified_on"),
        ("required", "#/affects/0"),
        ("string_too_short", "#/affects/0/how"),
        ("required", "#"),
        ("required", "#"),
    ]
    assert document["errors"][0]["suggestion"] == "title"
    assert document["errors_total"] == 7
    assert "gossip" not in answer.text
    assert (await lead.get("/v1/concerns")).json()["items"] == []
