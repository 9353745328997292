"""Which rows does a list request ask for, in which order, and from where on?"""

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import orjson
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import ColumnElement, Integer, Select, String, and_, bindparam, func, literal, or_, select

from pip_api.db.columns import Code
from pip_api.db.constructs import Texts, Uids, any_of, bytewise
from pip_api.db.statements import Record, Statement
from pip_api.http.problems import Problem, bad_parameter, fault
from pip_api.http.query import LONGEST_OF_SEVERAL, LONGEST_VALUE, MOST_VALUES, several, unknown
from pip_api.kernel.shapes import Day, Moment

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
_FORMS = {
    "text": "text",
    "id": "a UUID",
    "day": "a date such as 2026-10-05",
    "moment": "a time such as 2026-10-05T09:30:00Z",
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

    def condition(self, columns: Mapping[str, ColumnElement[Any]]) -> ColumnElement[Any]:
        column = columns[self.column]
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
            raise self._refused(f"'{self.name}' has {len(strange)} unknown value(s).", allowed=list(self.choices))
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
        if self.choices:
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
    name: str, column: str | None = None, kind: Kind = "text", describes: str = "", choices: Sequence[str] = ()
) -> Filter:
    """Rows whose column has one of the values given with commas between."""
    return Filter(
        name, column or name, kind, describes or f"One or more of {name}, with commas.", True, None, tuple(choices)
    )


def before(name: str, column: str, kind: Kind = "day") -> Filter:
    return Filter(name, column, kind, f"Rows whose {column} is earlier.", compare=lambda left, right: left < right)


def after(name: str, column: str, kind: Kind = "day") -> Filter:
    return Filter(name, column, kind, f"Rows whose {column} is later.", compare=lambda left, right: left > right)


include_withdrawn = Filter("include_withdrawn", "withdrawn_at", "flag", "Also what was withdrawn.")


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


class Listing:
    """The selects of one resource's lists: one for each set of filters, sorts and starts, built once.

    `always` are conditions that every list has, such as visibility. `sort_as` gives, for columns whose own order is not
    the one that people expect, what to sort by instead.
    """

    def __init__(
        self,
        columns: Mapping[str, ColumnElement[Any]],
        filters: Sequence[Filter],
        sorts: Sequence[str],
        always: Sequence[ColumnElement[Any]] = (),
        source: Any = None,
        tie_break: Sequence[str] = ("id",),
        sort_as: Mapping[str, ColumnElement[Any]] | None = None,
    ) -> None:
        self.columns = columns
        self.filters = {each.name: each for each in filters}
        self.sorts = tuple(sorts)
        self._always = always
        self._source = source
        self._tie_break = tie_break
        self._sort_as = sort_as or {}
        self._statements: dict[tuple[Any, ...], Statement] = {}

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

    def statement(self, used: Sequence[str], order: tuple[Sort, ...], resumed: bool, withdrawn: bool) -> Statement:
        key = (frozenset(used), order, resumed, withdrawn)
        if (statement := self._statements.get(key)) is None:
            if len(self._statements) >= 512:  # a client that tries every combination must not fill the memory
                self._statements.clear()
            statement = self._statements[key] = Statement(self._build(sorted(used), order, resumed, withdrawn))
        return statement

    def _build(self, used: Sequence[str], order: tuple[Sort, ...], resumed: bool, withdrawn: bool) -> Select[Any]:
        keys = [self._sortable(sort.column) for sort in order]
        query = select(*self.columns.values(), *(key.label(f"key_{i}") for i, key in enumerate(keys)))
        if self._source is not None:
            query = query.select_from(self._source)
        query = query.where(*self._always, *(self.filters[name].condition(self.columns) for name in used))
        if not withdrawn and "withdrawn_at" in self.columns:
            query = query.where(self.columns["withdrawn_at"].is_(None))
        if resumed:
            query = query.where(_beyond(keys, order))
        query = query.order_by(
            *(key.desc() if sort.descending else key.asc() for key, sort in zip(keys, order, strict=True))
        )
        return query.limit(bindparam("page_size", type_=Integer()))

    def place(self, sort: Sort, value: Any) -> Any:
        """A key's value, as a cursor kept it, in the type of its column."""
        return _PLACES.get(self.columns[sort.column].type.python_type, lambda same: same)(value)

    def _sortable(self, name: str) -> ColumnElement[Any]:
        if name in self._sort_as:
            return self._sort_as[name]
        column = self.columns[name]
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
    return or_(*steps)


class Cursors:
    """Opaque marks of a place in a list, authenticated, bound to the query, and good for a time.

    A cursor never grants access: the page that it asks for is read with the caller's own scope.
    """

    def __init__(self, key: bytes, lifetime_seconds: int) -> None:
        self._key = key
        self._lifetime = lifetime_seconds

    def make(self, places: Sequence[Any], query: str, now: datetime) -> str:
        expires = int(now.timestamp()) + self._lifetime
        body = orjson.dumps([places, expires], option=orjson.OPT_UTC_Z, default=str)
        return base64.urlsafe_b64encode(self._seal(body, query) + body).rstrip(b"=").decode()

    def read(self, cursor: str, query: str, now: datetime) -> list[Any]:
        """The places that a cursor holds. Raises 400."""
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            seal, body = raw[:24], raw[24:]
            places, expires = orjson.loads(body)
        except (ValueError, TypeError, binascii.Error):
            raise self._invalid("This is not a cursor of yours.") from None
        if not hmac.compare_digest(seal[:16], self._mac(body)):
            raise self._invalid("This is not a cursor of yours.")
        if not hmac.compare_digest(seal, self._seal(body, query)):
            detail = "The cursor belongs to a query with other filters or another order."
            wrong = fault("cursor_filter_mismatch", detail, "query", parameter="cursor")
            raise Problem("cursor_filter_mismatch", detail, errors=[wrong])
        if now.timestamp() > expires:
            raise self._invalid("The cursor has expired; start the list again.")
        return list(places)

    def _seal(self, body: bytes, query: str) -> bytes:
        return self._mac(body) + hmac.digest(self._key, query.encode() + b"\0" + body, "sha256")[:8]

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")[:16]

    def _invalid(self, detail: str) -> Problem:
        return Problem("invalid_cursor", detail, errors=[fault("invalid_cursor", detail, "query", parameter="cursor")])


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
