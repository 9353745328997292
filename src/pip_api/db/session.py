"""What may be asked of a database inside one unit of work?"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from sqlalchemy import Dialect, String, Table, bindparam, literal, select

from pip_api.db.constructs import held, snapshot_now, taken
from pip_api.db.scopes import Forces
from pip_api.db.statements import Record, Statement

_HOLD = Statement(select(held(bindparam("name", type_=String())).label("held")))
_TAKE = Statement(select(taken(bindparam("name", type_=String())).label("taken")))
_SNAPSHOT = Statement(select(snapshot_now().label("snapshot")))
_PING = Statement(select(literal(1).label("alive")))


class Session(ABC):
    """One connection, lent for a read or for the length of a transaction."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    @abstractmethod
    async def fetch(self, statement: Statement, /, **params: Any) -> list[Record]:
        """All rows of a query."""

    @abstractmethod
    async def run(self, statement: Statement, /, **params: Any) -> int:
        """The number of rows that a write touched. Raises Conflict."""

    @abstractmethod
    async def run_many(self, statement: Statement, params: Sequence[Mapping[str, Any]]) -> None:
        """One write for each set of parameters. Raises Conflict."""

    @abstractmethod
    def stream(self, statement: Statement, /, size: int = 5_000, **params: Any) -> AsyncIterator[list[Record]]:
        """The rows of a query in batches, for results too large to hold."""

    @abstractmethod
    async def stage(self, table: Table, rows: AsyncIterator[Iterable[Sequence[Any]]]) -> None:
        """Fills a temporary table of this transaction, batch by batch, in the order of its columns.

        This is the quick way in for bulk: COPY on PostgreSQL, executemany on SQLite. Values are plain: text, numbers,
        dates as ISO text, None.
        """

    async def hold(self, name: str) -> None:
        """Keeps a name for this transaction alone until it ends. Raises StillHeld when another keeps it too long."""
        await self.fetch(_HOLD, name=name)

    async def take(self, name: str) -> bool:
        """Keeps a name as `hold` does, but only if nobody has it."""
        row = await self.one(_TAKE, name=name)
        return row is not None and bool(row["taken"])

    async def snapshot(self) -> str:
        """Names what is committed at this moment, for statements that are to see the same later."""
        row = await self.one(_SNAPSHOT)
        return str(row["snapshot"]) if row is not None else ""

    async def ping(self) -> None:
        """Asks the database for a sign of life. Raises Unavailable."""
        await self.fetch(_PING)

    async def one(self, statement: Statement, /, **params: Any) -> Record | None:
        """The first row of a query, if there is one."""
        rows = await self.fetch(statement, **params)
        return rows[0] if rows else None


class Database(ABC):
    """A database that sessions come from. `transaction` is the only place that commits."""

    dialect: Dialect

    @abstractmethod
    async def open(self) -> None:
        """Connects. Raises StartRefused with one sentence when it cannot."""

    @abstractmethod
    async def close(self) -> None:
        """Gives every connection back."""

    @abstractmethod
    async def require_walls(self) -> None:
        """Raises StartRefused with one sentence when the database would not hold sessions to their scope."""

    @abstractmethod
    def read(self, scope: Forces | None = None) -> AbstractAsyncContextManager[Session]:
        """A session for single statements, each consistent in itself.

        PostgreSQL lets it reach rows in its scope only, and raises OutOfScope for a write beyond it. SQLite has nothing
        of the kind: there the conditions of the statements (`visible`) are the only wall.
        """

    @abstractmethod
    def transaction(self, scope: Forces | None = None, *, bulk: bool = False) -> AbstractAsyncContextManager[Session]:
        """A session whose writes are committed together when the block ends, or not at all when it raises.

        `bulk` lifts the time limit for one statement, for imports.
        """
