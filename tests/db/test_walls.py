"""Does PostgreSQL hold every session to its scope, and does the service refuse to serve where it would not?"""

import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg import errors
from sqlalchemy import Integer, String, column, func, literal_column, select, text, update
from sqlmodel import SQLModel

from pip_api.db.errors import Conflict, OutOfScope
from pip_api.db.guards import SERVICE
from pip_api.db.policies import OWN
from pip_api.db.postgres import PostgresDatabase
from pip_api.db.scopes import EVERY_FORCE, Forces
from pip_api.db.session import Session
from pip_api.db.statements import Statement
from pip_api.resources.concerns import Concern, concerns
from pip_api.settings import Settings, StartRefused
from tests.db import promises
from tests.db.asking import opened, outside
from tests.plans import AVON, KENT, a_concern
from tests.postgres import UNWALLED, as_role, unguarded
from tests.service import Record, Service, refused, running
from tests.serving import COMMAND, free_port

pytestmark = pytest.mark.parametrize("settings", ["postgresql"], indirect=True)

WALLED = [*OWN, *(name for name, table in SQLModel.metadata.tables.items() if "force_code" in table.c)]
ALL = Statement(select(concerns.table.c.force_code).order_by(concerns.table.c.force_code))
RENAME = Statement(update(Concern).values(title="x", version=concerns.table.c.version + 1))
TOLD = Statement(select(func.current_setting("pip.forces", literal_column("true"), type_=String()).label("forces")))
FAULTY = Statement(select(literal_column("1/0").label("n")))


@pytest.fixture
async def filled(settings: Settings, admin: httpx.AsyncClient) -> Settings:
    """A database with a concern of each of two forces."""
    for force in (AVON, KENT):
        await a_concern(admin, force_code=force)
    return settings


@pytest.fixture(params=[True, False], ids=["prepared", "unprepared"])
async def database(request: pytest.FixtureRequest, filled: Settings) -> AsyncIterator[PostgresDatabase]:
    """One connection, so that whatever somebody leaves on it the next one finds."""
    async with opened(filled, prepare=request.param) as one:
        yield one


async def seen(session: Session) -> list[str]:
    return [row["force_code"] for row in await session.fetch(ALL)]


SCOPES: list[tuple[Forces | None, list[str]]] = [
    (Forces([AVON]), [AVON]),
    (None, []),
    (EVERY_FORCE, [AVON, KENT]),
    (Forces(), []),
    (Forces([KENT, AVON, 'no"such{}\\,force']), [AVON, KENT]),
    (Forces([f"{KENT}y", f"x,{AVON}", "*"]), []),
    (None, []),
]


async def test_a_session_sees_what_is_in_its_scope(database: PostgresDatabase) -> None:
    for scope, expected in SCOPES * 8:  # until statements are prepared too
        async with database.read(scope) as session:
            assert [await seen(session) for _ in range(2)] == [expected] * 2
        for bulk in (False, True):
            async with database.transaction(scope, bulk=bulk) as session:
                assert [await seen(session) for _ in range(2)] == [expected] * 2
                assert [row async for rows in session.stream(ALL) for row in rows] == [
                    {"force_code": force} for force in expected
                ]
        async with database.read() as session:
            assert (await session.fetch(TOLD))[0]["forces"] in (None, "")


async def test_a_scope_ends_with_its_transaction_however_that_ends(database: PostgresDatabase) -> None:
    for begin in (database.read, database.transaction):
        with pytest.raises(Exception, match="division by zero"):
            async with begin(EVERY_FORCE) as session:
                await session.fetch(FAULTY)
        with pytest.raises(TypeError):
            async with begin(EVERY_FORCE) as session:
                assert await seen(session) == [AVON, KENT] + None  # type: ignore[operator]
        async with begin(Forces([KENT])) as session:
            assert await seen(session) == [KENT]
        async with begin() as session:
            assert await seen(session) == []


async def test_a_server_that_forgot_what_was_prepared_is_told_again(database: PostgresDatabase) -> None:
    for _ in range(10):
        async with database.read(Forces([KENT])) as session:
            assert await seen(session) == [KENT]
    async with database.read() as session:
        await session.run(Statement(text("DEALLOCATE ALL")))
    async with database.read(Forces([AVON])) as session:
        assert [await seen(session) for _ in range(10)] == [[AVON]] * 10


