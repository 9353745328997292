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
