"""Which promises does the database itself hold, against any SQL: append-only tables, versions that only rise, periods
that never overlap, and forces that never see each other's rows?

Each function writes the same promise for PostgreSQL and for SQLite. On SQLite an INSERT or UPDATE "OR REPLACE" deletes
what it replaces without asking the triggers (unless recursive_triggers is on), so inserts of an existing key and
changes of one are refused too. `keys` are all unique keys, the primary key among them.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from pip_api.db.policies import FUNCTIONS, POLICY, wall_of

Keys = Sequence[Sequence[str]]
TRIGGER = "RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp"
"""Of every function of a trigger on PostgreSQL: a temporary table of a name like ours is not what it looks at."""

OWNER, SERVICE = "pip_owner", "pip_app"
"""PostgreSQL's roles: nobody logs in as the one that owns everything, and the service has only what it is granted."""


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def append_only(table: str, keys: Keys) -> None:
    """Rows may be added, never changed, deleted or truncated."""
    if _is_postgresql():
        _refuse_on_postgresql(table, "UPDATE OR DELETE")
        return
    _refuse_on_sqlite(table, "UPDATE")
    _refuse_on_sqlite(table, "DELETE")
    _refuse_replacing(table, keys)


def erasable(table: str, column: str, others: Sequence[str], keys: Keys, once: str) -> None:
    """Rows may be added, and of a row this one column may become null `once` a query about NEW finds something; nothing
    else changes, and nothing is deleted."""
    if _is_postgresql():
        _refuse_on_postgresql(table, "DELETE")
        moved = " OR ".join(f"NEW.{each} IS DISTINCT FROM OLD.{each}" for each in others)
        _refuse_row_on_postgresql(table, "UPDATE", f"{moved} OR NEW.{column} IS NOT NULL OR NOT EXISTS ({once})")
        return
    moved = " OR ".join(f"NEW.{each} IS NOT OLD.{each}" for each in others)
    _refuse_on_sqlite(table, "UPDATE", f"WHEN {moved} OR NEW.{column} IS NOT NULL OR NOT EXISTS ({once})")
    _refuse_on_sqlite(table, "DELETE")
    _refuse_replacing(table, keys)


def queued(table: str, queue: str, column: str) -> None:
    """Each row that is added, by whatever SQL, has this column of it put into a queue, in the same transaction."""
    if _is_postgresql():
        op.execute(
            f"""
            CREATE FUNCTION put_into_{queue}() {TRIGGER} AS $$
            BEGIN
                INSERT INTO {queue} ({column}) SELECT {column} FROM added;
                RETURN NULL;
            END $$
            """
        )
        op.execute(
            f"CREATE TRIGGER {table}_queued AFTER INSERT ON {table} REFERENCING NEW TABLE AS added "
            f"FOR EACH STATEMENT EXECUTE FUNCTION put_into_{queue}()"
        )
        return
    op.execute(
        f"""
        CREATE TRIGGER {table}_queued AFTER INSERT ON {table}
        BEGIN INSERT INTO {queue} ({column}) VALUES (NEW.{column}); END
        """
    )


def kept_until(queue: str, done: str) -> None:
    """A row of a queue is never changed, and leaves it only when a query about OLD finds that its work is done."""
    if _is_postgresql():
        _refuse_on_postgresql(queue, "UPDATE")
        _refuse_row_on_postgresql(queue, "DELETE", f"NOT EXISTS ({done})")
        return
    _refuse_on_sqlite(queue, "UPDATE")
    _refuse_on_sqlite(queue, "DELETE", f"WHEN NOT EXISTS ({done})")


def kept_for_a_time(table: str, column: str, keys: Keys) -> None:
    """Rows may be added, never changed, and deleted once the moment in this column is over, by the database's clock."""
    now = "now()" if _is_postgresql() else "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
    kept_until(table, f"SELECT 1 WHERE OLD.{column} <= {now}")
    if not _is_postgresql():
        _refuse_replacing(table, keys)


