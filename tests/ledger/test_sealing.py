"""Does every entry come into the tree of its log, once, whatever happens meanwhile?"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from pip_api.db.errors import Unavailable
from pip_api.db.postgres import PostgresSession
from pip_api.db.scopes import EVERY_FORCE
from pip_api.db.sqlite import SqliteSession
from pip_api.db.statements import Record, Statement
from pip_api.ledger import heads, sealing
from pip_api.ledger.entries import LedgerEntry
from pip_api.ledger.envelope import seal
from pip_api.ledger.log_state import look
from pip_api.ledger.sealing import Sealer, TreeDamaged
from pip_api.ledger.seals import HEADS, LEAVES, NODES, Unsealed
from pip_api.ledger.tree import root_of
from pip_api.settings import Settings
from tests.db.test_guards import connected, counted, refusal
from tests.plans import AVON, CONCERN, MEASURE, a_concern, changed
from tests.service import Service, running
from tests.soak import examples

SESSIONS: dict[str, type[PostgresSession | SqliteSession]] = {"postgresql": PostgresSession, "sqlite": SqliteSession}
_ENTRIES = LedgerEntry.__table__  # type: ignore[attr-defined]
_ALL = {
    table.name: Statement(select(*table.c).order_by(*order))
    for table, order in (
        (_ENTRIES, [_ENTRIES.c.seq]),
        (LEAVES, [LEAVES.c.log_id, LEAVES.c.leaf_index]),
        (NODES, list(NODES.primary_key)),
        (HEADS, [HEADS.c.log_id, HEADS.c.tree_size]),
        (Unsealed.__table__, [Unsealed.__table__.c.seq]),  # type: ignore[attr-defined]
    )
}


async def kept(service: Service, table: str) -> list[Record]:
    async with service.services.database.read(EVERY_FORCE) as session:
        return await session.fetch(_ALL[table])


async def require_sealed(service: Service) -> None:
    """Each entry has one leaf, which is its own, and each head that was signed is that of the leaves before it."""
    entries = {row["id"]: row for row in await kept(service, "ledger_entry")}
    leaves = await kept(service, "ledger_leaf")
    assert await kept(service, "ledger_unsealed") == []
    assert {each["entry_id"] for each in leaves} == set(entries)
    assert len(leaves) == len(entries)
    for leaf in leaves:
        made = seal(entries[leaf["entry_id"]], bytes.fromhex(leaf["salt"]))
        assert (leaf["body_digest"], leaf["leaf_hash"]) == (made.body_digest.hex(), made.leaf.hex())
        assert leaf["log_id"] == f"{entries[leaf['entry_id']]['at'].year}"
    keys = heads.keys_of({"keys": list(service.services.log.keys)})
    signed = await kept(service, "ledger_head")
    for log_id in {leaf["log_id"] for leaf in leaves}:
        of_log = [leaf for leaf in leaves if leaf["log_id"] == log_id]
        assert [leaf["leaf_index"] for leaf in of_log] == list(range(len(of_log)))
        hashes = [bytes.fromhex(leaf["leaf_hash"]) for leaf in of_log]
        of_its_own = [each for each in signed if each["log_id"] == log_id]
        assert of_its_own[-1]["tree_size"] == len(of_log)
        for each in of_its_own:
            head = heads.verify(each["signature"], keys)
            assert (head.log_id, head.tree_size, head.at) == (log_id, each["tree_size"], each["at"])
            assert head.root == root_of(hashes[: head.tree_size]) == bytes.fromhex(each["root_hash"])
        versions: dict[UUID, int] = {}
        for leaf in of_log:  # causes stand before effects
            entry = entries[leaf["entry_id"]]
            if entry["version"] is not None and entry["subject_id"] is not None:
                assert versions.get(entry["subject_id"], 0) < entry["version"]
                versions[entry["subject_id"]] = entry["version"]


async def test_every_entry_has_a_leaf_and_every_head_is_true(service: Service, lead: httpx.AsyncClient) -> None:
    assert await service.seal() > 50  # the reference data, and a client
    concern = await a_concern(lead)
    assert await service.seal() == 1
    for title in ("first", "second"):
        concern = (await changed(lead, "/v1/concerns", concern, title=title)).json()
    assert await service.seal() == 2
    assert await service.seal() == 0
    assert len(await kept(service, "ledger_head")) == 3
    await require_sealed(service)


async def written(service: Service, times: int, each: int) -> None:
    """Entries by so many writers at once, each of which changes its own concern."""

    async def write(caller: httpx.AsyncClient) -> None:
        concern = await a_concern(caller)
        for number in range(each):
            answer = await changed(caller, "/v1/concerns", concern, title=f"Change {number}")
            assert answer.status_code == 200, answer.text
            concern = answer.json()

    callers = [await service.caller("force_lead", f"force:{AVON}") for _ in range(times)]
    await asyncio.gather(*map(write, callers))


async def test_nothing_is_missed_while_sixteen_write(service: Service) -> None:
    writing = asyncio.create_task(written(service, 16, examples(3, 100)))
    while not writing.done():
        await service.seal()
        await asyncio.sleep(0.001)
    await writing
    await service.seal()
    await require_sealed(service)


ENTRY = """
    INSERT INTO ledger_entry (id, at, kind, act, noun, version, actor_type, actor_id, actor_name, client_id, request_id,
        overridden, state, patch)
    SELECT {id}, at, 'change', 'concern.created', 'concern', NULL, 'system', actor_id, 'x', client_id, 'tests',
        overridden, state, patch
    FROM ledger_entry ORDER BY seq LIMIT 1
