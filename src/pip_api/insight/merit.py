"""Which forces do well on a measure, so that others may ask them; and which products does hardly anybody use?"""

from datetime import date
from functools import lru_cache

from pydantic import BaseModel, Field
from sqlalchemy import Date, bindparam, func, select

from pip_api.db.columns import Code, to_json
from pip_api.db.statements import Statement
from pip_api.http.preconditions import content_etag
from pip_api.http.problems import bad_parameter
from pip_api.insight.series import asked_force
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.document import ID, IF_NONE_MATCH, Operation, Schema, path_parameter, query
from pip_api.kernel.moments import MOMENT
from pip_api.kernel.pages import answered, tagged
from pip_api.kernel.resource import visible
from pip_api.kernel.verbs import find
from pip_api.ledger.as_of import Mark, MarkKind
from pip_api.resources.figures import figure_rows, is_newest, of_whole_force
from pip_api.resources.measures import measures
from pip_api.resources.products import performance_products
from pip_api.rules.merit import best_first, compared_period, little_used
from pip_api.rules.periods import Period, written


class Leader(BaseModel):
    """A force and its figure."""

    place: int = Field(description="Equal figures share a place.")
    force_code: str
    value: float
    meets_target: bool | None = Field(description="Null where the measure has no target.")


class MeasureNamed(BaseModel):
    id: str
    code: str
    name: str
    unit: str


class Leaders(BaseModel):
    """The forces that do best on a measure, of those whose figures the caller may see."""

    measure: MeasureNamed
    direction: str | None = Field(description="Which way is better; where neither is, nobody leads.")
    target: float | None
    period: str | None = Field(
        description="The newest period that at least half as many forces have figures for as any other."
    )
    compared: int = Field(description="How many forces have a figure for the period.")
    items: list[Leader]


class LittleUsed(BaseModel):
    id: str
    title: str
    audience: str | None
    uses: int
    used_on: date | None
    days_since_use: int | None
    why: list[str] = Field(description="never_used, few_uses, not_of_late.")


class ProductUse(BaseModel):
    """The performance products of a force that may be given up."""

    force_code: str
    as_of: str
    products: int = Field(description="How many are made.")
    little_used: list[LittleUsed]


@lru_cache
def _periods(kind: MarkKind) -> Statement:
    rows = figure_rows(kind)
    days = rows.c.period_start, rows.c.period_end
    of_measure = rows.c.measure_code == bindparam("measure", type_=Code), of_whole_force(rows)
    known = select(*days, func.count().label("forces")).where(*visible(rows), *of_measure, is_newest(rows, kind))
    return Statement(known.group_by(*days))


@lru_cache
def _figures(kind: MarkKind) -> Statement:
    rows = figure_rows(kind)
    return Statement(
        select(rows.c.force_code, rows.c.value).where(
            *visible(rows),
            rows.c.measure_code == bindparam("measure", type_=Code),
            rows.c.period_start == bindparam("start", type_=Date()),
            rows.c.period_end == bindparam("end", type_=Date()),
            of_whole_force(rows),
            is_newest(rows, kind),
        )
    )


@lru_cache
def _products(kind: MarkKind) -> Statement:
    rows = performance_products.rows(kind)
    shown = ("id", "title", "audience", "uses", "used_on", "retired_on")
    return Statement(select(*(rows.c[name] for name in shown)).where(*visible(rows), rows.c.withdrawn_at.is_(None)))


async def list_leaders(call: Call) -> Answer:
    """The forces that do best on a measure in the newest period that can be compared."""
    places = _whole(call, "places", 5, 50)
    measure, mark = await find(measures, call, call.path["id"]), Mark(call.moment)
    known = {"measure": measure["code"], "forces": call.by.reach("figure:read"), **mark.params}
    counts = await call.session.fetch(_periods(mark.kind), **known)
    days = compared_period([(row["period_start"], row["period_end"], row["forces"]) for row in counts])
    found = []
    if days is not None:
        found = await call.session.fetch(_figures(mark.kind), start=days[0], end=days[1], **known)
    ranked = best_first(found, measure["direction"], measure["target"])
    body = {
        "measure": {name: measure[name] for name in MeasureNamed.model_fields},
        "direction": measure["direction"],
        "target": measure["target"],
        "period": None if days is None else written(Period(*days)),
        "compared": len(found),
        "items": [{name: each[name] for name in Leader.model_fields} for each in ranked if each["place"] <= places],
    }
    return answered(call, body)


async def get_product_use(call: Call) -> Answer:
    """The products of a force that nobody used, or few, or not of late."""
    fewer_than, unused_days = _whole(call, "fewer_than", 5, 1_000_000), _whole(call, "unused_days", 90, 3_650)
    force, mark = asked_force(call, performance_products.reads), Mark(call.moment)
    made = await call.session.fetch(_products(mark.kind), forces=[force], **mark.params)
    made = [each for each in made if each["retired_on"] is None or each["retired_on"] > call.today]
    found = little_used(made, call.today, fewer_than, unused_days)
    body = {
        "force_code": force,
        "products": len(made),
        "little_used": [{name: each[name] for name in LittleUsed.model_fields} for each in found],
    }
    return tagged(call, content_etag(to_json(body)), body | {"as_of": call.moment or call.now})


def _whole(call: Call, name: str, usual: int, most: int) -> int:
    text = call.query.get(name, str(usual))
    if not (text.isascii() and text.isdecimal() and len(text) <= 9 and 1 <= int(text) <= most):
        raise bad_parameter(name, f"'{name}' must be a whole number from 1 to {most}.")
    return int(text)


def _number(name: str, describes: str, usual: int, most: int) -> Schema:
    schema = {"type": "integer", "format": "int32", "minimum": 1, "maximum": most, "default": usual}
    return query(name, describes, schema)


operations = [
    Operation(
        "GET", "/v1/measures/{id}/leaders", "listMeasureLeaders", "measures", "Find forces that do well on a measure",
        "figure:read", list_leaders, {200: Leaders, 304: None},
        [ID, _number("places", "Down to which place.", 5, 50), *MOMENT, IF_NONE_MATCH],
    ),
    Operation(
        "GET", "/v1/forces/{force}/product-use", "getProductUse", "performance_products",
        "Find performance products that are hardly used", performance_products.reads, get_product_use,
        {200: ProductUse, 304: None},
        [
            path_parameter("force", "The code of the force."),
            _number("fewer_than", "Used fewer times than this counts as few.", 5, 1_000_000),
            _number("unused_days", "Not used for more days than this counts as not of late.", 90, 3_650),
            *MOMENT,
            IF_NONE_MATCH,
        ],
    ),
]  # fmt: skip
