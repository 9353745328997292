"""What stands between the service and PostgreSQL where many share few connections? PgBouncer in transaction mode."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pip_api.db.guards import SERVICE
from tests.postgres import PASSWORD
from tests.serving import free_port

CONNECTIONS = 4


def installed() -> str:
    """The program. It is a package of Debian and Ubuntu: apt-get install pgbouncer."""
    found = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs pgbouncer, which is not installed.")
        pytest.skip("pgbouncer is not on this machine")
    return found


@contextmanager
def bouncer(url: str) -> Iterator[str]:
    """The address of the same database behind a few connections, each lent for one transaction."""
    parts, port, program = urlsplit(url), free_port(), installed()
    directory = Path(tempfile.mkdtemp(prefix="pip-bouncer-"))
    (directory / "users.txt").write_text(f'"{SERVICE}" "{PASSWORD}"\n')
    (directory / "pgbouncer.ini").write_text(
        f"""
        [databases]
        * = host={parts.hostname} port={parts.port or 5432}
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = {port}
        unix_socket_dir =
        auth_type = trust
        auth_file = {directory}/users.txt
        pool_mode = transaction
        default_pool_size = {CONNECTIONS}
        ignore_startup_parameters = options
        """.replace("\n        ", "\n")
    )
    user = None
    if os.geteuid() == 0:  # it refuses to run as root
        user = "nobody"
        for path in (directory, *directory.iterdir()):
            shutil.chown(path, user)
    command: list[str | Path] = [program, "-q", directory / "pgbouncer.ini"]
    process = subprocess.Popen(command, user=user, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    with process:
        try:
            _wait(process, port)
            yield parts._replace(netloc=f"{SERVICE}@127.0.0.1:{port}").geturl()
        finally:
            process.terminate()
            shutil.rmtree(directory)


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    for _ in range(100):
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"pgbouncer did not start: {process.stdout.read() if process.stdout else b''!r}")
