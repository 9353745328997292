"""Which headers does every answer have, whatever it says, and what is told of an address as such?"""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from pip_api.settings import Settings, StartRefused, load
from tests.plans import AVON, CONCERN, a_concern
from tests.service import Record, Service, refused, running

JSON = "application/json"
PATCH = "application/merge-patch+json, application/json"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
PAGE = "https://triage.example"


async def test_a_head_is_a_get_without_its_content(service: Service, lead: httpx.AsyncClient, concern: Record) -> None:
    for caller, path in (
        (lead, f"/v1/concerns/{concern['id']}"),
        (lead, "/v1/concerns?limit=1"),
        (lead, "/v1/concerns/none"),
        (service.http(), "/v1/concerns"),
        (service.http(), "/healthz"),
        (service.http(), "/problems/not-found"),
        (service.http(), "/docs"),
    ):
        same = {"X-Request-Id": "the-same-request"}
        whole, head = await caller.get(path, headers=same), await caller.head(path, headers=same)
        assert whole.content, path
        assert head.content == b"", path
        assert (head.status_code, dict(head.headers)) == (whole.status_code, dict(whole.headers)), path
        assert int(head.headers["content-length"]) > 0, path
    held = {"If-None-Match": '"v1"'}
    assert (await lead.head(f"/v1/concerns/{concern['id']}", headers=held)).status_code == 304


async def test_anybody_may_ask_what_can_be_done_at_an_address(service: Service) -> None:
    anybody = service.http()
    for path, expected in (
        ("/v1/concerns", {"allow": "GET, HEAD, OPTIONS, POST", "accept-post": JSON}),
        ("/v1/concerns/x", {"allow": "DELETE, GET, HEAD, OPTIONS, PATCH", "accept-patch": PATCH}),
        ("/v1/forces/x/measures/y/figures/z", {"allow": "GET, HEAD, OPTIONS, PUT"}),
        (
            "/v1/imports",
            {"allow": "OPTIONS, POST", "accept-post": "text/csv, application/x-ndjson, application/ndjson"},
        ),
        ("/v1/pips/x/status", {"allow": "GET, HEAD, OPTIONS"}),
        ("/oauth2/token", {"allow": "OPTIONS, POST"}),
        ("/healthz", {"allow": "GET, HEAD, OPTIONS"}),
    ):
        answer = await anybody.options(path)
        assert (answer.status_code, answer.content) == (204, b""), path
        told = {
            name: answer.headers[name] for name in ("allow", "accept-post", "accept-patch") if name in answer.headers
        }
        assert told == expected, path
    refused(await anybody.options("/v1/nothing"), 401, "missing_credentials")
    refused(await anybody.options("/nothing"), 404, "not_found")


async def test_a_trace_is_passed_on(service: Service) -> None:
    anybody = service.http()
    for path in ("/healthz", "/v1/regions"):
        assert (await anybody.get(path, headers={"traceparent": TRACE})).headers["traceparent"] == TRACE
        for wrong in (TRACE.upper(), TRACE[:-1], f"ff{TRACE[2:]}", f"00-{'0' * 32}-00f067aa0ba902b7-01", "x", ""):
            assert "traceparent" not in (await anybody.get(path, headers={"traceparent": wrong})).headers, wrong


async def test_an_address_has_an_end(service: Service, admin: httpx.AsyncClient) -> None:
    most = 8_192 - len("/v1/regions?q=")
    refused(await admin.get("/v1/regions?q=" + "x" * most), 400, "unknown_query_parameter")
    refused(await admin.get("/v1/regions?q=" + "x" * (most + 2)), 414, "uri_too_long")
    refused(await service.http().get("/v1/" + "x" * 8_192), 414, "uri_too_long")


async def test_a_change_is_not_guarded_by_a_time(lead: httpx.AsyncClient, concern: Record) -> None:
    path, when = f"/v1/concerns/{concern['id']}", {"If-Unmodified-Since": "Sat, 21 Nov 2026 12:00:00 GMT"}
    current: dict[str, Any] = {"json": {"title": "Another"}, "headers": when | {"If-Match": '"v1"'}}
    refused(await lead.patch(path, **current), 400, "use_if_match")
    refused(await lead.request("DELETE", path, headers=when), 400, "use_if_match")
    refused(await lead.post("/v1/concerns", json=CONCERN, headers=when), 400, "use_if_match")
    assert (await lead.get(path, headers=when)).json()["version"] == 1


@dataclass
class Told:
    status: int
    allowed: str | None
    exposed: set[str]


def told(answer: httpx.Response) -> Told:
    exposed = answer.headers.get("access-control-expose-headers", "")
    return Told(
        answer.status_code,
        answer.headers.get("access-control-allow-origin"),
        {each for each in exposed.split(", ") if each},
    )


async def test_no_page_of_another_origin_may_call_unless_named(service: Service, admin: httpx.AsyncClient) -> None:
    assert told(await admin.get("/v1/regions", headers={"Origin": PAGE})) == Told(200, None, set())
    wish = {"Origin": PAGE, "Access-Control-Request-Method": "GET"}
    assert told(await service.http().options("/v1/regions", headers=wish)) == Told(204, None, set())


async def test_pages_of_named_origins_may_call_and_read_what_they_need(settings: Settings) -> None:
    named = settings.model_copy(update={"cors_origins": f"{PAGE},http://localhost:5173"})
    async with running(named) as service:
        lead = await service.caller("force_lead", f"force:{AVON}")
        concern = await a_concern(lead)
        read = await lead.get(f"/v1/concerns/{concern['id']}", headers={"Origin": PAGE})
        assert told(read).allowed == PAGE
        assert {"ETag", "Link", "Location", "RateLimit", "X-Request-Id"} <= told(read).exposed
        assert "access-control-allow-credentials" not in read.headers
        assert "Origin" in read.headers["vary"]
        assert told(await lead.get("/v1/nothing", headers={"Origin": PAGE})).allowed == PAGE
        wish = {
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": "authorization,content-type,if-match",
        }
        asked = await service.http().options("/v1/concerns/x", headers=wish | {"Origin": PAGE})
        assert told(asked).allowed == PAGE
        assert "PATCH" in asked.headers["access-control-allow-methods"]
        for stranger in ("https://evil.example", f"{PAGE}.evil.example", "null"):
            assert told(await lead.get("/v1/regions", headers={"Origin": stranger})).allowed is None
            assert (
                told(await service.http().options("/v1/regions", headers=wish | {"Origin": stranger})).allowed is None
            )


@pytest.mark.parametrize(
    "origins", ["*", "triage.example", "https://triage.example/", "https://a.example, https://b.example"]
)
def test_only_exact_origins_are_taken(monkeypatch: pytest.MonkeyPatch, origins: str) -> None:
    monkeypatch.setenv("PIP_CORS_ORIGINS", origins)
    with pytest.raises(StartRefused, match="PIP_CORS_ORIGINS"):
        load()


async def test_production_is_reached_by_https_only(settings: Settings) -> None:
    async with running(settings.model_copy(update={"environment": "production"})) as service:
        for path in ("/healthz", "/v1/regions", "/v1/nothing", "/docs"):
            answer = await service.http().get(path)
            assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains", path
