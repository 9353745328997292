"""Is what the service ships there once, and does it leave alone what an administrator has changed?"""

import re

import httpx

from pip_api.exchange.catalogue import load_example, load_reference
from tests.plans import AVON, changed
from tests.service import Service, refused


async def test_reference_data_is_added_once_and_edits_outlast_an_upgrade(
    service: Service, admin: httpx.AsyncClient
) -> None:
    kent = (await admin.get("/v1/forces/kent")).json()
    edited = (await changed(admin, "/v1/forces", kent, short_name="Kent and Medway")).json()
    await admin.delete("/v1/forces/nca", headers={"If-Match": '"v1"'})
    await load_reference(service.services)
    assert (await admin.get("/v1/forces/kent")).json() == edited
    refused(await admin.get("/v1/forces/nca"), 410, "withdrawn")
    assert len((await admin.get("/v1/forces")).json()["items"]) == 48
    assert len((await admin.get("/v1/support-levels")).json()["items"]) == 4


async def test_what_is_shipped_is_noted_as_the_services_own_doing(admin: httpx.AsyncClient) -> None:
    (entry,) = (await admin.get("/v1/forces/kent/versions")).json()["items"]
    assert (entry["act"], entry["actor"]["client_id"]) == ("force.created", "pip-api")
    assert entry["request_id"] == "pip-api-migrate"


async def test_the_example_is_loaded_once_and_stands_in_triage(service: Service, admin: httpx.AsyncClient) -> None:
    for _ in range(2):
        await load_example(service.services)
    answer = await admin.get("/v1/triage", params={"region": "south-west", "level": "3"})
    (item,) = answer.json()["items"]
    (plan,) = item["plans"]
    assert (item["force"]["code"], item["level"]["since"]) == (AVON, "2026-06-01")
    assert (plan["ref"], plan["status"], plan["progress"]["brag"]) == ("avon-and-somerset-2026-01", "active", "amber")
    assert [len(each["measures"]) for each in plan["concerns"]] == [2, 1, 1]
    assert (plan["actions"]["total"], plan["actions"]["completed"]) == (3, 1)
    assert plan["actions"]["overdue_refs"] == ["2.1"]
    assert re.search(r'"value" ?: ?68\.7\b', answer.text)
    assert "invented" in plan["title"]
