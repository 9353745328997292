"""Is anything of what one request may see left for another, whoever lends the connection, however a request ends?"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, nullcontext

import httpx
import pytest
from sqlalchemy import String, bindparam, func, literal_column, select

from pip_api.db.errors import OutOfScope, Unavailable
from pip_api.db.postgres import PostgresDatabase
from pip_api.db.scopes import Forces
from pip_api.db.session import Session
from pip_api.db.statements import Record, Statement
from pip_api.resources.concerns import concerns
from pip_api.settings import Settings
from tests.bouncer import bouncer
from tests.db.asking import outside
from tests.plans import a_concern
from tests.soak import examples

pytestmark = pytest.mark.parametrize("settings", ["postgresql"], indirect=True)

FORCES = ("avon-and-somerset", "cheshire", "derbyshire", "gwent", "kent", "norfolk")
WORKERS = 16
WHOSE = Statement(select(concerns.table.c.force_code))
FAULTY = Statement(select(literal_column("1/0").label("n")))
NAP = Statement(select(func.pg_sleep(literal_column("0.001")).label("nap")))
FOR_THE_CONNECTION = Statement(
    select(func.set_config("pip.forces", bindparam("forces", type_=String()), literal_column("false")).label("forces"))
)


class NaiveDatabase(PostgresDatabase):
    """As it is done in many places: a session begins by saying whose it is, and that counts until another does."""

    @asynccontextmanager
    async def read(self, scope: Forces | None = None) -> AsyncIterator[Session]:
        async with super().read() as session:
            if scope is not None:
                await session.fetch(FOR_THE_CONNECTION, forces=scope.texts[0].decode())
            yield session


class Requests:
    """Requests of all kinds, and what they saw."""

    def __init__(self, database: PostgresDatabase, row: Record, seed: int) -> None:
        self._database = database
        self._row = row
        self._dice = random.Random(seed)
        self.ended: Counter[str] = Counter()
        self.foreign = 0
        self.missing = 0

    async def make(self, number: int) -> None:
        await asyncio.gather(*(self._work(number // WORKERS) for _ in range(WORKERS)))

    async def _work(self, number: int) -> None:
        for _ in range(number):
            request = asyncio.create_task(self._request())
            if self._dice.random() < 0.1:  # whoever asked is gone, at any stage of it
                for _ in range(self._dice.randrange(40)):
                    await asyncio.sleep(0)
                if self._dice.random() < 0.3:
                    await asyncio.sleep(0.002)
                request.cancel()
            try:
                self.ended[await request] += 1
            except asyncio.CancelledError:
                self.ended["cancelled"] += 1

    async def _request(self) -> str:
        dice = self._dice
        mine = None if dice.random() < 0.1 else Forces(dice.sample(FORCES, dice.choice((1, 1, 2, len(FORCES)))))
        begin = dice.choice((self._database.read, self._database.transaction))
        end = dice.choice(("answered", "answered", "answered", "failed", "left", "beyond"))
        try:
            async with begin(mine) as session:
                for _ in range(dice.randrange(1, 4)):
                    self._look(await session.fetch(WHOSE), mine)
                if end == "failed":
                    await session.fetch(FAULTY)
                if end == "left":
                    await session.fetch(NAP)
                    raise LookupError
                if end == "beyond":
                    await session.run(concerns.insert, **self._row)
        except LookupError:
            return end
        except OutOfScope:
            return end
        except Unavailable:  # no connection came free in time: that is an end like others
            return "unavailable"
        except Exception as error:
            if "division by zero" in str(error) or "concern_pkey" in str(error):
                return end
            raise
        return "answered"

    def _look(self, rows: list[Record], mine: Forces | None) -> None:
        seen, allowed = {row["force_code"] for row in rows}, set(mine or ())
        self.foreign += len(seen - allowed)
        self.missing += len(allowed - seen)


@pytest.fixture
async def row(settings: Settings, admin: httpx.AsyncClient) -> Record:
    """One of the rows that are there: one of each force."""
    for force in FORCES:
        await a_concern(admin, force_code=force)
    return {name: outside(settings, f"SELECT {name} FROM concern LIMIT 1") for name in concerns.names}


@pytest.fixture(params=["directly", "pgbouncer"])
def url(request: pytest.FixtureRequest, settings: Settings) -> Iterator[str]:
    pooled = bouncer(settings.database_url) if request.param == "pgbouncer" else nullcontext(settings.database_url)
    with pooled as address:
        yield address


async def sent(database: PostgresDatabase, row: Record, number: int) -> Requests:
    requests = Requests(database, row, seed=number)
    await database.open()
    try:
        await requests.make(number)
    finally:
        await database.close()
    assert set(requests.ended) >= {"answered", "failed", "left", "beyond", "cancelled"}
    return requests


def size(url: str, settings: Settings) -> tuple[int, bool]:
    """Connections, more than PgBouncer has, and whether statements are prepared, which they are not behind it."""
    return (4, True) if url == settings.database_url else (12, False)


async def test_no_request_sees_rows_of_another(settings: Settings, url: str, row: Record) -> None:
    connections, prepare = size(url, settings)
    database = PostgresDatabase(url, pool_size=connections, statement_timeout_ms=10_000, prepare=prepare)
    number = examples(2_400, 200_000)
    requests = await sent(database, row, number)
    print(f"{number} requests: {dict(requests.ended)}, {requests.foreign} foreign rows")
    assert (requests.foreign, requests.missing) == (0, 0)


async def test_what_counts_for_a_connection_is_found_out(settings: Settings, url: str, row: Record) -> None:
    """The test above would fail for it: so it is not blind."""
    connections, prepare = size(url, settings)
    database = NaiveDatabase(url, pool_size=connections, statement_timeout_ms=10_000, prepare=prepare)
    requests = await sent(database, row, 640)
    assert requests.foreign > 0
