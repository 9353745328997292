"""How does SQLite run our statements? One writer and a few readers on a database in WAL mode."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiosqlite
from sqlalchemy import Dialect, Table, create_engine
from sqlalchemy.schema import CreateTable

from pip_api.db.errors import Conflict, Kind, ReadOnly, Unavailable
from pip_api.db.scopes import Forces
from pip_api.db.session import Database, Session
from pip_api.db.statements import Record, Statement
from pip_api.settings import StartRefused

PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA recursive_triggers = ON",  # else INSERT OR REPLACE walks past the triggers that refuse a deletion
    "PRAGMA busy_timeout = 5000",
)

LONGEST_WAIT = 5.0  # seconds, for another transaction to end

_KINDS: dict[str, Kind] = {"unique": "unique", "overlap": "overlap"}  # the first words of our triggers' refusals
_PASSING = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_CANTOPEN")


class DecimalSum:
    """An exact sum: SQLite's own works in binary floating point."""

    def __init__(self) -> None:
        self.total: Decimal | None = None

    def step(self, value: str | None) -> None:
        if value is not None:
            self.total = (self.total or Decimal(0)) + Decimal(value)

    def finalize(self) -> str | None:
        return None if self.total is None else format(self.total, "f")


def padded(number: str) -> str:
    """1.10 as 0001.0010: see `pip_api.db.constructs.padded`."""
    return ".".join(part.zfill(4) for part in number.split("."))


def prepare(connection: sqlite3.Connection) -> None:
    """What every connection needs, the service's and a migration's alike."""
    for pragma in PRAGMAS:
        connection.execute(pragma)
    connection.create_aggregate("decimal_sum", 1, DecimalSum)  # type: ignore[arg-type]  # it may well answer None
    connection.create_function("padded", 1, padded, deterministic=True)


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError as error:
        message = str(error)
        if error.sqlite_errorname in ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"):
            raise Conflict("unique", message) from error
        if error.sqlite_errorname == "SQLITE_CONSTRAINT_FOREIGNKEY":
            raise Conflict("foreign_key", message) from error
        raise Conflict(_KINDS.get(message.partition(":")[0], "refused"), message) from error
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname.startswith("SQLITE_READONLY"):
            raise ReadOnly(str(error)) from error
        if error.sqlite_errorname.startswith(_PASSING):
            raise Unavailable(str(error)) from error
        raise


class SqliteSession(Session):
    """`begin` is called before a write; it does nothing the second time."""

    def __init__(
        self, connection: aiosqlite.Connection, dialect: Dialect, begin: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        super().__init__(dialect)
        self._connection = connection
        self._begin = begin

    async def fetch(self, statement: Statement, /, **params: Any) -> list[Record]:
        compiled = statement.on(self.dialect)
        with _in_our_words():
            rows = await self._connection.execute_fetchall(compiled.sql, compiled.bind(params))
        return compiled.records(rows)

    async def run(self, statement: Statement, /, **params: Any) -> int:
        await self._write()
        compiled = statement.on(self.dialect)
        with _in_our_words():
            async with self._connection.execute(compiled.sql, compiled.bind(params)) as cursor:
                return cursor.rowcount

    async def run_many(self, statement: Statement, params: Sequence[Mapping[str, Any]]) -> None:
        if not params:
            return
        await self._write()
        compiled = statement.on(self.dialect)
        with _in_our_words():
            await self._connection.executemany(compiled.sql, [compiled.bind(each) for each in params])

    async def stream(self, statement: Statement, /, size: int = 5_000, **params: Any) -> AsyncIterator[list[Record]]:
        compiled = statement.on(self.dialect)
        with _in_our_words():
            async with self._connection.execute(compiled.sql, compiled.bind(params)) as cursor:
                while rows := await cursor.fetchmany(size):
                    yield compiled.records(rows)

    async def stage(self, table: Table, rows: AsyncIterator[Iterable[Sequence[Any]]]) -> None:
        create = str(CreateTable(table).compile(dialect=self.dialect)).strip()
        marks = ", ".join("?" for _ in table.columns)
        with _in_our_words():
            await self._connection.execute(f"DROP TABLE IF EXISTS temp.{table.name}")
            await self._connection.execute(create)
            async for batch in rows:  # each in a transaction of its own, which only the temporary table takes part in
                await self._connection.execute("SAVEPOINT staged")
                await self._connection.executemany(f"INSERT INTO temp.{table.name} VALUES ({marks})", batch)
                await self._connection.execute("RELEASE staged")

    async def _write(self) -> None:
        if self._begin is not None:
            await self._begin()


class SqliteDatabase(Database):
    """One writer, since SQLite has room for one, and readers that never wait for it."""

    def __init__(self, path: Path, *, readers: int) -> None:
        self.dialect = create_engine("sqlite://").dialect
        self._path = path
        self._writing = asyncio.Lock()
        self._reader_count = readers
        self._connections: list[aiosqlite.Connection] = []
        self._readers: asyncio.LifoQueue[aiosqlite.Connection] = asyncio.LifoQueue()

    async def open(self) -> None:
        try:
            for _ in range(self._reader_count + 1):
                self._connections.append(await self._connected())
        except (sqlite3.Error, OSError) as error:
            await self.close()
            raise StartRefused(f"The database {self._path} cannot be opened: {error}.") from error
        for reader in self._connections[1:]:
            self._readers.put_nowait(reader)

    async def _connected(self) -> aiosqlite.Connection:
        connection = await aiosqlite.connect(self._path, isolation_level=None)
        try:
            await connection._execute(prepare, connection._conn)  # type: ignore[no-untyped-call]
        except BaseException:
            await connection.close()
            raise
        return connection

    async def close(self) -> None:
        for connection in self._connections:
            await connection.close()
        self._connections.clear()

    async def require_walls(self) -> None:
        """SQLite knows no roles, and whoever may read the file may read it whole."""

    @asynccontextmanager
    async def read(self, scope: Forces | None = None) -> AsyncIterator[Session]:
        connection = await self._readers.get()
        try:
            yield SqliteSession(connection, self.dialect)
        finally:
            self._readers.put_nowait(connection)

    @asynccontextmanager
    async def transaction(self, scope: Forces | None = None, *, bulk: bool = False) -> AsyncIterator[Session]:
        async with AsyncExitStack() as held:
            connection = self._connections[0]
            if bulk:  # a connection of its own, so that others write on while its file is read
                with _in_our_words():
                    connection = await self._connected()
                held.push_async_callback(connection.close)
            begun = False

            async def begin() -> None:
                nonlocal begun
                if not begun:
                    await held.enter_async_context(self._turn(connection))
                    begun = True

            if not bulk:
                await begin()
            yield SqliteSession(connection, self.dialect, begin)

    @asynccontextmanager
    async def _turn(self, connection: aiosqlite.Connection) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(LONGEST_WAIT):  # in Python 3.11 wait_for may forget that it was cancelled
                await self._writing.acquire()
        except TimeoutError:
            raise Unavailable("another transaction is writing") from None
        try:
            with _in_our_words():
                try:
                    await connection.execute("BEGIN IMMEDIATE")
                    yield
                    await connection.execute("COMMIT")
                except BaseException:
                    await connection.rollback()  # does nothing where nothing has begun, or all is committed
                    raise
        finally:
            self._writing.release()
