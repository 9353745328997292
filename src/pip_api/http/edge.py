"""What happens to every request before a story hears of it, and to every answer before it leaves?

A pure ASGI layer: it looks at headers only, so a caller without a token costs no body, and it is where every refusal
and every failure takes its one form.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import perf_counter
from uuid import UUID

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from pip_api.db.errors import ReadOnly, Unavailable
from pip_api.http.manners import Manners, no_such_method, options, read_only, require_short, trace
from pip_api.http.messages import (
    Caller,
    CallerGone,
    Endpoint,
    Incoming,
    RawHeaders,
    Reply,
    read_headers,
    send_reply,
)
from pip_api.http.metrics import NO_OPERATION, Metrics
from pip_api.http.paths import Paths
from pip_api.http.problems import Problem
from pip_api.http.rates import Rates, Standing

Authenticate = Callable[[str | None, str], Awaitable[Caller]]
GONE = 499  # nginx's number for a caller that closed the connection before it was answered
_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")


@dataclass(slots=True)
class _Exchange:
    """A request and what became known of it on the way."""

    request_id: str
    headers: dict[str, str]
    operation: str | None = None
    client_id: str | None = None
    standing: Standing | None = None
    window: int = 0
    status: int = GONE
    sent: int = 0
    """Bytes of content."""


class Edge:
    """Answers from the table of operations; what is not in it (documentation, tokens) is left to the application.

    `authenticate` gives the caller for the Authorization header and the id of a request below `guarded`, or raises a
    Problem. HEAD is a GET whose content is left out; OPTIONS needs no credentials, since the document says the same to
    anybody.
    """

    def __init__(
        self,
        app: ASGIApp,
        paths: Paths[Endpoint],
        authenticate: Authenticate,
        new_id: Callable[[], UUID],
        guarded: str,
        rates: Rates,
        metrics: Metrics,
        manners: Manners,
    ) -> None:
        self.app = app
        self._paths = paths
        self._authenticate = authenticate
        self._new_id = new_id
        self._guarded = guarded
        self._rates = rates
        self._metrics = metrics
        self._log = structlog.get_logger()
        self._manners = manners

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = read_headers(scope["headers"])
        given = headers.get("x-request-id", "")
        exchange = _Exchange(given if _SAFE_ID.fullmatch(given) else str(self._new_id()), headers)
        bind_contextvars(request_id=exchange.request_id)
        began = perf_counter()
        self._metrics.running += 1
        try:
            await self._answer(scope, receive, send, exchange)
        finally:
            self._metrics.running -= 1
            self._tell(scope, exchange, perf_counter() - began)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, exchange: _Exchange) -> None:
        try:
            reply = await self._replied(scope, receive, exchange)
            if reply is None:
                await self._leave_to_application(scope, receive, send, exchange)
                return
        except (CallerGone, ClientDisconnect):
            return
        except Exception as error:
            if exchange.status != GONE:  # an answer of the application broke off
                raise
            problem = self._as_problem(error)
            self._metrics.refused(problem.code)
            reply = problem.reply(exchange.request_id)
        body = b"" if scope["method"] == "HEAD" else reply.body
        exchange.status = reply.status
        own = reply.raw_headers()
        headers = [*self._manners.beside(own), *self._own(exchange), *own]
        exchange.sent = await send_reply(send, reply.status, headers, body)

    def _tell(self, scope: Scope, exchange: _Exchange, seconds: float) -> None:
        self._metrics.answered(exchange.operation or NO_OPERATION, exchange.status, seconds)
        where = {"operation": exchange.operation} if exchange.operation else {"path": scope["path"][:200]}
        self._log.info(
            "answered",
            method=scope["method"],
            **where,
            status=exchange.status,
            duration_ms=round(seconds * 1_000, 2),
            bytes=exchange.sent,
            client_id=exchange.client_id,
        )

    async def _replied(self, scope: Scope, receive: Receive, exchange: _Exchange) -> Reply | None:
        """The answer, or none where the application has to give it. Raises Problem."""
        path, method, query_string = scope["path"], scope["method"], scope["query_string"]
        require_short(len(scope["raw_path"]) + len(query_string))
        here, values = self._paths.find(path)
        if here and method == "OPTIONS":
            return options(here)
        if found := here.get("GET" if method == "HEAD" else method):
            exchange.operation = found[0].id
        by = None
        if path.startswith(self._guarded):
            by = await self._authenticate(exchange.headers.get("authorization"), exchange.request_id)
            await self._count(by, found[0].policy if found else "default", exchange)
        if "\0" in path:  # no name of ours has one, and PostgreSQL refuses text that does
            raise Problem("not_found", "There is nothing at this address.")
        if not here:
            return None
        if found is None:
            raise no_such_method(here)
        endpoint, names = found
        parameters = dict(zip(names, values, strict=True))
        incoming = Incoming(exchange.request_id, by, parameters, query_string, exchange.headers, receive)
        reply = await endpoint.answer(incoming)
        if reply.status == 304 and exchange.standing is not None:
            self._rates.give_back(exchange.standing, exchange.window)
        return reply

    async def _count(self, by: Caller, policy: str, exchange: _Exchange) -> None:
        """Raises 429."""
        exchange.client_id = by.client_id
        exchange.standing = self._rates.standing(by.counted_as, policy)
        if exchange.standing is not None:
            exchange.window = await self._rates.take(exchange.standing)

    def _own(self, exchange: _Exchange) -> RawHeaders:
        """The headers that this one answer has of the edge."""
        own = [(b"x-request-id", exchange.request_id.encode()), *trace(exchange.headers)]
        if exchange.standing is not None:
            own += self._rates.fields(exchange.standing)
        return own

    async def _leave_to_application(self, scope: Scope, receive: Receive, send: Send, exchange: _Exchange) -> None:
        head = scope["method"] == "HEAD"

        async def send_with_manners(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                self._manners.complete(MutableHeaders(scope=message))
                message["headers"].extend(self._own(exchange))
            elif head:
                message = {**message, "body": b""}
            exchange.sent += len(message.get("body", b""))
            await send(message)

        scope = {**scope, "request_id": exchange.request_id, "method": "GET" if head else scope["method"]}
        try:
            await self.app(scope, receive, send_with_manners)
        finally:
            exchange.operation = getattr(scope.get("route"), "operation_id", None)

    def _as_problem(self, error: Exception) -> Problem:
        """The refusal that an exception means; one that nobody foresaw is logged whole and told by its id only."""
        if isinstance(error, Problem):
            return error
        if isinstance(error, ReadOnly):
            return read_only()
        if isinstance(error, Unavailable):
            self._log.warning("the database is unavailable", reason=str(error))
            return Problem("temporarily_unavailable", "Try again in a moment.", headers={"Retry-After": "1"})
        self._log.error("failed", exc_info=error)
        return Problem("internal_error", "It was logged under this request id.")
