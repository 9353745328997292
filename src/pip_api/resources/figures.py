"""What is a figure: the number of a force, or of a unit of it, for a measure and a period, with every revision kept?

A figure is known by force, measure, unit and period; a second number for the same period is a revision, and none is
ever changed or deleted. Figures of units lie apart from those of the force, which are not made of them; those of an
individual are for whoever leads people, because it is known there who is in which post.
"""

from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Index, String, Table, bindparam, literal_column, or_, select
from sqlmodel import Field

from pip_api.db.columns import Amount, Code, Instant, Uid, in_ledger
from pip_api.db.constructs import Texts, any_of, constant
from pip_api.kernel.query import Listing, after, before, equal
from pip_api.kernel.resource import visible
from pip_api.kernel.shapes import Exact, Line, Prose, Shape, examples, one_of
from pip_api.ledger.as_of import NOW, MarkKind, as_of_appended
from pip_api.resources.units import WHOLE_FORCE, UnitKind, units


class FigureStatus(StrEnum):
    provisional = "provisional"
    final = "final"


class FigureFields(Shape):
    model_config = examples(value=61.4, numerator=307, denominator=500, narrative="One weekend was not staffed.")

    value: Exact = Field(sa_type=Amount, description="The number, in the unit of the measure; at most 15 digits.")
    numerator: Exact | None = Field(
        default=None, sa_type=Amount, description="What was counted, for a share or a rate."
    )
    denominator: Exact | None = Field(default=None, sa_type=Amount, description="Out of how many.")
    status: FigureStatus = one_of("Whether the number may still be revised.", default=FigureStatus.final)
    narrative: Prose = Field(default="", description="What lies behind the number.")
    source_system: Line | None = Field(default=None, description="The system that sent it.")
    source_run: Line | None = Field(default=None, description="The run of that system.")


class Figure(FigureFields, table=True):
    """Append-only: triggers refuse to update or delete a row, and each points at the ledger entry that brought it."""

    __table_args__ = (Index("figure_of_entry", "entry_id"),)

    force_code: str = Field(
        foreign_key="force.code", primary_key=True, sa_type=Code, description="The force that this belongs to."
    )
    measure_code: str = Field(
        foreign_key="measure.code", primary_key=True, sa_type=Code, description="The measure that it is of."
    )
    unit_code: str = Field(
        default=WHOLE_FORCE, primary_key=True, sa_type=Code, description="The unit of the force that it is of, if any."
    )
    period_start: date = Field(primary_key=True, description="The first day that it covers.")
    period_end: date = Field(primary_key=True, description="The last day that it covers.")
    revision: int = Field(primary_key=True, description="1 for the first number sent, then 2, and so on.")
    recorded_at: datetime = Field(sa_type=Instant)
    entry_id: UUID = Field(sa_column_args=[in_ledger()], sa_type=Uid)


figures: Table = Figure.__table__  # type: ignore[attr-defined]
KEY = ("force_code", "measure_code", "unit_code", "period_start", "period_end")
CONTENT = tuple(FigureFields.model_fields)
SHOWN = (*KEY, *CONTENT, "revision", "recorded_at")


@lru_cache
def figure_rows(kind: MarkKind = NOW) -> FromClause:
    """Every revision that there is, or that there was."""
    return as_of_appended(figures, kind)


def is_newest(figure: Any, kind: MarkKind = NOW) -> ColumnElement[bool]:
    """Whether a row is the newest revision of its figure. Revisions have no gaps, so nothing comes after it."""
    other = figure_rows(kind).alias()
    following = select(other.c.revision).where(*(other.c[name] == figure.c[name] for name in KEY))
    return ~following.where(other.c.revision == figure.c.revision + 1).exists()


def of_whole_force(figure: Any) -> ColumnElement[bool]:
    """Whether a row is of the force as a whole. Said in the statement's text, so that one range of the key is read."""
    is_whole: ColumnElement[bool] = figure.c.unit_code == literal_column(f"'{WHOLE_FORCE}'", String())
    return is_whole


OF_INDIVIDUALS = "person:read"
"""What it takes, beside `figure:read`, to read figures of individuals, and to record them."""


def is_open(unit: FromClause) -> ColumnElement[bool]:
    """Whether whoever reads figures of a unit's force reads those of the unit: of individuals, of the forces `people`
    only. The kind of a unit and its code never change."""
    people = bindparam("people", type_=Texts())
    return or_(unit.c.kind != constant(UnitKind.individual.value), any_of(unit.c.force_code, people))


def is_told(figure: Any) -> ColumnElement[bool]:
    """Whether a row is of the force as a whole, or of a unit that is open to the caller."""
    of = units.table.alias("of_unit")
    same = (of.c.force_code == figure.c.force_code, of.c.code == figure.c.unit_code)
    return or_(of_whole_force(figure), select(of.c.id).where(*same, is_open(of)).exists())


figure_listing = Listing(
    figure_rows,
    SHOWN,
    [
        equal("force", "force_code"),
        equal("measure", "measure_code"),
        equal("unit", "unit_code", describes="Of these units, with commas; left out, of forces as a whole."),
        equal("status", choices=[each.value for each in FigureStatus]),
        before("starts_before", "period_start"),
        after("ends_after", "period_end"),
        after("recorded_after", "recorded_at", "moment"),
    ],
    [*KEY],
    lambda rows, shown: (
        *visible(rows, shown.one_force),
        is_newest(rows, shown.kind),
        is_told(rows) if "unit" in shown.used else of_whole_force(rows),
    ),
    tie_break=KEY,
)
