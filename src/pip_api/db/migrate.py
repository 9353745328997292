"""Is the database's schema that of this release, and how is it brought there?"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, String, column, create_engine, event, select, table
from sqlalchemy.exc import DBAPIError

import pip_api
from pip_api.db.roles import become_owner
from pip_api.db.sqlite import prepare
from pip_api.db.statements import Statement
from pip_api.settings import Settings, StartRefused


def scripts() -> Path:
    """The migrations: inside the package when it is installed, beside `src` in a checkout."""
    package = Path(pip_api.__file__).parent
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parents[1] / "migrations"


REVISION = Statement(select(column("version_num", String())).select_from(table("alembic_version")))
"""The revision to which a database was migrated."""


@cache
def head() -> str:
    """The revision to which this release migrates."""
    config = Config()
    config.set_main_option("script_location", str(scripts()))
    return str(ScriptDirectory.from_config(config).get_current_head())


def migrate(settings: Settings) -> None:
    """Brings the schema to this release. Raises StartRefused."""
    with migrating(settings) as connection:
        config = _config(connection)
        _refuse_newer(connection, config)
        command.upgrade(config, "head")


def require_current(settings: Settings) -> None:
    """Raises StartRefused unless the schema is exactly that of this release."""
    with connection_to(settings.database_url) as connection:
        config = _config(connection)
        _refuse_newer(connection, config)
        if _revision(connection) != ScriptDirectory.from_config(config).get_current_head():
            raise StartRefused("The database is not migrated to this release: run pip-api migrate.")


def _refuse_newer(connection: Connection, config: Config) -> None:
    revision = _revision(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise StartRefused(
            f"The database was migrated by a newer release (to revision {revision}): install that release, "
            "or restore a backup made before it."
        )


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts()))
    config.attributes["connection"] = connection
    return config


@contextmanager
def migrating(settings: Settings) -> Iterator[Connection]:
    """A connection whose transaction may change the schema, on PostgreSQL as its owner. Raises StartRefused."""
    with connection_to(settings.migration_database_url or settings.database_url) as connection:
        if connection.dialect.name == "postgresql":
            become_owner(connection, settings.database_url)
        yield connection


@contextmanager
def connection_to(url: str) -> Iterator[Connection]:
    """A connection with a transaction of its own, committed at the end. Raises StartRefused when there is none."""
    if url.startswith("sqlite:///"):
        _make_directory(Path(url.removeprefix("sqlite:///")))
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _take_over_transactions)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.connect() as connection:
            yield connection
            connection.commit()
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        where = url.removeprefix("sqlite:///") if engine.dialect.name == "sqlite" else "PostgreSQL"
        raise StartRefused(f"The database ({where}) cannot be used: {reason}.") from error
    finally:
        engine.dispose()


def _make_directory(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartRefused(f"The folder {path.parent} cannot be made: {error.strerror}.") from error


def _take_over_transactions(connection: sqlite3.Connection, record: Any) -> None:
    """The driver begins no transaction before DDL, so a migration that fails half way would stay half done."""
    connection.isolation_level = None
    prepare(connection)
