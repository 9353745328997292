"""How do the places, teams or individuals of a force compare by one measure, and what do they add up to?"""

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import String, and_, bindparam, or_, select

from pip_api.db.columns import Code
from pip_api.db.statements import Record, Statement
from pip_api.http.problems import Problem, bad_parameter
from pip_api.insight.series import FigureShown, asked_force, figure_shown, figures_of_period, last_figures
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.document import IF_NONE_MATCH, Operation, path_parameter, query
from pip_api.kernel.moments import MOMENT
from pip_api.kernel.pages import answered
from pip_api.ledger.as_of import Mark, MarkKind
from pip_api.resources.measures import measures
from pip_api.resources.units import ABOVE, WHOLE_FORCE, UnitKind, units
from pip_api.rules.merit import shortfall
from pip_api.rules.periods import Period, parse, written

ADDITIVE = "count"
"""What is counted adds up; shares, rates and times do not, but what they are made of does."""


class UnitShown(BaseModel):
    code: str
    title: str
    kind: UnitKind
    parent_code: str | None


class MeasureCompared(BaseModel):
    code: str
    name: str
    unit: str
    direction: str | None
    target: float | None


class UnitCompared(BaseModel):
    """One unit, and its figure of the period."""

    unit: UnitShown
    figure: FigureShown | None
    gap: float | None = Field(
        description="How far it falls short of the target; 0 where it meets it, null where there is no target."
    )


class ComparisonTotal(BaseModel):
    """What the figures of the units add up to, exactly; null where that means nothing."""

    figures: int = Field(description="How many of the units have a figure.")
    value: float | None = Field(description="Of a measure that is a count.")
    numerator: float | None = Field(description="Where each figure has one.")
    denominator: float | None = Field(description="Where each figure has one.")


class Comparison(BaseModel):
    """The units of a force side by side, all for one period."""

    force_code: str
    measure: MeasureCompared
    of: UnitShown | None = Field(description="The unit whose parts are compared; null is the force as a whole.")
    kind: UnitKind
    period: str | None = Field(description="None when nobody has a figure.")
    own: FigureShown | None = Field(
        description="The figure of the whole, which was sent apart from those of its parts."
    )
    items: list[UnitCompared]
    total: ComparisonTotal


@lru_cache
def _units(kind: MarkKind, one: bool) -> Statement:
    """One unit by its code; or those of a kind beneath one, or anywhere in the force."""
    unit = units.rows(kind)
    above, over = unit.alias("above"), unit.alias("over")
    of = bindparam("of", type_=Code)
    beneath = or_(of == WHOLE_FORCE, above.c.code == of, over.c.code == of)
    asked = unit.c.code == of if one else and_(unit.c.kind == bindparam("kind", type_=String()), beneath)
    both = unit.outerjoin(above, above.c.id == unit.c.parent_unit_id)
    return Statement(
        select(*(unit.c[name] for name in ("code", "title", "kind")), above.c.code.label("parent_code"))
        .select_from(both.outerjoin(over, over.c.id == above.c.parent_unit_id))
        .where(unit.c.force_code == bindparam("force", type_=Code), unit.c.withdrawn_at.is_(None), asked)
        .order_by(unit.c.code)
    )


async def compare_units(call: Call) -> Answer:
    """The figures of all units of a kind, with what they add up to."""
    force = asked_force(call, "figure:read", "unit:read")
    measure = await _measure(call)
    whole = await find_unit(call, force, call.query["of"]) if "of" in call.query else None
    of, kind = whole["code"] if whole else WHOLE_FORCE, _kind(call, whole)
    parts = await _beneath(call, force, of, kind)
    period, figures = await _figures(call, force, measure["code"], [of, *(unit["code"] for unit in parts)])
    shown = [_compared(unit, figures.get(unit["code"]), measure) for unit in parts]
    return answered(
        call,
        {
            "force_code": force,
            "measure": {name: measure[name] for name in MeasureCompared.model_fields},
            "of": whole,
            "kind": kind,
            "period": period,
            "own": figures.get(of),
            "items": shown,
            "total": _total(measure["unit"], [each["figure"] for each in shown if each["figure"] is not None]),
        },
    )


