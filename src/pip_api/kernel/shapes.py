"""What do rows and requests look like: the base row, and the shapes made from a resource's own fields?"""

import copy
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Strict,
    StringConstraints,
    WithJsonSchema,
    create_model,
)
from pydantic_core import PydanticCustomError
from sqlalchemy import ForeignKeyConstraint, String, UniqueConstraint
from sqlalchemy.orm import declared_attr
from sqlmodel import Field, SQLModel

from pip_api.db.columns import Amount, Code, Instant, Json, Uid

FIRST_YEAR, LAST_YEAR = 1900, 2199
"""Of these years are all days and moments that are taken: counting on from any of them stays in the calendar."""


def in_bounds(day: date) -> bool:
    """Whether a day or a moment is of the years that are taken."""
    return FIRST_YEAR <= day.year <= LAST_YEAR


@lru_cache(maxsize=10_000)
def _read_day(text: str) -> date | None:
    """Only a whole ISO date. Kept, since a file has the same few dates in every row."""
    try:
        return date.fromisoformat(text) if len(text) == 10 and text[4] + text[7] == "--" else None
    except ValueError:
        return None


def _day(value: Any) -> Any:
    """Left alone, a number, also one in text, would be taken for seconds since 1970."""
    if not isinstance(value, str | date):
        raise PydanticCustomError("date_type", "Input should be a date such as 2026-10-05")
    day = value if isinstance(value, date) else _read_day(value)
    if day is None:
        raise PydanticCustomError("date_parsing", "Input should be a date such as 2026-10-05")
    if not in_bounds(day):
        raise PydanticCustomError("date_range", f"Input should be a date of the years {FIRST_YEAR} to {LAST_YEAR}")
    return day


def _sent_as_text(value: Any) -> Any:
    """Only a date with a time of day: here too a number would be taken for seconds."""
    if not isinstance(value, datetime) and not (isinstance(value, str) and value[10:11] in tuple("Tt ")):
        raise PydanticCustomError("datetime_type", "Input should be a time such as 2026-10-05T09:30:00+01:00")
    return value


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise PydanticCustomError("timezone_required", "A time needs its offset from UTC, or Z")
    with suppress(OverflowError):
        if in_bounds(moment := value.astimezone(UTC)):
            return moment
    raise PydanticCustomError("datetime_range", f"Input should be a time of the years {FIRST_YEAR} to {LAST_YEAR}")


_LONGEST_DECIMAL = 40  # leading noughts included
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def _exact(value: Any) -> Any:
    if isinstance(value, str):
        if len(value) > _LONGEST_DECIMAL or not _DECIMAL.fullmatch(value):
            raise PydanticCustomError("decimal_parsing", "Input should be a decimal number such as -1234.5")
        return _read_exact(value)
    if isinstance(value, bool | float) or not isinstance(value, int | Decimal):
        raise PydanticCustomError("decimal_type", "Input should be a decimal number")
    return _fifteen_digits(Decimal(value))


def _fifteen_digits(value: Decimal) -> Decimal:
    """Every reader keeps fifteen digits, also one that uses doubles; so what is sent back is what was sent."""
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int) or max(len(digits), len(digits) + exponent) > 15 or exponent < -9:
        raise PydanticCustomError("decimal_digits", "Input should have at most 15 digits, 9 of them after the point")
    return value if value else abs(value)  # -0 is 0


@lru_cache(maxsize=10_000)
def _read_exact(text: str) -> Decimal:
    return _fifteen_digits(Decimal(text))


