"""What becomes of a unit of work, also when the database has had enough?"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import closing
from typing import Any

import psycopg
import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, bindparam, func, insert, select, update

from pip_api.db import sqlite
from pip_api.db.errors import Conflict, Unavailable
from pip_api.db.session import Database
from pip_api.db.statements import Statement
from pip_api.resources.measures import measures
from pip_api.settings import Settings
from tests.db.asking import end_others
from tests.plans import CONCERN, MEASURE, made
from tests.postgres import unguarded
from tests.service import Service, refused, running

on_sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("settings", ["postgresql"], indirect=True)

STAGE = Table("stage", MetaData(), Column("n", Integer()), Column("word", String()), prefixes=["TEMPORARY"])
_STAGED = Statement(select(STAGE.c.n, STAGE.c.word).order_by(STAGE.c.n))
_INSERT = Statement(insert(STAGE).values(n=bindparam("n"), word=bindparam("word")))
_MEASURES = Statement(select(func.count().label("n")).select_from(measures.table))
_COUNT = Statement(select(func.count().label("n")).select_from(STAGE))


async def batches(*rows: list[Sequence[Any]]) -> AsyncIterator[Iterable[Sequence[Any]]]:
    for each in rows:
        yield each


async def test_bulk_comes_in_as_it_was_and_goes_out_in_batches(database: Database) -> None:
    words = ["plain", "tab\there", "new\nline\r", "back\\slash", "\\N", "é\U0001f600", '"', "", None]
    rows: list[Sequence[Any]] = list(enumerate(words))
    async with database.transaction(bulk=True) as session:
        await session.stage(STAGE, batches(rows[:4], [], rows[4:]))
        assert [row["word"] for row in await session.fetch(_STAGED)] == words
        streamed = [batch async for batch in session.stream(_STAGED, size=4)]
        assert [len(batch) for batch in streamed] == [4, 4, 1]
        assert [row["word"] for batch in streamed for row in batch] == words
        await session.run_many(_INSERT, [{"n": 100, "word": "x"}, {"n": 101, "word": None}])
        await session.run_many(_INSERT, [])
        assert await session.one(_COUNT) == {"n": 11}
    async with database.transaction() as session:  # the table of one transaction is not there in the next
        await session.stage(STAGE, batches([(1, "again")]))
        assert await session.fetch(_STAGED) == [{"n": 1, "word": "again"}]


async def test_whoever_works_for_ever_can_be_cancelled_at_every_stage(database: Database) -> None:
    over = False

    async def work() -> None:
        while not over:
            async with database.transaction():
                await asyncio.sleep(0)

    for turns in range(30):
        task = asyncio.create_task(work())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=5)
        over = not done  # so that the test ends
        assert done, turns


async def test_a_cancelled_transaction_leaves_the_next_one_free(database: Database) -> None:
    async def write() -> None:
        async with database.transaction() as session:
            await session.stage(STAGE, batches([(1, "kept")]))

    for turns in range(12):  # cancelled at every stage of it
        task = asyncio.create_task(write())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.wait_for(write(), 10)


def a_measure(service: Service, code: str) -> dict[str, Any]:
    """A row of the measure table."""
    sent = measures.accepted(MEASURE | {"code": code})
    times = dict.fromkeys(("created_at", "updated_at"), service.clock())
    return sent | times | {"id": service.services.new_id(), "version": 1, "withdrawn_at": None}


async def test_a_unit_of_work_is_kept_whole_or_not_at_all(service: Service) -> None:
    database = service.services.database

    async def number() -> int:
        async with database.read() as session:
            (row,) = await session.fetch(_MEASURES)
        return int(row["n"])

    async def write(*codes: str) -> None:
        async with database.transaction() as session:
            for code in codes:
                await session.run(measures.insert, **a_measure(service, code))
            assert await session.fetch(_MEASURES) == [{"n": before + len(codes)}]
            assert await number() == before  # nobody else sees it yet

    before = await number()
    with pytest.raises(Conflict) as conflict:
        await write("one-more", "one-more")
    assert conflict.value.kind == "unique"
    with pytest.raises(Conflict) as conflict:
        await write("one-more", "another")
    assert conflict.value.kind == "foreign_key"  # they have no entries in the ledger
    assert await number() == before
    admin = await service.caller("national_admin")
    await made(admin, "/v1/measures", **MEASURE)  # the connections are good for more
    assert await number() == before + 1


@on_postgresql
async def test_a_statement_that_takes_too_long_is_given_up(settings: Settings) -> None:
    async with running(settings.model_copy(update={"statement_timeout_ms": 100})) as service:
        admin = await service.caller("national_admin")
        with psycopg.connect(unguarded(settings)) as other:
            other.execute("LOCK TABLE concern IN ACCESS EXCLUSIVE MODE")
            for answer in (await admin.get("/v1/concerns"), await admin.post("/v1/concerns", json=CONCERN)):
                refused(answer, 503, "temporarily_unavailable")
                assert answer.headers["retry-after"] == "1"
                assert "statement" not in answer.text
        assert (await admin.get("/v1/concerns")).json()["items"] == []
        assert (await admin.post("/v1/concerns", json=CONCERN)).status_code == 201


@on_postgresql
async def test_a_lost_connection_is_replaced(settings: Settings, service: Service) -> None:
    admin = await service.caller("national_admin")
    for method, path in (("GET", "/readyz"), ("POST", "/v1/concerns")):
        assert (await admin.get("/v1/concerns")).status_code == 200
        end_others(settings)
        answer = await admin.request(method, path, json=CONCERN)
        if not answer.is_success:  # nobody had noticed yet
            refused(answer, 503, "temporarily_unavailable")
            assert answer.headers["retry-after"] == "1"
        assert (await admin.request(method, path, json=CONCERN)).is_success


@on_postgresql
async def test_bulk_may_take_its_time(settings: Settings) -> None:
    nap = Statement(select(func.pg_sleep(0.2).label("nap")))
    async with running(settings.model_copy(update={"statement_timeout_ms": 100})) as service:
        database = service.services.database

        async def sleep(*, bulk: bool) -> None:
            async with database.transaction(bulk=bulk) as session:
                await session.run(nap)

        with pytest.raises(Unavailable):
            await sleep(bulk=False)
        await sleep(bulk=True)
        with pytest.raises(Unavailable):  # the time was lent for one transaction
            await sleep(bulk=False)


@on_sqlite
async def test_a_file_that_somebody_else_writes_is_busy(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "PRAGMAS", (*sqlite.PRAGMAS, "PRAGMA busy_timeout = 50"))
    async with running(settings) as service:
        admin = await service.caller("national_admin")
        with closing(sqlite3.connect(settings.database_url.removeprefix("sqlite:///"))) as other:
            other.execute("BEGIN IMMEDIATE")
            answer = await admin.post("/v1/concerns", json=CONCERN)
            refused(answer, 503, "temporarily_unavailable")
            assert answer.headers["retry-after"] == "1"
            assert (await admin.get("/v1/concerns")).json()["items"] == []  # readers wait for nobody
            other.rollback()
        assert (await admin.post("/v1/concerns", json=CONCERN)).status_code == 201


async def test_a_conflict_is_told_alike_by_both(service: Service) -> None:
    taken = Statement(update(measures.table).values(version=measures.table.c.version + 2))
    admin = await service.caller("national_admin")
    await made(admin, "/v1/measures", **MEASURE)

    async def write() -> None:
        async with service.services.database.transaction() as session:
            await session.run(taken)

    with pytest.raises(Conflict) as conflict:
        await write()
    assert conflict.value.kind == "refused"
    assert conflict.value.detail == "measure: an update must raise the version by one"
