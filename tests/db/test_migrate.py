"""Is the schema that migrations make the one that the code believes in?"""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlmodel import SQLModel

from pip_api.db import open_database
from pip_api.db.migrate import connection_to, migrate, require_current
from pip_api.settings import Settings, StartRefused, load
from tests.postgres import Postgres, as_role, unguarded

_numbers = count()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings that name a database with nothing in it."""
    if request.param == "sqlite":
        yield Settings(database_url=f"sqlite:///{tmp_path}/new/pip.db")
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = f"empty_{next(_numbers)}"
    url = server.create_database(name)
    yield Settings(database_url=as_role(url), migration_database_url=url)
    server.drop_database(name)


def tables(settings: Settings) -> set[str]:
    with connection_to(unguarded(settings)) as connection:
        return set(inspect(connection).get_table_names())


def refusal(settings: Settings) -> str:
    """The one sentence in which the service refuses to start."""
    with pytest.raises(StartRefused) as refused:
        require_current(settings)
    with pytest.raises(StartRefused) as again:
        migrate(settings)
    assert "\n" not in str(again.value)
    assert str(again.value) == str(refused.value)
    return str(refused.value)


def test_the_schema_is_that_of_the_code(empty: Settings) -> None:
    with pytest.raises(StartRefused, match="The database is not migrated to this release: run pip-api migrate"):
        require_current(empty)
    migrate(empty)
    require_current(empty)
    assert tables(empty) == {*SQLModel.metadata.tables, "alembic_version"}
    with connection_to(unguarded(empty)) as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []


def test_a_comparison_finds_what_is_missing(empty: Settings) -> None:
    migrate(empty)
    with connection_to(unguarded(empty)) as connection:
        connection.execute(text("DROP INDEX ix_action_force_code"))
        found = compare_metadata(MigrationContext.configure(connection), SQLModel.metadata)
        assert [(kind, index.name) for kind, index in found] == [("add_index", "ix_action_force_code")]


def test_migrating_twice_changes_nothing(settings: Settings) -> None:
    def regions() -> int:
        with connection_to(unguarded(settings)) as connection:
            found: int = connection.execute(text("SELECT count(*) FROM region")).scalar_one()
            return found

    before = regions()
    migrate(settings)
    assert regions() == before > 0


def test_a_database_of_a_newer_release_is_left_alone(settings: Settings) -> None:
    with connection_to(unguarded(settings)) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    told = refusal(settings)
    assert told.startswith("The database was migrated by a newer release (to revision 9999): ")
    with connection_to(unguarded(settings)) as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "9999"


def test_a_migration_that_fails_leaves_nothing(empty: Settings) -> None:
    with connection_to(unguarded(empty)) as connection:
        connection.execute(text("CREATE TABLE progress_update (x integer)"))
    with pytest.raises(StartRefused, match="progress_update"):
        migrate(empty)
    assert tables(empty) == {"progress_update"}
    with connection_to(unguarded(empty)) as connection:
        connection.execute(text("DROP TABLE progress_update"))
    migrate(empty)
    require_current(empty)


async def test_a_server_that_does_not_answer_is_told_in_one_sentence() -> None:
    nowhere = Settings(database_url="postgresql://nobody@127.0.0.1:1/nothing")
    assert "127.0.0.1" in refusal(nowhere)
    with pytest.raises(StartRefused) as refused:
        await open_database(nowhere).open()
    assert str(refused.value).startswith("The database does not answer: ")
    assert "\n" not in str(refused.value)


async def test_a_file_that_is_no_database_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Not a database, but longer than the header of one would be. " * 9)
    notes = Settings(database_url=f"sqlite:///{tmp_path}/notes.txt")
    assert "notes.txt" in refusal(notes)
    below = Settings(database_url=f"sqlite:///{tmp_path}/notes.txt/pip.db")
    assert "notes.txt" in refusal(below)
    for settings in (notes, below):
        with pytest.raises(StartRefused, match="cannot be opened"):
            await open_database(settings).open()


@pytest.mark.parametrize(
    "url", ["mysql://localhost/pip", "sqlite://", "pip.db", "postgresql+asyncpg://localhost/pip", ""]
)
def test_another_kind_of_database_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("PIP_DATABASE_URL", url)
    with pytest.raises(StartRefused) as refused:
        load()
    assert str(refused.value).startswith("The setting PIP_DATABASE_URL is not usable: ")
    assert "postgresql://" in str(refused.value)
