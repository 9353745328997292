"""How is a server started for a measurement: as a process of its own, on one core, on a free port?"""

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.postgres import as_role
from tests.serving import free_port

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Server:
    name: str
    url: str
    pid: int


def cores() -> tuple[int, int]:
    """One core for the server, another for the load; the same one twice where there is only one."""
    free = sorted(os.sched_getaffinity(0))
    return free[0], free[-1]


@contextmanager
def started(name: str, command: Iterable[str | Path], port: int, environment: Mapping[str, str]) -> Iterator[Server]:
    """A running server, pinned. Raises RuntimeError when it does not answer."""
    pinned = ["taskset", "--cpu-list", str(cores()[0]), *map(str, command)]
    with subprocess.Popen(pinned, env={**os.environ, **environment}, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        try:
            server = Server(name, f"http://127.0.0.1:{port}", process.pid)
            _wait(server, process)
            yield server
        finally:
            process.terminate()


def _wait(server: Server, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        if process.poll() is not None:
            break
        try:
            httpx.get(server.url, trust_env=False)
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError(f"{server.name} did not start.")


@contextmanager
def service(url: str, directory: Path) -> Iterator[Server]:
    """The service as shipped."""
    port = free_port()
    environment = {**service_environment(url, directory), "PIP_PORT": str(port)}
    with started("pip_api", [BIN / "pip-api", "serve"], port, environment) as server:
        yield server


def service_environment(url: str, directory: Path) -> dict[str, str]:
    plenty = {"PIP_RATE_LIMIT_REQUESTS": "1000000000", "PIP_IMPORT_LIMIT_REQUESTS": "1000000000"}
    key = str(directory / "key.pem")
    if url.startswith("postgresql"):
        plenty |= {"PIP_MIGRATION_DATABASE_URL": url}
        url = as_role(url)
    return {
        "PIP_DATABASE_URL": url,
        "PIP_SIGNING_KEY_FILE": key,
        "PIP_SEALING_KEY_FILE": f"{key}.seal",
        "PIP_LOG_LEVEL": "warning",
        **plenty,
    }


def run_service_command(url: str, directory: Path, *arguments: str) -> str:
    """What a command of pip-api prints."""
    done = subprocess.run(
        [BIN / "pip-api", *arguments],
        env={**os.environ, **service_environment(url, directory)},
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.strip()


@contextmanager
def python_peer(module: str, url: str) -> Iterator[Server]:
    """A peer that is a module of this package with an ASGI application."""
    port = free_port()
    command = [sys.executable, "-m", f"benchmarks.{module}", str(port)]
    with started(module, command, port, {"BENCH_DATABASE_URL": url}) as server:
        yield server


@contextmanager
def drf(url: str) -> Iterator[Server]:
    """Django as it is usually deployed: gunicorn, here with one worker."""
    port = free_port()
    shape = ["--workers=1", "--log-level=warning", f"--bind=127.0.0.1:{port}"]
    command = [str(BIN / "gunicorn"), *shape, "benchmarks.drf:application"]
    with started("drf", command, port, {"BENCH_DATABASE_URL": url}) as server:
        yield server
