"""How soon is an entry sealed, and how long does a proof take in a log of a million?

`python -m benchmarks.seals` measures both on PostgreSQL and prints the figures.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx
import psycopg

from benchmarks import imports
from benchmarks.servers import Server, run_service_command, service
from pip_api.access.keys import load_signing_key
from pip_api.http.logs import configure
from pip_api.ledger import heads
from pip_api.ledger.heads import Head
from pip_api.ledger.tree import Frontier, verify_inclusion
from pip_api.settings import Settings
from tests.postgres import as_role, cluster
from tests.service import running

LEAVES = 1_000_000
PROOFS = 500
RATE, SECONDS, WRITERS = 300, 30, 16
FORCE, MEASURE = "avon-and-somerset", "sealed"
_ENTRIES = """
    INSERT INTO ledger_entry (id, at, kind, act, noun, actor_type, actor_id, actor_name, client_id, request_id,
        overridden, state, patch)
    SELECT gen_random_uuid(), %(at)s, 'change', 'benchmark.filled', 'benchmark', 'system', gen_random_uuid(), 'x', 'x',
        'benchmark', false, '{}', '[]' FROM generate_series(1, %(count)s)
"""
_LEAVES = """
    INSERT INTO ledger_leaf (log_id, leaf_index, entry_id, salt, body_digest, leaf_hash)
    SELECT %(log)s, place - 1, id, repeat('0', 64), repeat('0', 64), encode(sha256(int8send(place - 1)), 'hex')
    FROM (SELECT id, row_number() OVER (ORDER BY seq) AS place FROM ledger_entry WHERE noun = 'benchmark') AS numbered
"""
_UNQUEUE = "DELETE FROM ledger_unsealed WHERE seq IN (SELECT seq FROM ledger_entry WHERE noun = 'benchmark')"
_LAGS = """
    SELECT extract(epoch FROM head.at - entry.at)::float
    FROM ledger_leaf AS leaf JOIN ledger_entry AS entry ON entry.id = leaf.entry_id
    CROSS JOIN LATERAL (SELECT at FROM ledger_head AS head WHERE head.log_id = leaf.log_id
        AND head.tree_size > leaf.leaf_index ORDER BY head.tree_size LIMIT 1) AS head
    WHERE entry.act = 'figure.recorded'
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, cluster(durable=True) as postgres:
        directory = Path(folder)
        url = postgres.create_database("seals")
        run_service_command(url, directory, "migrate")
        secret = run_service_command(url, directory, "client", "create", *imports.CLIENT)
        began = time.perf_counter()
        _fill(url, directory)
        print(f"{LEAVES:,} leaves are there after {time.perf_counter() - began:.0f} s", flush=True)
        _tell("proof of an entry, ms", [1_000 * each for each in asyncio.run(_proofs(url, directory))])
        with service(url, directory) as server:
            rate = asyncio.run(_written(server, secret))
            print(f"{rate:.0f} entries/s were written for {SECONDS} s", flush=True)
            _tell("seal lag, ms", [1_000 * each for each in _lags(url)])


def _fill(url: str, directory: Path) -> None:
    """A log with as many leaves as are wanted, and its signed head. Its leaves are no hashes of entries: a proof does
    not look at that."""
    log_id = heads.log_of(datetime.now(UTC))
    frontier = Frontier()
    with psycopg.connect(url) as connection:
        connection.execute(_ENTRIES, {"at": datetime.now(UTC), "count": LEAVES})
        connection.execute(_LEAVES, {"log": log_id})
        connection.execute(_UNQUEUE)
        with connection.cursor().copy("COPY ledger_node (log_id, level, idx, hash) FROM STDIN") as sink:
            for level, index, node in _nodes(frontier):
                sink.write_row((log_id, level, index, node.hex()))
        head = Head(log_id, frontier.size, frontier.root(), datetime.now(UTC))
        signed = heads.sign(head, load_signing_key(directory / "key.pem.seal"))
        connection.execute(
            "INSERT INTO ledger_head VALUES (%s, %s, %s, %s, %s)",
            (log_id, head.tree_size, head.root.hex(), head.at, signed),
        )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _nodes(frontier: Frontier) -> Iterator[tuple[int, int, bytes]]:
    for place in range(LEAVES):
        for level, index, node in frontier.append(sha256(place.to_bytes(8, "big")).digest()):
            if level:
                yield level, index, node


