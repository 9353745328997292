"""Does the database itself hold its promises, against any SQL? Here it is asked behind the service's back."""

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import UTC, datetime
from itertools import product
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from psycopg.types.json import Jsonb
from sqlalchemy import inspect, text
from sqlmodel import SQLModel

from pip_api.db.migrate import connection_to
from pip_api.db.sqlite import prepare
from pip_api.ledger.entries import LedgerEntry
from pip_api.resources.units import WHOLE_FORCE
from pip_api.settings import Settings
from tests.matrix.world import one_of_each
from tests.plans import AVON, KENT, MEASURE, a_concern, a_plan, a_tree, an_action, changed, made
from tests.postgres import unguarded
from tests.service import Service

VERSIONED = sorted(table.name for table in SQLModel.metadata.sorted_tables if {"id", "version"} <= set(table.c.keys()))
VERSIONED.remove(str(LedgerEntry.__tablename__))
NO_RECORD = {
    "alembic_version",
    "idempotency_key",
    "rate_count",
    "used_assertion",
    "ledger_unsealed",
    "ledger_node",
    "ledger_head",
}
"""Tables that are no record of what anybody did: answers kept for a week, counts of requests, what seals the ledger."""
KEPT = ["ledger_entry", "figure"]
NEW_ID = "'01890000-0000-7000-8000-00000000ffff'"


@contextmanager
def connected(settings: Settings, *, foreign_keys: bool = True) -> Iterator[Any]:
    """A connection of somebody who knows nothing of this service."""
    url = unguarded(settings)
    if url.startswith("postgresql"):
        with psycopg.connect(url) as connection:
            yield connection
        return
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as lite:
        if foreign_keys:
            lite.execute("PRAGMA foreign_keys = ON")
        yield lite


def refusal(settings: Settings, statement: str, **how: bool) -> str:
    """In which words the statement, or else its commit, is refused."""
    with connected(settings, **how) as connection:
        try:
            if connection.execute(statement).rowcount == 0:
                return "touched nothing"
            connection.commit()
        except (psycopg.Error, sqlite3.Error) as error:
            connection.rollback()
            return str(error)
    return "accepted"


def counted(settings: Settings, table: str) -> int:
    with connected(settings) as connection:
        count: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        return count


@pytest.fixture
async def filled(settings: Settings, service: Service, admin: httpx.AsyncClient) -> Settings:
    """A database with a row in every table."""
    await made(admin, "/v1/measures", **MEASURE)
    plan = await a_plan(admin, await a_concern(admin), await a_concern(admin))
    await an_action(admin, await a_plan(admin, await a_concern(admin, force_code=KENT)))
    await an_action(admin, plan)
    await an_action(admin, plan)
    figure = f"/v1/forces/{AVON}/measures/{MEASURE['code']}/figures/2026-10"
    await a_tree(admin)
    for unit in ("", "?unit=north"):
        assert (await admin.put(f"{figure}{unit}", json={"value": 61})).status_code == 201
    told = await a_concern(admin)
    asked = {"force_code": AVON, "noun": "concern", "subject_id": told["id"], "members": ["/title"]}
    again = await changed(admin, "/v1/concerns", told, title="Another")
    assert again.status_code == 200
    redactor = await service.caller("redactor", f"force:{AVON}")
    await made(redactor, "/v1/redactions", **asked, legal_basis="UK GDPR, article 17", why="By mistake")
    level = {"level_code": "level-3", "starts_on": "2026-01-01", "decided_by": "PPMG", "reason": "Inspection"}
    await made(admin, "/v1/support-level-assignments", force_code=AVON, **level)
    await one_of_each(service, admin)
    return settings


async def test_entries_and_figures_are_only_added(filled: Settings) -> None:
    for table in KEPT:
        before = counted(filled, table)
        assert before > 0
        column = "reason" if table == "ledger_entry" else "narrative"
        assert "update is refused" in refusal(filled, f"UPDATE {table} SET {column} = 'x'")
        assert "delete is refused" in refusal(filled, f"DELETE FROM {table}")
        if filled.database_url.startswith("postgresql"):
            assert "truncate is refused" in refusal(filled, f"TRUNCATE {table} CASCADE")
        assert counted(filled, table) == before


