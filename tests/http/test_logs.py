"""In which form does the service say what it does?"""

import json
import logging
from collections.abc import Callable, Iterator

import httpx
import pytest
import structlog
from structlog.testing import capture_logs

from pip_api.http import logs
from tests.plans import CONCERN
from tests.service import Record, Service

Said = Callable[[], str]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Iterator[Said]:
    """What was written to the standard error stream since it was asked for last; afterwards all is as it was."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield lambda: capsys.readouterr().err
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(said: Said) -> list[Record]:
    return [json.loads(line) for line in said().splitlines()]


async def test_each_request_is_told_in_one_line(service: Service, lead: httpx.AsyncClient, concern: Record) -> None:
    path, named = f"/v1/concerns/{concern['id']}", {"X-Request-Id": "the-request-of-november"}
    with capture_logs() as told:
        answer = await lead.get(f"{path}?fields=title", headers=named)
        await service.http().get("/v1/nothing?access_token=abc")
        await service.http().head("/healthz")
    lead_id = "force-lead-1"
    assert [{**each, "duration_ms": None} for each in told] == [
        {
            "event": "answered", "log_level": "info", "method": "GET", "operation": "getConcern", "status": 200,
            "duration_ms": None, "bytes": len(answer.content), "client_id": lead_id,
        },
        {
            "event": "answered", "log_level": "info", "method": "GET", "path": "/v1/nothing", "status": 401,
            "duration_ms": None, "bytes": told[1]["bytes"], "client_id": None,
        },
        {
            "event": "answered", "log_level": "info", "method": "HEAD", "operation": "getHealth", "status": 200,
            "duration_ms": None, "bytes": 0, "client_id": None,
        },
    ]  # fmt: skip
    assert all(0 < each["duration_ms"] < 10_000 for each in told)


async def test_every_line_of_a_request_has_its_id(
    admin: httpx.AsyncClient, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        logging.getLogger("a.library").warning("something %s", "odd")
        raise RuntimeError("the cause")

    monkeypatch.setattr("pip_api.ledger.entries.record", fail)
    logs.configure(json=True, level="info")
    await admin.post("/v1/concerns?reason=sentinel-reason", json=CONCERN, headers={"X-Request-Id": "request-17"})
    odd, failed, answered = lines(said)
    assert {each["request_id"] for each in (odd, failed, answered)} == {"request-17"}
    assert (odd["event"], odd["level"], odd["logger"]) == ("something odd", "warning", "a.library")
    assert failed["level"] == "error"
    assert "RuntimeError: the cause" in failed["exception"]
    assert (answered["operation"], answered["status"]) == ("createConcern", 500)
    assert answered["at"].endswith("Z")


async def test_no_line_has_a_token_a_body_or_a_query(
    service: Service, admin: httpx.AsyncClient, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("the cause")

    client_id, secret = await service.new_client("force_reader", "force:kent")
    for form in (True, False):
        logs.configure(json=form, level="debug")
        wrong = {"Authorization": "Bearer sentinel-token"}
        await service.http().get("/v1/regions?q=sentinel-query", headers=wrong)
        await service.http().get("/x%0D%0Aforged: line", params={"access_token": "sentinel-query"})
        await service.http().post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=(client_id, secret))
        await admin.post("/v1/concerns?reason=sentinel-query", json=CONCERN | {"title": "sentinel-body", "x": 1})
        made = await admin.post("/v1/concerns?reason=sentinel-query", json=CONCERN | {"title": "sentinel-body"})
        assert made.status_code == 201
        with monkeypatch.context() as failing:
            failing.setattr("pip_api.ledger.entries.record", fail)
            await admin.post("/v1/concerns?reason=sentinel-query", json=CONCERN | {"title": "sentinel-body"})
    text = said()
    assert "RuntimeError: the cause" in text
    bearer = admin.headers["authorization"].removeprefix("Bearer ")
    for hidden in ("sentinel-token", "sentinel-query", "sentinel-body", secret, bearer):
        assert hidden not in text
    assert not any(line.startswith("forged") for line in text.splitlines())


async def test_what_is_below_the_level_is_not_said(admin: httpx.AsyncClient, said: Said) -> None:
    logs.configure(json=True, level="warning")
    await admin.get("/v1/regions")
    logging.getLogger("uvicorn.error").info("Started")
    assert said() == ""
    logging.getLogger("uvicorn.error").warning("Odd")
    assert [each["event"] for each in lines(said)] == ["Odd"]


async def test_in_development_lines_are_for_people(admin: httpx.AsyncClient, said: Said) -> None:
    logs.configure(json=False, level="info")
    await admin.get("/v1/regions")
    logging.getLogger("uvicorn.error").info("Started")
    first, second = said().splitlines()
    assert "answered" in first
    assert "operation=listRegions" in first
    assert "Started" in second
