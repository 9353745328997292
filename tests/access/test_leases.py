"""How do several processes on one PostgreSQL share what a client may ask for?"""

import asyncio
from contextlib import AsyncExitStack

import httpx
import pytest

from pip_api.access.leases import SharedLeases
from pip_api.http.rates import Policy
from pip_api.settings import Settings
from tests.postgres import take_no_changes, unguarded
from tests.service import Service, refused, running

pytestmark = pytest.mark.parametrize("settings", ["postgresql"], indirect=True)

NOON = 1_795_262_400
HUNDRED = Policy("default", 100, 60)


def limited(settings: Settings, quota: int) -> Settings:
    return settings.model_copy(update={"rate_limit_requests": quota})


async def test_two_processes_never_let_more_through_than_one_may(settings: Settings) -> None:
    """However the requests fall on them, and also when the clocks of the two differ by a moment."""
    async with AsyncExitStack() as stack:
        services = [await stack.enter_async_context(running(limited(settings, 100))) for _ in range(2)]
        services[1].clock.forward(seconds=0.5)
        caller = await services[0].caller("national_admin")
        callers = [caller, services[1].http(Authorization=caller.headers["authorization"])]
        for _ in range(3):
            passed = 0
            for _ in range(6):  # no more at once than a busy machine can serve in time
                answers = await asyncio.gather(*(callers[n % 2].get("/v1/regions") for n in range(25)))
                passed += [answer.status_code for answer in answers].count(200)
            assert 90 <= passed <= 100
            refused(await callers[0].get("/v1/regions"), 429, "rate_limited")
            refused(await callers[1].get("/v1/regions"), 429, "rate_limited")
            for service in services:
                service.clock.forward(seconds=60)


async def test_a_process_that_went_away_takes_little_with_it(settings: Settings) -> None:
    async with running(limited(settings, 100)) as first:
        caller = await first.caller("national_admin")
        assert (await caller.get("/v1/regions")).headers["ratelimit"] == '"default";r=99;t=60'
    async with running(limited(settings, 100)) as second:
        again = second.http(Authorization=caller.headers["authorization"])
        answers = [(await again.get("/v1/regions")).status_code for _ in range(100)]
        assert answers == [200] * 95 + [429] * 5


async def test_a_database_that_takes_no_writes_still_answers(settings: Settings, service: Service) -> None:
    token = (await service.caller("national_admin")).headers["authorization"]
    take_no_changes(unguarded(settings))
    async with running(limited(settings, 5)) as standby:
        caller: httpx.AsyncClient = standby.http(Authorization=token)
        assert [(await caller.get("/v1/regions")).status_code for _ in range(6)] == [200] * 5 + [429]


async def test_leases_become_smaller_and_add_up_to_the_quota(service: Service) -> None:
    take = SharedLeases(service.services.database)
    leases = [await take("mart", HUNDRED, NOON) for _ in range(70)]
    granted = [lease.granted for lease in leases]
    assert granted[:3] == [5, 4, 4]
    assert granted == sorted(granted, reverse=True)
    assert sum(granted) == 100
    assert [lease.beyond for lease in leases[:2]] == [95, 91]
    assert (leases[-1].granted, leases[-1].beyond) == (0, 0)
    assert (await take("another", HUNDRED, NOON)).granted == 5


async def test_leases_taken_at_once_add_up_too(service: Service) -> None:
    take = SharedLeases(service.services.database)
    leases = await asyncio.gather(*(take("mart", HUNDRED, NOON) for _ in range(80)))
    assert sum(lease.granted for lease in leases) == 100


async def test_a_clock_that_is_behind_opens_no_window_again(service: Service) -> None:
    take = SharedLeases(service.services.database)
    before, after = await take("mart", HUNDRED, NOON), await take("mart", HUNDRED, NOON + 60)
    assert (before.beyond, after.beyond) == (95, 95)
    assert (await take("mart", HUNDRED, NOON)).beyond == 91  # of the later window
    assert (await take("mart", HUNDRED, NOON + 60)).beyond == 87


async def test_a_smaller_quota_counts_at_once(service: Service) -> None:
    take = SharedLeases(service.services.database)
    for _ in range(3):
        await take("mart", HUNDRED, NOON)
    less = await take("mart", Policy("default", 10, 60), NOON)
    assert (less.granted, less.beyond) == (0, 0)
