"""Which pieces of SQL do the two databases spell differently?"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import JSON, ColumnElement, Dialect, String, TableValuedAlias, cast, func, literal_column, or_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine

from pip_api.db.columns import Amount, Code, Uid


class _ListOf(TypeDecorator[list[Any]]):
    """A whole list as one parameter, so that a statement serves any length: an array on PostgreSQL, JSON on SQLite."""

    impl = String()
    cache_ok = True
    element: TypeEngine[Any]

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(self.element) if dialect.name == "postgresql" else JSON())

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str | None]:
        written = _array if dialect.name == "postgresql" else _json
        return lambda value: None if value is None else written(tuple(value))


@lru_cache(maxsize=1_024)
def _array(values: tuple[Any, ...]) -> str:
    """PostgreSQL's text of an array. A caller's forces come with each of its requests, so they are written out once."""
    quoted = (str(each).replace("\\", "\\\\").replace('"', '\\"') for each in values)
    return "{" + ",".join(f'"{each}"' for each in quoted) + "}"


@lru_cache(maxsize=1_024)
def _json(values: tuple[Any, ...]) -> str:
    return orjson.dumps([str(each) for each in values]).decode()


class Texts(_ListOf):
    cache_ok = True
    element = String()


class Uids(_ListOf):
    cache_ok = True
    element = Uid()


class each_text(FunctionElement[str]):
    """The members of a JSON list, as rows with one text column `value`."""

    name = "each_text"
    inherit_cache = True
    type = String()


@compiles(each_text, "postgresql")
def _each_text_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"jsonb_array_elements_text({compiler.process(element.clauses, **kw)})"


@compiles(each_text, "sqlite")
def _each_text_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **kw)})"


def each(column: ColumnElement[Any]) -> TableValuedAlias:
    """The members of a JSON list column as a table with the text column `value`."""
    return each_text(column).table_valued("value")


class any_of(FunctionElement[Any]):
    """Whether a column's value is in a list parameter: `any_of(column, bindparam("forces", type_=Texts()))`."""

    name = "any_of"
    inherit_cache = True
    type = NullType()  # a Boolean would be compared with 1 on SQLite, which then no longer uses its index


@compiles(any_of, "postgresql")
def _any_of_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    column, values = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"{column} = ANY ({values})"


@compiles(any_of, "sqlite")
def _any_of_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    column, values = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"


def constant(text: str) -> ColumnElement[str]:
    """A word of the source as part of a statement's text: as a parameter each would cost a microsecond a call."""
    if not text.isidentifier():
        raise ValueError(f"{text!r} is not a plain word")
    return literal_column(f"'{text}'", String())


def is_one_of(column: ColumnElement[Any], *values: str) -> ColumnElement[bool]:
    """Whether a column's value is one of these words of the source."""
    return or_(*(column == constant(value) for value in values))


class padded(FunctionElement[str]):
    """A number of several parts, such as 1.10, with each part in four digits, so that 1.10 comes after 1.9."""

    name = "padded"
    inherit_cache = True
    type = Code


@compiles(padded, "postgresql")
def _padded_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    filled = f"regexp_replace({compiler.process(element.clauses, **kw)}, '([0-9]+)', '000\\1', 'g')"
    return f"regexp_replace({filled}, '[0-9]*([0-9]{{4}})', '\\1', 'g')"


@compiles(padded, "sqlite")
def _padded_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"padded({compiler.process(element.clauses, **kw)})"


class as_uid(FunctionElement[Any]):
    """Text that holds a UUID, as the column type of identifiers."""

    name = "as_uid"
    inherit_cache = True
    type = Uid()


@compiles(as_uid, "postgresql")
def _as_uid_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **kw)} AS UUID)"


@compiles(as_uid, "sqlite")
def _as_uid_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return str(compiler.process(element.clauses, **kw))


