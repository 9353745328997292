"""What happens to every request before a story hears of it, and to every answer before it leaves?

A pure ASGI layer: it looks at headers only, so a caller without a token costs no body, and it is where every refusal
and every failure takes its one form.
"""

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pip_api.db.errors import Unavailable
from pip_api.http.manners import Manners, no_such_method, options, require_short, trace
from pip_api.http.messages import CallerGone, Endpoint, Incoming, RawHeaders, Reply, read_headers, send_reply
from pip_api.http.paths import Paths
from pip_api.http.problems import Problem

log = logging.getLogger("pip_api.http")

Authenticate = Callable[[str | None], Awaitable[Any]]
_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")


class Edge:
    """Answers from the table of operations; what is not in it (documentation, tokens) is left to the application.

    `authenticate` gives the principal for the Authorization header of a request below `guarded`, or raises a Problem.
    HEAD is a GET whose content is left out; OPTIONS needs no credentials, since the document says the same to anybody.
    """

    def __init__(
        self,
        app: ASGIApp,
        paths: Paths[Endpoint],
        authenticate: Authenticate,
        new_id: Callable[[], UUID],
        guarded: str,
        manners: Manners,
    ) -> None:
        self.app = app
        self._paths = paths
        self._authenticate = authenticate
        self._new_id = new_id
        self._guarded = guarded
        self._manners = manners

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = read_headers(scope["headers"])
        given = headers.get("x-request-id", "")
        request_id = given if _SAFE_ID.fullmatch(given) else str(self._new_id())
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        own = [(b"x-request-id", request_id.encode()), *trace(headers)]
        try:
            reply = await self._replied(scope, receive, headers, request_id)
            if reply is None:
                await self._leave_to_application({**scope, "request_id": request_id}, receive, sending, own)
                return
        except (CallerGone, ClientDisconnect):
            return
        except Exception as error:
            if started:
                raise
            reply = as_problem(error, request_id).reply(request_id)
        body = b"" if scope["method"] == "HEAD" else reply.body
        await send_reply(send, reply.status, [*self._manners.raw, *own, *reply.raw_headers()], body)

    async def _replied(self, scope: Scope, receive: Receive, headers: dict[str, str], request_id: str) -> Reply | None:
        """The answer, or none where the application has to give it. Raises Problem."""
        path, method, query_string = scope["path"], scope["method"], scope["query_string"]
        require_short(len(scope["raw_path"]) + len(query_string))
        here, values = self._paths.find(path)
        if here and method == "OPTIONS":
            return options(here)
        by = await self._authenticate(headers.get("authorization")) if path.startswith(self._guarded) else None
        if "\0" in path:  # no name of ours has one, and PostgreSQL refuses text that does
            raise Problem("not_found", "There is nothing at this address.")
        if not here:
            return None
        found = here.get("GET" if method == "HEAD" else method)
        if found is None:
            raise no_such_method(here)
        endpoint, names = found
        parameters = dict(zip(names, values, strict=True))
        return await endpoint.answer(Incoming(request_id, by, parameters, query_string, headers, receive))

    async def _leave_to_application(self, scope: Scope, receive: Receive, send: Send, own: RawHeaders) -> None:
        head = scope["method"] == "HEAD"

        async def send_with_manners(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._manners.complete(MutableHeaders(scope=message))
                message["headers"].extend(own)
            elif head:
                message = {**message, "body": b""}
            await send(message)

        await self.app({**scope, "method": "GET"} if head else scope, receive, send_with_manners)


def as_problem(error: Exception, request_id: str) -> Problem:
    """The refusal that an exception means; one that nobody foresaw is logged whole and told by its id only."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Unavailable):
        log.warning("request %s: the database is unavailable: %s", request_id, error)
        return Problem("temporarily_unavailable", "Try again in a moment.", headers={"Retry-After": "1"})
    log.error("request %s failed", request_id, exc_info=error)
    return Problem("internal_error", "It was logged under this request id.")
