"""How many figures are held, and what do they add up to? For a sender to check a delivery against.

Figures of forces and those of units are never added together.
"""

from datetime import date
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, FromClause, Integer, bindparam, func, or_, select

from pip_api.db.constructs import Texts, any_of, decimal_sum
from pip_api.db.statements import Record
from pip_api.http.problems import bad_parameter
from pip_api.http.query import several
from pip_api.kernel.answer_shapes import page_shape
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.document import IF_NONE_MATCH, PAGING, Operation, query
from pip_api.kernel.moments import MOMENT
from pip_api.kernel.pages import list_page
from pip_api.kernel.query import Listing, commas
from pip_api.kernel.resource import visible
from pip_api.ledger.as_of import MarkKind
from pip_api.resources.figures import OF_INDIVIDUALS, figure_rows, is_newest, is_told
from pip_api.resources.units import WHOLE_FORCE


class FigureTotal(BaseModel):
    """What is held of one group of figures."""

    code: str = Field(description="The force or the measure.")
    figures: int
    total: float = Field(description="The exact sum of the newest revisions.")
    first_day: date
    last_day: date


_GROUPS = {"force": "force_code", "measure": "measure_code"}


def _totals(column: str) -> Listing:
    def source(kind: MarkKind) -> FromClause:
        rows = figure_rows(kind)
        return (
            select(
                rows.c[column].label("code"),
                func.count().label("figures"),
                decimal_sum(rows.c.value).label("total"),
                func.min(rows.c.period_start).label("first_day"),
                func.max(rows.c.period_end).label("last_day"),
            )
            .where(*visible(rows), is_newest(rows, kind), is_told(rows))
            .where(*(_wanted(name, rows.c[column]) for name, column in _GROUPS.items()))
            .where(any_of(rows.c.unit_code, bindparam("unit", type_=Texts())))
            .group_by(rows.c[column])
            .subquery("totals")
        )

    return Listing(source, tuple(FigureTotal.model_fields), [], [], tie_break=("code",))


def _wanted(name: str, column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Only the codes asked for; a null parameter asks for all."""
    codes = bindparam(name, type_=Texts())
    return or_(bindparam(f"any_{name}", type_=Integer()) == 1, any_of(column, codes))


_TOTALS = {name: _totals(column) for name, column in _GROUPS.items()}


async def list_totals(call: Call) -> Answer:
    """How many figures are held, and their exact sum, by force or by measure."""
    by = call.query.get("by", "force")
    if by not in _TOTALS:
        raise bad_parameter("by", "'by' must be force or measure.", allowed=sorted(_TOTALS))
    wanted: Record = {"forces": call.by.reach("figure:read"), "people": call.by.reach(OF_INDIVIDUALS)}
    for name in _GROUPS:
        codes = several(name, call.query[name]) if name in call.query else []
        wanted |= {name: codes, f"any_{name}": int(name not in call.query)}
    wanted["unit"] = several("unit", call.query["unit"]) if "unit" in call.query else [WHOLE_FORCE]
    return await list_page(_TOTALS[by], call, "/v1/figures/totals", wanted)


operations = [
    Operation(
        "GET", "/v1/figures/totals", "listFigureTotals", "figures", "Count and add up figures", "figure:read",
        list_totals, {200: page_shape("FigureTotal", FigureTotal), 304: None},
        [
            query("by", "What to group by.", {"type": "string", "enum": sorted(_GROUPS), "default": "force"}),
            query("force", "Only these forces, with commas.", commas({"type": "string"})),
            query("measure", "Only these measures, with commas.", commas({"type": "string"})),
            query("unit", "Of these units, with commas; left out, of forces as a whole.", commas({"type": "string"})),
            *PAGING,
            *MOMENT,
            IF_NONE_MATCH,
        ],
    )
]  # fmt: skip
