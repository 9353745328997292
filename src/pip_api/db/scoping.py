"""How does PostgreSQL come to know the scope of a session, at the cost of no round trip of its own?

It travels in front of the first statement of a transaction, and for single statements in front of each: what is sent
before one Sync is one transaction, also without a BEGIN. It counts for that transaction alone (the `true` below), so
nothing of it is left when the connection goes to somebody else, be it by our pool or by PgBouncer's.
"""

from collections.abc import Callable

from psycopg.pq.abc import PGconn

from pip_api.db.scopes import SETTINGS, Forces

_EACH = (f"set_config('{name}', ${number}, true) IS NULL" for number, name in enumerate(SETTINGS, 1))
_SET = f"SELECT {', '.join(_EACH)}".encode()  # the values themselves nobody wants back


class Scoping:
    """The scope of the session that has a connection, and whether it is still to be told."""

    __slots__ = ("_for_each", "_name", "_new_name", "_pgconn", "_prepare", "_scope")

    def __init__(self, pgconn: PGconn, new_name: Callable[[], bytes], *, prepare: bool) -> None:
        self._pgconn = pgconn
        self._new_name = new_name
        self._prepare = prepare
        self._name: bytes | None = None
        self._scope: Forces | None = None
        self._for_each = False

    def take(self, scope: Forces | None, *, for_each: bool) -> None:
        """A new session's scope, to be told once, or `for_each` question again."""
        self._scope = scope
        self._for_each = for_each

    @property
    def to_tell(self) -> bool:
        return self._scope is not None

    def send(self) -> None:
        """Tells it, inside a pipeline."""
        scope, pgconn = self._scope, self._pgconn
        if not self._for_each:
            self._scope = None
        if scope is None:
            return
        if self._prepare:
            if self._name is None:
                self._name = self._new_name()
                pgconn.send_prepare(self._name, _SET)
            pgconn.send_query_prepared(self._name, scope.texts)
        else:
            pgconn.send_query_params(_SET, scope.texts)

    def forget(self) -> None:
        """The server no longer knows what was prepared."""
        self._name = None
