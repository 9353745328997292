"""Who issues tokens beside the service, in the tests? A provider on loopback that answers as badly as a test wants."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pip_api.access.signatures import JWK
from pip_api.resources.accounts import accounts
from pip_api.resources.grants import grants
from pip_api.settings import NamedIssuer
from tests.access.ring import AUDIENCE
from tests.plans import AVON
from tests.service import Service
from tests.serving import free_port

Misbehave = Callable[[asyncio.StreamWriter], Awaitable[None]]
METADATA = "/.well-known/openid-configuration"
KEYS = "/keys"


class Elapsed:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Provider:
    port: int
    jwks: Sequence[JWK] = ()
    headers: str = ""
    """Further lines of its answers."""
    metadata: dict[str, object] = field(default_factory=dict)
    misbehaves: Misbehave | None = None
    """How it answers whoever wants its keys."""
    asked: list[str] = field(default_factory=list)
    """The paths that were asked for."""
    failures: list[AssertionError] = field(default_factory=list)
    met: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when somebody wants its keys."""
    _server: asyncio.Server | None = None
    _serving: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def fetches(self) -> int:
        return self.asked.count(KEYS)

    def named(self, **changes: object) -> NamedIssuer:
        """As the settings name it. Its keys have 2,048 bits in the tests, which are made sooner."""
        return NamedIssuer.model_validate(
            {"issuer": self.url, "audience": AUDIENCE, "jwks_uri": self.url + KEYS, "min_rsa_bits": 2_048, **changes}
        )

    async def up(self) -> None:
        self._server = await asyncio.start_server(self._meet, "127.0.0.1", self.port)

    async def down(self) -> None:
        if self._server is not None:
            self._server.close()
            for each in self._serving:
                each.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)
            await self._server.wait_closed()
            self._server = None

    def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await reader.readline():
                while await reader.readline() not in (b"\r\n", b""):
                    pass
                path = request.split()[1].decode()
                self.asked.append(path)
                if path == KEYS:
                    self.met.set()
                if path == KEYS and self.misbehaves is not None:
                    await self.misbehaves(writer)
                    return
                writer.write(self._answer(path))
                await writer.drain()
        except ConnectionError:
            pass
        except AssertionError as failure:
            self.failures.append(failure)
        finally:
            writer.close()

    def _answer(self, path: str) -> bytes:
        metadata = {"issuer": self.url, "jwks_uri": self.url + KEYS, **self.metadata}
        told = {KEYS: {"keys": list(self.jwks)}, METADATA: metadata}
        status = "200 OK" if path in told else "404 Not Found"
        body = json.dumps(told.get(path, {})).encode()
        return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{self.headers}\r\n".encode() + body


@asynccontextmanager
async def provider(jwks: Sequence[JWK]) -> AsyncIterator[Provider]:
    started = Provider(free_port(), jwks)
    await started.up()
    try:
        yield started
    finally:
        await started.down()
    assert started.failures == []


async def a_reader(service: Service, issuer: str, **known_as: str) -> str:
    """Somebody of a named issuer who may read, known by a `client_id` or by a `subject`; gives that."""
    place, kind = f"force:{AVON}", "service" if "client_id" in known_as else "person"
    account = await service.create(accounts, kind=kind, name="Reader", place=place, issuer=issuer, **known_as)
    await service.create(grants, account_id=str(account["id"]), role="force_reader", place=place, reason="for a test")
    return next(iter(known_as.values()))