async def test_a_temporary_table_of_the_same_name_deceives_no_trigger(filled: Settings) -> None:
    """The service may make temporary tables, and PostgreSQL looks for a name among them first."""
    lite = filled.database_url.startswith("sqlite")
    own = "main" if lite else "public"
    with connected(filled) as connection:
        for table in ("ledger_entry", "ledger_leaf", "ledger_unsealed", "retired_log"):
            connection.execute(f"CREATE TEMP TABLE {table} AS SELECT * FROM {own}.{table}")
        forged = "act = 'redaction.approved', redacted_by = NULL"
        connection.execute(f"UPDATE {'temp' if lite else 'pg_temp'}.ledger_entry SET {forged}")
        connection.execute(f"INSERT INTO {'temp' if lite else 'pg_temp'}.ledger_leaf SELECT * FROM {own}.ledger_leaf")
        told = f"(SELECT id FROM {own}.ledger_entry WHERE act = 'redaction.created')"
        for statement in (
            f"UPDATE {own}.ledger_entry SET redacted_by = {told} WHERE act = 'concern.created'",
            f"DELETE FROM {own}.ledger_unsealed",
        ):
            connection.execute("SAVEPOINT tried")
            with pytest.raises((psycopg.Error, sqlite3.Error), match="is refused"):
                connection.execute(statement)
            connection.execute("ROLLBACK TO tried")
        waiting = f"SELECT count(*) FROM {own}.ledger_unsealed"
        before = connection.execute(waiting).fetchone()[0]
        columns = [column.name for column in LedgerEntry.__table__.c if column.name not in ("seq", "id", "version")]  # type: ignore[attr-defined]
        names = ", ".join(columns)
        connection.execute(
            f"INSERT INTO {own}.ledger_entry (id, {names}) SELECT {NEW_ID}, {names} FROM {own}.ledger_entry LIMIT 1"
        )
        assert connection.execute(waiting).fetchone()[0] == before + 1


async def test_an_entry_is_struck_out_by_an_approval_only(filled: Settings) -> None:
    """Whoever asks for a redaction names the entries already."""
    id = "(SELECT id FROM ledger_entry WHERE act = 'redaction.created')"
    strike = f"UPDATE ledger_entry SET redacted_by = {id} WHERE act = 'concern.created' AND redacted_by IS NULL"
    assert "ledger_entry: update is refused" in refusal(filled, strike)


async def test_no_log_is_closed_before_its_time_by_the_clock_of_the_database(filled: Settings) -> None:
    close = "INSERT INTO retired_log (log_id, entry_id) SELECT '{}', id FROM ledger_entry LIMIT 1"
    assert "retired_log: insert is refused" in refusal(filled, close.format(datetime.now(UTC).year - 7))
    assert refusal(filled, close.format(datetime.now(UTC).year - 8)) == "accepted"


async def test_versioned_rows_are_never_deleted_and_only_rise(filled: Settings) -> None:
    assert len(VERSIONED) > 13
    for table in VERSIONED:
        before = counted(filled, table)
        assert before > 0
        rising = "an update must raise the version by one"
        for change in ("updated_at = created_at", "version = version + 2", "version = version - 1"):
            assert rising in refusal(filled, f"UPDATE {table} SET {change}"), (table, change)
        told = refusal(filled, f"UPDATE {table} SET id = {NEW_ID}, version = version + 1")
        assert rising in told or told == "overlap: support_level_assignment", told
        assert "delete is refused" in refusal(filled, f"DELETE FROM {table}")
        if filled.database_url.startswith("postgresql"):
            assert "truncate is refused" in refusal(filled, f"TRUNCATE {table} CASCADE")
        assert counted(filled, table) == before