def not_yet_over(log: str, years: int) -> str:
    """A query that finds something until so many whole years after that of a log are over, by the database's clock."""
    year = (
        "extract(year FROM now() AT TIME ZONE 'UTC')" if _is_postgresql() else "CAST(strftime('%Y', 'now') AS integer)"
    )
    return f"SELECT 1 WHERE CAST({log} AS integer) + {years} >= {year}"


def frozen(table: str, closed: str) -> None:
    """No row is added for which a query about NEW finds something."""
    if _is_postgresql():
        _refuse_row_on_postgresql(table, "INSERT", f"EXISTS ({closed})")
        return
    _refuse_on_sqlite(table, "INSERT", f"WHEN EXISTS ({closed})")


def versioned(table: str, keys: Keys, owner: Sequence[str] = ()) -> None:
    """An update keeps the keys and the owner and raises the version by one; rows are never deleted."""
    kept = dict.fromkeys([*(column for key in keys for column in key), *owner])
    if _is_postgresql():
        _refuse_on_postgresql(table, "DELETE")
        op.execute(
            f"""
            CREATE OR REPLACE FUNCTION refuse_update() {TRIGGER} AS $$
            BEGIN
                RAISE EXCEPTION '%: an update must raise the version by one', TG_TABLE_NAME
                    USING ERRCODE = 'restrict_violation';
            END $$
            """
        )
        moved = " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in kept)
        op.execute(
            f"""
            CREATE TRIGGER {table}_version BEFORE UPDATE ON {table} FOR EACH ROW
            WHEN ({moved} OR NEW.version <> OLD.version + 1) EXECUTE FUNCTION refuse_update()
            """
        )
        return
    moved = " OR ".join(f"NEW.{column} IS NOT OLD.{column}" for column in kept)
    op.execute(
        f"""
        CREATE TRIGGER {table}_version BEFORE UPDATE ON {table}
        WHEN {moved} OR NEW.version <> OLD.version + 1
        BEGIN SELECT RAISE(ABORT, '{table}: an update must raise the version by one'); END
        """
    )
    _refuse_on_sqlite(table, "DELETE")
    _refuse_replacing(table, keys)
    resting_on_ledger(table)


def resting_on_ledger(table: str) -> None:
    """Whoever opens the file of SQLite and does not ask for foreign keys would be free of the deferred one into the
    ledger: nothing is written so. On PostgreSQL nobody is asked."""
    if _is_postgresql():
        return
    for event in ("INSERT", "UPDATE"):
        op.execute(
            f"""
            CREATE TRIGGER {table}_noted_{event.lower()} BEFORE {event} ON {table}
            WHEN (SELECT foreign_keys FROM pragma_foreign_keys) = 0
            BEGIN SELECT RAISE(ABORT, '{table}: nothing is written while foreign keys are off'); END
            """
        )


def never_overlapping(table: str, owner: str, start: str, end: str) -> None:
    """The periods of one owner share no day; an open end lasts for ever, and withdrawn rows do not count."""
    if _is_postgresql():
        op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
        op.execute(
            f"""
            ALTER TABLE {table} ADD CONSTRAINT {table}_no_overlap EXCLUDE USING gist
            ({owner} WITH =, daterange({start}, {end}, '[]') WITH &&) WHERE (withdrawn_at IS NULL)
            """
        )
        return
    for event in ("INSERT", "UPDATE"):
        op.execute(
            f"""
            CREATE TRIGGER {table}_no_overlap_{event.lower()} BEFORE {event} ON {table}
            WHEN NEW.withdrawn_at IS NULL AND EXISTS (
                SELECT 1 FROM {table} AS other
                WHERE other.{owner} = NEW.{owner} AND other.id <> NEW.id AND other.withdrawn_at IS NULL
                AND other.{start} <= coalesce(NEW.{end}, '9999-12-31')
                AND coalesce(other.{end}, '9999-12-31') >= NEW.{start})
            BEGIN SELECT RAISE(ABORT, 'overlap: {table}'); END
            """
        )


