"""How many figures are held, and what do they add up to? For a sender to check a delivery against."""

from datetime import date
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, Integer, bindparam, func, or_, select

from pip_api.db.constructs import Texts, any_of, decimal_sum
from pip_api.db.statements import Record
from pip_api.http.problems import bad_parameter
from pip_api.http.query import several
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.document import CURSOR, LIMIT, Operation, page_shape, query
from pip_api.kernel.pages import links, read_page
from pip_api.kernel.query import Listing, commas
from pip_api.kernel.resource import visible
from pip_api.resources.figures import figures, is_newest


class FigureTotal(BaseModel):
    """What is held of one group of figures."""

    code: str = Field(description="The force or the measure.")
    figures: int
    total: float = Field(description="The exact sum of the newest revisions.")
    first_day: date
    last_day: date


_GROUPS = {"force": "force_code", "measure": "measure_code"}


def _totals(column: str) -> Listing:
    newest = (
        select(
            figures.c[column].label("code"),
            func.count().label("figures"),
            decimal_sum(figures.c.value).label("total"),
            func.min(figures.c.period_start).label("first_day"),
            func.max(figures.c.period_end).label("last_day"),
        )
        .where(*visible(figures), is_newest(figures))
        .where(_wanted("force", figures.c.force_code), _wanted("measure", figures.c.measure_code))
        .group_by(figures.c[column])
        .subquery()
    )
    return Listing(dict(newest.c.items()), [], [], tie_break=("code",))


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
    wanted: Record = {"forces": call.by.reach("figure:read")}
    for name in _GROUPS:
        codes = several(name, call.query[name]) if name in call.query else []
        wanted |= {name: codes, f"any_{name}": int(name not in call.query)}
    answer = await read_page(_TOTALS[by], call, "/v1/figures/totals", wanted)
    return Answer(200, answer, links(answer))


operations = [
    Operation(
        "GET", "/v1/figures/totals", "listFigureTotals", "figures", "Count and add up figures", "figure:read",
        list_totals, {200: page_shape("FigureTotal", FigureTotal)},
        [
            query("by", "What to group by.", {"type": "string", "enum": sorted(_GROUPS), "default": "force"}),
            query("force", "Only these forces, with commas.", commas({"type": "string"})),
            query("measure", "Only these measures, with commas.", commas({"type": "string"})),
            LIMIT,
            CURSOR,
        ],
    )
]  # fmt: skip
