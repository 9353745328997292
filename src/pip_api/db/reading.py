"""How does PostgreSQL's answer become Python's values, or what is written into an answer of ours as it stands?"""

from collections.abc import Sequence
from typing import Any

import orjson
import psycopg
from psycopg import AsyncConnection, abc, errors
from psycopg.adapt import AdaptersMap, Buffer, Loader, Transformer
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult
from psycopg.types.string import TextLoader

from pip_api.db.columns import from_json
from pip_api.db.statements import Compiled

Row = tuple[Any, ...]


class _Json(Loader):
    """JSON with its numbers exact."""

    def load(self, data: Buffer) -> Any:
        return from_json(data)


class _Piece(Loader):
    """What is JSON already."""

    def load(self, data: Buffer) -> orjson.Fragment:
        return orjson.Fragment(bytes(data))


class Readings:
    """The two ways to read the values of one connection."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self.connection = connection
        self.adapters = AdaptersMap(connection.adapters)
        for kind, loader in (("json", _Piece), ("jsonb", _Piece), ("numeric", _Piece), ("uuid", TextLoader)):
            self.adapters.register_loader(kind, loader)
        for kind in ("json", "jsonb"):
            connection.adapters.register_loader(kind, _Json)

    def reader(self, compiled: Compiled) -> "Reader":
        return Reader(self if compiled.for_answer else self.connection, len(compiled.columns))


class Reader:
    """Reads the answers to one statement. How each column is read, it finds out once: that takes 3 us."""

    __slots__ = ("_columns", "_ready", "_transformer")

    def __init__(self, context: abc.AdaptContext, columns: int) -> None:
        self._transformer = Transformer(context)
        self._columns = columns
        self._ready = False

    def rows(self, result: PGresult) -> list[Row]:
        transformer = self._transformer
        transformer.set_pgresult(result, set_loaders=not self._ready)
        if not self._ready and result.nfields != self._columns:
            raise TypeError(f"{result.nfields} columns came where {self._columns} were asked for")
        self._ready = True
        rows = transformer.load_rows(0, result.ntuples, tuple)
        transformer.set_pgresult(None, set_loaders=False)  # else each statement's last answer stays in memory
        return rows


def last_of(results: Sequence[PGresult]) -> PGresult:
    """The last of good results. Raises the error of the first that is not."""
    for result in results:
        if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            raise errors.error_from_result(result)
    return results[-1]


def is_outdated(error: psycopg.Error) -> bool:
    """Whether a statement must be prepared again: the server forgot it, or its columns are others now."""
    return isinstance(error, errors.InvalidSqlStatementName) or error.diag.source_function == "RevalidateCachedQuery"