async def test_a_write_beyond_the_scope_is_refused(database: PostgresDatabase, filled: Settings) -> None:
    with pytest.raises(Conflict, match="concern_in_ledger"):  # the one row has no entry
        async with database.transaction(Forces([AVON])) as session:
            assert await session.run(RENAME) == 1
    row = {name: outside(filled, f"SELECT {name} FROM concern WHERE force_code = '{KENT}'") for name in concerns.names}
    for scope in (Forces([AVON]), Forces(), None):
        with pytest.raises(OutOfScope):
            async with database.transaction(scope) as session:
                await session.run(concerns.insert, **row)
        with pytest.raises(OutOfScope):
            async with database.transaction(scope) as session:
                await session.run_many(concerns.insert, [row, row])
    move = Statement(update(Concern).values(force_code=KENT, version=concerns.table.c.version + 1))
    with pytest.raises((OutOfScope, Conflict)):
        async with database.transaction(Forces([AVON])) as session:
            await session.run(move)
    assert outside(filled, f"SELECT count(*) FROM concern WHERE force_code = '{KENT}'") == 1


# Who may log in, and what the catalogue has to say

GAPS = {
    "ALTER TABLE pip DISABLE ROW LEVEL SECURITY": "pip",
    "ALTER TABLE figure NO FORCE ROW LEVEL SECURITY": "figure",
    "DROP POLICY in_scope ON action": "action",
    "CREATE POLICY everything ON concern USING (true)": "concern",
    "ALTER POLICY in_scope ON ledger_entry USING (force_code IS NULL OR true)": "ledger_entry",
    "ALTER POLICY in_scope ON concern WITH CHECK (true)": "concern",
    f"ALTER POLICY in_scope ON pip TO {UNWALLED}": "pip",
    "CREATE TABLE newcomer (force_code text); CREATE TABLE other (n int)": "newcomer",
    "CREATE TABLE newcomer (place text)": "newcomer",
    "ALTER TABLE idempotency_key DISABLE ROW LEVEL SECURITY": "idempotency_key",
    "ALTER POLICY in_scope ON account USING (true)": "account",
    "ALTER POLICY in_scope ON access_grant WITH CHECK (pip.is_own(account_id))": "access_grant",
}
YES = "LANGUAGE sql AS $$ SELECT '{avon-and-somerset,kent}'::text[] $$"
BROKEN = {
    f"CREATE OR REPLACE FUNCTION pip.scope_forces() RETURNS text[] STABLE {YES}": "function pip.scope_forces",
    "ALTER FUNCTION pip.scope_forces() SECURITY DEFINER": "function pip.scope_forces",
    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$": (
        "function public.refuse_change"
    ),
    "DROP FUNCTION put_into_ledger_unsealed() CASCADE": "function public.put_into_ledger_unsealed",
    "DROP TRIGGER ledger_entry_kept_row ON ledger_entry": "trigger ledger_entry_kept_row of ledger_entry",
    "ALTER TABLE concern DISABLE TRIGGER concern_version": "trigger concern_version of concern",
    "ALTER TABLE figure ENABLE REPLICA TRIGGER figure_kept_row": "trigger figure_kept_row of figure",
    "DROP TRIGGER pip_version ON pip; CREATE TRIGGER pip_version BEFORE UPDATE ON pip FOR EACH ROW WHEN (false)"
    " EXECUTE FUNCTION refuse_update()": "trigger pip_version of pip",
    "ALTER TABLE pip DROP CONSTRAINT pip_in_ledger": "constraint pip_in_ledger of pip",
    "ALTER TABLE action DISABLE TRIGGER ALL": "constraint action_in_ledger of action",
}


async def refusal(settings: Settings) -> str:
    with pytest.raises(StartRefused) as refused_start:
        async with opened(settings) as database:
            await database.require_walls()
    told = str(refused_start.value)
    assert "\n" not in told
    assert told.endswith(".")
    return told