async def test_no_row_is_moved_to_another_force_or_key(filled: Settings) -> None:
    changes = {
        "concern": "force_code = 'kent'",
        "pip": "ref = 'x'",
        "force": "code = 'x'",
        "action": "task_number = '9.9'",
        "account": "place = 'national:'",
        "access_grant": "role = 'emperor'",
    }
    for table, change in changes.items():
        told = refusal(filled, f"UPDATE {table} SET {change}, version = version + 1 WHERE {change.replace('=', '<>')}")
        assert "an update must raise the version by one" in told, (table, told)


async def test_what_a_row_refers_to_is_of_its_own_force(filled: Settings) -> None:
    """A new row of Kent, all of whose references are Kent's, lacks nothing but its entry, which the commit asks for."""
    new_id = f"CAST({NEW_ID} AS uuid)" if filled.database_url.startswith("postgresql") else NEW_ID
    for table, references in {"action": ["pip", "concern"], "progress_update": ["pip", "concern", "action"]}.items():
        columns = SQLModel.metadata.tables[table].c.keys()
        for foreign in (None, *references):
            new = {"id": new_id, "force_code": f"'{KENT}'", "task_number": "'9.9'"}
            for each in references:
                force = AVON if each == foreign else KENT
                new[f"{each}_id"] = f"(SELECT id FROM {each} WHERE force_code = '{force}' LIMIT 1)"
            values = ", ".join(new.get(name, name) for name in columns)
            statement = f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} LIMIT 1"
            refusing = pytest.raises((psycopg.Error, sqlite3.Error), match=r"_force_code_fkey|FOREIGN KEY")
            with connected(filled) as connection, refusing if foreign else nullcontext():
                assert connection.execute(statement).rowcount == 1
                connection.rollback()


async def test_a_figure_is_of_a_unit_of_its_own_force(filled: Settings) -> None:
    """Kent has no such unit. Nothing but the entry is wrong with what is of none."""
    columns = SQLModel.metadata.tables["figure"].c.keys()
    for unit, refusal_of in ((f"'{WHOLE_FORCE}'", None), ("unit_code", "insert is refused")):
        new = {"force_code": f"'{KENT}'", "unit_code": unit}
        values = ", ".join(new.get(name, name) for name in columns)
        statement = f"INSERT INTO figure ({', '.join(columns)}) SELECT {values} FROM figure WHERE unit_code = 'north'"
        refusing = pytest.raises((psycopg.Error, sqlite3.Error), match=refusal_of) if refusal_of else nullcontext()
        with connected(filled) as connection, refusing:
            assert connection.execute(statement).rowcount == 1
            connection.rollback()


async def test_an_account_a_secret_or_a_role_without_its_entry_is_not_committed(filled: Settings) -> None:
    for table, key in (("account", "client_id"), ("credential", "secret_hash"), ("access_grant", "role")):
        columns = SQLModel.metadata.tables[table].c.keys()
        postgresql = filled.database_url.startswith("postgresql")
        new_id = f"CAST({NEW_ID} AS uuid)" if postgresql else NEW_ID
        copied = ", ".join({"id": new_id, key: "'national_admin'"}.get(each, each) for each in columns)
        told = refusal(filled, f"INSERT INTO {table} ({', '.join(columns)}) SELECT {copied} FROM {table} LIMIT 1")
        assert f"{table}_in_ledger" in told or told == "FOREIGN KEY constraint failed", (table, told)


async def test_a_version_without_its_entry_is_not_committed(filled: Settings) -> None:
    for table in VERSIONED:
        told = refusal(filled, f"UPDATE {table} SET version = version + 1")
        assert f"{table}_in_ledger" in told or told == "FOREIGN KEY constraint failed", (table, told)
    columns = SQLModel.metadata.tables["concern"].c.keys()
    postgresql = filled.database_url.startswith("postgresql")
    new_id = f"CAST({NEW_ID} AS uuid)" if postgresql else NEW_ID
    copied = ", ".join(new_id if name == "id" else name for name in columns)
    told = refusal(filled, f"INSERT INTO concern ({', '.join(columns)}) SELECT {copied} FROM concern LIMIT 1")
    assert "concern_in_ledger" in told or told == "FOREIGN KEY constraint failed"


