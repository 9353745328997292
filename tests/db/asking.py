"""How is PostgreSQL asked a question, and upset by somebody else?"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from sqlalchemy import Integer, String, bindparam, select

from pip_api.db.postgres import PostgresDatabase
from pip_api.db.statements import Statement
from pip_api.settings import Settings
from tests.postgres import unguarded

ECHO = Statement(select(bindparam("n", type_=Integer()).label("n"), bindparam("word", type_=String()).label("word")))


@asynccontextmanager
async def opened(settings: Settings, size: int = 1, **others: Any) -> AsyncIterator[PostgresDatabase]:
    """A database with this many connections."""
    database = PostgresDatabase(settings.database_url, pool_size=size, **{"statement_timeout_ms": 10_000, **others})
    await database.open()
    yield database
    await database.close()


async def told(database: PostgresDatabase, n: int) -> None:
    """Asks for what it gives, and checks the answer."""
    async with database.read() as session:
        assert await session.fetch(ECHO, n=n, word=f"word {n}") == [{"n": n, "word": f"word {n}"}]


def outside(settings: Settings, command: str) -> Any:
    """What a command of somebody else answers."""
    with psycopg.connect(unguarded(settings), autocommit=True) as other:
        cursor = other.execute(command)
        row = cursor.fetchone() if cursor.description else None
        return row and row[0]


def end_others(settings: Settings) -> None:
    """Ends every connection to a database, and waits for that."""
    outside(
        settings,
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