@pytest.mark.parametrize("change", GAPS)
async def test_it_does_not_serve_where_a_table_has_no_wall(settings: Settings, change: str) -> None:
    async with opened(settings) as database:
        await database.require_walls()
    outside(settings, change)
    assert (await refusal(settings)).startswith(f"The table {GAPS[change]} does not keep the forces apart (row-level ")
    with pytest.raises(StartRefused):
        async with running(settings):
            pass


@pytest.mark.parametrize("change", BROKEN)
async def test_it_does_not_serve_where_a_promise_is_broken(settings: Settings, change: str) -> None:
    outside(settings, change)
    told = await refusal(settings)
    assert told.startswith(f"The {BROKEN[change]} is missing, switched off or not as this release makes it: run ")


def test_the_promises_are_those_that_the_migrations_make(settings: Settings) -> None:
    assert promises.made(unguarded(settings)) == promises.FILE.read_text(), "python -m tests.db.promises writes them"


async def test_it_does_not_serve_where_no_trigger_is_asked(settings: Settings) -> None:
    name = outside(settings, "SELECT quote_ident(current_database())")
    outside(settings, f"ALTER ROLE {SERVICE} IN DATABASE {name} SET session_replication_role = replica")
    assert (await refusal(settings)).startswith(f"The login {SERVICE} has session_replication_role = replica, ")


@pytest.mark.parametrize(
    ("role", "what"),
    [("postgres", "is a superuser"), (UNWALLED, "has BYPASSRLS"), ("pip_member", "owns its tables")],
)
async def test_it_does_not_serve_as_somebody_whom_no_wall_stops(settings: Settings, role: str, what: str) -> None:
    if role == "pip_member":
        outside(settings, f"CREATE ROLE {role} LOGIN PASSWORD 'for-tests' IN ROLE pip_owner")
    url = unguarded(settings) if role == "postgres" else as_role(settings.database_url, role)
    try:
        told = await refusal(settings.model_copy(update={"database_url": url}))
    finally:
        if role == "pip_member":
            outside(settings, f"DROP ROLE {role}")
    assert f", which {what} and sees the rows of every force: let PIP_DATABASE_URL name pip_app." in told


