"""Which pieces of SQL do the two databases spell differently?"""

from typing import Any

from sqlalchemy import JSON, ColumnElement, Dialect, String, TableValuedAlias, or_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine

from pip_api.db.columns import Amount, Uid


class _ListOf(TypeDecorator[list[Any]]):
    """A whole list as one parameter, so that a statement serves any length: an array on PostgreSQL, JSON on SQLite."""

    impl = String()
    cache_ok = True
    element: TypeEngine[Any]

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(self.element) if dialect.name == "postgresql" else JSON())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None:
            return None
        return list(value) if dialect.name == "postgresql" else [str(each) for each in value]


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


def is_one_of(column: ColumnElement[Any], *values: str) -> ColumnElement[bool]:
    """Whether a column's value is one of these, which are written in the source."""
    return or_(*(column == value for value in values))


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


class comma_list(FunctionElement[str]):
    """The texts of a group in one, with commas between; nulls are left out."""

    name = "comma_list"
    inherit_cache = True
    type = String()


@compiles(comma_list, "postgresql")
def _comma_list_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"string_agg({compiler.process(element.clauses, **kw)}, ',')"


@compiles(comma_list, "sqlite")
def _comma_list_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"group_concat({compiler.process(element.clauses, **kw)}, ',')"


class json_record(FunctionElement[Any]):
    """One JSON object made of alternating names and values."""

    name = "json_record"
    inherit_cache = True
    type = JSON()


@compiles(json_record, "postgresql")
def _json_record_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"jsonb_build_object({compiler.process(element.clauses, **kw)})"


@compiles(json_record, "sqlite")
def _json_record_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"json_object({compiler.process(element.clauses, **kw)})"


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
