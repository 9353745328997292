"""Where do rows live, and how is a transaction run?"""

from pathlib import Path

from pip_api.db.postgres import PostgresDatabase
from pip_api.db.session import Database
from pip_api.db.sqlite import SqliteDatabase
from pip_api.settings import Settings


def open_database(settings: Settings) -> Database:
    """The database that the settings name, not yet connected."""
    url = settings.database_url
    if url.startswith("sqlite:///"):
        return SqliteDatabase(Path(url.removeprefix("sqlite:///")), readers=settings.database_pool_size)
    return PostgresDatabase(
        url,
        pool_size=settings.database_pool_size,
        statement_timeout_ms=settings.statement_timeout_ms,
        prepare=settings.database_prepare,
    )
