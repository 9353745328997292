"""What is told of a measure: its figures over time, why the last one stands out, and what people judge and tell of it?

Figures never stand alone: each answer has the judgements and stories beside them (Lancashire 12x12, 3.1).
"""

from collections.abc import Callable, Sequence
from datetime import date
from functools import lru_cache
from itertools import groupby
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import FromClause, bindparam, select

from pip_api.db.columns import Code
from pip_api.db.constructs import Texts, any_of, each
from pip_api.db.statements import Record, Statement
from pip_api.insight.series import FigureShown, figure_shown, last_figures
from pip_api.kernel.call import Call
from pip_api.ledger.as_of import Mark, MarkKind
from pip_api.resources.assessments import Heading, Judgement, StoryKind, measure_assessments, stories
from pip_api.resources.measures import measures
from pip_api.rules.exceptions import stands_out

NEEDS = ("figure:read", "measure_assessment:read", "story:read")
MOST_STORIES = 5


class AssessmentShown(BaseModel):
    """The last judgement under a heading."""

    heading: Heading
    judgement: Judgement
    text: str
    assessor: str
    assessed_on: date
    what_good_looks_like: str


class StoryShown(BaseModel):
    title: str
    kind: StoryKind
    text: str
    location: str | None
    told_on: date
    learning: str


class MeasureShown(BaseModel):
    """A measure with its figures and with what balances them."""

    code: str
    name: str
    unit: str
    direction: str | None
    target: float | None = Field(description="None for most: a measure needs no target.")
    baseline: float | None
    figures: list[FigureShown] = Field(description="The last ones, the earliest first.")
    change: float | None = Field(description="From the figure before the last to the last.")
    exception: list[str] = Field(
        description="Why the last figure stands out: narrative, highest_so_far, lowest_so_far; empty where it does not."
    )
    assessments: list[AssessmentShown] = Field(description="The last judgement under each heading.")
    stories: list[StoryShown] = Field(description="The last few, the newest first.")


class Balance(BaseModel):
    """Whether figures are balanced with judgements and stories."""

    figures: int
    assessments: int
    stories: int
    measures_without_judgement: list[str] = Field(description="Those with figures of which nobody judged or told.")


@lru_cache
def _measures(kind: MarkKind) -> Statement:
    rows = measures.rows(kind)
    shown = ("code", "name", "unit", "direction", "target", "baseline")
    named = any_of(rows.c.code, bindparam("codes", type_=Texts()))
    return Statement(select(*(rows.c[name] for name in shown)).where(named))


@lru_cache
def _assessments(kind: MarkKind) -> Statement:
    rows = measure_assessments.rows(kind)
    about = any_of(rows.c.measure_code, bindparam("codes", type_=Texts()))
    query = _of_force(rows, "measure_code", *AssessmentShown.model_fields).where(about)
    return Statement(query.order_by(rows.c.assessed_on.desc(), rows.c.id.desc()))


@lru_cache
def _stories(kind: MarkKind) -> Statement:
    rows = stories.rows(kind)
    named = each(rows.c.measure_codes)
    about = (
        select(named.c.value).where(any_of(named.c.value, bindparam("codes", type_=Texts()))).correlate(rows).exists()
    )
    query = _of_force(rows, "measure_codes", *StoryShown.model_fields).where(about)
    return Statement(query.order_by(rows.c.told_on.desc(), rows.c.id.desc()))


def _of_force(rows: FromClause, *names: str) -> Any:
    of_force = rows.c.force_code == bindparam("force", type_=Code)
    return select(*(rows.c[name] for name in names)).where(of_force, rows.c.withdrawn_at.is_(None))


async def measures_shown(call: Call, force: str, codes: Sequence[str], unit: str, most: int) -> dict[str, Record]:
    """Each measure, in the order given, with its last so many figures of a unit and what balances them."""
    mark = Mark(call.moment)
    about = {"codes": [*codes], "force": force, **mark.params}
    named = {row["code"]: row for row in await call.session.fetch(_measures(mark.kind), codes=[*codes], **mark.params)}
    series = await last_figures(call, force, codes, [unit], most)
    judged = await call.session.fetch(_assessments(mark.kind), **about)
    told = await call.session.fetch(_stories(mark.kind), **about)
    return {
        code: _shown(
            named[code],
            series.get((code, unit), []),
            [row for row in judged if row["measure_code"] == code],
            [row for row in told if code in row["measure_codes"]],
        )
        for code in codes
        if code in named
    }


def _shown(measure: Record, figures: Sequence[Record], judged: Sequence[Record], told: Sequence[Record]) -> Record:
    values = [figure["value"] for figure in figures]
    of_heading: Callable[[Record], str] = lambda row: row["heading"]  # noqa: E731
    last = [next(rows) for _, rows in groupby(sorted(judged, key=of_heading), of_heading)]
    return measure | {
        "figures": [figure_shown(figure) for figure in figures],
        "change": values[-1] - values[-2] if len(values) > 1 else None,
        "exception": stands_out(values, figures[-1]["narrative"] if figures else ""),
        "assessments": [_only(row, AssessmentShown) for row in last],
        "stories": [_only(row, StoryShown) for row in told[:MOST_STORIES]],
    }


def _only(row: Record, shape: type[BaseModel]) -> Record:
    return {name: row[name] for name in shape.model_fields}


def exceptions_first(shown: Sequence[Record]) -> list[Record]:
    """Those that stand out go before the others; each part keeps its order."""
    return sorted(shown, key=lambda each: not each["exception"])


def evidence(shown: Sequence[Record]) -> Record:
    """How much there is of each kind, as `Balance` has it."""
    bare = [each["code"] for each in shown if each["figures"] and not each["assessments"] and not each["stories"]]
    return {
        **{kind: sum(len(each[kind]) for each in shown) for kind in ("figures", "assessments", "stories")},
        "measures_without_judgement": bare,
    }
