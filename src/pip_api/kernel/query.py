"""Which rows does a list request ask for, in which order, and from where on?"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import ColumnElement, FromClause, Integer, Select, String, and_, bindparam, func, literal, or_, select
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from pip_api.db.columns import Code
from pip_api.db.constructs import Texts, Uids, any_of, bytewise, snapshot_now
from pip_api.db.statements import Record, Statement
from pip_api.http.problems import Problem, bad_parameter, fault
from pip_api.http.query import LONGEST_OF_SEVERAL, LONGEST_VALUE, MOST_VALUES, several, unknown
from pip_api.kernel.shapes import FIRST_YEAR, LAST_YEAR, Day, Moment
from pip_api.ledger.as_of import NOW, MarkKind

DEFAULT_LIMIT = 50
MOST_LIMIT = 500

Kind = Literal["text", "id", "day", "moment", "flag"]
_READERS: dict[Kind, TypeAdapter[Any]] = {
    "text": TypeAdapter(str),
    "id": TypeAdapter(UUID),
    "day": TypeAdapter(Day),
    "moment": TypeAdapter(Moment),
    "flag": TypeAdapter(Literal["true", "false"]),
}
_YEARS = f"of the years {FIRST_YEAR} to {LAST_YEAR}"
_FORMS = {
    "text": "text",
    "id": "a UUID",
    "day": f"a date such as 2026-10-05, {_YEARS}",
    "moment": f"a time such as 2026-10-05T09:30:00Z, {_YEARS} (in an address, a + is written %2B)",
    "flag": "true or false",
}


@dataclass(frozen=True)
class Filter:
    """A query parameter of a list. Build one with `equal`, `before`, `after` or `flag`."""

    name: str
    column: str
    kind: Kind
    describes: str
    many: bool = False
    compare: Callable[[ColumnElement[Any], ColumnElement[Any]], ColumnElement[Any]] | None = None
    choices: tuple[str, ...] = ()
    grows: bool = False
    """Whether there will be more choices: the document lists none then."""

    def condition(self, columns: ReadOnlyColumnCollection[str, Any]) -> ColumnElement[Any]:
        column: ColumnElement[Any] = columns[self.column]
        if self.many:
            return any_of(column, bindparam(self.name, type_=Uids() if self.kind == "id" else Texts()))
        if self.compare is None:
            return column == bindparam(self.name, type_=column.type)
        return self.compare(column, bindparam(self.name, type_=column.type))

    def read(self, text: str) -> Any:
        """The parameter's value. Raises 400."""
        parts = several(self.name, text) if self.many else [text]
        try:
            values = [_READERS[self.kind].validate_python(part) for part in parts]
        except ValidationError:
            raise self._refused(f"'{self.name}' must be {_FORMS[self.kind]}.") from None
        if self.choices and (strange := [value for value in values if value not in self.choices]):
            known = {"allowed": list(self.choices)}  # in their own order
            wrong = [unknown(value, self.choices, self.name, "value") | known for value in strange]
            raise Problem("invalid_parameter", f"'{self.name}' names what there is not.", errors=wrong)
        if self.kind == "flag":
            return values[0] == "true"
        return values if self.many else values[0]

    def _refused(self, detail: str, **extra: Any) -> Problem:
        return bad_parameter(self.name, detail, **extra)

    def schema(self) -> Record:
        """The parameter's JSON Schema."""
        if self.kind == "flag":
            return {"type": "boolean"}
        formats = {"day": "date", "moment": "date-time", "id": "uuid"}
        one: Record = {"type": "string"}
        if self.choices and not self.grows:
            one |= {"enum": list(self.choices)}
        elif self.kind in formats:
            one |= {"format": formats[self.kind]}
        elif not self.many:
            one |= {"minLength": 1, "maxLength": LONGEST_VALUE, "pattern": r"^[^\x00]+$"}
        return commas(one) if self.many else one


def commas(items: Record) -> Record:
    """The JSON Schema of a list of values with commas between."""
    if items.keys().isdisjoint(("enum", "format", "maximum")):
        items = {"minLength": 1, "maxLength": LONGEST_OF_SEVERAL, "pattern": r"^[^,\x00]+$", **items}
    return {"type": "array", "items": items, "minItems": 1, "maxItems": MOST_VALUES}


