"""Does the command line do what an operator expects, and say in one sentence why it does not?"""

import gzip
import io
import json
import os
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import httpx
import pytest

from pip_api.access.permissions import ROLES, is_for_people
from pip_api.cli import main
from tests.serving import COMMAND, Server, free_port, serving

OPENAPI = Path(__file__).parents[1] / "openapi" / "openapi.json"
HEADER = "force_code,measure_code,period_start,period_end,value\n"
ROW = "avon-and-somerset,demo.101-abandoned,2026-11-01,2026-11-30,{}\n"
GOOD, FOREIGN = ROW.format("10.90"), "kent,demo.101-abandoned,2026-11-01,2026-11-30,1\n"


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


def run(folder: Path, *words: str, **environment: str) -> Done:
    """A command in this process: half the time of a process of its own. One that would go on serving fails."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        mock.patch.dict(os.environ, kept | environment, clear=True),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        patch.chdir(folder)
        patch.setattr("sys.argv", [COMMAND, *words])
        patch.setattr("uvicorn.Server.run", mock.Mock(side_effect=AssertionError("it serves")))
        patch.setattr("tenacity.nap.time.sleep", lambda seconds: None)
        with pytest.raises(SystemExit) as ended:
            main()
    return Done(int(ended.value.code or 0), out.getvalue(), err.getvalue())


def sentence(done: Done) -> str:
    """What a command that did not start says; it is one sentence, and no trace of how it came to it."""
    assert (done.returncode, done.stdout) == (2, ""), done
    (line,) = done.stderr.splitlines()
    assert line.startswith("pip-api: ")
    assert line.endswith(".")
    return line.removeprefix("pip-api: ")


@dataclass
class Demonstration:
    folder: Path
    server: Server

    def run(self, *words: str, **environment: str) -> Done:
        return run(self.folder, *words, **({"PIP_SERVER": self.server.url} | environment))

    def send(self, text: str, *options: str, name: str = "figures.csv") -> Done:
        body = text.encode()
        (self.folder / name).write_bytes(gzip.compress(body) if name.endswith(".gz") else body)
        return self.run("import", "figures", name, *options, PIP_CLIENT_ID="demo-force")

    def get(self, path: str) -> httpx.Response:
        token = self.run("token", "demo-force").stdout.strip()
        return httpx.get(self.server.url + path, headers={"Authorization": f"Bearer {token}"})


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    """The demonstration, started for the second time."""
    folder = tmp_path_factory.mktemp("demonstration")
    for _ in range(2):
        with serving(folder, "--demo") as server:
            if (folder / "again").exists():
                yield Demonstration(folder, server)
            (folder / "again").touch()


def test_a_second_start_shows_the_same_example_once(demonstration: Demonstration) -> None:
    plans = demonstration.get("/v1/pips").json()["items"]
    assert [each["ref"] for each in plans] == [f"avon-and-somerset-{plans[0]['created_at'][:4]}-01"]
    assert len(demonstration.get("/v1/figures").json()["items"]) == 14
    assert demonstration.server.printed[1] == f"  docs   {demonstration.server.url}/docs"


def test_a_signal_ends_it_in_good_order(tmp_path: Path) -> None:
    assert run(tmp_path, "migrate").returncode == 0
    with serving(tmp_path) as server:
        assert "token CLIENT" in server.printed[2]
        assert httpx.get(f"{server.url}/readyz").status_code == 200
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=30) == 0


def wait_until_nobody_listens(url: str) -> None:
    for _ in range(100):
        try:
            httpx.get(f"{url}/healthz")
        except httpx.ConnectError:
            return
        time.sleep(0.1)
    raise AssertionError("it still listens")


def test_what_runs_may_end_before_it_stops(tmp_path: Path) -> None:
    """An import whose second half comes after the signal is answered, and whoever comes new is not let in."""
    stopping = threading.Event()

    def slowly() -> Iterator[bytes]:
        yield HEADER.encode()
        httpx.get(f"{server.url}/healthz")  # connections are taken in their order: the one before is known by now
        server.process.send_signal(signal.SIGTERM)
        stopping.wait(10)
        yield GOOD.encode()

    with serving(tmp_path, "--demo") as server, ThreadPoolExecutor() as pool:
        token = run(tmp_path, "token", "demo-force", PIP_SERVER=server.url).stdout.strip()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/csv"}
        sent = pool.submit(httpx.post, f"{server.url}/v1/imports?kind=figures", content=slowly(), headers=headers)
        wait_until_nobody_listens(server.url)
        assert not sent.done()
        stopping.set()
        answer = sent.result(timeout=30)
        assert (answer.status_code, answer.json()["counts"]["created"]) == (200, 1)
        assert answer.headers["connection"] == "close"
        assert server.process.wait(timeout=30) == 0


def test_what_does_not_end_is_not_waited_for_longer_than_set(tmp_path: Path) -> None:
    with serving(tmp_path, "--demo", PIP_STOP_GRACE_SECONDS="1") as server:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as caller:
            caller.sendall(b"POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\ngrant")
            time.sleep(0.5)
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(timeout=10) == 0


def test_in_production_every_line_of_the_log_is_json(tmp_path: Path) -> None:
    assert run(tmp_path, "migrate").returncode == 0
    with serving(tmp_path, PIP_ENVIRONMENT="production", PIP_ISSUER="https://pip.example") as server:
        assert httpx.get(f"{server.url}/v1/pips?access_token=sentinel").status_code == 401
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(timeout=30)
    lines = [line for line in server.all_printed().splitlines() if not line.startswith(("pip_api", "  "))]
    logged = [json.loads(line) for line in lines]
    events = {each["event"] for each in logged}
    assert {"Application startup complete.", "answered", "Application shutdown complete."} <= events
    (answered,) = [each for each in logged if each["event"] == "answered"]
    assert (answered["operation"], answered["status"]) == ("listPips", 401)
    assert "sentinel" not in server.all_printed()


def test_a_token_is_printed_alone(demonstration: Demonstration) -> None:
    done = demonstration.run("token", "demo-triage")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.strip().split(".")) == 3
    assert "PIP_CLIENT_SECRET" in sentence(demonstration.run("token", "stranger"))
    wrong = sentence(demonstration.run("token", "demo-force", PIP_CLIENT_SECRET="wrong"))
    assert wrong == "No token for client demo-force: The client is unknown, or what it proves itself with is not good."


def test_a_client_is_made_and_used(demonstration: Demonstration) -> None:
    create = ("client", "create", "mart", "--role", "data_submitter", "--on", "force:avon-and-somerset")
    done = demonstration.run(*create, "--reason", "Monthly figures")
    assert (done.returncode, done.stderr) == (0, "")
    secret = done.stdout.strip()
    assert demonstration.run("token", "mart", PIP_CLIENT_SECRET=secret).returncode == 0
    rotated = demonstration.run("client", "rotate", "mart", "--days", "0").stdout.strip()
    told = [demonstration.run("token", "mart", PIP_CLIENT_SECRET=each).returncode for each in (secret, rotated)]
    assert told == [2, 0]
    revoked = demonstration.run("client", "revoke", "mart", "--reason", "Lost")
    assert revoked.stdout.strip() == "1 credential of mart revoked."
    assert demonstration.run("token", "mart", PIP_CLIENT_SECRET=rotated).returncode == 2
    assert sentence(demonstration.run("client", "rotate", "stranger")) == "There is no client with this id."
    assert sentence(demonstration.run(*create)) == "There is an account with this client id already."
    assert "data_submitter" in sentence(demonstration.run("client", "create", "m", "--role", "x", "--on", "national"))
    place = sentence(demonstration.run("client", "create", "m", "--role", "data_submitter", "--on", "kent"))
    assert place == "A place is national, region:CODE or force:CODE."


def test_a_program_is_offered_the_roles_that_it_may_have(demonstration: Demonstration) -> None:
    told = demonstration.run("client", "create", "--help", COLUMNS="1000").stdout
    for role, permissions in ROLES.items():
        assert (role in told) != any(map(is_for_people, permissions)), role


def test_the_first_person_is_given_access_at_the_command_line(demonstration: Demonstration) -> None:
    """And may then give it to others: the one way in where nobody holds a role yet."""
    who = ("green", "--issuer", "https://id.test")
    create = ("account", "create", *who, "--name", "Sgt Green")
    elsewhere = sentence(demonstration.run(*create, PIP_ISSUERS='[{"issuer": "https://id.test/", "audience": "a"}]'))
    assert elsewhere.endswith("letter by letter: PIP_ISSUERS names https://id.test/.")
    made = demonstration.run(*create)
    assert made.stdout.startswith("Sgt Green has an account.")
    assert "until it names this issuer, the person cannot sign in" in made.stderr
    assert sentence(demonstration.run(*create)).startswith("There is an account with this")
    role = (*who, "--role", "access_admin", "--on", "national")
    given = demonstration.run("grant", "create", *role, "--reason", "The first")
    assert (given.returncode, given.stdout.strip()) == (0, "green holds access_admin on national.")
    ended = demonstration.run("grant", "end", *role)
    assert (ended.returncode, ended.stdout.strip()) == (0, "green no longer holds access_admin on national.")
    assert sentence(demonstration.run("grant", "end", *role)) == "This role is not held there."
    stranger = ("stranger", "--issuer", "https://id.test", "--role", "force_reader", "--on", "national")
    said = sentence(demonstration.run("grant", "create", *stranger))
    assert said == "There is no account of this name at this issuer."
    known = '[{"issuer": "https://id.test", "audience": "a"}]'
    for named, told in (("[]", "PIP_ISSUERS names none yet."), (known, "PIP_ISSUERS names https://id.test.")):
        for words in (("grant", "create", "green", *role[3:]), ("account", "create", "green", "--name", "Sgt Green")):
            said = sentence(demonstration.run(*words, PIP_ISSUERS=named))
            assert "--issuer" in said
            assert said.endswith(told)
    program = ("demo-force", "--role", "auditor", "--on", "national")
    assert sentence(demonstration.run("grant", "create", *program)).startswith("A program neither gives access")
    nowhere = demonstration.run("grant", "create", *who, "--role", "force_reader", "--on", "force:atlantis")
    assert sentence(nowhere) == "There is no such force here."
    disable = ("account", "disable", *who, "--reason", "Left the force")
    assert demonstration.run(*disable).stdout.strip() == "The account of green is disabled."
    assert sentence(demonstration.run(*disable)) == "The account is disabled already."


def test_a_file_is_sent_and_may_be_sent_again(demonstration: Demonstration) -> None:
    new = GOOD.replace("2026-11", "2025-11")
    for said in ("1 row: 1 created.", "1 row: 1 unchanged."):
        done = demonstration.send(HEADER + new, "--source", "mart", name="figures.csv.gz")
        assert (done.returncode, done.stdout.strip()) == (0, said), done.stderr
    done = demonstration.send(HEADER + new.replace("10.90", "11"))
    assert (done.returncode, done.stdout.strip()) == (0, "1 row: 1 updated.")


def test_the_exit_code_says_whether_all_some_or_none_went_in(demonstration: Demonstration) -> None:
    assert demonstration.send(HEADER + ROW.format("11.5")).returncode == 0
    some = demonstration.send(HEADER + ROW.format("12") + FOREIGN, "--mode", "per_row")
    assert (some.returncode, some.stdout.splitlines()[0]) == (1, "2 rows: 1 updated, 1 failed.")
    assert "unknown_reference" in some.stdout
    none = demonstration.send(HEADER + ROW.format("13") + FOREIGN)
    assert none.returncode == 2
    assert "Nothing was written." in none.stdout
    figures = demonstration.get("/v1/figures?measure=demo.101-abandoned&starts_before=2026-11-02&sort=-period_start")
    assert figures.json()["items"][0]["value"] == 12
    for text in ("", "force,value\n", HEADER.replace("value", "valeu") + GOOD):
        unread = demonstration.send(text)
        assert (unread.returncode, unread.stdout == "") == (2, False), unread


def test_what_cannot_be_sent_is_said_in_one_sentence(demonstration: Demonstration) -> None:
    def said(done: Done) -> str:
        assert done.returncode == 2
        return done.stdout + done.stderr.splitlines()[-1]

    assert ".csv" in said(demonstration.send(HEADER, name="figures.xls"))
    (demonstration.folder / "figures.csv").write_text(HEADER)
    gossip = demonstration.run("import", "gossip", "figures.csv", PIP_CLIENT_ID="demo-force")
    assert "'kind' must be one of" in said(gossip)
    nobody = demonstration.run("import", "figures", "figures.csv", PIP_CLIENT_ID="stranger", PIP_CLIENT_SECRET="x")
    assert "No token for client stranger" in said(nobody)
    missing = demonstration.run("import", "figures", "nothing.csv", PIP_CLIENT_ID="demo-force")
    assert missing.returncode == 2


def test_a_service_that_does_not_answer(tmp_path: Path) -> None:
    (tmp_path / "figures.csv").write_text(HEADER)
    url = f"http://127.0.0.1:{free_port()}"
    secret = {"PIP_SERVER": url, "PIP_CLIENT_ID": "mart", "PIP_CLIENT_SECRET": "x"}
    assert sentence(run(tmp_path, "token", "mart", **secret)).startswith(f"The service at {url} does not answer: ")
    done = run(tmp_path, "import", "figures", "figures.csv", **secret)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"pip-api: The service at {url} does not answer: ")


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = sentence(run(tmp_path, "serve", PIP_PORT=str(port)))
    assert said.startswith(f"Cannot listen on 127.0.0.1 port {port}: ")
    assert "PIP_PORT" in said


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.db").mkdir()
    port, key = str(free_port()), {"PIP_SIGNING_KEY_FILE": str(tmp_path / "key.pem")}
    for words in (("serve", "--demo"), ("serve",), ("migrate",)):
        below = run(tmp_path, *words, PIP_DATABASE_URL="sqlite:///file/pip.db", PIP_PORT=port, **key)
        assert sentence(below).startswith("The folder file cannot be made: ")
        folder = run(tmp_path, *words, PIP_DATABASE_URL="sqlite:///folder.db", PIP_PORT=port, **key)
        assert sentence(folder).startswith("The database (folder.db) cannot be used: ")
    no_key = run(tmp_path, "serve", "--demo", PIP_PORT=port, PIP_SIGNING_KEY_FILE="file/key.pem")
    assert "signing key" in sentence(no_key)


def test_a_database_of_another_release(tmp_path: Path) -> None:
    port = str(free_port())
    assert sentence(run(tmp_path, "serve", PIP_PORT=port)) == (
        "The database is not migrated to this release: run pip-api migrate."
    )
    for _ in range(2):
        assert run(tmp_path, "migrate").stdout == "The database is migrated, and the reference data is there.\n"
    with sqlite3.connect(tmp_path / "var" / "pip.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    for words in (("serve",), ("serve", "--demo"), ("migrate",)):
        said = sentence(run(tmp_path, *words, PIP_PORT=port))
        assert said.startswith("The database was migrated by a newer release (to revision 9999): ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PIP_PORT", "http"),
        ("PIP_PORT", "70000"),
        ("PIP_DATABASE_URL", "mysql://localhost/pip"),
        ("PIP_ENVIRONMENT", "staging"),
        ("PIP_TOKEN_LIFETIME_SECONDS", "5"),
        ("PIP_ACCESS_MEMORY_SECONDS", "5.1"),
    ],
)
def test_a_setting_that_is_not_usable(tmp_path: Path, name: str, value: str) -> None:
    assert sentence(run(tmp_path, "serve", **{name: value})).startswith(f"The setting {name} is not usable: ")


def test_a_refusal_to_start_ends_the_process_without_a_trace(tmp_path: Path) -> None:
    environment = {**os.environ, "PIP_PORT": "http"}
    done = subprocess.run([COMMAND, "serve"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert "PIP_PORT" in sentence(Done(done.returncode, done.stdout, done.stderr))


def test_production_makes_no_key_and_shows_no_demonstration(tmp_path: Path) -> None:
    production = {"PIP_ENVIRONMENT": "production", "PIP_PORT": str(free_port())}
    said = sentence(run(tmp_path, "serve", "--demo", **production))
    assert said == "The demonstration is not loaded in production: leave out --demo."
    assert run(tmp_path, "migrate").returncode == 0
    (tmp_path / "var" / "signing-key.pem").unlink()
    said = sentence(run(tmp_path, "serve", **production, PIP_ISSUER="https://pip.example"))
    assert said == "There is no signing key at var/signing-key.pem."
    assert not (tmp_path / "var" / "signing-key.pem").exists()


def test_production_has_a_name_of_its_own(tmp_path: Path) -> None:
    assert run(tmp_path, "migrate").returncode == 0
    said = sentence(run(tmp_path, "serve", PIP_ENVIRONMENT="production", PIP_PORT=str(free_port())))
    assert said.startswith("In production PIP_ISSUER has to be set: ")


def test_the_contract_is_printed(tmp_path: Path) -> None:
    done = run(tmp_path, "openapi")
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert "/v1/imports" in document["paths"]
    assert list(tmp_path.iterdir()) == []
    if OPENAPI.exists():
        assert document == json.loads(OPENAPI.read_text("utf-8")), "run make openapi"
