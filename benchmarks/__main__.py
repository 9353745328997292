"""Runs the whole benchmark in one go, prints the tables, and writes them into README.md."""

import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import psycopg

from benchmarks import imports, load, report, seed, servers
from benchmarks.load import Request
from benchmarks.servers import Server
from tests.postgres import Postgres, cluster

ROUNDS = 3
PEERS = ("floor", "drf", "sqlmodel_peer")
FIRST_DAY = date(1990, 1, 1)
WIDEST = """
    SELECT region_code FROM force WHERE region_code IS NOT NULL
    GROUP BY region_code ORDER BY count(*) DESC, region_code LIMIT 1
"""


@dataclass
class Bench:
    """The servers, and the headers that each one needs."""

    servers: Sequence[Server]
    headers: Mapping[str, Mapping[str, str]]
    forces: Sequence[str]
    plans: Sequence[tuple[str, str]]
    """Id and force."""
    days: int = 0

    def writes(self) -> list[Request]:
        """A figure for each force and measure, on a day that no run before has used."""
        self.days += 1
        day = FIRST_DAY + timedelta(days=self.days)
        body = '{"value":61.4,"narrative":""}'
        return [
            Request("PUT", f"/v1/forces/{force}/measures/{measure}/figures/{day}", body)
            for measure in seed.measure_codes()
            for force in self.forces
        ]


def main() -> None:
    if not load.is_there():
        print("benchmarks: wrk is not installed; on Debian and Ubuntu: apt-get install wrk", file=sys.stderr)
        raise SystemExit(2)
    with tempfile.TemporaryDirectory() as folder, cluster(durable=True) as postgres:
        directory = Path(folder)
        url = postgres.create_database("bench")
        _say("Filling the database: 49 forces, 490 plans, 2 million figures")
        servers.run_service_command(url, directory, "migrate")
        secret = servers.run_service_command(url, directory, "client", "create", *imports.CLIENT)
        seed.add_plans_and_figures(url)
        lines = _measured_requests(url, directory, secret)
        lines += _measured_imports(postgres, directory)
        report.write(lines, postgres.url)


def _measured_requests(url: str, directory: Path, secret: str) -> list[report.Line]:
    with ExitStack() as stack:
        ours = stack.enter_context(servers.service(url, directory))
        floor = stack.enter_context(servers.python_peer("floor", url))
        drf = stack.enter_context(servers.drf(url))
        sqlmodel = stack.enter_context(servers.python_peer("sqlmodel_peer", url))
        with psycopg.connect(url) as connection:
            plans = connection.execute("SELECT id::text, force_code FROM pip ORDER BY md5(ref)").fetchall()
            forces = seed.codes(connection)
            widest = connection.execute(WIDEST).fetchone()
        assert widest is not None
        access = imports.bearer(ours, secret)
        json = {"Content-Type": "application/json"}
        headers = {each.name: json | (access if each is ours else {}) for each in (ours, floor, drf, sqlmodel)}
        bench = Bench((floor, ours, drf, sqlmodel), headers, forces, plans)
        _require_same_answers(bench)
        reads = [Request("GET", f"/v1/pips/{id}") for id, _ in plans]
        lines = [
            _compared(bench, "Status of a plan", [Request("GET", f"/v1/pips/{id}/status") for id, _ in plans], 4),
            _compared(bench, "Put one figure", None, 4),
            _compared(bench, "List of 50 actions", [Request("GET", f"/v1/actions?force={code}") for code in forces], 2),
            _compared(bench, "Read one plan", reads, 2),
        ]
        lines.append(_unchanged(bench, reads, lines[-1]))
        for title, query in (("one region", f"?region={widest[0]}"), ("all 49 forces", "")):
            _say(f"Triage of {title}")
            asked = [Request("GET", f"/v1/triage{query}")]
            load.measure(ours, asked, headers[ours.name], seconds=2, connections=1)
            found = load.measure(ours, asked, headers[ours.name], seconds=8, connections=1)
            lines.append(report.Line(f"Triage of {title}", latency=found))
        return lines


def _require_same_answers(bench: Bench) -> None:
    """Raises RuntimeError unless every server gives the same content."""
    floor, *others = bench.servers
    for id, force in bench.plans[:5]:
        for path in (f"/v1/pips/{id}/status", f"/v1/pips/{id}", f"/v1/actions?force={force}"):
            wanted = _content(floor, path, bench.headers[floor.name])
            for other in others:
                if (given := _content(other, path, bench.headers[other.name])) != wanted:
                    raise RuntimeError(f"{other.name} answers {path} otherwise: {given}, not {wanted}")


def _content(server: Server, path: str, headers: Mapping[str, str]) -> Any:
    answer = httpx.get(server.url + path, headers=dict(headers), trust_env=False).raise_for_status().json()
    return [answer["items"], answer["page"]["has_more"]] if "items" in answer else answer


def _compared(bench: Bench, title: str, requests: Sequence[Request] | None, seconds: int) -> report.Line:
    """One kind of request to every server in turn, some rounds; without `requests` it is the write."""
    _say(title)
    rates: dict[str, list[float]] = {each.name: [] for each in bench.servers}
    for i in range(ROUNDS + 1):
        for server in bench.servers:
            asked = bench.writes() if requests is None else requests
            found = load.measure(
                server, asked, bench.headers[server.name], seconds=seconds if i else 1, repeat=requests is not None
            )
            if i:  # the first is there to warm up
                rates[server.name].append(found.rate)
    _say("  " + ", ".join(f"{name} {median(each):,.0f}/s" for name, each in rates.items()))
    return report.Line(title, rates=rates)


def _unchanged(bench: Bench, reads: Sequence[Request], read: report.Line) -> report.Line:
    """The service's 304, beside what the peers answer in full."""
    ours = next(each for each in bench.servers if each.name == "pip_api")
    headers = {**bench.headers[ours.name], "If-None-Match": '"v1"'}
    answer = httpx.get(ours.url + reads[0].path, headers=headers, trust_env=False)
    if answer.status_code != 304:
        raise RuntimeError(f"The service answers {answer.status_code}, not 304.")
    assert read.rates is not None
    rates = [load.measure(ours, reads, headers, seconds=2).rate for _ in range(ROUNDS)]
    return report.Line("304 beside that read", rates={**read.rates, ours.name: rates})


def _measured_imports(postgres: Postgres, directory: Path) -> list[report.Line]:
    if not imports.is_there():
        _say("The file of outcomes is not there (shared/data beside the repository): imports are not measured")
        return []
    _say("Import of the file of outcomes")
    return [
        report.Line("PostgreSQL, beside COPY", imported=imports.on_postgres(postgres, directory, ROUNDS)),
        report.Line("SQLite, beside executemany", imported=imports.on_sqlite(directory, ROUNDS)),
    ]


def _say(what: str) -> None:
    print(what, flush=True)


if __name__ == "__main__":
    main()
