"""Does a connection end whose request does not come, and is one refused that two could read differently?"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from pip_api.http.listening import Listener
from tests.serving import free_port

GOOD = b"GET /x HTTP/1.1\r\nHost: pip-api.test\r\n\r\n"


async def counting(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the number of bytes of the body."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    content = str(size).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(content))]})
    await send({"type": "http.response.body", "body": content})


@asynccontextmanager
async def listening() -> AsyncIterator[int]:
    port = free_port()
    config = uvicorn.Config(counting, host="127.0.0.1", port=port, http=Listener, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - it sets no event
        await asyncio.sleep(0.01)
    yield port
    server.should_exit = True
    await serving


async def answer(port: int, *parts: bytes, pause: float = 0) -> bytes:
    """Everything that comes back until the other side closes, or an answer is whole."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        return await asyncio.wait_for(reader.read(65_536), timeout=20)
    finally:
        writer.close()


@pytest.mark.parametrize(
    "half",
    [b"", b"GET", b"GET /x HTTP/1.1\r\nHost: x\r\n", b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab"],
)
async def test_half_a_request_is_not_waited_for(half: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Listener, "head_seconds", 0.3)
    monkeypatch.setattr(Listener, "pause_seconds", 0.3)
    async with listening() as port:
        halves = [asyncio.create_task(answer(port, half)) for _ in range(50)]
        await asyncio.sleep(0.05)
        assert (await answer(port, GOOD)).startswith(b"HTTP/1.1 200")
        assert await asyncio.gather(*halves) == [b""] * 50


async def test_a_head_is_not_kept_alive_by_drops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Listener, "head_seconds", 0.3)
    async with listening() as port:
        drops = [b"GET /x HTTP/1.1\r\n", *[b"X: y\r\n"] * 200]
        with pytest.raises((ConnectionError, AssertionError)):
            assert await answer(port, *drops, pause=0.05) != b""


async def test_a_body_may_take_its_time_as_long_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Listener, "head_seconds", 5)
    monkeypatch.setattr(Listener, "pause_seconds", 2)
    async with listening() as port:
        head = b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n"
        assert (await answer(port, head, *[b"x"] * 20, pause=0.15)).endswith(b"\r\n\r\n20")


@pytest.mark.parametrize(
    "lengths",
    [
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        b"Content-Length: 3\r\nContent-Length: 4\r\n",
        b"Content-Length: +3\r\n",
        b"Content-Length: 99999999999999999999999\r\n",
        b"Transfer-Encoding: x, chunked, y\r\n",
        b"Transfer-Encoding : chunked\r\n",
    ],
)
async def test_a_request_has_one_length(lengths: bytes) -> None:
    async with listening() as port:
        sent = b"POST /x HTTP/1.1\r\nHost: x\r\n" + lengths + b"\r\n3\r\nabc\r\n0\r\n\r\n" + GOOD
        told = await answer(port, sent)
        assert told.startswith(b"HTTP/1.1 400")
        assert told.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /x HTTP/1.1\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET /x HTTP/1.1\nHost: x\n\n",
        b"GET /x HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;a\x00b\r\nabc\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: x\r\nX\x00Y: a\r\n\r\n",
        b"GET /x HTTP/1.1 \r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 8,
    ],
)
async def test_what_is_no_request_is_refused(sent: bytes) -> None:
    async with listening() as port:
        assert (await answer(port, sent)).startswith(b"HTTP/1.1 400")