def test_the_command_says_so_in_one_sentence(settings: Settings, tmp_path: Path) -> None:
    environment = {"PIP_DATABASE_URL": unguarded(settings), "PIP_PORT": str(free_port())}
    done = subprocess.run(
        [COMMAND, "serve"], cwd=tmp_path, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("pip-api: The service connects to PostgreSQL as ")
    assert "Traceback" not in done.stderr


LINTS = {
    "a foreign key between rows that forces own has no force_code": (
        """
        SELECT conname::text FROM pg_constraint k WHERE contype = 'f' AND confrelid <> 'ledger_entry'::regclass
        AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = conrelid AND attname = 'force_code')
        AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = confrelid AND attname = 'force_code')
        AND NOT EXISTS (
            SELECT FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey) AND attname = 'force_code'
        )
        """,
        "ALTER TABLE progress_update ADD FOREIGN KEY (action_id) REFERENCES action (id)",
    ),
    "a view looks as its owner, or keeps what its owner saw": (
        """
        SELECT relname::text FROM pg_class WHERE relnamespace::regnamespace::text IN ('public', 'pip')
        AND (relkind = 'm' OR relkind = 'v' AND NOT coalesce('security_invoker=true' = ANY (reloptions), false))
        """,
        "CREATE VIEW titles AS SELECT title FROM pip",
    ),
    "a function works with the rights of its owner": (
        """
        SELECT proname::text FROM pg_proc WHERE prosecdef AND pronamespace::regnamespace::text IN ('public', 'pip')
        """,
        "CREATE FUNCTION peep() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM pip'",
    ),
    "the service owns something": (
        f"""
        SELECT relname::text FROM pg_class WHERE relowner = '{SERVICE}'::regrole
        UNION ALL SELECT proname FROM pg_proc WHERE proowner = '{SERVICE}'::regrole
        UNION ALL SELECT nspname FROM pg_namespace WHERE nspowner = '{SERVICE}'::regrole AND nspname !~ '^pg_'
        UNION ALL SELECT datname FROM pg_database WHERE datdba = '{SERVICE}'::regrole
        """,
        f"ALTER TABLE rate_count OWNER TO {SERVICE}",
    ),
    "the service may do more than read and write": (
        f"""
        SELECT relname || ' ' || kind
        FROM pg_class, unnest('{{TRUNCATE,REFERENCES,TRIGGER}}'::text[]) AS kind
        WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
        AND has_table_privilege('{SERVICE}', oid, kind)
        """,
        f"GRANT TRUNCATE ON idempotency_key TO {SERVICE}",
    ),
    "the service may change what only grows": (  # but for words that are struck out, which a trigger looks at
        f"""
        SELECT name || ' DELETE' FROM unnest('{{ledger_entry,figure}}'::text[]) AS name
        WHERE has_table_privilege('{SERVICE}', name, 'DELETE')
        UNION ALL
        SELECT attrelid::regclass || ' ' || attname FROM pg_attribute
        WHERE attrelid IN ('ledger_entry'::regclass, 'figure'::regclass) AND attnum > 0
        AND has_column_privilege('{SERVICE}', attrelid, attnum, 'UPDATE')
        AND NOT (attrelid = 'ledger_entry'::regclass
            AND attname IN ('state', 'patch', 'reason', 'subject_ref', 'actor_name', 'redacted_by', 'retired_by'))
        """,
        f"GRANT UPDATE (actor_id) ON ledger_entry TO {SERVICE}",
    ),
    "the service may delete what is only withdrawn": (
        f"""
        SELECT attrelid::regclass::text FROM pg_attribute
        WHERE attname = 'withdrawn_at' AND has_table_privilege('{SERVICE}', attrelid, 'DELETE')
        """,
        f"GRANT DELETE ON force TO {SERVICE}",
    ),
    "the service may make something": (
        f"""
        SELECT nspname::text FROM pg_namespace
        WHERE has_schema_privilege('{SERVICE}', oid, 'CREATE') AND nspname !~ '^pg_'
        UNION ALL SELECT current_database() WHERE has_database_privilege('{SERVICE}', current_database(), 'CREATE')
        """,
        f"GRANT CREATE ON SCHEMA pip TO {SERVICE}",
    ),
    "a migration forgot to say what the service may do with its table": (
        f"""
        SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
        AND NOT has_table_privilege('{SERVICE}', oid, 'SELECT')
        """,
        "CREATE TABLE forgotten (n int)",
    ),
}


@pytest.mark.parametrize("lint", LINTS)
def test_the_catalogue_is_as_it_should_be(settings: Settings, lint: str) -> None:
    query, violation = LINTS[lint]
    found = f"SELECT array_agg(found.*::text) FROM ({query}) AS found"
    assert outside(settings, found) is None, lint
    outside(settings, violation)
    assert outside(settings, found), lint


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entry SET at = now()",
        "DELETE FROM ledger_entry",
        "TRUNCATE ledger_entry CASCADE",
        "ALTER TABLE ledger_entry DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "UPDATE ledger_leaf SET leaf_hash = 'x'",
        "DELETE FROM ledger_head",
        "UPDATE figure SET value = 1",
    ],
)
def test_the_service_itself_may_not_rewrite_what_was(settings: Settings, statement: str) -> None:
    with psycopg.connect(settings.database_url) as connection:
        connection.execute("SELECT set_config('pip.forces', '*', true)")
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute(statement)


def test_the_list_of_forces_is_sorted_for_no_index(settings: Settings) -> None:
    with psycopg.connect(settings.database_url) as connection:
        connection.execute("SET enable_seqscan = off")
        query = f"SELECT value FROM figure WHERE force_code = '{KENT}' AND measure_code = 'x'"
        plan = [line for (line,) in connection.execute(f"EXPLAIN {query}")]
    (asked,) = [line for line in plan if "Index Cond" in line]
    assert "force_code" in asked
    assert "ANY" not in asked


def test_nobody_logs_in_as_the_owner_and_everything_is_its(settings: Settings) -> None:
    assert outside(settings, "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'pip_owner'") is False
    owners = "SELECT array_agg(DISTINCT tableowner::text) FROM pg_tables WHERE schemaname = 'public'"
    assert outside(settings, owners) == ["pip_owner"]
    walled = "SELECT array_agg(tablename::text ORDER BY tablename) FROM pg_tables WHERE rowsecurity"
    assert outside(settings, walled) == sorted(WALLED)


