"""How does one connection to PostgreSQL put a question and take the answer?

psycopg connects, writes and reads values and makes errors; the questions go through psycopg.pq, its binding of libpq.
For each question a cursor of psycopg's makes a query, a generator, a lock and a timer, and for each wait it adds a
reader to the event loop and removes it again: 89 us of the processor for a read of one plan, where this takes 26.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any

import psycopg
from psycopg import AsyncConnection, errors
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

from pip_api.db.errors import GaveWay
from pip_api.db.reading import Reader, Readings, Row, is_outdated, last_of
from pip_api.db.scopes import Forces
from pip_api.db.scoping import Scoping
from pip_api.db.statements import Compiled

USES_BEFORE_PREPARED = 5
MOST_PREPARED = 100  # a list has a statement for each set of filters, and each costs the server memory
CANCELLED_WITHIN = 2.0  # seconds

# Text both ways: binary is no faster to read (51 rows of 20 columns in 113 us, as text in 110), and text leaves it to
# the server which kind of integer a 5 is.
_TEXT = [PyFormat.TEXT]

Values = Sequence[Any]


class _Prepared:
    """A statement that the server knows by name."""

    __slots__ = ("name", "reader")

    def __init__(self, name: bytes, reader: Reader) -> None:
        self.name = name
        self.reader = reader


class Wire:
    """A connection. It belongs to one session at a time, and answers one question at a time."""

    def __init__(self, connection: AsyncConnection[Any], *, prepare: bool) -> None:
        self._connection = connection
        self._pgconn = connection.pgconn
        self._socket = connection.pgconn.socket
        self._loop = asyncio.get_running_loop()
        self._prepare = prepare
        self._prepared: OrderedDict[Compiled, _Prepared] = OrderedDict()
        self._uses: dict[Compiled, int] = {}
        self._names = count(1)
        self._dump = Transformer(connection).dump_sequence
        self._readings = Readings(connection)
        self._scoping = Scoping(self._pgconn, self._new_name, prepare=prepare)
        self._to_begin = False
        self._answer: asyncio.Future[list[PGresult]] | None = None
        self._results: list[PGresult] = []
        self._watched = False
        self._watch()
        self.made_at = self.idle_since = self._loop.time()

    @property
    def closed(self) -> bool:
        """Whether the connection is lost, or was closed."""
        return self._pgconn.status == ConnStatus.BAD

    @property
    def idle(self) -> bool:
        """Whether another session can have it: no answer is outstanding, and no transaction open."""
        pgconn = self._pgconn
        at_rest = pgconn.transaction_status == TransactionStatus.IDLE and not pgconn.pipeline_status
        return at_rest and self._answer is None

    @property
    def busy(self) -> bool:
        """Whether the server is at work for it."""
        return self._pgconn.transaction_status == TransactionStatus.ACTIVE

    async def fetch(self, compiled: Compiled, values: Values) -> list[Row]:
        """All rows of an answer."""
        result, prepared = await self._put(compiled, (values,))
        reader = self._readings.reader(compiled) if prepared is None else prepared.reader
        return reader.rows(result)

    async def run(self, compiled: Compiled, *many: Values) -> int:
        """The number of rows that the last of these writes touched; all of them travel together."""
        result, _ = await self._put(compiled, many)
        rows = result.command_tuples
        return -1 if rows is None else rows

    async def stream(self, compiled: Compiled, values: Values, size: int) -> AsyncIterator[list[Row]]:
        """The rows of a query in batches, inside a transaction."""
        cursor = f"cursor_{next(self._names)}"
        await self._ask(f"DECLARE {cursor} NO SCROLL CURSOR FOR {compiled.sql}", (values,))
        reader = self._readings.reader(compiled)
        while rows := reader.rows(await self._ask(f"FETCH {size} FROM {cursor}", ((),))):
            yield rows
        await self.command(f"CLOSE {cursor}")

    async def command(self, text: str) -> bytes:
        """Runs commands without parameters, and gives the tag of the last, such as COMMIT."""
        self._require_turn()
        try:
            self._pgconn.send_query(text.encode())
            return last_of(await self._answered()).command_status or b""
        except psycopg.Error:
            self._unwatch_if_closed()
            raise

    def begin(self, scope: Forces | None) -> None:
        """Begins a transaction, together with its first statement: a BEGIN on its own takes 20 us."""
        self._to_begin = True
        self._scoping.take(scope, for_each=False)

    def begin_reading(self, scope: Forces | None) -> None:
        """Each question from now on is a transaction of its own."""
        self._scoping.take(scope, for_each=True)

    async def begin_now(self, begin: str = "BEGIN") -> None:
        """Begins the transaction before something that brings no BEGIN along."""
        if self._to_begin:
            self._to_begin = False
            await self.command(begin)

    async def commit(self) -> None:
        """Ends the transaction. Raises what the database has against it."""
        if self._to_begin:
            self._to_begin = False
        elif await self.command("COMMIT") != b"COMMIT":  # it rolls a failed one back, and does not call that an error
            raise errors.InFailedSqlTransaction("a statement had failed, so nothing was committed")

    async def roll_back(self) -> None:
        """Ends the transaction without its writes. A wire on which that cannot be said is not idle: it is given up."""
        self._to_begin = False
        if self._answer is None and not self.idle:
            with suppress(psycopg.Error):
                await self.command("ROLLBACK")

    @contextmanager
    def lent(self) -> Iterator[AsyncConnection[Any]]:
        """The connection for psycopg's own cursors, which bring and remove readers of their own."""
        self._require_turn()
        self._unwatch()
        try:
            yield self._connection
        finally:
            self._watch()

    async def abandon(self) -> None:
        """Closes the connection, after the server was told to end what nobody waits for any more."""
        self._unwatch()
        try:
            with suppress(psycopg.Error):
                await self._connection.cancel_safe(timeout=CANCELLED_WITHIN)
        finally:
            self.close()

    def close(self) -> None:
        self._unwatch()
        self._pgconn.finish()

    async def _put(self, compiled: Compiled, many: Sequence[Values]) -> tuple[PGresult, _Prepared | None]:
        """One question, once or more often; prepared on the server where that pays."""
        try:
            prepared = self._prepared.get(compiled)
            if prepared is not None:
                self._prepared.move_to_end(compiled)
            elif self._prepare:
                prepared = await self._prepared_by_now(compiled, len(many))
            return await self._ask(compiled.sql, many, prepared), prepared
        except psycopg.Error as error:
            if not is_outdated(error):
                raise
            self._prepared.clear()  # what outdates one, DDL or DISCARD, outdates others. No name is used twice.
            self._scoping.forget()
            if not self.idle:
                raise GaveWay("a prepared statement was out of date") from error
            return await self._ask(compiled.sql, many), None

    async def _prepared_by_now(self, compiled: Compiled, more: int) -> _Prepared | None:
        uses = self._uses.pop(compiled, 0) + more
        if uses <= USES_BEFORE_PREPARED:
            if len(self._uses) >= 10 * MOST_PREPARED:
                self._uses.clear()
            self._uses[compiled] = uses
            return None
        if len(self._prepared) >= MOST_PREPARED:
            _, oldest = self._prepared.popitem(last=False)
            await self.command(f"DEALLOCATE {oldest.name.decode()}")
        self._require_turn()
        prepared = _Prepared(self._new_name(), self._readings.reader(compiled))
        self._pgconn.send_prepare(prepared.name, compiled.sql.encode())
        last_of(await self._answered())
        self._prepared[compiled] = prepared
        return prepared

    async def _ask(self, sql: str, many: Sequence[Values], prepared: _Prepared | None = None) -> PGresult:
        """The answer to a question, or the last of the answers to several that travel together."""
        self._require_turn()
        pgconn, dump = self._pgconn, self._dump
        scoping = self._scoping
        together = self._to_begin or scoping.to_tell or len(many) > 1
        dumped = [dump(values, _TEXT * len(values)) for values in many]
        try:
            if together:
                pgconn.enter_pipeline_mode()
            if self._to_begin:
                self._to_begin = False
                pgconn.send_query_params(b"BEGIN", None)
            if scoping.to_tell:
                scoping.send()
            for each in dumped:
                if prepared is None:
                    pgconn.send_query_params(sql.encode(), each)
                else:
                    pgconn.send_query_prepared(prepared.name, each)
            if together:
                pgconn.pipeline_sync()
            return last_of(await self._answered())
        except psycopg.Error:
            self._unwatch_if_closed()
            raise

    async def _answered(self) -> list[PGresult]:
        """The results of what was sent. Whoever is cancelled here leaves a wire that is not idle any more."""
        answer: asyncio.Future[list[PGresult]] = self._loop.create_future()
        self._answer = answer
        while self._pgconn.flush():  # seldom: the socket cannot take all at once
            await self._writable()
        return await answer

    async def _writable(self) -> None:
        ready = asyncio.Event()
        self._loop.add_writer(self._socket, ready.set)
        try:
            await ready.wait()
        finally:
            self._loop.remove_writer(self._socket)

    def _readable(self) -> None:
        """Takes in what has come, also what nobody asked for: so a server says goodbye."""
        pgconn = self._pgconn
        error = None
        try:
            pgconn.consume_input()
            while not pgconn.is_busy():
                result = pgconn.get_result()
                if result is None:
                    if not pgconn.pipeline_status:
                        break
                elif result.status == ExecStatus.PIPELINE_SYNC:
                    pgconn.exit_pipeline_mode()
                    break
                else:
                    self._results.append(result)
            else:
                return
        except psycopg.Error as raised:
            self._unwatch()
            error = raised
        answer, self._answer = self._answer, None
        results, self._results = self._results, []
        if answer is not None and not answer.done():
            if error is None:
                answer.set_result(results)
            else:
                answer.set_exception(error)

    def _new_name(self) -> bytes:
        return b"statement_%d" % next(self._names)

    def _require_turn(self) -> None:
        if self._answer is not None:
            raise RuntimeError("the question before this one has no answer yet")

    def _watch(self) -> None:
        if not (self._watched or self.closed):
            self._loop.add_reader(self._socket, self._readable)
            self._watched = True

    def _unwatch(self) -> None:
        if self._watched:
            self._loop.remove_reader(self._socket)
            self._watched = False

    def _unwatch_if_closed(self) -> None:
        """At once, before anything else can happen: the number of a closed socket is soon that of another."""
        if self.closed:
            self._unwatch()
