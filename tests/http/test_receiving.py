"""How much of a request is taken in before anybody wants it?"""

import asyncio
import socket
from collections.abc import Iterator

import httpx
import pytest
from uvicorn import Config, Server
from uvicorn.server import ServerState

from pip_api.contract import OPERATIONS
from pip_api.http.listening import Listener
from pip_api.http.receiving import MOST_HEAD_BYTES
from tests.http.test_edge import asked
from tests.plans import AVON, CONCERN
from tests.service import Service

pytestmark = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)  # none of it is done by a database

PIECE = 16_384


class Line(asyncio.Transport):
    """A connection without a network: what is written to it is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.wrote = asyncio.Event()
        self.closed = self.paused = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closed
        self.written += bytes(data)
        self.wrote.set()

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


class Sender:
    """A caller that sends as long as it is listened to, and counts what was taken from it."""

    def __init__(self, service: Service) -> None:
        self.line = Line()
        self.taken = 0
        config = Config(service.app, http=Listener, ws="none", lifespan="off", log_config=None)
        self._protocol = Listener(config, ServerState(), {})
        self._protocol.connection_made(self.line)

    async def send(self, *pieces: bytes) -> bool:
        """Whether all was taken."""
        for piece in pieces:
            for _ in range(50):  # what is under way may end
                if self.line.closed or not self.line.paused:
                    break
                await asyncio.sleep(0.001)
            if self.line.closed or self.line.paused:
                return False
            self.taken += len(piece)
            self._protocol.data_received(piece)
            await asyncio.sleep(0)
        return True

    async def told(self, times: int = 1) -> bytes:
        """What was answered, once there are so many answers."""
        while self.line.written.count(b"HTTP/1.1 ") < times:
            self.line.wrote.clear()
            await self.line.wrote.wait()
        return self.line.written


def head(*lines: str, request: str = "POST /v1/concerns HTTP/1.1") -> bytes:
    return "\r\n".join([request, "Host: pip-api.test", "Content-Type: application/json", *lines, "", ""]).encode()


def pieces(times: int = 640) -> list[bytes]:
    return [b" " * PIECE] * times


def chunked(times: int = 640) -> list[bytes]:
    return [b"4000\r\n" + b" " * PIECE + b"\r\n"] * times


@pytest.mark.parametrize(
    ("how", "body"),
    [
        (f"Content-Length: {640 * PIECE}", pieces()),
        ("Content-Length: 999999999999999999", pieces()),
        ("Transfer-Encoding: chunked", chunked()),
    ],
)
async def test_of_a_refused_request_little_is_read(service: Service, how: str, body: list[bytes]) -> None:
    for credentials in ((), ("Authorization: Bearer a.b.c",)):
        sender = Sender(service)
        assert not await sender.send(head(how, *credentials), *body)
        assert sender.taken <= 65_536
        assert sender.line.paused
        assert (await sender.told()).startswith(b"HTTP/1.1 401 ")


async def test_after_a_small_refused_request_the_connection_is_good(service: Service) -> None:
    sender = Sender(service)
    assert await sender.send(head("Content-Length: 20000"), b" " * 10_000, b" " * 10_000)
    assert await sender.send(head(request="GET /v1/regions HTTP/1.1"))
    assert (await sender.told(2)).count(b"HTTP/1.1 401 ") == 2
    assert not sender.line.closed


async def test_what_is_wanted_is_read_whole(service: Service) -> None:
    lead = await service.caller("force_lead", f"force:{AVON}")
    authorized = f"Authorization: {lead.headers['authorization']}"
    body = httpx.Request("POST", "http://it", json=CONCERN).content + b" " * 20 * PIECE
    sender = Sender(service)
    parts = [body[at : at + PIECE] for at in range(0, len(body), PIECE)]
    assert await sender.send(head(authorized, f"Content-Length: {len(body)}"), *parts)
    assert (await sender.told()).startswith(b"HTTP/1.1 201 ")


def long_headers() -> Iterator[tuple[str, bytes]]:
    yield "A12: one of 70 KB", head(f"Authorization: Bearer {'x' * 70_000}")
    yield "many", head(*(f"X-{number}: {'x' * 90}" for number in range(700)))
    yield "an address", head(request=f"GET /v1/regions?{'x' * 70_000} HTTP/1.1")
    yield "a name", head(f"{'x' * 70_000}: x")


@pytest.mark.parametrize("sent", [each for _, each in long_headers()], ids=[name for name, _ in long_headers()])
@pytest.mark.parametrize("size", [PIECE, 1_000_000])
async def test_a_head_has_an_end(service: Service, sent: bytes, size: int) -> None:
    sender = Sender(service)
    await sender.send(*(sent[at : at + size] for at in range(0, len(sent), size)))
    assert (await sender.told()).startswith(b"HTTP/1.1 431 ")
    assert sender.line.closed
    assert sender.line.written.count(b"HTTP/1.1 ") == 1


async def test_a_header_that_never_ends_is_not_kept(service: Service) -> None:
    sender = Sender(service)
    assert not await sender.send(b"GET / HTTP/1.1\r\nX: ", *[b"x" * PIECE] * 640)
    assert sender.taken <= MOST_HEAD_BYTES + 2 * PIECE
    assert sender.line.written.startswith(b"HTTP/1.1 431 ")


async def test_a_token_of_any_length_that_is_good_fits(service: Service) -> None:
    sender = Sender(service)
    assert await sender.send(head(f"Authorization: Bearer {'x' * 8_192}", "Content-Length: 0"))
    assert (await sender.told()).startswith(b"HTTP/1.1 401 ")


async def test_no_operation_reads_a_body_of_a_caller_without_a_token(service: Service) -> None:
    """C01; `asked` fails when the body is read."""
    for operation in OPERATIONS:
        for size in ("1", "10000000"):
            headers = {"content_length": size, "content_type": "application/json"}
            answer = await asked(service, operation.method, operation.path, **headers)
            assert answer[b":status"] == 401, operation.id


async def test_it_is_so_over_a_real_connection(service: Service) -> None:
    """By a caller that sends all it has before it listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        server = Server(Config(service.app, http=Listener, ws="none", lifespan="off", log_config=None))
        serving = asyncio.create_task(server.serve([listener]))
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as caller:
            long, heavy = b" " * 10_000_000, {"Authorization": "x" * 70_000}
            assert (await asyncio.to_thread(caller.post, "/v1/concerns", content=long)).status_code == 401
            assert (await asyncio.to_thread(caller.get, "/healthz", headers=heavy)).status_code == 431
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nX: " + b"x" * 10_000_000)
        assert (await reader.readline()).startswith(b"HTTP/1.1 431 ")
        writer.transport.abort()
        server.should_exit = True
        await serving