class decimal_sum(FunctionElement[Any]):
    """The exact sum of an Amount column; null when there is nothing to add."""

    name = "decimal_sum"
    inherit_cache = True
    type = Amount()


@compiles(decimal_sum, "sqlite")
def _decimal_sum_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"decimal_sum({compiler.process(element.clauses, **kw)})"


@compiles(decimal_sum, "postgresql")
def _decimal_sum_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"sum({compiler.process(element.clauses, **kw)})"


class json_record(FunctionElement[Any]):
    """One JSON object, from pairs of a name and a value. A value that is JSON itself goes in through `as_json`."""

    name = "json_record"
    inherit_cache = True
    type = NullType()

    def __init__(self, *members: tuple[str, ColumnElement[Any]]) -> None:
        super().__init__(*(part for name, value in members for part in (constant(name), value)))


@compiles(json_record, "postgresql")
def _json_record_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"json_build_object({compiler.process(element.clauses, **kw)})"


@compiles(json_record, "sqlite")
def _json_record_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"json_object({compiler.process(element.clauses, **kw)})"


class json_list(FunctionElement[Any]):
    """The values of a group for which a condition holds, as one JSON list: `json_list(value, condition)`."""

    name = "json_list"
    inherit_cache = True
    type = NullType()


@compiles(json_list, "postgresql")
def _json_list_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    value, condition = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"coalesce(json_agg({value}) FILTER (WHERE {condition}), '[]')"


@compiles(json_list, "sqlite")
def _json_list_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    value, condition = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"json_group_array({value}) FILTER (WHERE {condition})"


class as_json(FunctionElement[Any]):
    """JSON inside JSON, and an Amount as a number with its digits: on SQLite both are text until that is said."""

    name = "as_json"
    inherit_cache = True
    type = NullType()


@compiles(as_json, "postgresql")
def _as_json_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return str(compiler.process(element.clauses, **kw))


@compiles(as_json, "sqlite")
def _as_json_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"json({compiler.process(element.clauses, **kw)})"


class json_text(FunctionElement[str]):
    """JSON made by the database, as the text that an answer takes over as it is."""

    name = "json_text"
    inherit_cache = True
    type = String()


@compiles(json_text, "postgresql")
def _json_text_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **kw)} AS TEXT)"


@compiles(json_text, "sqlite")
def _json_text_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return str(compiler.process(element.clauses, **kw))


class differs(FunctionElement[Any]):
    """Whether two Amounts are different numbers (61.4 and 61.40 are the same one); null is like null only.

    Amounts have at most fifteen digits, so SQLite's doubles tell any two of them apart.
    """

    name = "differs"
    inherit_cache = True
    type = NullType()


@compiles(differs, "postgresql")
def _differs_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    left, right = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"{left} IS DISTINCT FROM {right}"


@compiles(differs, "sqlite")
def _differs_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    left, right = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"CAST({left} AS REAL) IS NOT CAST({right} AS REAL)"


class _trimmed(FunctionElement[str]):
    """An Amount in its shortest form: 61.40 as 61.4."""

    name = "trimmed"
    inherit_cache = True
    type = String()


@compiles(_trimmed, "postgresql")
def _trimmed_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"trim_scale({compiler.process(element.clauses, **kw)})"


@compiles(_trimmed, "sqlite")
def _trimmed_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    amount = compiler.process(element.clauses, **kw)
    return f"CASE WHEN instr({amount}, '.') THEN rtrim(rtrim({amount}, '0'), '.') ELSE {amount} END"


def tab_separated(*columns: ColumnElement[Any]) -> ColumnElement[str]:
    """Columns as one line of text, the same on both databases; null is empty, and numbers have their shortest form."""
    texts = (_trimmed(each) if isinstance(each.type, Amount) else each for each in columns)
    line: ColumnElement[str]
    line, *others = (func.coalesce(cast(each, String), literal_column("''")) for each in texts)
    for each in others:
        line = line.concat(literal_column("'\t'", String())).concat(each)
    return line
