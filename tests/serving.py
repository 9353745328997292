"""How do tests run the service as a process of its own, as an operator would?"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

ROOT = Path(__file__).parents[1]
COMMAND = str(Path(sys.executable).with_name("pip-api"))


@dataclass
class Server:
    url: str
    process: subprocess.Popen[str]
    printed: list[str] = field(default_factory=list)
    reading: Thread | None = None

    def read_on(self) -> None:
        with self.process.stdout or nullcontext(()) as lines:
            self.printed.extend(line.rstrip("\n") for line in lines)

    def all_printed(self) -> str:
        """All that a service that has ended has printed."""
        if self.reading is not None:
            self.reading.join()
        return "\n".join(self.printed)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(folder: Path, *options: str, **environment: str) -> Iterator[Server]:
    """`pip-api serve` in a folder of its own, on a free port, stopped in the end."""
    port = free_port()
    process = subprocess.Popen(
        [COMMAND, "serve", *options],
        cwd=folder,
        env={**os.environ, "PIP_PORT": str(port), "PIP_IMPORT_LIMIT_REQUESTS": "0", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    server = Server(f"http://127.0.0.1:{port}", process)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            server.printed.append(line.rstrip("\n"))
            if "startup complete" in line:
                break
        else:
            raise AssertionError("\n".join(server.printed))
        # A pipe that nobody reads fills up with the lines of requests, and then the service waits for ever.
        server.reading = Thread(target=server.read_on, daemon=True)
        server.reading.start()
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
        server.all_printed()
