"""Is what the service ships there once, and does it leave alone what an administrator has changed?"""

import httpx

from pip_api.exchange.catalogue import load_reference
from tests.plans import changed
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
