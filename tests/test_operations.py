"""Can PostgreSQL be set up, backed up and restored by the commands of docs/operations.md, as they stand there?"""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from pip_api.db.postgres import PostgresDatabase
from tests.postgres import PASSWORD, ROLES, Postgres, cluster, embedded, installed, with_database
from tests.serving import COMMAND, serving

TEXT = Path(__file__).parents[1].joinpath("docs", "operations.md").read_text("utf-8")
ROLES_OF_IT, MIGRATING, BACKING_UP, RESTORING, FOR_PGBOUNCER = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
LOGINS = ("pip_app", "pip_migrator", "pip_backup")
BINARIES = installed() or embedded()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Postgres]:
    """A server without our roles, which asks each of them for a password."""
    with cluster(bindir=BINARIES) as started:
        with psycopg.connect(started.url, autocommit=True) as connection:
            for role in reversed(ROLES):
                connection.execute(f"DROP ROLE {role}")
            row = connection.execute("SHOW hba_file").fetchone()
            assert row is not None
            who = f"host all {','.join(LOGINS)} all scram-sha-256\nhost all postgres all trust\n"
            Path(row[0]).write_text(who)
            connection.execute("SELECT pg_reload_conf()")
        yield started


def test_it_is_set_up_backed_up_and_restored_as_written(server: Postgres, tmp_path: Path) -> None:
    place = urlsplit(server.url)
    passwords = tmp_path / "pgpass"
    passwords.write_text("".join(f"*:*:*:{login}:{PASSWORD} of {login}\n" for login in LOGINS))
    passwords.chmod(0o600)
    known = {
        **os.environ,
        "PATH": f"{BINARIES}:{Path(COMMAND).parent}:{os.environ['PATH']}",
        **{"PGHOST": "127.0.0.1", "PGPORT": str(place.port), "PGUSER": "postgres", "PGPASSFILE": str(passwords)},
    }

    def run(script: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        words = ["bash", "-euo", "pipefail", "-c", script.replace("db.example", "127.0.0.1")]
        return subprocess.run(words, cwd=tmp_path, env=known | environment, capture_output=True, text=True, timeout=300)

    def done(script: str, **environment: str) -> None:
        ran = run(script, **environment)
        assert ran.returncode == 0, ran.stderr + ran.stdout

    def asked(question: str, database: str = "pip") -> object:
        with psycopg.connect(with_database(server.url, database)) as connection:
            row = connection.execute(question).fetchone()
        return row and row[0]

    done(ROLES_OF_IT)
    with psycopg.connect(server.url, autocommit=True) as connection:
        for login in LOGINS:
            hashed = connection.pgconn.encrypt_password(
                f"{PASSWORD} of {login}".encode(), login.encode(), b"scram-sha-256"
            )
            connection.execute(f"ALTER ROLE {login} PASSWORD '{hashed.decode()}'")
    done(MIGRATING)
    done(FOR_PGBOUNCER)
    refused = run("pg_dump --username=pip_migrator --role=pip_owner --file=never.dump pip")
    assert "row-level security policy" in refused.stderr
    assert refused.returncode != 0
    done(BACKING_UP)
    done(RESTORING)
    for table in ("ledger_entry", "ledger_unsealed", "support_level", "force"):
        count = f"SELECT count(*) FROM {table}"
        assert asked(count, "pip_restored") == asked(count) != 0
    with serving(tmp_path, **{**known, "PIP_DATABASE_URL": "postgresql://pip_app@127.0.0.1/pip_restored"}) as restored:
        assert httpx.get(f"{restored.url}/readyz", trust_env=False).status_code == 200
        until = time.monotonic() + 30
        while asked("SELECT count(*) FROM ledger_unsealed", "pip_restored") and time.monotonic() < until:
            time.sleep(0.1)
    assert asked("SELECT count(*) FROM ledger_unsealed", "pip_restored") == 0
    every = "SELECT count(*) = (SELECT count(*) FROM ledger_entry) FROM ledger_leaf"
    assert asked(every, "pip_restored") is True


def test_what_a_connection_is_told_is_told_to_the_role_behind_pgbouncer() -> None:
    told = dict(re.findall(r"^ALTER ROLE pip_app SET (\w+) = '(.*)';$", FOR_PGBOUNCER, re.MULTILINE))
    database = PostgresDatabase("postgresql://pip_app@db.example/pip", pool_size=1, statement_timeout_ms=5_000)
    assert told == dict(each.split("=") for each in re.findall(r"-c (\S+)", database._pool._options))
