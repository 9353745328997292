"""Does each change leave exactly one entry, and no change without it?"""

import httpx
import pytest
from sqlalchemy import select, update

from pip_api.db.columns import from_json
from pip_api.db.scopes import EVERY_FORCE
from pip_api.db.statements import Statement
from pip_api.ledger import entries
from pip_api.ledger.entries import LedgerEntry
from pip_api.resources.accounts import accounts
from tests.plans import AVON, CONCERN, MEASURE, a_concern, a_plan, an_action, changed, made
from tests.service import Record, Service, patched, refused

_TABLE = LedgerEntry.__table__  # type: ignore[attr-defined]
_ALL = Statement(select(*_TABLE.c).order_by(_TABLE.c.seq))


class Ledger:
    """What was added to the ledger since it was last looked at."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._seen = 0

    async def news(self) -> list[Record]:
        async with self._service.services.database.read(EVERY_FORCE) as session:
            rows = [row for row in await session.fetch(_ALL) if row["seq"] > self._seen]
        self._seen = max((row["seq"] for row in rows), default=self._seen)
        return rows


@pytest.fixture
async def ledger(service: Service, lead: httpx.AsyncClient, admin: httpx.AsyncClient) -> Ledger:
    """A ledger in which clients and reference data stand already."""
    ledger = Ledger(service)
    assert await ledger.news()
    return ledger


async def test_an_entry_says_who_what_when_and_why(service: Service, lead: httpx.AsyncClient, ledger: Ledger) -> None:
    headers = {"X-Request-Id": "board-of-november"}
    answer = await lead.post("/v1/concerns", params={"reason": "PPMG, minute 4"}, json=CONCERN, headers=headers)
    concern = answer.json()
    (entry,) = await ledger.news()
    assert entry["state"] == concern
    assert entry["patch"] == [{"op": "add", "path": "", "value": concern}]
    told = {
        name: entry[name] for name in entry if name not in ("seq", "id", "actor_id", "credential_id", "state", "patch")
    }
    assert told == {
        "at": service.clock(),
        "kind": "change",
        "act": "concern.created",
        "noun": "concern",
        "subject_id": entry["subject_id"],
        "subject_ref": None,
        "version": 1,
        "force_code": AVON,
        "actor_type": "service",
        "actor_name": "force-lead-1",
        "client_id": "force-lead-1",
        "request_id": "board-of-november",
        "overridden": False,
        "reason": "PPMG, minute 4",
        "redacted_by": None,
        "retired_by": None,
    }
    assert str(entry["subject_id"]) == concern["id"]


async def test_each_write_is_one_entry(lead: httpx.AsyncClient, admin: httpx.AsyncClient, ledger: Ledger) -> None:
    async def noted(act: str, ref: str | None, version: int) -> Record:
        (entry,) = await ledger.news()
        assert (entry["act"], entry["subject_ref"], entry["version"]) == (act, ref, version)
        return entry

    await made(admin, "/v1/measures", **MEASURE)
    assert (await noted("measure.created", "answered-in-time", 1))["force_code"] is None
    concern = await a_concern(lead, measure_codes=["answered-in-time"])
    await noted("concern.created", None, 1)
    plan = await a_plan(lead, concern)
    await noted("pip.created", plan["ref"], 1)
    action = await an_action(lead, plan)
    created = await noted("action.created", None, 1)
    assert created["state"] == action
    action = (await changed(lead, "/v1/actions", action, status="in_progress", lead="Insp Green")).json()
    entry = await noted("action.changed", None, 2)
    assert entry["state"] == action
    assert patched(created["state"], entry["patch"]) == entry["state"]
    await lead.delete(f"/v1/actions/{action['id']}", headers={"If-Match": '"v2"'})
    entry = await noted("action.withdrawn", None, 3)
    assert entry["state"] | {"withdrawn_at": None} == action | {"version": 3}
    assert patched(action, entry["patch"]) == entry["state"]
    path = f"/v1/forces/{AVON}/measures/answered-in-time/figures/2026-10"
    figure = await lead.put(path, content='{"value": 61.40}', headers={"Content-Type": "application/json"})
    entry = await noted("figure.recorded", f"{AVON}/answered-in-time/2026-10", 1)
    assert str(entry["state"]["value"]) == "61.40"
    assert '"value":61.40' in figure.text


async def test_what_changes_nothing_leaves_no_entry(
    lead: httpx.AsyncClient, admin: httpx.AsyncClient, ledger: Ledger
) -> None:
    await made(admin, "/v1/measures", **MEASURE)
    concern = await a_concern(lead)
    figure = f"/v1/forces/{AVON}/measures/answered-in-time/figures/2026-10"
    await lead.put(figure, json={"value": 61})
    assert len(await ledger.news()) == 3
    await lead.get(f"/v1/concerns/{concern['id']}")
    await changed(lead, "/v1/concerns", concern, title=concern["title"])
    assert (await changed(lead, "/v1/concerns", concern, title="")).status_code == 422
    assert (await changed(lead, "/v1/concerns", concern | {"version": 9}, title="x")).status_code == 412
    assert (await lead.post("/v1/concerns", json={})).status_code == 422
    assert (await admin.post("/v1/measures", json=MEASURE)).status_code == 409
    assert (await lead.put(figure, json={"value": 61})).status_code == 200
    assert await ledger.news() == []


async def test_a_change_whose_entry_cannot_be_written_is_not_made(
    lead: httpx.AsyncClient, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    concern = await a_concern(lead)
    await ledger.news()

    nowhere = Statement(update(_TABLE).values(reason="no entry is ever changed"))
    with monkeypatch.context() as broken:
        broken.setattr(entries, "_INSERT", nowhere)
        for answer in (
            await lead.post("/v1/concerns", json=CONCERN),
            await changed(lead, "/v1/concerns", concern, title="x"),
            await lead.delete(f"/v1/concerns/{concern['id']}", headers={"If-Match": '"v1"'}),
        ):
            refused(answer, 503, "temporarily_unavailable")
    assert (await lead.get("/v1/concerns")).json()["items"] == [concern]
    assert await ledger.news() == []


async def test_a_change_without_its_entry_cannot_be_committed(
    lead: httpx.AsyncClient, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deferred key fails only at the commit: so the answer must not have been sent before."""
    concern = await a_concern(lead)
    await ledger.news()

    async def forget(*_: object) -> None:
        pass

    with monkeypatch.context() as broken:
        broken.setattr(entries, "record", forget)
        for answer in (
            await lead.post("/v1/concerns", json=CONCERN),
            await changed(lead, "/v1/concerns", concern, title="x"),
            await lead.delete(f"/v1/concerns/{concern['id']}", headers={"If-Match": '"v1"'}),
        ):
            refused(answer, 500, "internal_error")
            assert "location" not in answer.headers
    assert (await lead.get("/v1/concerns")).json()["items"] == [concern]
    assert await ledger.news() == []
    assert (await changed(lead, "/v1/concerns", concern, title="x")).status_code == 200
    assert len(await ledger.news()) == 1


async def test_the_name_of_the_actor_is_kept_as_it_was(
    service: Service, lead: httpx.AsyncClient, ledger: Ledger
) -> None:
    concern = await a_concern(lead)
    await service.change(accounts, (await service.account("force-lead-1"))["id"], name="Renamed since")
    service.clock.forward(seconds=service.services.settings.access_memory_seconds)
    await changed(lead, "/v1/concerns", concern, title="x")
    versions = (await lead.get(f"/v1/concerns/{concern['id']}/versions")).json()["items"]
    assert [each["actor"]["name"] for each in versions] == ["Renamed since", "force-lead-1"]


async def test_the_digits_of_a_number_are_kept_in_the_state(admin: httpx.AsyncClient, ledger: Ledger) -> None:
    body = '{"code": "calls", "name": "Calls", "unit": "count", "cadence": "month", "target": 61.40, "baseline": 1e3}'
    answer = await admin.post("/v1/measures", content=body, headers={"Content-Type": "application/json"})
    (entry,) = await ledger.news()
    assert [str(entry["state"][name]) for name in ("target", "baseline")] == ["61.40", "1000"]
    assert entry["state"] == from_json(answer.content)
