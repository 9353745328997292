"""What happens to every request before a story hears of it, and to every answer before it leaves?

A pure ASGI layer: it looks at headers only, so a caller without a token costs no body, and it is where every refusal
and every failure takes its one form.
"""

import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pip_api.db.errors import Unavailable
from pip_api.http.manners import Manners, no_such_method, options, require_short, trace
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
from pip_api.http.paths import Paths
from pip_api.http.problems import Problem
from pip_api.http.rates import Rates, Standing

log = logging.getLogger("pip_api.http")

Authenticate = Callable[[str | None], Awaitable[Caller]]
_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")


@dataclass(slots=True)
class _Exchange:
    """A request and what became known of it on the way."""

    request_id: str
    headers: dict[str, str]
    standing: Standing | None = None
    window: int = 0


class Edge:
    """Answers from the table of operations; what is not in it (documentation, tokens) is left to the application.

    `authenticate` gives the caller for the Authorization header of a request below `guarded`, or raises a Problem.
    HEAD is a GET whose content is left out; OPTIONS needs no credentials, since the document says the same to anybody.
    """

    def __init__(
        self,
        app: ASGIApp,
        paths: Paths[Endpoint],
        authenticate: Authenticate,
        new_id: Callable[[], UUID],
        guarded: str,
        rates: Rates,
        manners: Manners,
    ) -> None:
        self.app = app
        self._paths = paths
        self._authenticate = authenticate
        self._new_id = new_id
        self._guarded = guarded
        self._rates = rates
        self._manners = manners

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = read_headers(scope["headers"])
        given = headers.get("x-request-id", "")
        exchange = _Exchange(given if _SAFE_ID.fullmatch(given) else str(self._new_id()), headers)
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            reply = await self._replied(scope, receive, exchange)
            if reply is None:
                await self._leave_to_application(scope, receive, sending, exchange)
                return
        except (CallerGone, ClientDisconnect):
            return
        except Exception as error:
            if started:
                raise
            reply = as_problem(error, exchange.request_id).reply(exchange.request_id)
        body = b"" if scope["method"] == "HEAD" else reply.body
        await send_reply(send, reply.status, [*self._manners.raw, *self._own(exchange), *reply.raw_headers()], body)

    async def _replied(self, scope: Scope, receive: Receive, exchange: _Exchange) -> Reply | None:
        """The answer, or none where the application has to give it. Raises Problem."""
        path, method, query_string = scope["path"], scope["method"], scope["query_string"]
        require_short(len(scope["raw_path"]) + len(query_string))
        here, values = self._paths.find(path)
        if here and method == "OPTIONS":
            return options(here)
        found = here.get("GET" if method == "HEAD" else method)
        by = None
        if path.startswith(self._guarded):
            by = await self._authenticate(exchange.headers.get("authorization"))
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
        exchange.standing = self._rates.standing(by.client_id, policy)
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
                self._manners.complete(MutableHeaders(scope=message))
                message["headers"].extend(self._own(exchange))
            elif head:
                message = {**message, "body": b""}
            await send(message)

        scope = {**scope, "request_id": exchange.request_id, "method": "GET" if head else scope["method"]}
        await self.app(scope, receive, send_with_manners)


def as_problem(error: Exception, request_id: str) -> Problem:
    """The refusal that an exception means; one that nobody foresaw is logged whole and told by its id only."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Unavailable):
        log.warning("request %s: the database is unavailable: %s", request_id, error)
        return Problem("temporarily_unavailable", "Try again in a moment.", headers={"Retry-After": "1"})
    log.error("request %s failed", request_id, exc_info=error)
    return Problem("internal_error", "It was logged under this request id.")
