"""Which pieces of SQL do the two databases spell differently?"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Date,
    Dialect,
    Integer,
    String,
    TableValuedAlias,
    cast,
    func,
    literal_column,
    or_,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine

from pip_api.db.columns import Amount, Code, Instant, Json, Uid


class _ListOf(TypeDecorator[list[Any]]):
    """A whole list as one parameter, so that a statement serves any length: an array on PostgreSQL, JSON on SQLite."""

    impl = String()
    cache_ok = True
    element: TypeEngine[Any]

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(self.element) if dialect.name == "postgresql" else JSON())

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str | None]:
        written, kept = (array_text, _kept_array) if dialect.name == "postgresql" else (_json, _kept_json)
        # A caller's forces come with each request, so they are written out once. Longer lists come only once.
        return lambda value: None if value is None else (kept if len(value) <= 100 else written)(tuple(value))


def array_text(values: tuple[Any, ...]) -> str:
    """PostgreSQL's text of an array."""
    quoted = (str(each).replace("\\", "\\\\").replace('"', '\\"') for each in values)
    return "{" + ",".join(f'"{each}"' for each in quoted) + "}"


def _json(values: tuple[Any, ...]) -> str:
    return orjson.dumps([str(each) for each in values]).decode()


_kept_array, _kept_json = lru_cache(1_024)(array_text), lru_cache(1_024)(_json)


class Texts(_ListOf):
    cache_ok = True
    element = String()


class Uids(_ListOf):
    cache_ok = True
    element = Uid()


class Spelled(FunctionElement[Any]):
    """A piece of SQL by its spelling on each database: {0}, {1} are its arguments, {all} is all of them."""

    postgresql: str
    sqlite: str
    type: TypeEngine[Any] = NullType()

    def __init_subclass__(cls) -> None:
        cls.inherit_cache = True


@compiles(Spelled)
def _spell(element: Any, compiler: Any, **kw: Any) -> str:
    spelling: str = getattr(element, compiler.dialect.name)
    arguments = [compiler.process(clause, **kw) for clause in element.clauses]
    return spelling.format(*arguments, all=", ".join(arguments))


class each_text(Spelled):
    """The members of a JSON list, as rows with one text column `value`."""

    type = String()
    postgresql = "jsonb_array_elements_text({0})"
    sqlite = "json_each({0})"


def each(column: ColumnElement[Any]) -> TableValuedAlias:
    """The members of a JSON list column as a table with the text column `value`."""
    return each_text(column).table_valued("value")


class any_of(Spelled):
    """Whether a column's value is in a list parameter: `any_of(column, bindparam("forces", type_=Texts()))`.

    It has no type: a Boolean would be compared with 1 on SQLite, which then no longer uses its index.
    """

    postgresql = "{0} = ANY ({1})"
    sqlite = "{0} IN (SELECT value FROM json_each({1}))"


def constant(text: str) -> ColumnElement[str]:
    """A word of the source as part of a statement's text: as a parameter each would cost a microsecond a call."""
    if not text.isidentifier():
        raise ValueError(f"{text!r} is not a plain word")
    return literal_column(f"'{text}'", String())


def is_one_of(column: ColumnElement[Any], *values: str) -> ColumnElement[bool]:
    """Whether a column's value is one of these words of the source."""
    return or_(*(column == constant(value) for value in values))


class padded(Spelled):
    """A number of up to three parts, such as 1.10, with each part in four digits, so that 1.10 comes after 1.9."""

    type = Code
    postgresql = " || ".join(f"lpad(split_part({{0}}, '.', {part}), 4, '0')" for part in (1, 2, 3))
    sqlite = "padded({0})"


class bytewise(Spelled):
    """A text as it is ordered everywhere alike; the order of a PostgreSQL depends on how it was installed."""

    type = Code
    postgresql = '{0} COLLATE "C"'
    sqlite = "{0}"


class as_uid(Spelled):
    """Text that holds a UUID, as the column type of identifiers."""

    type = Uid()
    postgresql = "CAST({0} AS UUID)"
    sqlite = "{0}"


class decimal_sum(Spelled):
    """The exact sum of an Amount column; null when there is nothing to add."""

    type = Amount()
    postgresql = "sum({0})"
    sqlite = "decimal_sum({0})"


class json_record(Spelled):
    """One JSON object, from pairs of a name and a value. A value that is JSON itself goes in through `as_json`."""

    postgresql = "json_build_object({all})"
    sqlite = "json_object({all})"

    def __init__(self, *members: tuple[str, ColumnElement[Any]]) -> None:
        super().__init__(*(part for name, value in members for part in (constant(name), value)))


class json_list(Spelled):
    """The values of a group for which a condition holds, as one JSON list: `json_list(value, condition)`."""

    postgresql = "coalesce(json_agg({0}) FILTER (WHERE {1}), '[]')"
    sqlite = "json_group_array({0}) FILTER (WHERE {1})"


class as_json(Spelled):
    """JSON inside JSON, and an Amount as a number with its digits: on SQLite both are text until that is said."""

    postgresql = "{0}"
    sqlite = "json({0})"


class next_day(Spelled):
    """The day after a day."""

    type = Date()
    postgresql = "({0} + 1)"
    sqlite = "date({0}, '+1 day')"


