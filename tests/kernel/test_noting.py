"""Are refusals noted, and reads that are to be accounted for, and nothing else?"""

import asyncio

import httpx
import pytest
from sqlalchemy import text

from pip_api.db.migrate import connection_to
from pip_api.settings import Settings
from tests.ledger.test_entries import Ledger
from tests.plans import AVON, CONCERN, KENT, a_concern
from tests.postgres import unguarded
from tests.service import Record, Service, refused

NOBODY = "01890000-0000-7000-8000-00000000ffff"


@pytest.fixture
async def reader(service: Service) -> httpx.AsyncClient:
    return await service.caller("force_reader", f"force:{AVON}")


@pytest.fixture
async def foreign(admin: httpx.AsyncClient) -> Record:
    """A concern of another force."""
    return await a_concern(admin, force_code=KENT)


@pytest.fixture
async def ledger(
    service: Service, lead: httpx.AsyncClient, reader: httpx.AsyncClient, concern: Record, foreign: Record
) -> Ledger:
    ledger = Ledger(service)
    await ledger.news()
    return ledger


async def test_a_refusal_says_who_tried_what(reader: httpx.AsyncClient, concern: Record, ledger: Ledger) -> None:
    path = f"/v1/concerns/{concern['id']}"
    answer = await reader.patch(path, json={"title": "x"}, headers={"X-Request-Id": "a-try-of-mine"})
    refused(answer, 403, "permission_denied")
    (entry,) = await ledger.news()
    assert (entry["kind"], entry["act"], entry["version"]) == ("denied", "concern.denied", None)
    assert (str(entry["subject_id"]), entry["force_code"]) == (concern["id"], AVON)
    assert entry["request_id"] == "a-try-of-mine"
    assert entry["state"] == {
        "operation": "changeConcern", "status": 403, "code": "permission_denied", "required": ["concern:write"],
    }  # fmt: skip


async def test_a_permission_that_a_change_takes_beside_its_own_is_named(
    lead: httpx.AsyncClient, concern: Record, ledger: Ledger
) -> None:
    answer = await lead.patch(f"/v1/concerns/{concern['id']}", json={}, headers={"If-Match": "*"})
    refused(answer, 403, "permission_denied")
    (entry,) = await ledger.news()
    assert (entry["force_code"], entry["state"]["required"]) == (AVON, ["version:override"])


async def test_what_is_foreign_and_what_never_was_is_noted_alike(
    lead: httpx.AsyncClient, foreign: Record, ledger: Ledger, service: Service
) -> None:
    noted = []
    for id in (foreign["id"], NOBODY, "no-id-at-all"):
        refused(await lead.delete(f"/v1/concerns/{id}", headers={"If-Match": '"v1"'}), 404, "not_found")
        (entry,) = await ledger.news()
        noted.append(entry["state"])
        assert (entry["force_code"], str(entry["subject_id"] or entry["subject_ref"])) == (AVON, id)
        service.clock.forward(minutes=1)
    assert noted[0] == noted[1] == noted[2]
    figure = f"/v1/forces/{KENT}/measures/none/figures/2026-10"
    refused(await lead.put(figure, json={"value": 1}), 404, "not_found")
    (entry,) = await ledger.news()
    assert (entry["act"], entry["subject_ref"]) == ("figure.denied", f"{KENT}/none/2026-10")


async def test_a_loop_of_refusals_is_one_entry_a_minute(reader: httpx.AsyncClient, ledger: Ledger) -> None:
    await asyncio.gather(*(reader.post("/v1/concerns", json=CONCERN) for _ in range(20)))
    assert len(await ledger.news()) == 1
    await reader.post("/v1/pips", json={})
    assert len(await ledger.news()) == 1


async def test_a_dry_run_leaves_its_refusal(reader: httpx.AsyncClient, lead: httpx.AsyncClient, ledger: Ledger) -> None:
    dry = {"dry_run": "true"}
    assert (await lead.post("/v1/concerns", json=CONCERN, params=dry)).status_code == 201
    assert await ledger.news() == []
    refused(await reader.post("/v1/concerns", json=CONCERN, params=dry), 403, "permission_denied")
    refused(await lead.delete(f"/v1/concerns/{NOBODY}", params=dry), 404, "not_found")
    assert [entry["kind"] for entry in await ledger.news()] == ["denied", "denied"]