"""
IDS = [UUID(int=0x0189_0000_0000_7000_8000_0000_0000_0000 + number) for number in range(10)]


def added(id: UUID) -> str:
    """Raw SQL that adds an entry like the first one."""
    return ENTRY.format(id=f"'{id}'")


@pytest.fixture
async def postgresql(service: Service) -> AsyncIterator[tuple[Service, psycopg.Connection[Any]]]:
    """A service on PostgreSQL, all sealed, and a transaction that has not ended: its entry has the lower number."""
    url = service.services.settings.database_url
    await service.seal()
    with psycopg.connect(url) as slow:
        slow.execute(added(IDS[0]))
        with psycopg.connect(url) as quick:
            quick.execute(added(IDS[1]))
        yield service, slow


only_on_postgresql = pytest.mark.parametrize("settings", ["postgresql"], indirect=True)


@only_on_postgresql
async def test_what_is_committed_late_is_sealed_late(postgresql: tuple[Service, psycopg.Connection[Any]]) -> None:
    service, slow = postgresql
    assert await service.seal() == 1
    slow.commit()
    assert await service.seal() == 1
    await require_sealed(service)
    leaves = await kept(service, "ledger_leaf")
    assert [each["entry_id"] for each in leaves[-2:]] == [IDS[1], IDS[0]]


@only_on_postgresql
async def test_a_cursor_over_the_numbers_would_miss_it(
    postgresql: tuple[Service, psycopg.Connection[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Why there is a queue: whoever goes on after the last number seen never sees what was committed late."""
    service, slow = postgresql
    sealed = select(func.max(_ENTRIES.c.seq)).where(_ENTRIES.c.id.in_(select(LEAVES.c.entry_id))).scalar_subquery()
    after_the_last = sealing._WAITING.clause.where(_ENTRIES.c.seq > sealed)  # type: ignore[attr-defined]
    monkeypatch.setattr(sealing, "_WAITING", Statement(after_the_last))
    assert await service.seal() == 1
    slow.commit()
    assert await service.seal() == 0
    with pytest.raises(AssertionError):
        await require_sealed(service)


