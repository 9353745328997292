"""How much may a client ask for in a while, how much of it is left, and how is that told?"""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from pip_api.http.problems import Problem
from pip_api.http.rates import Lease, Policy, Rates, Standing
from pip_api.settings import Settings
from tests.plans import AVON, KENT, a_concern
from tests.service import Clock, Service, refused, running

TYPE = "https://iana.org/assignments/http-problem-types#quota-exceeded"


@pytest.fixture
async def strict(settings: Settings) -> AsyncIterator[Service]:
    """A service that lets five requests and two imports of a client through."""
    async with running(limited(settings, 5)) as service:
        service.clock.forward(seconds=20)  # 12:00:20, in a window from 12:00
        yield service


def limited(settings: Settings, quota: int) -> Settings:
    limits = {"rate_limit_requests": quota, "import_limit_requests": 2}
    return settings.model_copy(update=limits)


async def test_the_limit_is_told_and_kept(strict: Service) -> None:
    caller = await strict.caller("national_admin")
    for left in (4, 3, 2, 1, 0):
        answer = await caller.get("/v1/regions")
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == '"default";q=5;w=60, "import";q=2;w=3600'
        assert answer.headers["ratelimit"] == f'"default";r={left};t=40'
    strict.clock.forward(seconds=9.5)
    answer = await caller.get("/v1/regions")
    document = refused(answer, 429, "rate_limited")
    assert document["type"] == TYPE
    assert document["violated-policies"] == ["default"]
    assert answer.headers["ratelimit"] == '"default";r=0;t=31'
    assert answer.headers["retry-after"] == "31"  # not earlier than the 30.5 seconds that are left
    strict.clock.forward(seconds=30)
    refused(await caller.get("/v1/regions"), 429, "rate_limited")
    strict.clock.forward(seconds=0.5)
    answer = await caller.get("/v1/regions")
    assert (answer.status_code, answer.headers["ratelimit"]) == (200, '"default";r=4;t=60')


async def test_each_client_has_a_quota_of_its_own(strict: Service) -> None:
    first, second = (
        await strict.caller("force_reader", f"force:{AVON}"),
        await strict.caller("force_lead", f"force:{KENT}"),
    )
    for _ in range(5):
        assert (await first.get("/v1/regions")).status_code == 200
    refused(await first.get("/v1/regions"), 429, "rate_limited")
    assert (await second.get("/v1/regions")).headers["ratelimit"] == '"default";r=4;t=40'


async def test_the_limit_comes_after_credentials_and_before_all_else(strict: Service) -> None:
    caller = await strict.caller("force_reader", f"force:{AVON}")
    answers = [
        (await caller.get("/v1/nothing"), 404),
        (await caller.put("/v1/regions"), 405),
        (await caller.post("/v1/regions", content=b"{"), 403),
        (await caller.get("/v1/regions?nonsense=1"), 400),
        (await caller.get("/v1/regions", headers={"Accept": "text/html"}), 406),
    ]
    assert [(answer.status_code, answer.headers["ratelimit"]) for answer, _ in answers] == [
        (status, f'"default";r={left};t=40') for left, (_, status) in zip((4, 3, 2, 1, 0), answers, strict=True)
    ]
    for answer in (await caller.get("/v1/nothing"), await caller.put("/v1/regions"), await caller.post("/v1/regions")):
        refused(answer, 429, "rate_limited")
    anybody = strict.http()
    for path in ("/v1/regions", "/healthz", "/problems"):
        answer = await anybody.get(path)
        assert answer.status_code != 429
        assert "ratelimit" not in answer.headers
    assert (await caller.options("/v1/regions")).status_code == 204


async def test_to_find_nothing_new_costs_nothing(strict: Service) -> None:
    lead = await strict.caller("force_lead", f"force:{AVON}")
    concern = await a_concern(lead)
    path, held = f"/v1/concerns/{concern['id']}", {"If-None-Match": '"v1"'}
    for _ in range(12):
        answer = await lead.get(path, headers=held)
        assert (answer.status_code, answer.headers["ratelimit"]) == (304, '"default";r=4;t=40')
    for left in (3, 2, 1, 0):
        assert (await lead.get(path)).headers["ratelimit"] == f'"default";r={left};t=40'
    refused(await lead.get(path, headers=held), 429, "rate_limited")


async def test_imports_have_a_limit_of_their_own(strict: Service) -> None:
    admin = await strict.caller("national_admin")
    file = {"content": b"code,name,unit,cadence\ncalls,Calls,count,month\n", "headers": {"Content-Type": "text/csv"}}
    for left in (1, 0):
        answer = await admin.post("/v1/imports?kind=measures", **file)  # type: ignore[arg-type]
        assert (answer.status_code, answer.headers["ratelimit"]) == (200, f'"import";r={left};t=3580')
    answer = await admin.post("/v1/imports?kind=measures", **file)  # type: ignore[arg-type]
    assert refused(answer, 429, "rate_limited")["violated-policies"] == ["import"]
    assert answer.headers["retry-after"] == "3580"
    assert (await admin.get("/v1/regions")).headers["ratelimit"] == '"default";r=4;t=40'


async def test_no_limit_is_told_where_there_is_none(settings: Settings) -> None:
    free = settings.model_copy(update={"rate_limit_requests": 0, "import_limit_requests": 3})
    async with running(free) as service:
        caller = await service.caller("national_admin")
        answer = await caller.get("/v1/regions")
        assert answer.status_code == 200
        assert "ratelimit" not in answer.headers


async def test_while_a_lease_lasts_nobody_is_asked() -> None:
    asked = 0
    taken = 0

    async def take_lease(client_id: str, policy: Policy, start: int) -> Lease:
        nonlocal asked, taken
        asked += 1
        await asyncio.sleep(0)
        share = min(max((policy.quota - taken) // 20, 1), policy.quota - taken)
        taken += share
        return Lease(share, policy.quota - taken)

    rates = Rates([Policy("default", 600, 60)], Clock(), take_lease)
    standing = rates.standing("mart", "default")
    assert standing is not None
    await asyncio.gather(*(rates.take(standing) for _ in range(600)))
    assert asked < 100
    before = asked
    for _ in range(100):
        with pytest.raises(Problem, match="Wait 60 seconds"):
            await rates.take(standing)
    assert asked == before


async def test_what_is_given_back_counts_in_its_own_window_only() -> None:
    clock = Clock()
    rates = Rates([Policy("default", 2, 60)], clock)
    standing = rates.standing("mart", "default")
    assert isinstance(standing, Standing)
    old = await rates.take(standing)
    clock.forward(seconds=60)
    await rates.take(standing)
    rates.give_back(standing, old)
    assert standing.left == 1
    clock.time -= timedelta(seconds=30)  # a clock that steps back opens no window anew
    await rates.take(standing)
    with pytest.raises(Problem):
        await rates.take(standing)