# Each wall alone


@pytest.fixture
async def rows(service: Service, admin: httpx.AsyncClient) -> dict[str, Record]:
    return {force: await a_concern(admin, force_code=force) for force in (AVON, KENT)}


async def test_the_second_wall_holds_alone(service: Service, rows: dict[str, Record]) -> None:
    lead = await service.caller("force_lead", f"force:{AVON}")
    async with running(service.services.settings, first_wall=False) as opened_doors:
        caller = opened_doors.http(Authorization=lead.headers["authorization"])
        assert (await caller.get("/v1/concerns")).json()["items"] == [rows[AVON]]
        foreign, missing = f"/v1/concerns/{rows[KENT]['id']}", f"/v1/concerns/{rows[KENT]['id'][:-4]}0000"
        for path in (foreign, missing):
            refused(await caller.get(path), 404, "not_found")
            refused(await caller.get(f"{path}/versions"), 404, "not_found")
            answer = await caller.patch(path, json={"title": "x"}, headers={"If-Match": '"v1"'})
            refused(answer, 404, "not_found")
        new = {name: rows[KENT][name] for name in ("title", "source", "identified_by", "identified_on", "force_code")}
        answer = await caller.post("/v1/concerns", json=new)
        assert refused(answer, 403, "permission_denied")["required"] == ["concern:write"]
        assert (await caller.post("/v1/concerns", json=new | {"force_code": AVON})).status_code == 201


async def test_the_first_wall_holds_alone(service: Service, rows: dict[str, Record]) -> None:
    lead = await service.caller("force_lead", f"force:{AVON}")
    async with running(service.services.settings, second_wall=False) as without:
        async with without.services.database.read() as session:
            assert await seen(session) == [AVON, KENT]
        caller = without.http(Authorization=lead.headers["authorization"])
        assert (await caller.get("/v1/concerns")).json()["items"] == [rows[AVON]]
        refused(await caller.get(f"/v1/concerns/{rows[KENT]['id']}"), 404, "not_found")


async def test_what_was_answered_is_seen_by_whom_it_was_answered(service: Service, lead: httpx.AsyncClient) -> None:
    new = {"force_code": AVON, "title": "x", "source": "ppmg", "identified_by": "x", "identified_on": "2026-10-01"}
    answer = await lead.post("/v1/concerns", json=new, headers={"Idempotency-Key": '"first"'})
    assert answer.status_code == 201
    own = (await service.account(service.name_of(lead)))["id"]
    kept = Statement(select(literal_column("key", String()).label("key")).select_from(text("idempotency_key")))
    for scope, expected in ((Forces([AVON], [], own), ["first"]), (Forces([AVON]), []), (None, [])):
        async with service.services.database.read(scope) as session:
            assert [row["key"] for row in await session.fetch(kept)] == expected
    assert (await lead.post("/v1/concerns", json=new, headers={"Idempotency-Key": '"first"'})).content == answer.content


async def test_nobody_changes_their_own_access_where_the_doors_are_open(
    database: PostgresDatabase, filled: Settings
) -> None:
    """Of one's own account and grants a session sees what stands elsewhere too, and writes none of it."""
    whose = outside(filled, "SELECT id FROM account LIMIT 1")
    for table in ("account", "access_grant"):
        raise_version = Statement(text(f"UPDATE {table} SET version = version + 1"))
        seen = Statement(text(f"SELECT count(*) AS n FROM {table}").columns(column("n", Integer())))
        async with database.read(Forces([], ["region:wales"], whose)) as session:
            assert await session.fetch(seen) == [{"n": 1}]
        with pytest.raises(OutOfScope):
            async with database.transaction(Forces([], ["region:wales"], whose)) as session:
                await session.run(raise_version)


async def test_with_both_walls_off_there_is_no_wall(service: Service, rows: dict[str, Record]) -> None:
    """Else the two tests above would prove nothing."""
    lead = await service.caller("force_lead", f"force:{AVON}")
    async with running(service.services.settings, first_wall=False, second_wall=False) as open_field:
        caller = open_field.http(Authorization=lead.headers["authorization"])
        assert (await caller.get("/v1/concerns?sort=created_at")).json()["items"] == [rows[AVON], rows[KENT]]