def equal(
    name: str,
    column: str | None = None,
    kind: Kind = "text",
    describes: str = "",
    choices: Sequence[str] = (),
    *,
    grows: bool = False,
) -> Filter:
    """Rows whose column has one of the values given with commas between."""
    told = describes or f"One or more of {name}, with commas."
    return Filter(name, column or name, kind, told, True, None, tuple(choices), grows)


def before(name: str, column: str, kind: Kind = "day") -> Filter:
    return Filter(name, column, kind, f"Rows whose {column} is earlier.", compare=lambda left, right: left < right)


def after(name: str, column: str, kind: Kind = "day") -> Filter:
    return Filter(name, column, kind, f"Rows whose {column} is later.", compare=lambda left, right: left > right)


def flag(name: str) -> Filter:
    """A parameter that is true or false, and filters nothing by itself."""
    return Filter(name, "", "flag", "")


include_withdrawn = flag("include_withdrawn")


@dataclass(frozen=True)
class Sort:
    """One key of an order; `descending` from a leading '-'."""

    column: str
    descending: bool = False

    @classmethod
    def parse(cls, text: str) -> "Sort":
        return cls(text.removeprefix("-"), text.startswith("-"))

    def __str__(self) -> str:
        return ("-" if self.descending else "") + self.column


# A null has no place in an order that cursors can continue, so it is read as the last value of its type.
_LAST: dict[type, Any] = {str: "\uffff", date: date.max, int: 2**31 - 1}
_PLACES: dict[type, Callable[[Any], Any]] = {date: date.fromisoformat, datetime: datetime.fromisoformat, UUID: UUID}


@dataclass(frozen=True, slots=True)
class Shown:
    """Which select of a listing: its filters, its order, where it begins, and which state of the rows it reads."""

    used: frozenset[str]
    order: tuple[Sort, ...]
    resumed: bool = False
    withdrawn: bool = False
    kind: MarkKind = NOW
    one_force: bool = False
    """Whether rows of one force are asked for, which PostgreSQL finds three times as fast as those of a list of one."""
    plain: bool = False
    """Whether the rows go into the answer as they stand."""