async def test_what_is_added_behind_the_service_is_sealed_too(service: Service) -> None:
    await service.seal()
    with connected(service.services.settings) as connection:
        connection.execute(added(IDS[0]))
        several = " UNION ALL ".join(f"SELECT CAST('{id}' AS {{}}) AS of_id" for id in IDS[1:4])
        several = several.replace("{}", "uuid" if isinstance(connection, psycopg.Connection) else "text")
        first = f"CROSS JOIN ({several}) AS ids WHERE seq = 1"
        connection.execute(ENTRY.format(id="of_id").replace("ORDER BY seq LIMIT 1", first))
        if isinstance(connection, psycopg.Connection):
            with connection.cursor().copy(f"COPY ledger_entry (id, {', '.join(COPIED)}) FROM STDIN") as sink:
                for id in IDS[4:6]:
                    sink.write_row([id, *COPIED.values()])
        connection.commit()
    assert await service.seal() >= 4
    leaves = {each["entry_id"] for each in await kept(service, "ledger_leaf")}
    assert leaves >= {*IDS[:4]}
    await require_sealed(service)


def without_guards(connection: Any, table: str, event: str) -> None:
    """As whoever owns the database can do it."""
    postgresql = isinstance(connection, psycopg.Connection)
    connection.execute(
        f"ALTER TABLE {table} DISABLE TRIGGER ALL" if postgresql else f"DROP TRIGGER {table}_kept_{event}"
    )


COPIED = {
    "at": "2026-11-21T12:00Z", "kind": "change", "act": "x.y", "noun": "x", "actor_type": "system", "actor_id": IDS[9],
    "actor_name": "x", "client_id": "x", "request_id": "tests", "overridden": False, "state": "{}", "patch": "[]",
}  # fmt: skip
"""The columns of an entry beside its id, as COPY takes them."""


class Crash(Exception):
    """In the middle of a round."""