async def _proofs(url: str, directory: Path) -> list[float]:
    """Seconds for each proof, of entries anywhere in the log; each is checked.

    An auditor is a person, who signs in with an issuer that only tests have: so the service answers in this process.
    """
    configure(json=False, level="warning")
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT entry_id::text FROM ledger_leaf WHERE leaf_index = ANY (%s)",
                                  (random.sample(range(LEAVES), PROOFS),)).fetchall()  # fmt: skip
    key = directory / "key.pem"
    settings = Settings(
        database_url=as_role(url), migration_database_url=url, signing_key_file=key, sealing_interval_ms=0,
        sealing_key_file=key.with_name("key.pem.seal"), rate_limit_requests=0,
    )  # fmt: skip
    taken = []
    async with running(settings) as service:
        caller = await service.caller("auditor")
        keys = heads.keys_of((await caller.get("/v1/audit-log/keys")).raise_for_status().json())
        for (id,) in rows:
            began = time.perf_counter()
            told = (await caller.get(f"/v1/audit-events/{id}/proof")).raise_for_status().json()
            taken.append(time.perf_counter() - began)
            head = heads.verify(told["head"], keys)
            proof = [bytes.fromhex(each) for each in told["proof"]]
            verify_inclusion(bytes.fromhex(told["leaf"]), told["leaf_index"], head.tree_size, proof, head.root)
    return taken


async def _written(server: Server, secret: str) -> float:
    """Records figures at a steady rate, each in a request of its own; gives the rate that came about."""
    headers = imports.bearer(server, secret) | {"Content-Type": "application/json"}
    limits = httpx.Limits(max_connections=WRITERS)
    async with httpx.AsyncClient(
        base_url=server.url, headers=headers, trust_env=False, limits=limits, timeout=60
    ) as caller:
        measure = {"code": MEASURE, "name": "x", "unit": "count", "cadence": "day"}
        (await caller.post("/v1/measures", json=measure)).raise_for_status()
        began = time.perf_counter()

        async def write(number: int) -> None:
            day = datetime.fromordinal(700_000 + number).date()
            path = f"/v1/forces/{FORCE}/measures/{MEASURE}/figures/{day}"
            (await caller.put(path, content='{"value":1}')).raise_for_status()

        async def work(numbers: Iterator[int]) -> None:
            for number in numbers:
                await asyncio.sleep(began + number / RATE - time.perf_counter())
                await write(number)

        numbers = iter(range(RATE * SECONDS))
        await asyncio.gather(*(work(numbers) for _ in range(WRITERS)))  # httpx is slow where thousands wait for it
        return RATE * SECONDS / (time.perf_counter() - began)


def _lags(url: str) -> list[float]:
    """Seconds from the moment of each entry to that of the head that covers it, when all are covered."""
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute("SELECT 1 FROM ledger_unsealed LIMIT 1").fetchone():
            time.sleep(0.1)
        found: list[tuple[Any, ...]] = connection.execute(_LAGS).fetchall()
    if len(found) != RATE * SECONDS:
        raise RuntimeError(f"{len(found)} of {RATE * SECONDS} entries are sealed.")
    return [row[0] for row in found]


def _tell(what: str, numbers: list[float]) -> None:
    cuts = quantiles(numbers, n=100)
    told = ", ".join(f"p{place} {cuts[place - 1]:,.1f}" for place in (50, 95, 99))
    print(f"{what}: {told}, most {max(numbers):,.1f}", flush=True)


if __name__ == "__main__":
    main()