async def test_plain_reads_and_other_refusals_leave_nothing(
    lead: httpx.AsyncClient, concern: Record, foreign: Record, ledger: Ledger
) -> None:
    path = f"/v1/concerns/{concern['id']}"
    for get in (path, "/v1/concerns", "/v1/pips", f"{path}/versions", f"{path}/diff?from=1", "/v1/figures/totals"):
        assert (await lead.get(get)).status_code == 200
    refused(await lead.get(f"/v1/concerns/{foreign['id']}"), 404, "not_found")
    refused(await lead.patch(path, json={"title": ""}, headers={"If-Match": '"v1"'}), 422, "validation_failed")
    refused(await lead.patch(path, json={"title": "x"}, headers={"If-Match": '"v9"'}), 412, "version_mismatch")
    assert await ledger.news() == []


async def test_reads_of_the_past_are_noted(
    lead: httpx.AsyncClient, admin: httpx.AsyncClient, concern: Record, ledger: Ledger
) -> None:
    path, then = f"/v1/concerns/{concern['id']}", {"as_of": "2026-11-21T12:00:00Z"}
    answer = await admin.get(path, params=then)
    (entry,) = await ledger.news()
    assert (entry["kind"], entry["act"], entry["force_code"]) == ("read", "concern.read", AVON)
    assert str(entry["subject_id"]) == concern["id"]
    moment = answer.headers["memento-datetime"]
    assert entry["state"] == {"operation": "getConcern", "query": then, "as_of": moment}
    await lead.get("/v1/concerns", headers={"Accept-Datetime": moment})
    (entry,) = await ledger.news()
    assert entry["state"] == {"operation": "listConcerns", "query": {}, "as_of": moment}


async def test_what_leaves_as_a_file_is_an_export(service: Service, ledger: Ledger) -> None:
    triage = await service.caller("regional_triage", "region:south-west")
    await ledger.news()
    for _ in range(2):
        answer = await triage.get("/v1/triage", params={"format": "csv"})
        (entry,) = await ledger.news()
        assert (entry["kind"], entry["act"]) == ("export", "triage.exported")
        assert entry["state"] == {"operation": "getTriage", "query": {"format": "csv"}}
    held = {"If-None-Match": answer.headers["etag"]}
    assert (await triage.get("/v1/triage", params={"format": "csv"}, headers=held)).status_code == 304
    assert (await triage.get("/v1/triage")).status_code == 200
    assert await ledger.news() == []


async def test_whoever_reads_a_list_to_its_end_is_noted(lead: httpx.AsyncClient, ledger: Ledger) -> None:
    for _ in range(3):
        await a_concern(lead)
    await ledger.news()
    address: str | None = "/v1/concerns?limit=1"
    pages = 0
    while address is not None:
        page = (await lead.get(address)).json()
        address, pages = page["links"].get("next"), pages + 1
    assert pages == 4
    (entry,) = await ledger.news()
    assert (entry["kind"], entry["state"]) == ("export", {"operation": "listConcerns", "query": {"limit": "1"}})


async def test_where_nothing_can_be_noted_nothing_is_answered(
    settings: Settings, lead: httpx.AsyncClient, reader: httpx.AsyncClient, concern: Record, ledger: Ledger
) -> None:
    path = f"/v1/concerns/{concern['id']}"
    await a_concern(lead)
    pages = (await lead.get("/v1/concerns?limit=1")).json()["links"]["next"]
    with connection_to(unguarded(settings)) as connection:
        connection.execute(text("ALTER TABLE ledger_entry RENAME TO taken_away"))
    for answer in (
        await reader.post("/v1/concerns", json=CONCERN),
        await reader.delete(path),
        await lead.delete(f"/v1/concerns/{NOBODY}"),
        await lead.post("/v1/concerns", json=CONCERN),
        await lead.patch(path, json={"title": "x"}, headers={"If-Match": '"v1"'}),
        await lead.delete(path, headers={"If-Match": '"v1"'}),
        await lead.get("/v1/triage", headers={"Accept": "text/csv"}),
    ):
        refused(answer, 503, "temporarily_unavailable")
    with connection_to(unguarded(settings)) as connection:
        connection.execute(text("ALTER TABLE taken_away RENAME TO ledger_entry"))
    assert (await lead.get(path)).json() == concern
    assert (await lead.get(pages)).status_code == 200
