"""Does every question on PostgreSQL get its own answer, whatever happens in between?"""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, bindparam, func, insert, literal, select, text, update

from pip_api.db import wire
from pip_api.db.constructs import Texts, any_of
from pip_api.db.errors import Conflict, GaveWay, Unavailable
from pip_api.db.postgres import PostgresDatabase
from pip_api.db.statements import Statement
from pip_api.settings import Settings
from tests.db.asking import ECHO, end_others, opened, outside, told
from tests.soak import examples

pytestmark = pytest.mark.parametrize("settings", ["postgresql"], indirect=True)

PAPER = Table("paper", MetaData(), Column("n", Integer(), primary_key=True), Column("word", String()))
NAP = Statement(select(bindparam("n", type_=Integer()).label("n"), func.pg_sleep(bindparam("long")).label("nap")))
READ = Statement(select(PAPER.c.n, PAPER.c.word).where(PAPER.c.n == bindparam("n")))
WRITE = Statement(insert(PAPER).values(n=bindparam("n"), word=bindparam("word")))
RENAME = Statement(update(PAPER).where(PAPER.c.n >= bindparam("least")).values(word=bindparam("to")))
COUNT = Statement(select(func.count().label("papers")).select_from(PAPER))
PREPARED = Statement(select(func.count().label("n")).select_from(text("pg_prepared_statements")))


@pytest.fixture
async def one(settings: Settings) -> AsyncIterator[PostgresDatabase]:
    """A database with one connection, and an empty table."""
    outside(settings, "CREATE TABLE paper (n integer PRIMARY KEY, word text); GRANT ALL ON paper TO pip_app")
    async with opened(settings) as database:
        yield database


async def papers(database: PostgresDatabase) -> int:
    async with database.read() as session:
        (row,) = await session.fetch(COUNT)
    return int(row["papers"])


QUESTIONS = examples(500, 2_000)


async def test_no_answer_reaches_another(settings: Settings) -> None:
    dice = random.Random(7)
    async with opened(settings, size=5) as database:

        async def ask(n: int) -> None:
            if n % 3:
                await told(database, n)
                return
            async with database.transaction() as session:
                for each in (n, n + 1):
                    assert await session.fetch(ECHO, n=each, word="x") == [{"n": each, "word": "x"}]

        left: list[Any] = []

        async def keep_asking(start: int) -> None:
            for n in range(start, start + QUESTIONS):
                if dice.random() > 0.01:
                    await ask(n)
                    continue
                task = asyncio.create_task(ask(n))
                for _ in range(dice.randrange(60)):  # cancelled at every stage of it
                    await asyncio.sleep(0)
                task.cancel()
                left.extend(await asyncio.gather(task, return_exceptions=True))

        await asyncio.gather(*(keep_asking(10_000 * start) for start in range(16)))
        assert {type(each) for each in left} == {type(None), asyncio.CancelledError}


