"""How fast does a server answer? wrk asks, on a core of its own."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from benchmarks.servers import Server, cores

SCRIPT = Path(__file__).with_name("requests.lua")


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    body: str = ""


@dataclass(frozen=True)
class Measured:
    """Requests a second, and milliseconds."""

    rate: float
    p50: float
    p95: float


def is_there() -> bool:
    return shutil.which("wrk") is not None


def measure(
    server: Server,
    requests: Sequence[Request],
    headers: Mapping[str, str],
    *,
    seconds: int,
    connections: int = 16,
    repeat: bool = True,
) -> Measured:
    """The requests in turn. Raises RuntimeError when one is refused, or when they ran out and are not to `repeat`."""
    with NamedTemporaryFile("w", suffix=".tsv") as file:
        file.writelines(f"{each.method}\t{each.path}\t{each.body}\n" for each in requests)
        file.flush()
        shape = ["--threads=1", f"--connections={connections}", f"--duration={seconds}s", "--latency"]
        given = [text for header in headers.items() for text in header]
        command = ["wrk", *shape, f"--script={SCRIPT}", server.url, "--", file.name, *given]
        pinned = ["taskset", "--cpu-list", str(cores()[1]), *command]
        printed = subprocess.run(pinned, check=True, capture_output=True, text=True).stdout
    line = next((line for line in printed.splitlines() if line.startswith("result ")), "")
    answered, microseconds, failed, p50, p95 = map(int, line.split()[1:])
    if failed or not answered:
        raise RuntimeError(f"{server.name} refused {failed} of {answered} requests to {requests[0].path}.")
    if answered + connections > len(requests) and not repeat:
        raise RuntimeError(f"{server.name} was faster than {len(requests)} requests in {seconds} seconds.")
    return Measured(answered * 1_000_000 / microseconds, p50 / 1_000, p95 / 1_000)
