"""On what is the matrix tried? One world an engine, seeded once: reads change nothing, and writes are dry runs."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from pip_api.settings import Settings
from tests.matrix.accounts import add_account, sign_in
from tests.matrix.table import Caller, callers
from tests.matrix.world import World, seed
from tests.service import Service, running


@dataclass
class Tried:
    """A running service with a world in it, and everybody who asks."""

    service: Service
    world: World
    clients: dict[Caller, httpx.AsyncClient]
    first_wall: bool = True


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def settled(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    on_fresh: Callable[[str, Path], AbstractContextManager[Settings]],
) -> Iterator[Settings]:
    """Settings that name one database for the whole matrix, once for each engine."""
    with on_fresh(request.param, tmp_path_factory.mktemp("matrix")) as settings:
        yield settings


@pytest.fixture(scope="session")
async def tried(settled: Settings) -> AsyncIterator[Tried]:
    async with running(settled) as service:
        world, clients = await seed(service), {}
        for caller in callers():
            credential = None if caller.flaw == "anonymous" else await add_account(service, caller.name, caller)
            clients[caller] = sign_in(service, caller, credential)
        yield Tried(service, world, clients)


@pytest.fixture(scope="session", params=["first", "second"], ids=["first wall off", "second wall off"])
async def breached(request: pytest.FixtureRequest, tried: Tried, settled: Settings) -> AsyncIterator[Tried]:
    """The same world through a service without one of its two walls."""
    first, second = request.param != "first", request.param != "second"
    async with running(settled, first_wall=first, second_wall=second) as service:
        service.clock.time = tried.service.clock.time
        clients = {caller: service.http(**_signed(client)) for caller, client in tried.clients.items()}
        yield Tried(service, tried.world, clients, first)


def _signed(client: httpx.AsyncClient) -> dict[str, str]:
    return {name: client.headers[name] for name in ("X-Request-Id", "Authorization") if name in client.headers}