class json_member(Spelled):
    """The text of a member of a JSON object that stands in a list: `json_member(each(column).c.value, name)`."""

    type = String()
    postgresql = "CAST({0} AS JSONB) ->> {1}"
    sqlite = "json_extract({0}, '$.' || {1})"


_KEPT: dict[type, tuple[str, str]] = {
    Uid: ("CAST({0} ->> {1} AS UUID)", "{0} ->> {1}"),
    Instant: (
        "CAST({0} ->> {1} AS TIMESTAMPTZ)",
        # A whole second is written without its fraction in JSON, and with it in a column.
        "CASE length({0} ->> {1}) WHEN 20 THEN substr({0} ->> {1}, 1, 19) || '.000000Z' ELSE {0} ->> {1} END",
    ),
    Amount: ("CAST({0} ->> {1} AS NUMERIC)", "nullif({0} -> {1}, 'null')"),  # -> keeps the digits, ->> is a double
    Json: ("nullif({0} -> {1}, 'null')", "nullif({0} -> {1}, 'null')"),
    Date: ("CAST({0} ->> {1} AS DATE)", "{0} ->> {1}"),
    Integer: ("CAST({0} ->> {1} AS INTEGER)", "{0} ->> {1}"),
    Boolean: ("CAST({0} ->> {1} AS BOOLEAN)", "{0} ->> {1}"),
}
_KEPT_TEXT = "{0} ->> {1}", "{0} ->> {1}"


class kept(Spelled):
    """A member of a row that is kept as a JSON object, as a value of the column that it came from."""

    def __init__(self, state: ColumnElement[Any], member: Column[Any]) -> None:
        super().__init__(state, constant(member.name))
        self.type = member.type
        spelled = (spelled for kind, spelled in _KEPT.items() if isinstance(member.type, kind))
        self.postgresql, self.sqlite = next(spelled, _KEPT_TEXT)
        if member.type is Code:
            self.postgresql = f'({self.postgresql}) COLLATE "C"'


class held(Spelled):
    """Waits until no other transaction holds a name. SQLite writes one transaction at a time anyway."""

    type = NullType()
    postgresql = "pg_advisory_xact_lock(hashtextextended({0}, 0)) IS NULL"
    sqlite = "{0} IS NULL"


class taken(Spelled):
    """Whether a name could be kept for this transaction alone, at once. On SQLite the first write settles that."""

    type = NullType()
    postgresql = "pg_try_advisory_xact_lock(hashtextextended({0}, 0))"
    sqlite = "{0} IS NOT NULL"


class snapshot_now(Spelled):
    """The state of the database that the statement itself sees, to be named again by `unseen`."""

    type = String()
    postgresql = "(SELECT CAST(pg_current_snapshot() AS TEXT))"
    sqlite = "(SELECT CAST(coalesce(max(seq), 0) AS TEXT) FROM ledger_entry)"


class unseen(Spelled):
    """Whether a ledger entry was not yet committed in a snapshot: `unseen(seq, xmin, at, snapshot, since)`.

    SQLite numbers entries in the order of their commits, since it has one writer. On PostgreSQL the entry's transaction
    says it. What is older than `since` was committed for certain; that spares the ledger's long past, and there the 32
    bits of xmin would be ambiguous: they are completed from the snapshot's own end. xmin is that of the row in this
    database, so a ledger that was restored from a dump counts as one transaction, which it was.
    """

    type = NullType()
    _end = "CAST(CAST(pg_snapshot_xmax(CAST({3} AS PG_SNAPSHOT)) AS TEXT) AS BIGINT)"
    _after_end = f"((CAST(CAST({{1}} AS TEXT) AS BIGINT) - {_end} + 2147483648) & 4294967295) - 2147483648"
    postgresql = (
        f"({{2}} > {{4}} AND NOT pg_visible_in_snapshot("
        f"CAST(CAST({_end} + {_after_end} AS TEXT) AS XID8), CAST({{3}} AS PG_SNAPSHOT)))"
    )
    sqlite = "({0} > CAST({3} AS INTEGER))"


class json_text(Spelled):
    """JSON made by the database, as the text that an answer takes over as it is."""

    type = String()
    postgresql = "CAST({0} AS TEXT)"
    sqlite = "{0}"


class differs(Spelled):
    """Whether two Amounts are different numbers (61.4 and 61.40 are the same one); null is like null only.

    Amounts have at most fifteen digits, so SQLite's doubles tell any two of them apart.
    """

    postgresql = "{0} IS DISTINCT FROM {1}"
    sqlite = "CAST({0} AS REAL) IS NOT CAST({1} AS REAL)"


class _shortest(Spelled):
    """An Amount in its shortest form: 61.40 as 61.4."""

    type = String()
    postgresql = "trim_scale({0})"
    sqlite = "CASE WHEN instr({0}, '.') THEN rtrim(rtrim({0}, '0'), '.') ELSE {0} END"


def tab_separated(*columns: ColumnElement[Any]) -> ColumnElement[str]:
    """Columns as one line of text, the same on both databases; null is empty, and numbers have their shortest form."""
    texts = (_shortest(each) if isinstance(each.type, Amount) else each for each in columns)
    line: ColumnElement[str]
    line, *others = (func.coalesce(cast(each, String), literal_column("''")) for each in texts)
    for each in others:
        line = line.concat(literal_column("'\t'", String())).concat(each)
    return line
