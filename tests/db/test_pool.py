"""Does everybody get a good connection to PostgreSQL, or is told that there is none?"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from pip_api.db import pool
from pip_api.db.errors import Unavailable
from pip_api.db.postgres import PostgresDatabase
from pip_api.settings import Settings
from tests.db.asking import ECHO, end_others, opened, outside, told

pytestmark = pytest.mark.parametrize("settings", ["postgresql"], indirect=True)


@pytest.fixture
async def one(settings: Settings) -> AsyncIterator[PostgresDatabase]:
    """A database with one connection."""
    async with opened(settings) as database:
        yield database


async def test_who_leaves_the_queue_takes_no_connection_along(one: PostgresDatabase) -> None:
    async with one.read() as session:
        waiting = [asyncio.create_task(told(one, n)) for n in range(6)]
        await asyncio.sleep(0.01)
        for each in waiting[::2]:
            each.cancel()
        await session.fetch(ECHO, n=0, word="")
        waiting[1].cancel()
    waiting[3].cancel()  # its turn has come, and it does not know yet
    done = await asyncio.gather(*waiting, return_exceptions=True)
    assert [each for each in done if not isinstance(each, asyncio.CancelledError)] == [None]
    await told(one, 1)


async def test_nobody_waits_for_ever(one: PostgresDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "LONGEST_WAIT", 0.05)
    async with one.read():
        with pytest.raises(Unavailable, match="in use"):
            await told(one, 1)
    await told(one, 1)


async def test_an_idle_connection_that_is_lost_costs_nobody_a_request(settings: Settings) -> None:
    async with opened(settings, size=4) as database:
        await asyncio.gather(*(told(database, n) for n in range(16)))
        end_others(settings)
        await asyncio.sleep(0.05)
        await asyncio.gather(*(told(database, n) for n in range(16)))


async def test_a_server_that_is_away_is_unavailable_to_everybody(settings: Settings) -> None:
    async with opened(settings, size=2) as database, database.read():
        database._pool._url = "postgresql://nobody@127.0.0.1:1/nowhere"
        answers = await asyncio.gather(*(told(database, n) for n in range(5)), return_exceptions=True)
        assert [type(each) for each in answers] == [Unavailable] * 5
        database._pool._url = settings.database_url
        await asyncio.gather(*(told(database, n) for n in range(5)))


async def test_connections_grow_old(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def held() -> int:
        return int(outside(settings, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")) - 1

    async with opened(settings, size=4) as database:
        await asyncio.gather(*(told(database, n) for n in range(16)))
        assert await held() == 4
        monkeypatch.setattr(pool, "LONGEST_REST", 0.0)
        for n in range(4):
            await told(database, n)
        assert await held() == 1
        monkeypatch.setattr(pool, "LONGEST_LIFE", 0.0)
        await told(database, 1)
        await asyncio.sleep(0.05)
        assert await held() == 0
        await told(database, 1)


async def test_leaving_gives_every_connection_back(settings: Settings) -> None:
    async with opened(settings, size=2) as database:
        async with database.read() as session, database.read():
            waiting = asyncio.create_task(told(database, 1))
            await asyncio.sleep(0)
            await database.close()
            with pytest.raises(Unavailable):
                await waiting
            assert await session.fetch(ECHO, n=1, word="still there") == [{"n": 1, "word": "still there"}]
        with pytest.raises(Unavailable):
            await told(database, 1)
    await asyncio.sleep(0.05)
    assert outside(settings, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()") == 1
