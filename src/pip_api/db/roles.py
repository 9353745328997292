"""As whom does a migration work on PostgreSQL, and are the two roles there?

`pip_owner` owns everything and nobody logs in as it; the service logs in as `pip_app`. A migration logs in as anybody
who may become pip_owner, and makes both when it may.
"""

from collections.abc import Iterator
from typing import Any

from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ProgrammingError

from pip_api.db.guards import OWNER, SERVICE
from pip_api.settings import StartRefused

_STANDING = text(
    f"""
    SELECT quote_ident(current_user::text) AS me, quote_ident(current_database()) AS here,
        to_regrole('{OWNER}') IS NOT NULL AS has_owner, to_regrole('{SERVICE}') IS NOT NULL AS has_service,
        coalesce(pg_has_role(to_regrole('{OWNER}'), 'MEMBER'), false) AS may_become,
        coalesce(has_database_privilege(to_regrole('{OWNER}'), current_database(), 'CREATE'), false) AS may_create,
        coalesce(has_schema_privilege(to_regrole('{OWNER}'), 'public', 'CREATE'), false) AS may_create_in_public
    """
)


def become_owner(connection: Connection, service_url: str) -> None:
    """Goes on as pip_owner until the transaction ends, and reaches the rows of every force.

    Raises StartRefused with the SQL that is missing, where this login may not run it.
    """
    missing = list(_missing(connection))
    try:
        with connection.begin_nested():
            for statement in missing:
                connection.exec_driver_sql(_with_password(connection, statement, service_url))
            connection.exec_driver_sql(f"SET LOCAL ROLE {OWNER}")
    except ProgrammingError as error:
        if not isinstance(error.orig, InsufficientPrivilege):
            raise
        wanted = "; ".join(
            missing or [f"GRANT {OWNER} TO {connection.exec_driver_sql('SELECT current_user').scalar()}"]
        )
        raise StartRefused(
            "The login of the migration (PIP_MIGRATION_DATABASE_URL, or else PIP_DATABASE_URL) may not ready roles: "
            f"let a superuser run in this database: {wanted}."
        ) from error
    connection.exec_driver_sql("SELECT set_config('pip.forces', '*', true)")


def _missing(connection: Connection) -> Iterator[str]:
    standing = connection.execute(_STANDING).one()
    if not standing.has_owner:
        yield f"CREATE ROLE {OWNER} NOLOGIN"
    if not standing.has_service:
        yield f"CREATE ROLE {SERVICE} LOGIN"
    if not standing.may_become:
        yield f"GRANT {OWNER} TO {standing.me}"
    if not standing.may_create:
        yield f"GRANT CREATE ON DATABASE {standing.here} TO {OWNER}"
    if not standing.may_create_in_public:
        yield f"GRANT CREATE ON SCHEMA public TO {OWNER}"


def _with_password(connection: Connection, statement: str, service_url: str) -> str:
    """The service's new role gets the password that its address has, as a hash: statements end up in logs."""
    url = make_url(service_url)
    if statement != f"CREATE ROLE {SERVICE} LOGIN" or url.username != SERVICE or not url.password:
        return statement
    driver: Any = connection.connection.driver_connection
    hashed = driver.pgconn.encrypt_password(str(url.password).encode(), SERVICE.encode(), b"scram-sha-256")
    return f"{statement} PASSWORD '{hashed.decode()}'"
