"""On what do the tests run? Each test that uses `service` runs twice: on SQLite and on PostgreSQL."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest
import structlog

from pip_api.app import create_services
from pip_api.db.migrate import migrate
from pip_api.db.postgres import PostgresSession
from pip_api.db.session import Session
from pip_api.db.sqlite import SqliteSession
from pip_api.db.statements import Statement
from pip_api.exchange.catalogue import load_reference
from pip_api.ledger import log_state
from pip_api.settings import Settings
from tests.matrix.trying import breached, settled, tried  # noqa: F401
from tests.plans import AVON, a_concern
from tests.postgres import Postgres, as_role, cluster
from tests.service import Clock, Record, Service, running

DATA = Path(__file__).parents[2] / "shared" / "data"
_numbers = count()
_MEMORY = Path("/dev/shm")
_ROOM = 4 << 30  # bytes

if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM and not os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC:
    tempfile.tempdir = str(_MEMORY)  # thousands of databases are made: on a busy disk each takes a fifth of a second


def pytest_testnodedown(node: pytest.Item) -> None:
    origin = getattr(node, "workeroutput", {}).get("postgres")
    if origin:
        _origins.add(origin)


_origins: set[str] = set()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for origin in sorted(_origins):
        terminalreporter.write_line(f"PostgreSQL tests ran on: {origin}")


@pytest.fixture(scope="session", autouse=True)
def quiet() -> None:
    """Nothing is logged unless a test listens."""
    structlog.configure(processors=[_drop], wrapper_class=structlog.make_filtering_bound_logger("info"))


def _drop(*_: object) -> NoReturn:
    raise structlog.DropEvent


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    """A throwaway PostgreSQL server."""
    with cluster() as server:
        _origins.add(server.origin)
        if hasattr(request.config, "workeroutput"):
            request.config.workeroutput["postgres"] = server.origin
        yield server


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys") / "signing-key.pem"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory, key_file: Path) -> Path:
    """A migrated SQLite database with the reference data."""
    path = tmp_path_factory.mktemp("template") / "pip.db"
    _prepare(_settings(f"sqlite:///{path}", key_file))
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres, key_file: Path) -> str:
    """The name of a migrated PostgreSQL database with the reference data."""
    _prepare(_settings(postgres.create_database("template_pip"), key_file))
    return "template_pip"


def _prepare(settings: Settings) -> None:
    async def load() -> None:
        services = create_services(settings, clock=Clock())
        await services.database.open()
        await load_reference(services)
        await services.database.close()

    migrate(settings)
    asyncio.run(load())


def _settings(url: str, key_file: Path) -> Settings:
    postgresql = url.startswith("postgresql")
    return Settings(
        database_url=as_role(url) if postgresql else url,
        migration_database_url=url if postgresql else None,
        signing_key_file=key_file,
        sealing_key_file=key_file.with_name("sealing-key.pem"),
        sealing_interval_ms=0,  # a test that is about seals makes them itself
        database_pool_size=8,
        rate_limit_requests=0,  # a test that wants to meet a limit sets its own
        import_limit_requests=0,
    )


OnFresh = Callable[[str, Path], AbstractContextManager[Settings]]


@pytest.fixture(scope="session")
def on_fresh(request: pytest.FixtureRequest, key_file: Path) -> OnFresh:
    """Gives settings that name a fresh database of an engine with the reference data, for as long as it is used."""

    @contextmanager
    def fresh(engine: str, folder: Path) -> Iterator[Settings]:
        if engine == "sqlite":
            path = folder / "pip.db"
            shutil.copy(request.getfixturevalue("sqlite_template"), path)
            yield _settings(f"sqlite:///{path}", key_file)
            return
        server: Postgres = request.getfixturevalue("postgres")
        name = f"test_{next(_numbers)}"
        yield _settings(server.create_database(name, request.getfixturevalue("postgres_template")), key_file)
        server.drop_database(name)

    return fresh


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path, on_fresh: OnFresh) -> Iterator[Settings]:
    """Settings that name a fresh database with the reference data, once for each engine."""
    with on_fresh(request.param, tmp_path) as settings:
        yield settings


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    """The running service on a fresh database."""
    async with running(settings) as started:
        yield started


@pytest.fixture
async def admin(service: Service) -> httpx.AsyncClient:
    """A national administrator."""
    return await service.caller("national_admin")


@pytest.fixture
async def lead(service: Service) -> httpx.AsyncClient:
    """The lead of Avon and Somerset."""
    return await service.caller("force_lead", f"force:{AVON}")


@pytest.fixture
async def concern(lead: httpx.AsyncClient) -> Record:
    """A concern of Avon and Somerset."""
    return await a_concern(lead)


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data beside the project."""
    if not DATA.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs the folder ../shared/data, which is not there.")
        pytest.skip("the folder ../shared/data is not on this machine")
    return DATA


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that sessions run, from now on; without the look at the log, which comes when its time is."""
    run: list[str] = []

    def counting(real: Callable[..., Any]) -> Callable[..., Any]:
        def method(self: Session, statement: Statement, *args: Any, **params: Any) -> Any:
            if statement is not log_state._LOOK:
                run.append(statement.on(self.dialect).sql)
            return real(self, statement, *args, **params)

        return method

    for session in (SqliteSession, PostgresSession):
        for name in ("fetch", "run", "run_many"):
            monkeypatch.setattr(session, name, counting(getattr(session, name)))
    return run
