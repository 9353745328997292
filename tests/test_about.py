"""What can anybody ask the service about itself?"""

from importlib.metadata import version

import httpx
import pytest
from sqlalchemy import text

from pip_api.contract import OPERATIONS
from pip_api.db.migrate import connection_to
from pip_api.rules import periods
from pip_api.settings import Settings
from tests.plans import AVON, CONCERN, a_concern
from tests.postgres import take_no_changes, unguarded
from tests.service import Record, Service, refused, running


async def told(service: Service) -> Record:
    answer = await service.http().get("/v1")
    assert answer.status_code == 200
    document: Record = answer.json()
    return document


async def test_what_it_offers_is_told_to_anybody(service: Service) -> None:
    document = await told(service)
    assert document["version"] == version("policing-pip-api")
    assert document["links"]["listPips"] == "/v1/pips"
    assert document["media_types"]["patches"] == ["application/merge-patch+json", "application/json"]
    assert document["id_schemes"] == ["uuid", "ref:"]
    assert document["idempotency_retention_days"] == 7
    assert document["imports"]["measures"]["required"] == ["code", "name", "unit", "cadence"]
    for example in document["periods"].values():
        periods.parse(example)


async def test_every_link_leads_somewhere(service: Service, admin: httpx.AsyncClient) -> None:
    await service.seal()
    callers = [admin, *[await service.caller(role) for role in ("auditor", "access_admin", "redactor")]]
    callers.append(await service.caller("people_lead", f"force:{AVON}"))
    for name, path in (await told(service))["links"].items():
        answers = {(await by.get(path)).status_code for by in callers}
        assert (405 if name == "token" else 200) in answers, path
    lists = {each.path for each in OPERATIONS if each.is_entry}
    assert lists <= set((await told(service))["links"].values())


async def test_the_limits_told_are_those_that_are_kept(settings: Settings) -> None:
    small = {"max_body_bytes": 2_000, "rate_limit_requests": 7, "import_limit_requests": 0, "rate_limit_seconds": 30}
    async with running(settings.model_copy(update=small)) as service:
        document = await told(service)
    assert document["limits"]["body_bytes"] == 2_000
    assert document["rates"] == [{"policy": "default", "quota": 7, "seconds": 30}]
    async with running(settings) as service:
        lead = await service.caller("force_lead", f"force:{AVON}")
        most, limits = (await told(service))["limits"]["page"]["most"], (await told(service))["limits"]
        assert (await lead.get(f"/v1/concerns?limit={most}")).status_code == 200
        refused(await lead.get(f"/v1/concerns?limit={most + 1}"), 400, "limit_too_large")
        deep = b'{"affects":' + b"[" * limits["json_depth"] + b"]" * limits["json_depth"] + b"}"
        headers = {"Content-Type": "application/json"}
        refused(await lead.post("/v1/concerns", content=deep, headers=headers), 400, "malformed_json")
        long = "x" * limits["reason_characters"]
        assert (await lead.post(f"/v1/concerns?reason={long}", json=CONCERN)).status_code == 201
        refused(await lead.post(f"/v1/concerns?reason={long}x", json=CONCERN), 400, "invalid_parameter")


async def test_a_parameter_that_there_is_not_is_refused_here_too(service: Service) -> None:
    refused(await service.http().get("/v1?force=kent"), 400, "unknown_query_parameter")


async def test_the_release_is_told(service: Service) -> None:
    answer = await service.http().get("/version")
    assert answer.json() == {"name": "pip_api", "version": version("policing-pip-api")}


async def test_it_is_ready_when_its_database_is_migrated_to_this_release(settings: Settings, service: Service) -> None:
    anybody = service.http()
    assert (await anybody.get("/readyz")).json() == {"status": "ready"}
    with connection_to(unguarded(settings)) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    answer = await anybody.get("/readyz")
    refused(answer, 503, "not_ready")
    assert int(answer.headers["retry-after"]) > 0
    assert (await anybody.get("/healthz")).json() == {"status": "alive"}


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
async def test_without_its_database_it_lives_and_is_not_ready(settings: Settings, service: Service) -> None:
    await service.services.database.close()
    answer = await service.http().get("/readyz")
    refused(answer, 503, "temporarily_unavailable")
    assert answer.headers["retry-after"] == "1"
    assert (await service.http().get("/healthz")).status_code == 200


async def test_in_read_only_mode_reads_go_on(settings: Settings, service: Service, lead: httpx.AsyncClient) -> None:
    concern = await a_concern(lead)
    client_id, secret = await service.new_client("force_lead", f"force:{AVON}")
    reader = await service.caller("force_reader", f"force:{AVON}")
    async with running(settings.model_copy(update={"read_only": True})) as still:
        form = {"grant_type": "client_credentials"}
        token = (await still.http().post("/oauth2/token", data=form, auth=(client_id, secret))).json()["access_token"]
        caller = still.http(Authorization=f"Bearer {token}")
        path, current = f"/v1/concerns/{concern['id']}", {"If-Match": '"v1"'}
        assert (await caller.get(path)).json()["title"] == concern["title"]
        figure = f"/v1/forces/{AVON}/measures/none/figures/2026-10"
        rows = {"content": b"code,name\n", "headers": {"Content-Type": "text/csv"}}
        for answer in (
            await caller.post("/v1/concerns", json=CONCERN),
            await caller.patch(path, json={"title": "x"}, headers=current),
            await caller.delete(path, headers=current),
            await caller.put(figure, json={"value": 1}),
            await caller.post("/v1/imports?kind=figures", **rows),  # type: ignore[arg-type]
        ):
            refused(answer, 503, "read_only_mode")
            assert answer.headers["retry-after"] == "60"
        refused(await still.http().post("/v1/concerns", json=CONCERN), 401, "missing_credentials")
        forbidden = still.http(Authorization=reader.headers["authorization"])
        # That it may not is noted before it is told, and nothing is noted now. So it is with reads of the past.
        refused(await forbidden.post("/v1/concerns", json=CONCERN), 503, "read_only_mode")
        refused(await caller.get(path, params={"as_of": "2026-11-21T12:00:00Z"}), 503, "read_only_mode")
        assert (await told(still))["read_only"] is True
        assert (await caller.get(path)).headers["etag"] == '"v1"'


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
async def test_a_database_that_takes_no_changes_is_told_as_such(
    settings: Settings, lead: httpx.AsyncClient, concern: Record
) -> None:
    take_no_changes(unguarded(settings))
    async with running(settings) as standby:
        caller = standby.http(Authorization=lead.headers["authorization"])
        assert (await caller.get(f"/v1/concerns/{concern['id']}")).status_code == 200
        answer = await caller.post("/v1/concerns", json=CONCERN)
        refused(answer, 503, "read_only_mode")
        assert answer.headers["retry-after"] == "60"