@pytest.mark.parametrize("step", ["_TAKE", "_ADD_LEAVES", "_ADD_NODES", "_ADD_HEAD"])
async def test_a_round_that_breaks_off_leaves_nothing(
    service: Service, lead: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    await service.seal()
    await a_concern(lead)
    before = {name: await kept(service, name) for name in _ALL}
    wanted, run = getattr(sealing, step), SESSIONS[service.services.database.dialect.name].run

    async def crash(session: Any, statement: Statement, /, **params: Any) -> int:
        done: int = await run(session, statement, **params)
        if statement is wanted:
            raise Crash
        return done

    with monkeypatch.context() as broken:
        broken.setattr(SESSIONS[service.services.database.dialect.name], "run", crash)
        with pytest.raises(Crash):
            await service.seal()
    assert {name: await kept(service, name) for name in _ALL} == before
    assert await service.seal() == 1
    await require_sealed(service)


async def test_many_sealers_do_no_harm(settings: Settings, service: Service) -> None:
    """Several processes on one database: each entry is sealed by one of them."""
    async with running(settings) as other, running(settings) as third:
        await written(service, 2, 3)
        several = (service, other, third, service)
        done: Sequence[int | BaseException] = [0]
        for _ in range(10):
            done = await asyncio.gather(*(each.seal() for each in several), return_exceptions=True)
            assert all(isinstance(each, int | Unavailable) for each in done), done
        assert {each for each in done if isinstance(each, int)} == {0}
    await require_sealed(service)


async def test_the_service_seals_by_itself(settings: Settings) -> None:
    sealing_itself = settings.model_copy(update={"sealing_interval_ms": 1})
    async with running(sealing_itself) as service:
        lead = await service.caller("force_lead", f"force:{AVON}")
        await a_concern(lead)
        async with asyncio.timeout(30):
            while counted(settings, "ledger_unsealed"):  # noqa: ASYNC110  (the service tells nobody)
                await asyncio.sleep(0.001)
        await require_sealed(service)
        assert service.services.log.tree_size == counted(settings, "ledger_entry")


async def test_what_waits_in_no_queue_is_found_at_the_start(settings: Settings, service: Service) -> None:
    """As after somebody emptied the queue, or switched its trigger off."""
    await service.seal()
    with connected(settings) as connection:
        connection.execute(added(IDS[0]))
        without_guards(connection, "ledger_unsealed", "delete")
        connection.execute("DELETE FROM ledger_unsealed")
        connection.commit()
    assert await service.seal() == 0
    assert await service.app.state.sealer.return_to_queue() == 1
    assert await service.app.state.sealer.return_to_queue() == 0
    assert await service.seal() == 1
    await require_sealed(service)


async def test_what_is_in_the_queue_and_has_its_seal_is_dropped(settings: Settings, service: Service) -> None:
    await service.seal()
    with connected(settings) as connection:
        connection.execute("INSERT INTO ledger_unsealed (seq) SELECT seq FROM ledger_entry WHERE seq <= 3")
        connection.commit()
    assert await service.seal() == 3
    assert len(await kept(service, "ledger_head")) == 1
    await require_sealed(service)


async def test_a_number_without_an_entry_stays_and_is_told_once(
    settings: Settings, service: Service, lead: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "MOST", 2)  # and it holds up nothing, however many there are
    while await service.seal():
        pass
    with connected(settings) as connection:
        for number in (-3, -2, -1, 999_999):
            connection.execute(f"INSERT INTO ledger_unsealed (seq) VALUES ({number})")
        connection.commit()
    await a_concern(lead)
    with capture_logs() as told:
        sealed = [await service.seal() for _ in range(5)]
        await look(service.services.database, service.services.log)
    assert sorted(sealed) == [0, 0, 0, 0, 1]
    errors = [each for each in told if each["log_level"] == "error"]
    assert [number for each in errors for number in each["numbers"]] == [-3, -2, -1, 999_999]
    assert [row["seq"] for row in await kept(service, "ledger_unsealed")] == [-3, -2, -1, 999_999]
    assert service.services.log.waiting == 4


async def test_what_waits_for_its_seal_cannot_be_taken_from_the_queue(
    settings: Settings, service: Service, lead: httpx.AsyncClient
) -> None:
    await service.seal()
    await a_concern(lead)
    with connected(settings) as connection:
        connection.execute("INSERT INTO ledger_unsealed (seq) VALUES (1)")
        connection.execute("INSERT INTO ledger_unsealed (seq) VALUES (999999)")
        connection.commit()
    assert "delete is refused" in refusal(settings, "DELETE FROM ledger_unsealed")
    assert "delete is refused" in refusal(settings, "DELETE FROM ledger_unsealed WHERE seq = 999999")
    assert "update is refused" in refusal(settings, "UPDATE ledger_unsealed SET seq = -seq")
    if settings.database_url.startswith("postgresql"):
        assert "truncate is refused" in refusal(settings, "TRUNCATE ledger_unsealed")
    assert refusal(settings, "DELETE FROM ledger_unsealed WHERE seq = 1") == "accepted"


async def test_what_waits_in_no_queue_is_looked_for_each_hour(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, seconds = asyncio.Event(), 0.0

    async def return_to_queue(self: Sealer) -> int:
        nonlocal seconds
        if seconds:
            looked.set()
        seconds += 3_600
        return 0

    monkeypatch.setattr(Sealer, "return_to_queue", return_to_queue)
    monkeypatch.setattr(sealing, "monotonic", lambda: seconds)
    async with running(settings.model_copy(update={"sealing_interval_ms": 1})), asyncio.timeout(30):
        await looked.wait()


async def test_nothing_is_built_on_a_tree_that_was_changed(
    settings: Settings, service: Service, lead: httpx.AsyncClient
) -> None:
    await service.seal()
    with connected(settings) as connection:
        without_guards(connection, "ledger_node", "update")
        connection.execute(f"UPDATE ledger_node SET hash = '{'00' * 32}'")
        connection.commit()
    await a_concern(lead)
    with pytest.raises(TreeDamaged, match="do not lead to the root"):
        await service.seal()
    assert len(await kept(service, "ledger_head")) == 1


async def test_each_year_has_a_log(service: Service, lead: httpx.AsyncClient) -> None:
    await service.seal()
    service.clock.time = datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    lead = await service.again(lead)
    first = await a_concern(lead)
    service.clock.forward(seconds=1)
    await changed(lead, "/v1/concerns", first, title="In the new year")
    await changed(lead, "/v1/concerns", first | {"version": 2}, title="And again")
    assert await service.seal() == 3
    assert [(each["log_id"], each["tree_size"]) for each in (await kept(service, "ledger_head"))[1:]][-1] == ("2027", 2)
    await require_sealed(service)


async def test_heads_never_go_back_in_time(service: Service, lead: httpx.AsyncClient) -> None:
    await service.seal()
    await a_concern(lead)
    service.clock.forward(seconds=-5)
    await service.seal()
    first, second = await kept(service, "ledger_head")
    assert second["at"] == first["at"]


async def test_seals_are_only_added(settings: Settings, service: Service) -> None:
    await service.seal()
    postgresql = settings.database_url.startswith("postgresql")
    for table, column in (("ledger_leaf", "leaf_hash"), ("ledger_node", "hash"), ("ledger_head", "root_hash")):
        before = counted(settings, table)
        assert before > 0
        assert "update is refused" in refusal(settings, f"UPDATE {table} SET {column} = 'x'")
        assert "delete is refused" in refusal(settings, f"DELETE FROM {table}")
        if postgresql:
            assert "truncate is refused" in refusal(settings, f"TRUNCATE {table} CASCADE")
        else:
            told = refusal(settings, f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}", foreign_keys=False)
            assert told.startswith(f"unique: {table}")
        assert counted(settings, table) == before
    for change in ("salt = 'x'", "salt = NULL, body_digest = 'x'", "salt = NULL, leaf_index = leaf_index + 1000"):
        assert "update is refused" in refusal(settings, f"UPDATE ledger_leaf SET {change}")
    # A salt goes only where the words went (test_redactions).
    assert "update is refused" in refusal(settings, "UPDATE ledger_leaf SET salt = NULL WHERE leaf_index = 0")


async def test_a_write_says_which_entry_it_left_and_how_large_the_log_was(
    service: Service, lead: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    sealed = await service.seal()
    answer = await lead.post("/v1/concerns", json=CONCERN, headers={"Idempotency-Key": "once"})
    entry = (await kept(service, "ledger_entry"))[-1]
    assert (answer.headers["audit-event"], answer.headers["audit-tree-size"]) == (str(entry["id"]), str(sealed))
    await service.seal()
    again = await lead.post("/v1/concerns", json=CONCERN, headers={"Idempotency-Key": "once"})
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["audit-event"] == str(entry["id"])
    concern = answer.json()
    patched = await changed(lead, "/v1/concerns", concern, title="x")
    assert patched.headers["audit-tree-size"] == str(sealed + 1)
    unchanged = await changed(lead, "/v1/concerns", concern | {"version": 2}, title="x")
    dry = await lead.post("/v1/concerns", json=CONCERN, params={"dry_run": "true"})
    read = await lead.get(f"/v1/concerns/{concern['id']}")
    for silent in (unchanged, dry, read):
        assert silent.is_success
        assert "audit-event" not in silent.headers
        assert "audit-tree-size" not in silent.headers
    withdrawn = await lead.delete(f"/v1/concerns/{concern['id']}", headers={"If-Match": '"v2"'})
    measure = await admin.post("/v1/measures", json=MEASURE)
    figure = await lead.put(f"/v1/forces/{AVON}/measures/{MEASURE['code']}/figures/2026-10", json={"value": 1})
    rows = "code,name,unit,cadence\ncalls,Calls,count,month\n"
    imported = await admin.post("/v1/imports?kind=measures", content=rows, headers={"Content-Type": "text/csv"})
    entries = [str(each["id"]) for each in await kept(service, "ledger_entry")]
    told = [each.headers["audit-event"] for each in (patched, withdrawn, measure, figure, imported)]
    assert told == [*entries[-6:-2], entries[-1]]
    assert imported.json()["id"] == entries[-1]