def _compared(unit: Record, figure: Record | None, measure: Record) -> Record:
    short = None if figure is None else shortfall(figure["value"], measure["direction"], measure["target"])
    return {"unit": unit, "figure": figure, "gap": short}


async def find_unit(call: Call, force: str, code: str) -> Record:
    """A unit as `UnitShown` has it. Raises 404."""
    mark = Mark(call.moment)
    found = await call.session.one(_units(mark.kind, True), force=force, of=code, **mark.params)
    if found is None:
        raise Problem("not_found", "There is no unit with this code in the force.")
    return found


async def parts_of(call: Call, force: str, whole: Record | None) -> list[Record]:
    """The units that a unit is made of, or the places of a force; none where it is an individual."""
    below = _kinds_below(whole)
    return await _beneath(call, force, whole["code"] if whole else WHOLE_FORCE, below[0]) if below else []


async def _beneath(call: Call, force: str, of: str, kind: str) -> list[Record]:
    mark = Mark(call.moment)
    return await call.session.fetch(_units(mark.kind, False), force=force, of=of, kind=kind, **mark.params)


def _kinds_below(whole: Record | None) -> list[str]:
    """The kinds that stand somewhere beneath a unit, or the force, the next one first."""
    kinds = [each.value for each in ABOVE]
    return kinds if whole is None else kinds[kinds.index(whole["kind"]) + 1 :]


def _kind(call: Call, whole: Record | None) -> str:
    """What is compared: of the kinds beneath the whole, the one asked for, or the next. Raises 400."""
    below = _kinds_below(whole)
    if not below:
        raise bad_parameter("of", "An individual has no parts to compare.")
    if (kind := call.query.get("kind", below[0])) not in below:
        raise bad_parameter("kind", "'kind' must be one that stands beneath the unit.", allowed=below)
    return kind


async def _measure(call: Call) -> Record:
    mark = Mark(call.moment)
    found = await call.session.one(measures.one_by("code", mark.kind), name=call.path["measure"], **mark.params)
    if found is None or found["withdrawn_at"] is not None:
        raise Problem("not_found", "There is no measure with this code.")
    return found


async def _figures(call: Call, force: str, measure: str, codes: Sequence[str]) -> tuple[str | None, dict[str, Record]]:
    """The figures by unit, all of the period asked for, or of the latest that there is."""
    if "period" in call.query:
        try:
            asked = parse(call.query["period"])
        except ValueError as error:
            raise bad_parameter("period", str(error)) from None
        period: Period | None = asked
        found = await figures_of_period(call, force, [measure], codes, *asked)
    else:
        found = await last_figures(call, force, [measure], codes, 1)
        periods = [Period(row["period_start"], row["period_end"]) for (row,) in found.values()]
        period = max(periods, default=None)
    same = {unit: row for (_, unit), (row,) in found.items() if (row["period_start"], row["period_end"]) == period}
    return period and written(period), {unit: figure_shown(row) for unit, row in same.items()}


def _total(counted_in: str, figures: Sequence[Record]) -> Record:
    return {
        "figures": len(figures),
        "value": _sum(figures, "value") if counted_in == ADDITIVE else None,
        "numerator": _sum(figures, "numerator"),
        "denominator": _sum(figures, "denominator"),
    }


def _sum(figures: Sequence[Record], name: str) -> Decimal | None:
    values: list[Any] = [each[name] for each in figures]
    return sum(values, Decimal()) if values and None not in values else None


operations = [
    Operation(
        "GET", "/v1/forces/{force}/measures/{measure}/comparison", "compareUnits", "figures",
        "Compare the units of a force by a measure", "figure:read", compare_units, {200: Comparison, 304: None},
        [
            path_parameter("force", "The code of the force."),
            path_parameter("measure", "The code of the measure."),
            query("of", "The unit whose parts are compared, by its code; left out, the force as a whole."),
            query("kind", "What is compared; left out, the next kind beneath.",
                  {"type": "string", "enum": [each.value for each in UnitKind]}),
            query("period", "Such as 2026-10; left out, the latest for which there is a figure."),
            *MOMENT,
            IF_NONE_MATCH,
        ],
    )
]  # fmt: skip