class Listing:
    """The selects of one resource's lists: one for each set of filters, sorts and starts, built once.

    `source` gives the rows as they are or as they stood, `names` are the columns that are shown. `always` are
    conditions that every list has, such as visibility. `sort_as` gives, for columns whose own order is not the one that
    people expect, what to sort by instead.
    """

    def __init__(
        self,
        source: Callable[[MarkKind], FromClause],
        names: Sequence[str],
        filters: Sequence[Filter],
        sorts: Sequence[str],
        always: Callable[[FromClause, Shown], Sequence[ColumnElement[Any]]] = lambda rows, shown: (),
        tie_break: Sequence[str] = ("id",),
        sort_as: Mapping[str, Callable[[ColumnElement[Any]], ColumnElement[Any]]] | None = None,
    ) -> None:
        self.names = tuple(names)
        self.filters = {each.name: each for each in filters}
        self.sorts = tuple(sorts)
        self.withdrawable = "withdrawn_at" in names
        self._types = {column.name: column.type for column in source(NOW).columns}
        self._source = source
        self._always = always
        self._tie_break = tie_break
        self._sort_as = sort_as or {}
        self._statements: dict[Any, Statement] = {}

    def order(self, text: str | None) -> tuple[Sort, ...]:
        """The order asked for, made total by the tie break. Raises 400 for a column that cannot be sorted by."""
        keys = [Sort.parse(part) for part in several("sort", text)] if text else []
        names = [key.column for key in keys]
        for name in names:
            if name not in self.sorts:
                raise Problem(
                    "invalid_parameter",
                    "The list cannot be sorted so.",
                    errors=[unknown(name, self.sorts, "sort", "column to sort by")],
                )
        if len(set(names)) != len(names):
            raise bad_parameter("sort", "A column stands twice in the order.")
        last_descending = keys[-1].descending if keys else False
        return (*keys, *(Sort(name, last_descending) for name in self._tie_break if name not in names))

    def page(self, shown: Shown) -> Statement:
        """The rows of a page with their sort keys; a first page also says which snapshot it was read in."""
        return self._built("page", shown, self._page)

    def count(self, shown: Shown) -> Statement:
        """How many rows there are on all pages."""
        return self._built("count", shown, self._count)

    def _built(self, what: str, shown: Shown, build: Callable[[Shown], Select[Any]]) -> Statement:
        if (statement := self._statements.get((what, shown))) is None:
            if len(self._statements) >= 512:  # a client that tries every combination must not fill the memory
                self._statements.clear()
            statement = self._statements[what, shown] = Statement(build(shown), for_answer=shown.plain)
        return statement

    def _page(self, shown: Shown) -> Select[Any]:
        rows, order = self._source(shown.kind), shown.order
        keys = [self._sortable(rows, sort.column) for sort in order]
        query = select(*(rows.c[name] for name in self.names), *(key.label(f"key_{i}") for i, key in enumerate(keys)))
        if not shown.kind.snapshot:
            query = query.add_columns(snapshot_now().label("snapshot"))
        query = query.where(*self._conditions(rows, shown))
        if shown.resumed:
            query = query.where(_beyond(keys, order))
        query = query.order_by(
            *(key.desc() if sort.descending else key.asc() for key, sort in zip(keys, order, strict=True))
        )
        return query.limit(bindparam("page_size", type_=Integer()))

    def _count(self, shown: Shown) -> Select[Any]:
        rows = self._source(shown.kind)
        return select(func.count().label("total")).select_from(rows).where(*self._conditions(rows, shown))

    def _conditions(self, rows: FromClause, shown: Shown) -> Iterator[ColumnElement[Any]]:
        yield from self._always(rows, shown)
        yield from (self.filters[name].condition(rows.c) for name in sorted(shown.used))
        if self.withdrawable and not shown.withdrawn:
            yield rows.c.withdrawn_at.is_(None)

    def place(self, sort: Sort, value: Any) -> Any:
        """A key's value, as a cursor kept it, in the type of its column."""
        return _PLACES.get(self._types[sort.column].python_type, lambda same: same)(value)

    def _sortable(self, rows: FromClause, name: str) -> ColumnElement[Any]:
        column: ColumnElement[Any] = rows.c[name]
        if name in self._sort_as:
            return self._sort_as[name](column)
        nullable = getattr(column, "nullable", False)
        if isinstance(column.type, String) and column.type is not Code:
            column = bytewise(column)
        if not nullable:
            return column
        return func.coalesce(column, literal(_LAST[column.type.python_type], column.type))


def _beyond(keys: Sequence[ColumnElement[Any]], order: Sequence[Sort]) -> ColumnElement[bool]:
    """Rows after the last of the page before: later in the first key, or equal in it and later in the next, ..."""
    places = [bindparam(f"from_{i}", type_=key.type) for i, key in enumerate(keys)]
    steps = []
    for i, sort in enumerate(order):
        further = keys[i] < places[i] if sort.descending else keys[i] > places[i]
        steps.append(and_(*(keys[j] == places[j] for j in range(i)), further))
    if len(steps) == 1:
        return steps[0]
    # Said once more of the first key alone, so that an index is entered at the place, and not read up to it.
    first = keys[0] <= places[0] if order[0].descending else keys[0] >= places[0]
    return and_(first, or_(*steps))


def page_limit(text: str | None) -> int:
    """The page size asked for. Raises 400."""
    if text is None:
        return DEFAULT_LIMIT
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) > 0):
        raise bad_parameter("limit", f"'limit' must be a whole number from 1 to {MOST_LIMIT}.")
    if int(text) > MOST_LIMIT:
        detail = f"At most {MOST_LIMIT} are given at once; follow the 'next' link for the others."
        raise Problem(
            "limit_too_large",
            detail,
            errors=[fault("limit_too_large", detail, "query", parameter="limit", max=MOST_LIMIT)],
            extra={"max": MOST_LIMIT},
        )
    return int(text)
