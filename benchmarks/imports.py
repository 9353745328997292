"""How fast does a whole file come in, beside the database's own quickest way, and what does it cost in memory?"""

import csv
import gzip
import io
import shutil
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import httpx
import psycopg
from uuid_utils.compat import uuid7

from benchmarks.seed import copy, entry
from benchmarks.servers import ROOT, Server, run_service_command, service
from pip_api.db.sqlite import prepare
from tests.postgres import Postgres

FILE = ROOT.parent / "shared" / "data" / "outcomes_2018_19_quarterly_full.csv.gz"
COLUMNS = (
    "force_code", "measure_code", "period_start", "period_end", "value", "status", "narrative", "revision",
    "recorded_at", "entry_id",
)  # fmt: skip
CLIENT = ("bench", "--role", "national_admin", "--on", "national")


class Imported(NamedTuple):
    """Seconds, and the MiB by which the server grew at its largest."""

    rows: int
    service: float
    raw: float
    growth: float


def is_there() -> bool:
    return FILE.exists()


def bearer(server: Server, secret: str) -> dict[str, str]:
    form = {"grant_type": "client_credentials", "client_id": CLIENT[0], "client_secret": secret}
    answer = httpx.post(f"{server.url}/oauth2/token", data=form, trust_env=False).raise_for_status()
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def on_postgres(postgres: Postgres, directory: Path, rounds: int) -> Imported:
    """Against COPY of the same rows into the same table with its keys, in another copy of the same database."""
    base = postgres.create_database("import_base")
    secret = _prepared(base, directory)
    rows, found = _rows(), []
    for i in range(rounds):
        names = [f"import_{kind}_{i}" for kind in ("service", "raw")]
        urls = [postgres.create_database(name, template="import_base") for name in names]
        _checkpoint(postgres)
        seconds, growth = _import(urls[0], directory, secret, len(rows))
        _checkpoint(postgres)
        found.append(Imported(len(rows), seconds, _copied(urls[1], rows), growth))
        for name in names:
            postgres.drop_database(name)
    return _median(found)


def on_sqlite(directory: Path, rounds: int) -> Imported:
    """Against executemany of the same rows into the same table, with the same durability."""
    base, copied = directory / "import_base.db", directory / "import.db"
    secret = _prepared(f"sqlite:///{base}", directory)
    rows, found = _rows(), []
    for _ in range(rounds):
        shutil.copy(base, copied)
        seconds, growth = _import(f"sqlite:///{copied}", directory, secret, len(rows))
        shutil.copy(base, copied)
        found.append(Imported(len(rows), seconds, _executed(copied, rows), growth))
    return _median(found)


def _prepared(url: str, directory: Path) -> str:
    """A database with the measures of the file and no figure; gives the secret of its client."""
    run_service_command(url, directory, "migrate")
    secret = run_service_command(url, directory, "client", "create", *CLIENT)
    with service(url, directory) as server:
        headers = {**bearer(server, secret), "Content-Type": "text/csv"}
        names = sorted({row[1] for row in _file()})
        catalogue = "code,name,unit,cadence\n" + "".join(f"{name},{name},count,quarter\n" for name in names)
        path = f"{server.url}/v1/imports?kind=measures"
        httpx.post(path, content=catalogue, headers=headers, timeout=120, trust_env=False).raise_for_status()
    return secret


def _import(url: str, directory: Path, secret: str, rows: int) -> tuple[float, float]:
    with service(url, directory) as server:
        headers = {**bearer(server, secret), "Content-Type": "text/csv", "Content-Encoding": "gzip"}
        httpx.get(f"{server.url}/v1/figures", headers=bearer(server, secret), trust_env=False).raise_for_status()
        Path(f"/proc/{server.pid}/clear_refs").write_text("5")  # the peak counts from here
        before, content, start = _memory(server, "VmRSS"), FILE.read_bytes(), time.perf_counter()
        path = f"{server.url}/v1/imports?kind=figures"
        answer = httpx.post(path, content=content, headers=headers, timeout=300, trust_env=False)
        seconds = time.perf_counter() - start
        if answer.status_code != 200 or answer.json()["counts"]["created"] != rows:
            raise RuntimeError(f"The import was answered {answer.status_code}: {answer.text[:500]}")
        return seconds, _memory(server, "VmHWM") - before


def _memory(server: Server, name: str) -> float:
    """MiB."""
    for line in Path(f"/proc/{server.pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1_024
    raise RuntimeError(f"There is no {name} for {server.name}.")


def _file() -> Iterator[list[str]]:
    with gzip.open(FILE, "rt", encoding="utf-8", newline="") as file:
        next(rows := csv.reader(file))
        yield from rows


def _rows() -> list[tuple[Any, ...]]:
    """The file as the table wants it; the entry stands last and is put in later."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return [(*row[:5], "final", "", 1, now) for row in _file()]


def _copied(url: str, rows: list[tuple[Any, ...]]) -> float:
    id = uuid7()
    text = io.StringIO()
    csv.writer(text).writerows((*row, id) for row in rows)
    # An empty text is written with quotes: without them it would be read as a null.
    content = text.getvalue().replace(",final,,", ',final,"",').encode()
    with psycopg.connect(url) as connection:
        start = time.perf_counter()
        copy(connection, "ledger_entry", [{**entry("import.completed", id, None, {}), "id": id}])
        with connection.cursor().copy(f"COPY figure ({', '.join(COLUMNS)}) FROM STDIN (FORMAT csv)") as sink:
            for place in range(0, len(content), 1 << 20):
                sink.write(content[place : place + (1 << 20)])
        connection.commit()
        return time.perf_counter() - start


def _executed(path: Path, rows: list[tuple[Any, ...]]) -> float:
    id = str(uuid7())
    values = [(*row, id) for row in rows]
    note = {**entry("import.completed", uuid7(), None, {}), "id": id, "state": "{}", "patch": "[]", "at": values[0][8]}
    note |= {name: str(note[name]) for name in ("subject_id", "actor_id")}
    connection = sqlite3.connect(path, isolation_level=None)
    prepare(connection)
    start = time.perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    marks = ", ".join(f":{name}" for name in note)
    connection.execute(f"INSERT INTO ledger_entry ({', '.join(note)}) VALUES ({marks})", note)
    marks = ", ".join("?" for _ in COLUMNS)
    connection.executemany(f"INSERT INTO figure ({', '.join(COLUMNS)}) VALUES ({marks})", values)
    connection.execute("COMMIT")
    seconds = time.perf_counter() - start
    connection.close()
    return seconds


def _checkpoint(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")


def _median(found: list[Imported]) -> Imported:
    return Imported(found[0].rows, *(median(column) for column in list(zip(*found, strict=True))[1:]))