async def test_who_leaves_in_the_middle_leaves_nothing_behind(one: PostgresDatabase, settings: Settings) -> None:
    async def sleep() -> None:
        async with one.transaction() as session:
            await session.run(WRITE, n=1, word="never")
            await session.fetch(NAP, n=1, long=8)

    task = asyncio.create_task(sleep())
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(1.5):
        assert await papers(one) == 0
        async with one.transaction() as session:  # nothing is locked
            await session.run(WRITE, n=1, word="kept")
    assert outside(settings, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(%'") <= 1


async def test_one_session_asks_one_question_at_a_time(one: PostgresDatabase) -> None:
    async with one.read() as session:
        first = asyncio.create_task(session.fetch(NAP, n=1, long=0.05))
        await asyncio.sleep(0.01)
        with pytest.raises(RuntimeError):
            await session.fetch(ECHO, n=2, word="")
        assert [row["n"] for row in await first] == [1]


async def test_a_connection_that_is_lost_in_the_middle_is_replaced(one: PostgresDatabase, settings: Settings) -> None:
    for begun in (False, True):

        async def sleep(unit: Any) -> None:
            async with unit as session:
                await session.fetch(NAP, n=1, long=8)

        task = asyncio.create_task(sleep(one.transaction() if begun else one.read()))
        await asyncio.sleep(0.1)
        await asyncio.to_thread(end_others, settings)
        with pytest.raises(Unavailable):
            await task
        await told(one, 1)

    async def write() -> None:
        async with one.transaction() as session:
            await session.run(WRITE, n=1, word="never")
            end_others(settings)

    with pytest.raises(Unavailable):
        await write()
    assert await papers(one) == 0


async def test_statements_are_prepared_after_a_few_uses_and_few_are_kept(
    one: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MOST_PREPARED", 3)
    many = [Statement(select(bindparam("n", type_=Integer()).label("n"), literal(i).label("i"))) for i in range(6)]
    async with one.read() as session:
        for statement in (*many, *many[::-1]):
            for n in range(8):
                row = await session.one(statement, n=n)
                assert row == {"n": n, "i": many.index(statement)}
        (row,) = await session.fetch(PREPARED)
        assert row["n"] == 3


async def test_behind_a_bouncer_nothing_is_prepared(settings: Settings, one: PostgresDatabase) -> None:
    async with opened(settings, prepare=False) as database:
        for n in range(10):
            async with database.transaction() as session:
                await session.run(WRITE, n=n, word=f"word {n}")
                assert await session.fetch(READ, n=n) == [{"n": n, "word": f"word {n}"}]
                await session.run_many(RENAME, [{"least": n, "to": "a"}, {"least": n, "to": f"word {n}"}])
            await told(database, n)
        async with database.read() as session:
            assert await session.fetch(PREPARED) == [{"n": 0}]
        assert await papers(database) == 10


@pytest.mark.parametrize("how", ["DISCARD ALL", "ALTER TABLE paper ALTER word TYPE", "DEALLOCATE ALL"])
async def test_what_was_prepared_may_go_out_of_date(one: PostgresDatabase, settings: Settings, how: str) -> None:
    async def read(n: int) -> None:
        async with one.transaction() if n % 2 else one.read() as session:
            assert await session.fetch(READ, n=1) == [{"n": 1, "word": "first"}]

    async def upset(kind: str) -> None:
        if how.startswith("ALTER"):
            outside(settings, f"{how} {kind}")
        else:
            async with one.read() as session:
                await session._wire.command(how)  # type: ignore[attr-defined]

    async with one.transaction() as session:
        await session.run(WRITE, n=1, word="first")
    for n in range(12):
        await read(n)
    await upset("varchar(9)")
    for n in range(0, 24, 2):
        await read(n)
    await upset("text")
    with pytest.raises(GaveWay):  # what was done before in this transaction is lost, so that it has to be told again
        await read(1)
    for n in range(12):
        await read(n)


async def test_long_values_go_and_come_whole(one: PostgresDatabase) -> None:
    words = [f"{n:07}" * 40 for n in range(10_000)]
    both = select(
        func.cardinality(bindparam("words", type_=Texts())).label("n"),
        any_of(literal(words[-1]), bindparam("words", type_=Texts())).label("there"),
    )
    long = select(func.repeat(bindparam("word", type_=String()), 100_000).label("long"))
    async with one.transaction() as session:
        assert await session.fetch(Statement(both), words=words) == [{"n": 10_000, "there": True}]
        assert await session.fetch(Statement(long), word="0123456789") == [{"long": "0123456789" * 100_000}]
        await session.run_many(WRITE, [{"n": n, "word": word} for n, word in enumerate(words)])
        assert await session.run(RENAME, least=5_000, to="x") == 5_000
    assert await papers(one) == 10_000


async def test_a_refusal_anywhere_in_a_transaction_leaves_nothing(one: PostgresDatabase) -> None:
    async def write(*rows: dict[str, Any]) -> None:
        async with one.transaction() as session:
            for row in rows:
                await session.run(WRITE, **row)

    async def write_together(*rows: dict[str, Any]) -> None:
        async with one.transaction() as session:
            await session.run_many(WRITE, rows)

    rows = [{"n": 1, "word": "a"}, {"n": 2, "word": "b"}, {"n": 2, "word": "c"}, {"n": 3, "word": "d"}]
    for turn in range(8):  # unprepared and prepared; by the statement that brings BEGIN along, and by a later one
        for refused in (write(*rows), write_together(*rows)):
            with pytest.raises(Conflict) as conflict:
                await refused
            assert (conflict.value.kind, conflict.value.detail) == ("unique", "paper_pkey")
        assert await papers(one) == 0, turn


async def test_a_transaction_that_failed_is_never_taken_for_committed(one: PostgresDatabase) -> None:
    async def go_on_regardless() -> None:
        async with one.transaction() as session:
            await session.run(WRITE, n=1, word="a")
            with pytest.raises(Conflict):
                await session.run(WRITE, n=1, word="b")

    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        await go_on_regardless()
    assert await papers(one) == 0


async def test_a_transaction_in_which_nothing_is_asked_is_none(one: PostgresDatabase) -> None:
    async with one.transaction():
        pass
    with pytest.raises(ZeroDivisionError):
        async with one.transaction():
            raise ZeroDivisionError
    async with one.read() as session:  # no BEGIN is left over from it
        await session.run(WRITE, n=1, word="kept")
    assert await papers(one) == 1
