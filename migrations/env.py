"""Where does Alembic work? On the connection that it is handed, or else on the database that the settings name."""

from alembic import context
from sqlalchemy import Connection
from sqlmodel import SQLModel

import pip_api.app  # noqa: F401  (registers every table)
from pip_api.db.migrate import migrating
from pip_api.settings import load


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        transaction_per_migration=True,
        transactional_ddl=True,
        render_as_batch=False,
    )
    with context.begin_transaction():
        context.run_migrations()


if (given := context.config.attributes.get("connection")) is not None:
    migrate(given)
else:
    with migrating(load()) as connection:
        migrate(connection)