async def test_an_entry_that_a_row_rests_on_cannot_be_cut_off(filled: Settings) -> None:
    newest = "DELETE FROM ledger_entry WHERE seq = (SELECT max(seq) FROM ledger_entry)"
    assert "delete is refused" in refusal(filled, newest)
    assert "delete is refused" in refusal(filled, newest, foreign_keys=False)


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_nothing_is_replaced_on_sqlite(filled: Settings) -> None:
    """Recursive triggers are not on here: so it is for anybody who opens the file."""
    for table in (*KEPT, *VERSIONED):
        before = counted(filled, table)
        told = refusal(filled, f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1")
        assert told.startswith(f"unique: {table}"), (table, told)
        assert counted(filled, table) == before


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_no_row_takes_the_key_of_another_on_sqlite(filled: Settings) -> None:
    for table, new in (
        ("ledger_entry", {"id": NEW_ID, "version": "99"}),
        ("ledger_entry", {"seq": "99999", "id": NEW_ID}),
        *((name, {"id": NEW_ID}) for name in ("region", "force", "support_level", "measure", "pip", "action")),
    ):
        before = counted(filled, table)
        names = SQLModel.metadata.tables[table].c.keys()
        values = ", ".join(new.get(name, name) for name in names)
        statement = f"INSERT OR REPLACE INTO {table} ({', '.join(names)}) SELECT {values} FROM {table} LIMIT 1"
        assert refusal(filled, statement).startswith(f"unique: {table}"), statement
        assert counted(filled, table) == before


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_an_update_replaces_nothing_on_sqlite(filled: Settings) -> None:
    for table, column in (("pip", "ref"), ("region", "gss_code"), ("force", "code"), ("action", "task_number")):
        before = counted(filled, table)
        told = refusal(
            filled,
            f"UPDATE OR REPLACE {table} SET version = version + 1, {column} = (SELECT max({column}) FROM {table}) "
            f"WHERE {column} = (SELECT min({column}) FROM {table})",
        )
        assert "an update must raise the version by one" in told
        assert counted(filled, table) == before


async def test_periods_of_one_force_share_no_day(filled: Settings, admin: httpx.AsyncClient) -> None:
    body = {"level_code": "level-2", "decided_by": "PPMG", "reason": "Recovery"}
    for force, start, end, status in (
        (AVON, "2026-06-01", None, 409),
        (AVON, "2025-01-01", "2026-01-01", 409),
        (AVON, "2025-01-01", "2025-12-31", 201),
        (AVON, "2025-12-31", "2025-12-31", 409),
        (KENT, "2026-06-01", None, 201),
    ):
        sent = body | {"force_code": force, "starts_on": start, "ends_on": end}
        answer = await admin.post("/v1/support-level-assignments", json=sent)
        assert answer.status_code == status, (start, answer.text)
        assert status == 201 or answer.json()["code"] == "period_overlap"


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_nothing_is_written_while_foreign_keys_are_off(filled: Settings) -> None:
    """As they are for anybody who opens the file: the key into the ledger would not be looked at."""
    for table in ("figure", *VERSIONED):
        off = f"{table}: nothing is written while foreign keys are off"
        column = "revision" if table == "figure" else "version"
        assert off in refusal(filled, f"INSERT INTO {table} SELECT * FROM {table} LIMIT 1", foreign_keys=False)
        if table != "figure":
            assert off in refusal(filled, f"UPDATE {table} SET {column} = {column} + 1", foreign_keys=False)


def test_no_table_forgets_the_ledger(settings: Settings) -> None:
    """Whatever table there is: its rows rest on entries, and are neither deleted nor changed in silence."""
    with connection_to(unguarded(settings)) as connection:
        found = inspect(connection)
        triggers = "SELECT tgrelid::regclass::text AS tbl_name, tgname AS name FROM pg_trigger WHERE NOT tgisinternal"
        if connection.dialect.name == "sqlite":
            triggers = "SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'"
        guards: dict[str, set[str]] = {}
        for table, name in connection.execute(text(triggers)):
            guards.setdefault(table, set()).add(name.removeprefix(f"{table}_"))
        for table in sorted({*found.get_table_names()} - NO_RECORD):
            keys = [key for key in found.get_foreign_keys(table) if key["referred_table"] == "ledger_entry"]
            rests = {tuple(key["constrained_columns"]) for key in keys}
            assert rests & {("id", "version"), ("entry_id",)} or table == "ledger_entry", table
            if connection.dialect.name == "postgresql":
                assert all(key["options"] == {"deferrable": True, "initially": "DEFERRED"} for key in keys), table
                assert {"kept_row", "kept_statement"} <= guards[table], table
            else:
                assert "kept_delete" in guards[table], table
                assert guards[table] & {"version", "kept_update"}, table


@pytest.mark.parametrize(("table", "columns"), [("used_assertion", "client_id"), ("revoked_token", "issuer")])
async def test_what_is_spent_stays_spent_until_its_time_is_over(filled: Settings, table: str, columns: str) -> None:
    """Whoever could take one out, or alter it, could use a token that was ended, or an assertion a second time."""
    entry = ", (SELECT id FROM ledger_entry LIMIT 1)" if table == "revoked_token" else ""
    names = f"{columns}, jti, kept_until" + (", entry_id" if entry else "")
    for jti, until in (("over", "2020-01-01T00:00:00.000000Z"), ("spent", "2999-01-01T00:00:00.000000Z")):
        row = f"INSERT INTO {table} ({names}) SELECT 'x', '{jti}', '{until}'{entry}"
        assert refusal(filled, row) == "accepted"
    for statement, told in (
        (f"DELETE FROM {table} WHERE jti = 'spent'", "delete is refused"),
        (f"DELETE FROM {table}", "delete is refused"),
        (f"UPDATE {table} SET kept_until = '2020-01-01T00:00:00.000000Z' WHERE jti = 'spent'", "update is refused"),
        (f"UPDATE {table} SET jti = 'other' WHERE jti = 'over'", "update is refused"),
        (f"INSERT INTO {table} ({names}) SELECT {names} FROM {table}", "unique"),
    ):
        assert told in refusal(filled, statement), statement
    if filled.database_url.startswith("postgresql"):
        assert "truncate is refused" in refusal(filled, f"TRUNCATE {table}")
    else:
        again = f"INSERT OR REPLACE INTO {table} ({names}) SELECT {names} FROM {table}"
        assert "unique" in refusal(filled, again)
    assert refusal(filled, f"DELETE FROM {table} WHERE jti = 'over'") == "accepted"


async def test_no_way_of_writing_gets_past_the_ledger(filled: Settings) -> None:
    """For each table: a new row, a copied one, many at once, one put in place of another, and a change."""
    for table in ("figure", *VERSIONED):
        columns = [column.name for column in SQLModel.metadata.tables[table].columns]
        before = counted(filled, table)
        for way in WAYS:
            with connected(filled) as connection:
                one = connection.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchone()
                row = {name: NEW.get(name, value) for name, value in zip(columns, one, strict=True)}
                row |= {name: other(connection, of, row[name]) for name, of in OTHER.items() if name in row}
                with pytest.raises((psycopg.Error, sqlite3.Error)) as refused:
                    committed(connection, way, table, row)
                told = str(refused.value)
                connection.rollback()
            assert re.search("_in_ledger|entry_id|FOREIGN KEY|figure: update is refused", told), (table, way, told)
            assert counted(filled, table) == before, (table, way.__name__)


NEW: dict[str, Any] = {
    "id": UUID(NEW_ID.strip("'")), "entry_id": UUID(NEW_ID.strip("'")), "revision": 99, "code": "x-one", "ref": "x-1",
    "client_id": "x", "gss_code": "E99", "task_number": "99.9", "starts_on": "1999-01-01", "ends_on": "1999-01-02",
}  # fmt: skip
"""What makes a row free of every other promise than that of its entry."""
OTHER = {"national_meeting_id": "national_meeting"}
"""And what it names another of, for the same."""


def other(connection: Any, table: str, id: Any) -> Any:
    mark = "?" if isinstance(connection, sqlite3.Connection) else "%s"
    return connection.execute(f"SELECT id FROM {table} WHERE id <> {mark} LIMIT 1", [id]).fetchone()[0]


def committed(connection: Any, way: Callable[..., None], table: str, row: dict[str, Any]) -> None:
    way(connection, table, row)
    connection.commit()


def _plain(connection: Any, values: Iterable[Any]) -> list[Any]:
    """Values as the driver takes them."""
    if isinstance(connection, sqlite3.Connection):
        return [str(value) if isinstance(value, UUID) else value for value in values]
    return [Jsonb(value) if isinstance(value, list | dict) else value for value in values]


def _marks(connection: Any, row: dict[str, Any]) -> str:
    return ", ".join("?" if isinstance(connection, sqlite3.Connection) else "%s" for _ in row)


def inserted(connection: Any, table: str, row: dict[str, Any]) -> None:
    statement = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({_marks(connection, row)})"
    connection.execute(statement, _plain(connection, row.values()))


def inserted_among_many(connection: Any, table: str, row: dict[str, Any]) -> None:
    statement = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({_marks(connection, row)})"
    connection.cursor().executemany(statement, [_plain(connection, row.values())])


def put_in_place(connection: Any, table: str, row: dict[str, Any]) -> None:
    key = "force_code, measure_code, unit_code, period_start, period_end, revision" if table == "figure" else "id"
    statement = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({_marks(connection, row)})"
    statement += f" ON CONFLICT ({key}) DO UPDATE SET {key.split(',')[0]} = excluded.{key.split(',')[0]}"
    connection.execute(statement, _plain(connection, row.values()))


def copied(connection: Any, table: str, row: dict[str, Any]) -> None:
    """COPY, or what SQLite has instead of it."""
    if isinstance(connection, sqlite3.Connection):
        statement = f"INSERT OR REPLACE INTO {table} ({', '.join(row)}) VALUES ({_marks(connection, row)})"
        connection.execute(statement, _plain(connection, row.values()))
        return
    with connection.cursor().copy(f"COPY {table} ({', '.join(row)}) FROM STDIN") as sink:
        sink.write_row(_plain(connection, row.values()))


def raised(connection: Any, table: str, row: dict[str, Any]) -> None:
    column = "revision" if table == "figure" else "version"
    connection.execute(f"UPDATE {table} SET {column} = {column} + 1")


EMPTY = ("NULL", "''", "' '")
WAYS = (inserted, inserted_among_many, put_in_place, copied, raised)


async def test_an_entry_says_who_and_in_which_request(filled: Settings) -> None:
    columns = [column.name for column in SQLModel.metadata.tables["ledger_entry"].columns if column.name != "seq"]
    postgresql = filled.database_url.startswith("postgresql")
    new = {"id": f"CAST({NEW_ID} AS uuid)" if postgresql else NEW_ID, "version": "99"}
    for name, nothing in product(("actor_id", "actor_name", "actor_type", "client_id", "request_id"), EMPTY):
        if name == "actor_id" and nothing != "NULL" and postgresql:
            continue  # there it is no text
        values = ", ".join({**new, name: nothing}.get(each, each) for each in columns)
        statement = f"INSERT INTO ledger_entry ({', '.join(columns)}) SELECT {values} FROM ledger_entry LIMIT 1"
        told = refusal(filled, statement)
        assert "ledger_entry_says_who" in told or "not-null" in told or "NOT NULL" in told, (name, nothing, told)


def test_every_connection_to_sqlite_asks_its_triggers() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        prepare(connection)
        for pragma in ("recursive_triggers", "foreign_keys"):
            assert connection.execute(f"PRAGMA {pragma}").fetchone() == (1,)
