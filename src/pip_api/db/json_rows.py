"""How does the database make one JSON object of a whole row, with its values as an answer has them?"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Boolean, ColumnElement

from pip_api.db.columns import Amount, Instant, Json
from pip_api.db.constructs import Spelled, as_json, json_record


class json_flag(Spelled):
    """A truth value inside JSON; on SQLite it is a number until that is said."""

    postgresql = "{0}"
    sqlite = "json(CASE {0} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)"


class json_moment(Spelled):
    """A time inside JSON, in UTC and always with its microseconds."""

    postgresql = """to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
    sqlite = "{0}"


def json_row(columns: Iterable[ColumnElement[Any]], *more: tuple[str, ColumnElement[Any]]) -> json_record:
    """A row as one JSON object, each column by its own name, and further members."""
    return json_record(*((_key(column), _value(column)) for column in columns), *more)


def _key(column: ColumnElement[Any]) -> str:
    if column.key is None:
        raise TypeError("a column without a name has no place in a row")
    return str(column.key)


def _value(column: ColumnElement[Any]) -> ColumnElement[Any]:
    if isinstance(column.type, Json | Amount):
        return as_json(column)
    if isinstance(column.type, Boolean):
        return json_flag(column)
    return json_moment(column) if isinstance(column.type, Instant) else column
