"""How does PostgreSQL run our statements? On held connections, prepared after a few uses."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, NoReturn

import psycopg
from psycopg import errors, sql
from sqlalchemy import Dialect, Table, create_engine
from sqlalchemy.schema import CreateTable

from pip_api.db.errors import Conflict, GaveWay, Kind, OutOfScope, ReadOnly, StillHeld, Unavailable
from pip_api.db.pool import Pool
from pip_api.db.scopes import Forces
from pip_api.db.session import Database, Session
from pip_api.db.statements import Record, Statement
from pip_api.db.walls import GAPS, promises
from pip_api.db.wire import Wire
from pip_api.settings import StartRefused

_BULK = "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL work_mem = '64MB'; SET LOCAL cursor_tuple_fraction = 1"

_OF_A_POLICY = "ExecWithCheckOptions"  # where the server refuses a row; a right that is not granted is another matter

_KINDS: tuple[tuple[type[psycopg.Error], Kind], ...] = (
    (errors.UniqueViolation, "unique"),
    (errors.ExclusionViolation, "overlap"),
    (errors.ForeignKeyViolation, "foreign_key"),
    (errors.RestrictViolation, "refused"),
    (errors.CheckViolation, "refused"),
)


def _raise_in_our_words(error: psycopg.Error) -> NoReturn:
    for kind, ours in _KINDS:
        if isinstance(error, kind):
            raise Conflict(ours, error.diag.constraint_name or error.diag.message_primary or str(error)) from error
    if isinstance(error, errors.InsufficientPrivilege) and error.diag.source_function == _OF_A_POLICY:
        raise OutOfScope(str(error)) from error
    if isinstance(error, errors.LockNotAvailable):
        raise StillHeld(str(error)) from error
    if isinstance(error, errors.DeadlockDetected):
        raise GaveWay(str(error)) from error
    if isinstance(error, errors.ReadOnlySqlTransaction):
        raise ReadOnly(str(error)) from error
    if isinstance(error, psycopg.OperationalError):
        raise Unavailable(str(error)) from error
    raise error


class PostgresSession(Session):
    def __init__(self, wire: Wire, dialect: Dialect) -> None:
        super().__init__(dialect)
        self._wire = wire

    async def fetch(self, statement: Statement, /, **params: Any) -> list[Record]:
        compiled = statement.on(self.dialect)
        try:
            return compiled.records(await self._wire.fetch(compiled, compiled.bind(params)))
        except psycopg.Error as error:
            _raise_in_our_words(error)

    async def run(self, statement: Statement, /, **params: Any) -> int:
        compiled = statement.on(self.dialect)
        try:
            return await self._wire.run(compiled, compiled.bind(params))
        except psycopg.Error as error:
            _raise_in_our_words(error)

    async def run_many(self, statement: Statement, params: Sequence[Mapping[str, Any]]) -> None:
        if not params:
            return
        compiled = statement.on(self.dialect)
        try:
            await self._wire.run(compiled, *[compiled.bind(each) for each in params])
        except psycopg.Error as error:
            _raise_in_our_words(error)

    async def stream(self, statement: Statement, /, size: int = 5_000, **params: Any) -> AsyncIterator[list[Record]]:
        compiled = statement.on(self.dialect)
        try:
            async for rows in self._wire.stream(compiled, compiled.bind(params), size):
                yield compiled.records(rows)
        except psycopg.Error as error:
            _raise_in_our_words(error)

    async def stage(self, table: Table, rows: AsyncIterator[Iterable[Sequence[Any]]]) -> None:
        create = str(CreateTable(table).compile(dialect=self.dialect)).strip()
        copy = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(table.name), sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
        )
        try:
            await self._wire.begin_now()
            with self._wire.lent() as connection:
                await connection.execute(f"{create} ON COMMIT DROP")
                async with connection.cursor() as cursor, cursor.copy(copy) as sink:
                    async for batch in rows:
                        await sink.write(_copy_text(batch))
                await connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table.name)))
        except psycopg.Error as error:
            _raise_in_our_words(error)


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
        self._pool = Pool(
            url,
            size=pool_size,
            prepare=prepare,
            options={
                "timezone": "UTC",
                "datestyle": "ISO",
                "plan_cache_mode": "force_generic_plan",  # planning anew costs more than the status read itself
                "jit": "off",  # lists in JSON columns are guessed at 100 members, and compiling costs 0.7 s
                "statement_timeout": statement_timeout_ms,
                "lock_timeout": 2_000,
                "idle_in_transaction_session_timeout": 60_000,
            },
        )

    async def open(self) -> None:
        try:
            self._pool.give_back(await self._pool.lend())
        except Unavailable as error:
            raise StartRefused(f"The database does not answer: {str(error).splitlines()[0]}.") from error

    async def close(self) -> None:
        await self._pool.close()

    async def require_walls(self) -> None:
        async with self.read() as session:
            gap = await session.one(GAPS, promises=promises())
        if gap is not None:
            raise StartRefused(gap["told"])

    def read(self, scope: Forces | None = None) -> AbstractAsyncContextManager[Session]:
        return _Reading(self._pool, self.dialect, scope)

    @asynccontextmanager
    async def transaction(self, scope: Forces | None = None, *, bulk: bool = False) -> AsyncIterator[Session]:
        wire = await self._pool.lend()
        try:
            wire.begin(scope)
            if bulk:
                await wire.begin_now(_BULK)
            try:
                yield PostgresSession(wire, self.dialect)
            except BaseException:
                await wire.roll_back()
                raise
            await wire.commit()
        except psycopg.Error as error:
            _raise_in_our_words(error)
        finally:
            self._pool.give_back(wire)


class _Reading(AbstractAsyncContextManager[Session]):
    """A connection lent for reading. As a generator this would cost 2 us more for each read."""

    __slots__ = ("_dialect", "_pool", "_scope", "_wire")

    def __init__(self, pool: Pool, dialect: Dialect, scope: Forces | None) -> None:
        self._pool = pool
        self._dialect = dialect
        self._scope = scope

    async def __aenter__(self) -> Session:
        self._wire = await self._pool.lend()
        self._wire.begin_reading(self._scope)
        return PostgresSession(self._wire, self._dialect)

    async def __aexit__(self, *_: object) -> None:
        self._pool.give_back(self._wire)
