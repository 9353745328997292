"""Does a dry run say what the real one would, and leave nothing behind?"""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlmodel import SQLModel

from pip_api.db.scopes import EVERY_FORCE
from pip_api.db.statements import Statement
from tests.exchange.files import send, written
from tests.plans import AVON, CONCERN, KENT, MEASURE, a_plan, made
from tests.service import Record, Service, refused

DRY = {"dry_run": "true"}
ASSIGNED = (
    "x-request-id", "date", "content-length", "location", "dry-run", "idempotency-key", "ratelimit", "audit-event",
    "audit-tree-size",
)  # fmt: skip


async def everything(service: Service) -> dict[str, list[Record]]:
    """All that the database holds."""
    async with service.services.database.read(EVERY_FORCE) as session:
        tables = SQLModel.metadata.sorted_tables
        return {table.name: await session.fetch(Statement(select(*table.c))) for table in tables}


def told(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in ASSIGNED}


def without_ids(real: Any, dry: Any) -> Any:
    """The real body, where it has an id that the dry run could not have."""
    if isinstance(real, dict):
        return {
            name: without_ids(each, dry.get(name) if isinstance(dry, dict) else None) for name, each in real.items()
        }
    return None if dry is None and isinstance(real, str) and len(real) >= 36 else real


async def both(
    service: Service, caller: httpx.AsyncClient, method: str, path: str, **sent: Any
) -> tuple[httpx.Response, httpx.Response]:
    """A dry run, and then the real request."""
    before = await everything(service)
    params = sent.pop("params", {})
    dry = await caller.request(method, path, params={**params, **DRY}, **sent)
    assert await everything(service) == before
    return dry, await caller.request(method, path, params=params, **sent)


async def test_a_dry_run_shows_what_would_be(service: Service, lead: httpx.AsyncClient) -> None:
    dry, real = await both(service, lead, "POST", "/v1/concerns", json=CONCERN)
    assert (dry.status_code, dry.headers["dry-run"]) == (201, "true")
    assert dry.json() == real.json() | {"id": None}
    assert "location" not in dry.headers
    assert "dry-run" not in real.headers
    assert told(dry) == told(real)


CHANGES: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.sampled_from(["title", "owner", "status", "identified_on", "affects", "nonsense"]),
    st.sampled_from(["Kept", None, "resolved", "2026-10-05", "2027-01-01", [], 7]),
    max_size=3,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["POST", "PATCH", "DELETE"]),
    changes=CHANGES,
    version=st.sampled_from([0, 1, None]),
    force=st.sampled_from([AVON, KENT]),
)
async def test_the_verdict_is_that_of_the_real_request(
    service: Service,
    lead: httpx.AsyncClient,
    method: str,
    changes: Mapping[str, Any],
    version: int | None,
    force: str,
) -> None:
    """P04: one code path, undone."""
    row = await made(lead, "/v1/concerns", **CONCERN)
    tag = {} if version is None else {"If-Match": f'"v{row["version"] + version}"'}
    if method == "POST":
        dry, real = await both(service, lead, "POST", "/v1/concerns", json={**CONCERN, "force_code": force, **changes})
    elif method == "PATCH":
        dry, real = await both(service, lead, "PATCH", f"/v1/concerns/{row['id']}", json=dict(changes), headers=tag)
    else:
        dry, real = await both(service, lead, "DELETE", f"/v1/concerns/{row['id']}", headers=tag)
    assert dry.status_code == real.status_code
    assert told(dry) == told(real)
    if real.status_code == 204:
        assert dry.content == b""
        return
    left, right = dry.json(), real.json()
    for document in (left, right):
        document.pop("request_id", None), document.pop("instance", None)
    assert left == without_ids(right, left)


async def test_a_dry_run_of_a_file_counts_what_would_be(service: Service, admin: httpx.AsyncClient) -> None:
    await made(admin, "/v1/measures", **MEASURE)
    rows = [
        {
            "force_code": AVON,
            "measure_code": code,
            "period_start": f"2026-0{month}-01",
            "period_end": f"2026-0{month}-28",
            "value": "61.40",
            "unit": "percent",
        }
        for month, code in ((1, str(MEASURE["code"])), (2, str(MEASURE["code"])), (3, "unknown"))
    ]
    await send(admin, written(rows[:1]))
    for mode, body in (("atomic", written(rows[:2])), ("per_row", written(rows)), ("atomic", written(rows))):
        before = await everything(service)
        dry = await send(admin, body, mode=mode, **DRY)
        assert await everything(service) == before
        real = await send(admin, body, mode=mode)
        assert dry.status_code == real.status_code
        for name in ("counts", "received", "problems_total", "problem_groups", "digest", "mode", "would"):
            assert dry.json()[name] == real.json()[name], (name, mode)
        assert (dry.json()["dry_run"], real.json()["dry_run"]) == (True, False)
        assert dry.json()["committed"] is False


async def test_a_dry_run_takes_no_key_and_no_number(service: Service, lead: httpx.AsyncClient, concern: Record) -> None:
    key = {"Idempotency-Key": '"one-and-the-same"'}
    body = {"force_code": AVON, "title": "Answer", "concern_ids": [concern["id"]]}
    dry = await lead.post("/v1/pips", params=DRY, json=body, headers=key)
    assert (dry.status_code, dry.json()["ref"]) == (201, f"{AVON}-2026-01")
    assert "idempotency-key" not in dry.headers
    real = await lead.post("/v1/pips", json=body, headers=key)
    assert real.json()["ref"] == f"{AVON}-2026-01"
    assert "idempotency-replayed" not in real.headers
    assert (await a_plan(lead, concern))["ref"] == f"{AVON}-2026-02"


async def test_a_dry_run_that_loses_a_race_is_tried_again(lead: httpx.AsyncClient) -> None:
    body = {"force_code": AVON, "title": "Answer calls in time"}
    answers = await asyncio.gather(*(lead.post("/v1/pips", params=DRY if n % 2 else {}, json=body) for n in range(8)))
    assert [each.status_code for each in answers] == [201] * 8
    assert len((await lead.get("/v1/pips")).json()["items"]) == 4


async def test_false_is_no_dry_run_and_nonsense_is_refused(lead: httpx.AsyncClient) -> None:
    assert (await lead.post("/v1/concerns", params={"dry_run": "false"}, json=CONCERN)).json()["id"]
    refused(await lead.post("/v1/concerns", params={"dry_run": "yes"}, json=CONCERN), 400, "invalid_parameter")
    refused(await lead.get("/v1/concerns", params=DRY), 400, "unknown_query_parameter")
    assert len((await lead.get("/v1/concerns")).json()["items"]) == 1


@pytest.mark.parametrize("path", ["/v1/concerns", "/v1/measures"])
async def test_who_may_not_write_may_not_rehearse(service: Service, path: str) -> None:
    reader = await service.caller("force_reader", f"force:{AVON}")
    refused(await reader.post(path, params=DRY, json={}), 403, "permission_denied")