Named = Annotated[str, StringConstraints(min_length=1, max_length=100)]
"""A code that names another row."""
Day = Annotated[date, BeforeValidator(_day)]
Moment = Annotated[datetime, BeforeValidator(_sent_as_text), AfterValidator(_in_utc)]
Flag = Annotated[bool, Strict()]
"""The text "true" and the number 1 are not the truth value."""
Whole = Annotated[int, Strict()]
"""JSON's true is not the number 1, and 2.0 or "2" is not the integer 2."""
_NUMBER = {
    "anyOf": [
        {"type": "number", "minimum": -999_999_999_999_999, "maximum": 999_999_999_999_999},
        {"type": "string", "maxLength": _LONGEST_DECIMAL, "pattern": _DECIMAL.pattern.join("^$")},
    ]
}
Exact = Annotated[Decimal, BeforeValidator(_exact), WithJsonSchema(_NUMBER)]
"""A decimal number, kept with the digits that were sent."""
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""One line of text: a title, a name."""
Prose = Annotated[str, StringConstraints(max_length=10_000)]
Remark = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
"""A few sentences, in a list of such."""
CodeText = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[a-z0-9]+([._-][a-z0-9]+)*$")]
"""A code that people and systems use: lower case letters, digits, and single dots, underscores or hyphens between."""


GssCode = Annotated[str, StringConstraints(max_length=9, pattern=r"^[EWNS][0-9]{8}$")]
"""A code of the Government Statistical Service, such as E12000009."""


class Shape(SQLModel):
    """Anything that a caller may send. What is not declared is refused."""

    model_config = ConfigDict(extra="forbid", use_enum_values=True, validate_default=True)  # type: ignore[assignment]


def examples(**members: Any) -> Any:
    """The configuration of a shape with an example of what may be sent, for the document."""
    return ConfigDict(json_schema_extra={"examples": [members]})


_REFERS = "refers to"


class Row(SQLModel):
    """What every versioned row has. `version` counts the changes of the row's own fields, from 1."""

    model_config = ConfigDict(extra="ignore")  # type: ignore[assignment]

    id: UUID = Field(primary_key=True, sa_type=Uid, description="Opaque; UUIDv7.")
    version: int = Field(description="Counts the changes of this resource's own fields, from 1.")
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)
    withdrawn_at: datetime | None = Field(
        default=None, sa_type=Instant, description="When it was withdrawn, if it was."
    )

    unique_together: ClassVar[tuple[tuple[str, ...], ...]] = ()

    @declared_attr.directive
    def __tablename__(cls) -> str:
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:
        shared = ["force_code"] if "force_code" in cls.model_fields else []
        refers = {name: said for name, field in cls.model_fields.items() if (said := _referred(field)) is not None}
        return (
            *(UniqueConstraint(*together) for together in cls.unique_together),
            *(
                ForeignKeyConstraint([name, *also], [f"{noun}.{column}" for column in ("id", *also)])
                for name, (noun, national, within) in refers.items()
                for also in [[*([] if national else shared), *within]]
            ),
            ForeignKeyConstraint(
                ["id", "version"],
                ["ledger_entry.subject_id", "ledger_entry.version"],
                name=f"{cls.__tablename__}_in_ledger",
                deferrable=True,
                initially="DEFERRED",
            ),
        )


class Owned(Row):
    """A row of a force that rows of the same force may refer to."""

    unique_together: ClassVar[tuple[tuple[str, ...], ...]] = (("id", "force_code"),)


def owner() -> Any:
    """The column that says which force owns a row: access, indexes and sharding all use it."""
    told = "The force that this belongs to."
    return Field(foreign_key="force.code", index=True, sa_type=Code, min_length=1, max_length=100, description=told)


def reference(
    noun: str, description: str, *, within: tuple[str, ...] = (), national: bool = False, **field: Any
) -> Any:
    """A field that holds the id of one row of another resource.

    Where forces own rows it is one of the same force, and the database refuses any other: the other resource has the
    unique key ("id", "force_code") for that. What is `national` belongs to no force. `within` are further columns that
    both have alike, held in the same way.
    """
    kwargs = {"info": {_REFERS: (noun, national, within)}}
    return Field(index=True, sa_type=Uid, sa_column_kwargs=kwargs, description=description, **field)


def _referred(field: Any) -> tuple[str, bool, tuple[str, ...]] | None:
    kwargs = getattr(field, "sa_column_kwargs", None)
    said: tuple[str, bool, tuple[str, ...]] | None
    said = kwargs.get("info", {}).get(_REFERS) if isinstance(kwargs, Mapping) else None
    return said


def members(description: str, most: int = 100) -> Any:
    """A field that holds a list, in the order in which it was sent."""
    return Field(default_factory=list, max_length=most, sa_type=Json, description=description)


def coded(noun: str, description: str, **field: Any) -> Any:
    """A field that holds the code of one row of national reference data."""
    return Field(foreign_key=f"{noun}.code", index=True, sa_type=Code, description=description, **field)


def amount(description: str) -> Any:
    """A field that may hold an exact number."""
    return Field(default=None, sa_type=Amount, description=description)


def one_of(description: str, **field: Any) -> Any:
    """A field whose type is an enumeration; its value is stored."""
    return Field(sa_type=String, description=description, **field)


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


def patch_shape(name: str, fields: type[Shape]) -> type[Shape]:
    """The shape of a merge patch: any of the fields, none needed, no defaults, and null only where null is a value."""
    optional: dict[str, Any] = {}
    for field, info in fields.model_fields.items():
        info = copy.copy(info)
        info.default, info.default_factory = None, None
        info.json_schema_extra = _without_default
        optional[field] = (info.annotation, info)
    shape: type[Shape] = create_model(name, __base__=_Patch, **optional)
    return shape


class _Patch(Shape):
    model_config = ConfigDict(validate_default=False)

    version: Whole = Field(
        default=None,
        ge=1,
        description="The version that you last read, if your proxy drops If-Match.",
        schema_extra={"json_schema_extra": _without_default},
    )


def read_shape(name: str, row: type[Row], order: Iterable[str]) -> type[BaseModel]:
    """The shape of an answer: every column, always there. A decimal is a JSON number in every answer."""
    numbers: dict[Any, Any] = {Decimal: float, Exact | None: float | None}
    columns: dict[str, Any] = {}
    for field in order:
        info = row.model_fields[field]
        columns[field] = (numbers.get(info.annotation, info.annotation), Field(description=info.description))
    shape: type[BaseModel] = create_model(name, **columns)
    return shape
