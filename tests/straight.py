"""How does a test put a request to the service in its own process? As a client of httpx, without what lies between.

Redirects, cookies and the search for other event loops take half as long as the service itself does.
"""

import asyncio
from typing import Any

import httpx
from httpx import USE_CLIENT_DEFAULT
from starlette.types import ASGIApp, Message, Scope


class StraightClient(httpx.AsyncClient):
    """Calls the application. What it raises beyond its answers becomes a 500, as behind a server."""

    def __init__(self, app: ASGIApp, **others: Any) -> None:
        super().__init__(transport=httpx.ASGITransport(app, raise_app_exceptions=False), **others)
        self._app = app

    async def send(self, request: httpx.Request, *, stream: bool = False, auth: Any = None, **_: Any) -> httpx.Response:
        if stream:
            return await super().send(request, stream=True)
        if auth not in (None, USE_CLIENT_DEFAULT):
            request = next(self._build_request_auth(request, auth).sync_auth_flow(request))
        assert isinstance(request.stream, httpx.AsyncByteStream)
        chunks = aiter(request.stream)
        started: list[Message] = []
        parts: list[bytes] = []
        over = asyncio.get_running_loop().create_future()
        sent = False

        async def receive() -> Message:
            nonlocal sent
            if not sent:
                chunk = await anext(chunks, b"")
                sent = not chunk
                return {"type": "http.request", "body": chunk, "more_body": not sent}
            await asyncio.shield(over)
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                started.append(message)
            else:
                parts.append(message.get("body", b""))
                if not message.get("more_body", False) and not over.done():
                    over.set_result(None)

        try:
            await self._app(_scope(request), receive, send)
        except Exception:
            if not started:
                return httpx.Response(500, request=request)
        (start,) = started
        content = httpx.ByteStream(b"" if request.method == "HEAD" else b"".join(parts))
        answer = httpx.Response(start["status"], headers=start["headers"], stream=content, request=request)
        for hook in self.event_hooks["response"]:
            await hook(answer)
        await answer.aread()
        return answer


def _scope(request: httpx.Request) -> Scope:
    url = request.url
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": url.scheme,
        "path": url.path,
        "raw_path": url.raw_path.partition(b"?")[0],
        "query_string": url.query,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "server": (url.host, url.port),
        "client": ("127.0.0.1", 123),
        "root_path": "",
    }