def of_the_same_force(table: str, column: str, noun: str, key: str) -> None:
    """Of a table that is only added to: what this column names, where it is not empty, is a row of the same force.

    For a column that is part of a key, which a reference that may be null cannot be. Nobody is asked where it is empty.
    """
    wrong = f"NOT EXISTS (SELECT 1 FROM {noun} AS n WHERE n.force_code = NEW.force_code AND n.{key} = NEW.{column})"
    if _is_postgresql():
        _refuse_row_on_postgresql(table, "INSERT", wrong, f"WHEN (NEW.{column} <> '')")
        return
    _refuse_on_sqlite(table, "INSERT", f"WHEN NEW.{column} <> '' AND {wrong}")


def scopes() -> None:
    """What the policies ask for the rows that a transaction reaches.

    SQLite knows no roles and no policies: there this and `served` do nothing.
    """
    if not _is_postgresql():
        return
    op.execute("CREATE SCHEMA pip")
    op.execute(f"GRANT USAGE ON SCHEMA pip TO {SERVICE}")
    for name, (gives, body) in FUNCTIONS.items():
        op.execute(f"CREATE FUNCTION {name} RETURNS {gives} LANGUAGE sql STABLE AS $${body}$$")


def granted(table: str, *rights: str) -> None:
    """Further rights of the service on a table, such as "UPDATE" or "UPDATE (reason)"."""
    if _is_postgresql():
        op.execute(f"GRANT {', '.join(rights)} ON {table} TO {SERVICE}")


def served(table: str, *rights: str) -> None:
    """What the service may do with a table besides reading it, and with which rows of it. A table that is left out the
    service cannot even read.
    """
    if not _is_postgresql():
        return
    granted(table, "SELECT", *rights)
    nullable = {each["name"]: each["nullable"] for each in sa.inspect(op.get_bind()).get_columns(table)}
    if (wall := wall_of(table, nullable)) is None:
        return
    seen, written = wall
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")  # for its owner too
    op.execute(f"CREATE POLICY {POLICY} ON {table} USING ({seen}) WITH CHECK ({written})")


def _refuse_on_postgresql(table: str, events: str) -> None:
    op.execute(
        f"""
        CREATE OR REPLACE FUNCTION refuse_change() {TRIGGER} AS $$
        BEGIN
            RAISE EXCEPTION '%: % is refused', TG_TABLE_NAME, lower(TG_OP) USING ERRCODE = 'restrict_violation';
        END $$
        """
    )
    for timing, level in ((events, "ROW"), ("TRUNCATE", "STATEMENT")):
        op.execute(
            f"CREATE TRIGGER {table}_kept_{level.lower()} BEFORE {timing} ON {table} "
            f"FOR EACH {level} EXECUTE FUNCTION refuse_change()"
        )


def _refuse_row_on_postgresql(table: str, event: str, wrong: str, when: str = "") -> None:
    """Refuses a change of a row where something is wrong that takes a query to see, which no WHEN may make."""
    name = f"refuse_{event.lower()}_of_{table}"
    op.execute(
        f"""
        CREATE FUNCTION {name}() {TRIGGER} AS $$
        BEGIN
            IF {wrong} THEN
                RAISE EXCEPTION '%: % is refused', TG_TABLE_NAME, lower(TG_OP) USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN coalesce(NEW, OLD);
        END $$
        """
    )
    op.execute(
        f"CREATE TRIGGER {table}_kept_{event.lower()} BEFORE {event} ON {table} FOR EACH ROW {when} "
        f"EXECUTE FUNCTION {name}()"
    )


def _refuse_on_sqlite(table: str, event: str, condition: str = "") -> None:
    op.execute(
        f"""
        CREATE TRIGGER {table}_kept_{event.lower()} BEFORE {event} ON {table} {condition}
        BEGIN SELECT RAISE(ABORT, '{table}: {event.lower()} is refused'); END
        """
    )


def _refuse_replacing(table: str, keys: Keys) -> None:
    for key in keys:
        same = " AND ".join(f"{column} = NEW.{column}" for column in key)
        op.execute(
            f"""
            CREATE TRIGGER {table}_new_{"_".join(key)} BEFORE INSERT ON {table}
            WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})
            BEGIN SELECT RAISE(ABORT, 'unique: {table} ({", ".join(key)})'); END
            """
        )
