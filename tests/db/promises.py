"""Which functions, triggers and ties to the ledger do migrations make? python -m tests.db.promises writes it down."""

import json
from pathlib import Path

import psycopg

import pip_api.db
from pip_api.db.migrate import migrate
from pip_api.db.walls import PROMISES
from pip_api.settings import Settings
from tests.postgres import as_role, cluster

FILE = Path(pip_api.db.__file__).with_name("promises.json")


def made(url: str) -> str:
    """The promises of a database, as the file has them."""
    with psycopg.connect(url) as connection:
        return json.dumps(dict(sorted(connection.execute(PROMISES).fetchall())), indent=2) + "\n"


if __name__ == "__main__":
    with cluster() as postgres:
        url = postgres.create_database("promises")
        migrate(Settings(database_url=as_role(url), migration_database_url=url))
        FILE.write_text(made(url))
