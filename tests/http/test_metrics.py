"""What has the service done so far, in numbers for Prometheus?"""

import httpx
import pytest

from pip_api.settings import Settings, StartRefused, load
from tests.plans import AVON, a_concern
from tests.service import Service, refused, running

METRICS = "a-token-for-prometheus"


def sample(page: str, name: str) -> float:
    """The value of a line of Prometheus's text format."""
    return next((float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith(name + " ")), 0.0)


async def test_what_was_done_is_counted_for_those_who_have_the_token(settings: Settings) -> None:
    update = {"metrics_token": METRICS, "rate_limit_requests": 4}
    async with running(Settings(**(settings.model_dump() | update))) as service:
        lead = await service.caller("force_lead", f"force:{AVON}")
        concern = await a_concern(lead)
        await lead.get(f"/v1/concerns/{concern['id']}", headers={"If-None-Match": '"v1"'})
        await lead.get("/v1/concerns/none")
        await lead.get("/v1/nothing-of-the-kind")
        await lead.get("/v1/concerns")
        await lead.get("/v1/concerns")
        anybody, prometheus = service.http(), service.http(Authorization=f"Bearer {METRICS}")
        for caller in (anybody, lead, service.http(Authorization="Bearer another-token-altogether")):
            answer = await caller.get("/metrics")
            refused(answer, 401, "invalid_token")
            assert answer.headers["www-authenticate"].startswith("Bearer")
        answer = await prometheus.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=")
        page = answer.text
        for operation, status, times in (
            ("createConcern", "2xx", 1),
            ("getConcern", "3xx", 1),
            ("getConcern", "4xx", 1),
            ("listConcerns", "2xx", 1),
            ("listConcerns", "4xx", 1),
            ("createToken", "2xx", 1),
            ("none", "4xx", 1),
        ):
            labels = f'{{operation="{operation}",status="{status}"}}'
            assert sample(page, f"pip_api_request_seconds_count{labels}") == times, labels
        assert sample(page, 'pip_api_refused_total{code="rate_limited"}') == 1
        assert sample(page, "pip_api_requests_running") == 1
        assert sample(page, "process_resident_memory_bytes") > 0
        assert concern["id"] not in page
        assert "nothing-of-the-kind" not in page
    async with running(Settings(**(settings.model_dump() | update))) as other:
        page = (await other.http(Authorization=f"Bearer {METRICS}").get("/metrics")).text
        assert "createConcern" not in page


async def test_without_a_token_for_them_there_are_no_metrics(service: Service, admin: httpx.AsyncClient) -> None:
    refused(await service.http().get("/metrics"), 404, "not_found")
    refused(await admin.get("/metrics"), 404, "not_found")


def test_a_token_that_could_be_guessed_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_METRICS_TOKEN", "short")
    with pytest.raises(StartRefused, match="PIP_METRICS_TOKEN") as refusal:
        load()
    assert "short" not in str(refusal.value).replace("too_short", "")
    monkeypatch.setenv("PIP_METRICS_TOKEN", METRICS)
    assert METRICS not in repr(load())
