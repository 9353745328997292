"""Who may migrate, as whom, and is whoever may not told what to do?"""

from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest

from pip_api.db.migrate import migrate, migrating, require_current
from pip_api.settings import Settings, StartRefused
from tests.postgres import PASSWORD, UNWALLED, Postgres, cluster, embedded


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A server of its own, since roles belong to a whole server."""
    with cluster(bindir=embedded()) as started:
        yield started


@pytest.fixture
def fresh(server: Postgres) -> Iterator[str]:
    """A database on a server without our roles, and one `migrator` who owns the database."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        for role in (UNWALLED, "pip_app", "pip_owner"):
            connection.execute(f"DROP ROLE IF EXISTS {role}")
        connection.execute(f"CREATE ROLE migrator LOGIN PASSWORD '{PASSWORD}'")
    url = server.create_database("fresh")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER DATABASE fresh OWNER TO migrator")
    yield url
    server.drop_database("fresh")
    with psycopg.connect(server.url, autocommit=True) as connection:
        for role in ("migrator", "pip_app", "pip_owner"):
            connection.execute(f"DROP ROLE IF EXISTS {role}")


def settings(url: str) -> Settings:
    place = urlsplit(url)
    login, here = f"{place.hostname}:{place.port}", "/fresh"
    return Settings(
        database_url=f"postgresql://pip_app:a%20secret@{login}{here}",
        migration_database_url=f"postgresql://migrator:{PASSWORD}@{login}{here}",
    )


def asked(url: str, question: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(question).fetchone()
    return row and row[0]


def test_the_roles_are_made_by_whoever_may(fresh: str) -> None:
    with psycopg.connect(fresh, autocommit=True) as connection:
        connection.execute("ALTER ROLE migrator CREATEROLE")
    migrate(settings(fresh))
    require_current(settings(fresh))  # as pip_app
    roles = (
        "SELECT string_agg(rolname || ' ' || rolcanlogin, ',' ORDER BY rolname) FROM pg_roles WHERE rolname ~ '^pip_'"
    )
    assert asked(fresh, roles) == "pip_app true,pip_owner false"
    assert asked(fresh, "SELECT string_agg(DISTINCT tableowner, ',') FROM pg_tables WHERE schemaname = 'public'") == (
        "pip_owner"
    )
    password = "SELECT rolpassword FROM pg_authid WHERE rolname = 'pip_app'"
    assert str(asked(fresh, password)).startswith("SCRAM-SHA-256$")
    migrate(settings(fresh))  # once more, with nothing to do


def test_whoever_may_not_is_told_the_sql_that_a_superuser_runs(fresh: str) -> None:
    with pytest.raises(StartRefused) as refused:
        migrate(settings(fresh))
    told = str(refused.value)
    assert "\n" not in told
    sentence, sql = told.rstrip(".").split("run in this database: ")
    assert "PIP_MIGRATION_DATABASE_URL" in sentence
    assert sql.startswith("CREATE ROLE pip_owner NOLOGIN; CREATE ROLE pip_app LOGIN; GRANT pip_owner TO migrator; ")
    assert asked(fresh, "SELECT count(*) FROM pg_roles WHERE rolname ~ '^pip_'") == 0
    with psycopg.connect(fresh, autocommit=True) as connection:
        connection.execute(sql.encode())
    migrate(settings(fresh))
    require_current(settings(fresh))


def test_a_migration_reaches_every_row(fresh: str) -> None:
    """Row-level security holds for the owner too, so a migration that mends rows would find none."""
    superuser = settings(fresh).model_copy(update={"migration_database_url": fresh})
    migrate(superuser)
    row = "now(), 'x.done', 'x', gen_random_uuid(), 'x', 'x', 'x', 'kent'"
    with psycopg.connect(fresh, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "INSERT INTO force (id, version, created_at, updated_at, name, short_name, kind, nation, code) "
            "VALUES (gen_random_uuid(), 1, now(), now(), 'x', 'x', 'x', 'x', 'kent')"
        )
        connection.execute(
            "INSERT INTO ledger_entry (id, at, act, noun, actor_id, actor_type, actor_name, client_id, force_code, "
            f"request_id, kind, overridden, state, patch) SELECT gen_random_uuid(), {row}, 'r', 'system', false, "
            "'{}', '[]'"
        )
    with migrating(superuser) as connection:
        assert connection.exec_driver_sql("SELECT current_user").scalar() == "pip_owner"
        assert connection.exec_driver_sql("SELECT count(*) FROM ledger_entry").scalar() == 1
