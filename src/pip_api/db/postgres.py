"""How does PostgreSQL run our statements? psycopg 3 on held connections, prepared after a few uses."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection, AsyncRawCursor, AsyncRawServerCursor, errors, sql
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from sqlalchemy import Table, create_engine
from sqlalchemy.schema import CreateTable

from pip_api.db.columns import from_json
from pip_api.db.errors import Conflict, GaveWay, Kind, ReadOnly, StillHeld, Unavailable
from pip_api.db.session import Database, Session
from pip_api.db.statements import Record, Statement
from pip_api.settings import StartRefused

_KINDS: tuple[tuple[type[psycopg.Error], Kind], ...] = (
    (errors.UniqueViolation, "unique"),
    (errors.ExclusionViolation, "overlap"),
    (errors.ForeignKeyViolation, "foreign_key"),
    (errors.RestrictViolation, "refused"),
    (errors.CheckViolation, "refused"),
)


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        for kind, ours in _KINDS:
            if isinstance(error, kind):
                raise Conflict(ours, error.diag.constraint_name or error.diag.message_primary or str(error)) from error
        if isinstance(error, errors.LockNotAvailable):
            raise StillHeld(str(error)) from error
        if isinstance(error, errors.DeadlockDetected):
            raise GaveWay(str(error)) from error
        if isinstance(error, errors.ReadOnlySqlTransaction):
            raise ReadOnly(str(error)) from error
        if isinstance(error, psycopg.OperationalError | PoolTimeout):
            raise Unavailable(str(error)) from error
        raise


class PostgresSession(Session):
    def __init__(self, connection: AsyncConnection[Any], database: "PostgresDatabase") -> None:
        super().__init__(database.dialect)
        self._connection = connection

    async def fetch(self, statement: Statement, /, **params: Any) -> list[Record]:
        compiled = statement.on(self.dialect)
        with _in_our_words():
            cursor = await self._connection.execute(compiled.sql, compiled.bind(params))
            return compiled.records(await cursor.fetchall())

    async def run(self, statement: Statement, /, **params: Any) -> int:
        compiled = statement.on(self.dialect)
        with _in_our_words():
            cursor = await self._connection.execute(compiled.sql, compiled.bind(params))
            return cursor.rowcount

    async def run_many(self, statement: Statement, params: Sequence[Mapping[str, Any]]) -> None:
        if not params:
            return
        compiled = statement.on(self.dialect)
        with _in_our_words():
            async with self._connection.cursor() as cursor:
                await cursor.executemany(compiled.sql, [compiled.bind(each) for each in params])

    async def stream(self, statement: Statement, /, size: int = 5_000, **params: Any) -> AsyncIterator[list[Record]]:
        compiled = statement.on(self.dialect)
        with _in_our_words():
            async with AsyncRawServerCursor(self._connection, "stream") as cursor:
                await cursor.execute(compiled.sql, compiled.bind(params))
                while rows := await cursor.fetchmany(size):
                    yield compiled.records(rows)

    async def stage(self, table: Table, rows: AsyncIterator[Iterable[Sequence[Any]]]) -> None:
        create = str(CreateTable(table).compile(dialect=self.dialect)).strip()
        copy = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(table.name), sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
        )
        with _in_our_words():
            await self._connection.execute(f"{create} ON COMMIT DROP")
            async with self._connection.cursor() as cursor, cursor.copy(copy) as sink:
                async for batch in rows:
                    await sink.write(_copy_text(batch))
            await self._connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table.name)))


def _copy_text(batch: Iterable[Sequence[Any]]) -> str:
    """COPY's text format. Joining in Python is three times as fast as the driver's row by row writing."""
    lines = (
        ["\\N" if value is None else _escape(value) if type(value) is str else str(value) for value in row]
        for row in batch
    )
    return "".join(["\t".join(line) + "\n" for line in lines])


def _escape(text: str) -> str:
    if "\\" in text or "\t" in text or "\n" in text or "\r" in text:
        return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return text


class PostgresDatabase(Database):
    """A pool of connections. `prepare=False` for a PgBouncer in transaction mode."""

    def __init__(self, url: str, *, pool_size: int, statement_timeout_ms: int, prepare: bool = True) -> None:
        self.dialect = create_engine("postgresql+psycopg://", paramstyle="numeric_dollar").dialect
        self._url = url
        self._bulk_begin = (
            "SET LOCAL statement_timeout = 0; SET LOCAL work_mem = '64MB'; SET LOCAL cursor_tuple_fraction = 1"
        )
        self._pool: AsyncConnectionPool[AsyncConnection[Any]] = AsyncConnectionPool(
            url,
            min_size=1,
            max_size=pool_size,
            open=False,
            timeout=2.0,
            kwargs={
                "autocommit": True,
                "prepare_threshold": 5 if prepare else None,
                "cursor_factory": AsyncRawCursor,  # $1 as it is: the other cursors read a long statement anew each time
                "options": " ".join(
                    f"-c {name}={value}"
                    for name, value in {
                        "timezone": "UTC",
                        "datestyle": "ISO",
                        "plan_cache_mode": "force_generic_plan",  # planning anew costs more than the status read itself
                        "jit": "off",  # lists in JSON columns are guessed at 100 members, and compiling costs 0.7 s
                        "statement_timeout": statement_timeout_ms,
                        "lock_timeout": 2_000,
                        "idle_in_transaction_session_timeout": 60_000,
                    }.items()
                ),
            },
        )

    async def open(self) -> None:
        set_json_loads(from_json)
        try:
            async with await AsyncConnection.connect(self._url, connect_timeout=5):
                pass
        except psycopg.Error as error:
            raise StartRefused(f"The database does not answer: {str(error).splitlines()[0]}.") from error
        await self._pool.open()

    async def close(self) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Session]:
        with _in_our_words():
            connection = await self._pool.getconn()
        try:
            yield PostgresSession(connection, self)
        finally:
            await self._give_back(connection)

    @asynccontextmanager
    async def transaction(self, *, bulk: bool = False) -> AsyncIterator[Session]:
        with _in_our_words():
            connection = await self._pool.getconn()
            try:
                async with connection.transaction():
                    if bulk:
                        await connection.execute(self._bulk_begin)
                    yield PostgresSession(connection, self)
            finally:
                await self._give_back(connection)

    async def _give_back(self, connection: AsyncConnection[Any]) -> None:
        lost = connection.closed
        await self._pool.putconn(connection)
        if lost:  # seldom alone: a server that was restarted has cut all, and each would cost somebody a request
            await self._pool.check()
