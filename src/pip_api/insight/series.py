"""Which figures are the newest of some measures and units of a force: those of one period, or the last so many?"""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, Date, Integer, bindparam, func, select

from pip_api.db.columns import Code
from pip_api.db.constructs import Texts, any_of
from pip_api.db.statements import Record, Statement
from pip_api.http.problems import Problem
from pip_api.kernel.call import Call
from pip_api.ledger.as_of import Mark, MarkKind
from pip_api.resources.figures import KEY, OF_INDIVIDUALS, FigureStatus, figure_rows, is_newest, is_told
from pip_api.rules.periods import Period, written


class FigureShown(BaseModel):
    """A number, of which period it is, and what was said with it."""

    period: str
    value: float
    numerator: float | None
    denominator: float | None
    status: FigureStatus
    narrative: str
    revision: int = Field(description="More than 1 when the number was revised.")


_TOLD = (*KEY, "value", "numerator", "denominator", "status", "narrative", "revision")


def _asked(rows: Any, kind: MarkKind) -> list[ColumnElement[bool]]:
    return [
        rows.c.force_code == bindparam("force", type_=Code),
        any_of(rows.c.measure_code, bindparam("measures", type_=Texts())),
        any_of(rows.c.unit_code, bindparam("units", type_=Texts())),
        is_newest(rows, kind),
        is_told(rows),
    ]


@lru_cache
def _last(kind: MarkKind) -> Statement:
    rows = figure_rows(kind)
    latest_first = rows.c.period_start.desc(), rows.c.period_end.desc()
    place = func.row_number().over(partition_by=[rows.c.measure_code, rows.c.unit_code], order_by=latest_first)
    found = select(*(rows.c[name] for name in _TOLD), place.label("place")).where(*_asked(rows, kind)).subquery()
    return Statement(
        select(*(found.c[name] for name in _TOLD))
        .where(found.c.place <= bindparam("most", type_=Integer()))
        .order_by(*(found.c[name] for name in KEY))
    )


@lru_cache
def _in_period(kind: MarkKind) -> Statement:
    rows = figure_rows(kind)
    same = [rows.c[name] == bindparam(name, type_=Date()) for name in ("period_start", "period_end")]
    return Statement(select(*(rows.c[name] for name in _TOLD)).where(*_asked(rows, kind), *same))


Series = dict[tuple[str, str], list[Record]]
"""Figures by measure and unit, the earliest first."""


async def last_figures(call: Call, force: str, measures: Sequence[str], units: Sequence[str], most: int) -> Series:
    """The last so many figures of each measure and unit."""
    mark = Mark(call.moment)
    asked = {"force": force, "measures": measures, "units": units, "people": call.by.reach(OF_INDIVIDUALS)}
    return _grouped(await call.session.fetch(_last(mark.kind), **asked, most=most, **mark.params))


async def figures_of_period(
    call: Call, force: str, measures: Sequence[str], units: Sequence[str], start: date, end: date
) -> Series:
    """The figure of each measure and unit in one period, where there is one."""
    mark = Mark(call.moment)
    asked = {"force": force, "measures": measures, "units": units, "people": call.by.reach(OF_INDIVIDUALS)}
    days = {"period_start": start, "period_end": end}
    return _grouped(await call.session.fetch(_in_period(mark.kind), **asked, **days, **mark.params))


def _grouped(rows: Sequence[Record]) -> Series:
    found: Series = {}
    for row in rows:
        found.setdefault((row["measure_code"], row["unit_code"]), []).append(row)
    return found


def figure_shown(row: Record) -> Record:
    """A figure as `FigureShown` has it."""
    return {"period": written(Period(row["period_start"], row["period_end"]))} | {
        name: row[name] for name in FigureShown.model_fields if name != "period"
    }


def asked_force(call: Call, *needs: str) -> str:
    """The force in the path, for all of which these permissions are held. Raises 403 where one is held nowhere, and
    404: a force outside the caller's reach is like one that does not exist."""
    force = call.path["force"]
    if force not in call.by.reach_of_all(*needs):
        raise Problem("not_found", "There is no force with this code that you may see this of.")
    return force
