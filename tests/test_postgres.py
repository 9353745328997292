import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests import postgres

ROOT = Path(__file__).parents[1]


def answer(url: str, question: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(question).fetchone()
    return row and row[0]


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("find", [postgres.installed, postgres.embedded])
def test_a_cluster_answers_and_leaves_nothing(find: Callable[[], Path | None]) -> None:
    bindir = find()
    if bindir is None:
        pytest.skip("this machine has no PostgreSQL of its own: the other case covers the wheel")
    with postgres.cluster(bindir=bindir) as server:
        major = int(str(answer(server.url, "SHOW server_version_num"))) // 10000
        assert major >= postgres.OLDEST
        assert f" {major}." in server.origin
        assert answer(server.url, "SHOW fsync") == "off"
        cluster = Path(str(answer(server.url, "SHOW data_directory")))
        pid = int((cluster / "postmaster.pid").read_text().split()[0])
        assert lives(pid)
    assert not cluster.parent.exists()
    assert not lives(pid)


def test_measurements_are_durable() -> None:
    with postgres.cluster(durable=True, bindir=postgres.embedded()) as server:
        assert [answer(server.url, f"SHOW {name}") for name in ("fsync", "full_page_writes", "synchronous_commit")] == [
            "on"
        ] * 3


def test_a_named_server_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    names = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database"
    with postgres.cluster(bindir=postgres.embedded()) as owner:
        before = answer(owner.url, names)
        monkeypatch.setenv("PIP_TEST_POSTGRES_URL", owner.url)
        with postgres.cluster() as server:
            assert server.origin == "PIP_TEST_POSTGRES_URL"
            first = server.create_database("first")
            with psycopg.connect(first) as connection:
                connection.execute("CREATE TABLE force (code text)")
            second = server.create_database("second", template="first")
            assert answer(second, "SELECT count(*) FROM force") == 0
            server.drop_database("first")
            assert str(answer(owner.url, names)).count("pip_test_") == 2
        assert answer(owner.url, names) == before


def test_a_server_goes_with_its_tests_even_when_they_are_killed() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PIP_TEST_POSTGRES_URL"}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.postgres"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as tests:
        assert tests.stdout is not None
        _origin, url = tests.stdout.readline(), tests.stdout.readline().strip()
        cluster = Path(str(answer(url, "SHOW data_directory")))
        tests.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while cluster.parent.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not cluster.parent.exists()


def test_a_machine_without_any_server_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_TEST_POSTGRES_URL", raising=False)
    monkeypatch.setattr(postgres, "installed", lambda: None)
    monkeypatch.setattr(postgres, "find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match="name a server in PIP_TEST_POSTGRES_URL"), postgres.cluster():
        pass
