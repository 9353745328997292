"""What happens to every request before a story hears of it, and to every answer before it leaves?

A pure ASGI layer: it looks at headers only, so a caller without a token costs no body, and it is where every refusal
and every failure takes its one form.
"""

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pip_api.db.errors import Unavailable
from pip_api.http.problems import Problem

log = logging.getLogger("pip_api.http")

Authenticate = Callable[[Headers], Awaitable[Any]]
_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
_FIXED = {
    "Cache-Control": "private, no-cache",
    "Vary": "Authorization, Accept, Accept-Datetime, Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Edge:
    """`authenticate` gives the principal for the headers of a request below `guarded`, or raises a Problem."""

    def __init__(self, app: ASGIApp, authenticate: Authenticate, new_id: Callable[[], UUID], guarded: str) -> None:
        self.app = app
        self._authenticate = authenticate
        self._new_id = new_id
        self._guarded = guarded

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = scope["request_id"] = self._request_id(headers)
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                answered = MutableHeaders(scope=message)
                for name, value in _FIXED.items():
                    answered.setdefault(name, value)
                answered["X-Request-Id"] = request_id
            await send(message)

        try:
            if scope["path"].startswith(self._guarded):
                scope["principal"] = await self._authenticate(headers)
            if "\0" in scope["path"]:  # no name of ours has one, and PostgreSQL refuses text that does
                raise Problem("not_found", "There is nothing at this address.")
            await self.app(scope, receive, send_with_headers)
        except Exception as error:
            if started:
                raise
            problem = as_problem(error, request_id)
            await problem.response(request_id)(scope, receive, send_with_headers)

    def _request_id(self, headers: Headers) -> str:
        given = headers.get("x-request-id", "")
        return given if _SAFE_ID.fullmatch(given) else str(self._new_id())


def as_problem(error: Exception, request_id: str) -> Problem:
    """The refusal that an exception means; one that nobody foresaw is logged whole and told by its id only."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Unavailable):
        log.warning("request %s: the database is unavailable: %s", request_id, error)
        return Problem("temporarily_unavailable", "Try again in a moment.", headers={"Retry-After": "1"})
    log.error("request %s failed", request_id, exc_info=error)
    return Problem("internal_error", "It was logged under this request id.")
