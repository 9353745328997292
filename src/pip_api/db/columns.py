"""Which column types hold our values, alike on both databases?

On PostgreSQL the driver speaks Python's types already; on SQLite values are kept as text that sorts in their own order
and can be read by a person.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from json.scanner import make_scanner
from typing import Any, cast
from uuid import UUID

import orjson
from sqlalchemy import JSON, BindParameter, ColumnElement, Dialect, ForeignKey, Numeric, String, Uuid
from sqlalchemy import cast as cast_as
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.types import TypeDecorator, TypeEngine

Code = String().with_variant(String(collation="C"), "postgresql")
"""Text that is compared byte by byte, so that order and index look-ups are the same on every server."""


def in_ledger() -> ForeignKey:
    """Of a column that names the ledger entry which brought a row: without that entry nothing can be committed."""
    return ForeignKey("ledger_entry.id", deferrable=True, initially="DEFERRED")


_READER = json.JSONDecoder(parse_float=Decimal)
_scan: Callable[[str, int], tuple[Any, int]] = make_scanner(_READER)  # type: ignore[arg-type]  # it is such a context


def to_json(value: Any) -> bytes:
    """Any of our values as JSON: times in UTC with a Z, decimals as numbers with exactly their digits."""
    return orjson.dumps(value, default=_decimal, option=orjson.OPT_UTC_Z)


def from_json(text: str | bytes | bytearray | memoryview) -> Any:
    """JSON with its numbers exact."""
    if not isinstance(text, str):
        text = str(text, "utf-8")
    try:
        value, end = _scan(text, 0)  # a third of the time of decode, which looks for space around it
    except StopIteration:
        return _READER.decode(text)
    return value if end == len(text) else _READER.decode(text)


def _decimal(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    raise TypeError(type(value).__name__)


class Json(TypeDecorator[Any]):
    """Any JSON value; dates, times and UUIDs inside it are written as text."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(JSONB() if dialect.name == "postgresql" else JSON())

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str | None]:
        return lambda value: None if value is None else to_json(value).decode()

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        return lambda value: from_json(value) if isinstance(value, str) else value


class Uid(TypeDecorator[UUID]):
    """A UUID: native on PostgreSQL, its canonical 36 characters on SQLite (as it also stands inside JSON columns)."""

    impl = String(36)
    cache_ok = True
    python_type = UUID

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Uuid() if dialect.name == "postgresql" else String(36))

    def process_bind_param(self, value: UUID | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> UUID | None:
        return value if value is None or dialect.name == "postgresql" else UUID(value)


class Instant(TypeDecorator[datetime]):
    """An aware moment in UTC with microseconds."""

    impl = String(27)
    cache_ok = True
    python_type = datetime

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(TIMESTAMP(timezone=True) if dialect.name == "postgresql" else String(27))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if dialect.name == "postgresql" or value is None:
            return cast("datetime | None", value)
        return datetime.fromisoformat(value)


class Amount(TypeDecorator[Decimal]):
    """An exact decimal that keeps its digits as they were sent (61.40 stays 61.40)."""

    impl = String()
    cache_ok = True
    python_type = Decimal

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Numeric() if dialect.name == "postgresql" else String())

    def bind_expression(self, bindvalue: BindParameter[Decimal]) -> ColumnElement[Decimal]:
        """A statement says of what type each parameter is. For numbers alone SQLAlchemy leaves that to the driver."""
        return cast_as(bindvalue, self)

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else format(value, "f")

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return value if value is None or dialect.name == "postgresql" else Decimal(value)
