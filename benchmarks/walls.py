"""What does the second wall cost the hot reads? With it and without it, in turns: python -m benchmarks.walls

Without it the service logs in as a role that no policy holds for, and sends no scope.
"""

import gc
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psycopg
import uvicorn

from benchmarks import imports, load, seed, servers
from benchmarks.load import Request
from benchmarks.servers import Server
from pip_api.app import create_app
from pip_api.db.guards import SERVICE
from pip_api.db.scopes import Forces
from pip_api.db.scoping import Scoping
from pip_api.http.logs import configure
from pip_api.settings import load as load_settings
from tests.postgres import UNWALLED, as_role, cluster
from tests.service import let_in
from tests.serving import free_port

ROUNDS = 5
SECONDS = 2


@dataclass(frozen=True)
class Side:
    """One of the two. What it takes of the processors is counted, since others are at work on the machine too."""

    server: Server
    role: str
    url: str

    def cost(self, asked: list[Request], headers: dict[str, str]) -> tuple[float, float]:
        """Microseconds of processor for each request, of the service and of the database."""
        before = self._spent()
        answered = load.measure(self.server, asked, headers, seconds=SECONDS, connections=4).rate * SECONDS
        service, database = (after - earlier for after, earlier in zip(self._spent(), before, strict=True))
        return service / answered, database / answered

    def _spent(self) -> tuple[float, float]:
        with psycopg.connect(self.url) as connection:
            backends = connection.execute("SELECT pid FROM pg_stat_activity WHERE usename = %s", [self.role])
            pids = [pid for (pid,) in backends]
        return _processor(self.server.pid), sum(map(_processor, pids))


def _processor(pid: int) -> float:
    """Microseconds that a process has had so far."""
    return sum(int(each.read_text().split()[0]) for each in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1_000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, cluster() as postgres:
        directory, url = Path(folder), postgres.create_database("walls")
        seed.MONTHS = 12  # what is measured reads the newest
        servers.run_service_command(url, directory, "migrate")
        secret = servers.run_service_command(url, directory, "client", "create", *imports.CLIENT)
        seed.add_plans_and_figures(url)
        with psycopg.connect(url) as connection:
            plans = [id for (id,) in connection.execute("SELECT id::text FROM pip ORDER BY md5(ref)")]
            forces = seed.codes(connection)
        with servers.service(url, directory) as walled, _without(url, directory) as bare:
            headers = imports.bearer(walled, secret)
            sides = [Side(bare, UNWALLED, url), Side(walled, SERVICE, url)]
            for title, asked in (
                ("Status of a plan", [Request("GET", f"/v1/pips/{id}/status") for id in plans]),
                ("Read one plan", [Request("GET", f"/v1/pips/{id}") for id in plans]),
                ("List of 50 actions", [Request("GET", f"/v1/actions?force={code}") for code in forces]),
                ("Triage of all forces", [Request("GET", "/v1/triage")]),
            ):
                _compare(title, asked, headers, sides)


def _compare(title: str, asked: list[Request], headers: dict[str, str], sides: list[Side]) -> None:
    for side in sides:
        load.measure(side.server, asked, headers, seconds=SECONDS, connections=4)  # to warm up
    rounds = [[side.cost(asked, headers) for side in sides] for _ in range(ROUNDS)]
    ours, theirs = ([[cost[part] for cost in each] for each in zip(*rounds, strict=True)] for part in (0, 1))
    ratio = median(sum(after) / sum(before) for before, after in rounds)
    told = ", ".join(
        f"{median(service):.0f} + {median(database):.0f} us" for service, database in zip(ours, theirs, strict=True)
    )
    print(f"{title}: {told} without and with it (service + database): {ratio:.2f}", flush=True)


@contextmanager
def _without(url: str, directory: Path) -> Iterator[Server]:
    environment = servers.service_environment(url, directory) | {"PIP_DATABASE_URL": as_role(url, UNWALLED)}
    port = free_port()
    with servers.started("bare", [sys.executable, "-m", "benchmarks.walls", str(port)], port, environment) as server:
        yield server


def _serve(port: int) -> None:
    told = Scoping.take

    def keep_silent(self: Scoping, scope: Forces | None, *, for_each: bool) -> None:
        told(self, None, for_each=for_each)

    Scoping.take = keep_silent  # type: ignore[method-assign]
    settings = load_settings()
    configure(json=False, level=settings.log_level)
    app = create_app(settings)
    let_in(app)
    gc.freeze()
    uvicorn.run(app, port=port, http="httptools", loop="uvloop", log_config=None, access_log=False, server_header=False)


if __name__ == "__main__":
    _serve(int(sys.argv[1])) if len(sys.argv) > 1 else main()
