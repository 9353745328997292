"""What is the whole of a plan, as one document: all its parts, as they are or as they stood?"""

from functools import lru_cache
from typing import Any

from pydantic import BaseModel, Field, RootModel
from sqlalchemy import ColumnElement, bindparam, select

from pip_api.db.columns import Code, from_json
from pip_api.db.constructs import is_one_of, json_text
from pip_api.db.json_rows import json_row
from pip_api.db.statements import Record, Statement
from pip_api.http.preconditions import content_etag
from pip_api.http.problems import Problem
from pip_api.insight.document_text import as_markdown
from pip_api.insight.plan_parts import left_out, listed, needs, parts
from pip_api.insight.plan_status import at_level_today, level_since
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.document import ID, IF_NONE_MATCH, Operation
from pip_api.kernel.moments import MOMENT
from pip_api.kernel.pages import answered, tagged
from pip_api.kernel.resource import visible
from pip_api.kernel.validation import identified
from pip_api.kernel.verbs import find
from pip_api.ledger.as_of import Mark, MarkKind
from pip_api.resources.pips import pips
from pip_api.resources.support_levels import support_level_assignments, support_levels
from pip_api.rules.lifecycle import ENDED
from pip_api.rules.plan_document import LISTS, PlanDocument, read

MARKDOWN = "text/markdown"


class Part(RootModel[dict[str, Any]]):
    """A row as its noun answers it, and with what belongs to it."""


class PlanDocumentRead(BaseModel):
    """A plan with all its parts."""

    pip: Part
    level: Part | None = Field(description="The level of support of the force, with since when.")
    concerns: list[Part] = Field(description="In the plan's own order.")
    known_concerns: list[Part] = Field(description="Open concerns of the force that the plan does not answer.")
    root_cause_analyses: list[Part]
    actions: list[Part]
    milestones: list[Part]
    support_measures: list[Part]
    risks: list[Part]
    risk_scales: list[Part]
    boards: list[Part] = Field(description="In the order in which a matter is escalated.")
    assurance_mechanisms: list[Part]
    reviews: list[Part]
    meetings: list[Part]
    national_meetings: list[Part] = Field(
        description="Those while the plan lasts, of the nation and of its region, and those that it was presented to."
    )
    partner_reviews: list[Part]
    presentations: list[Part]
    sustainability_arrangements: list[Part]
    follow_ups: list[Part]
    practice_submissions: list[Part]
    progress_updates: list[Part]
    escalations: list[Part]
    stakeholders: list[Part]
    lessons: list[Part]
    measure_assessments: list[Part]
    tags: list[Part]


@lru_cache
def _whole(column: str, kind: MarkKind) -> Statement:
    """One statement: a plan is small, and its parts are of one moment."""
    pip = pips.rows(kind)
    columns = [
        *(listed(name, of, pip, kind).label(name) for name, of in parts().items()),
        left_out(pip, kind).label("known_concerns"),
        _level(pip.c.force_code, kind).label("level"),
        json_text(json_row([pip.c[name] for name in pips.names])).label("pip"),
    ]
    named = pip.c[column] == bindparam("name", type_=pips.table.c[column].type)
    query = select(*columns).where(named, pip.c.withdrawn_at.is_(None), *visible(pip)).order_by(pip.c.ref)
    return Statement(query.where(~is_one_of(pip.c.status, *ENDED)) if column == "force_code" else query)


def _level(force_code: ColumnElement[str], kind: MarkKind) -> ColumnElement[str]:
    """The level of a force today with what it asks, as the text of a JSON object."""
    held, level = support_level_assignments.rows(kind), support_levels.rows(kind)
    told = json_row([level.c[name] for name in support_levels.names], ("since", level_since(held)))
    return at_level_today(told, held, level, force_code)


@lru_cache
def _level_of(kind: MarkKind) -> Statement:
    return Statement(select(_level(bindparam("force", type_=Code), kind).label("level")))


async def plan_document(call: Call, name: str) -> PlanDocument:
    """The document of a plan that the caller may read whole. Raises 404 and 410."""
    column, value = identified(name, "ref")
    mark = Mark(call.moment)
    known = {"name": value, "forces": call.by.reach_of_all(*needs()), "today": call.today}
    row = await call.session.one(_whole(column, mark.kind), **known, **mark.params)
    if row is None:
        await find(pips, call, name)  # says whether it was withdrawn, or never was
        raise Problem("not_found", "There is no plan with this id.")
    return _document(row)


async def live_plans(call: Call, force: str) -> list[PlanDocument]:
    """The documents of the plans of a force that have not ended, in the order of their references."""
    mark = Mark(call.moment)
    known = {"name": force, "forces": call.by.reach_of_all(*needs()), "today": call.today}
    rows = await call.session.fetch(_whole("force_code", mark.kind), **known, **mark.params)
    return [_document(row) for row in rows]


async def level_of(call: Call, force: str) -> Record | None:
    """The level of support that a force is at, as `level` of a plan document has it."""
    mark = Mark(call.moment)
    row = await call.session.one(_level_of(mark.kind), force=force, today=call.today, **mark.params)
    level: Record | None = None if row is None or row["level"] is None else from_json(row["level"])
    return level


def _document(row: Record) -> PlanDocument:
    told: Record = {part: None if text is None else from_json(text) for part, text in row.items()}
    document = read({"pip": told["pip"], "level": told["level"], **{each: told.get(each, []) for each in LISTS}})
    for name, order in (("concerns", "concern_ids"), ("boards", "board_ids")):
        places = {id: place for place, id in enumerate(told["pip"].get(order, ()))}
        document[name].sort(key=lambda each: places[each["id"]])  # type: ignore[literal-required]
    return document


def told_of(call: Call, plan: PlanDocument, told: Record) -> Answer:
    """What was found out about a plan, as an answer that says of which."""
    return answered(call, {"pip_id": plan["pip"]["id"], "pip_ref": plan["pip"].get("ref"), **told})


async def get_plan_document(call: Call) -> Answer:
    """A plan with all its parts as one document: JSON for programs and for `pip-api lint`, or Markdown for readers."""
    document = await plan_document(call, call.path["id"])
    if call.accept == MARKDOWN:
        text = as_markdown(document).encode()
        return tagged(call, content_etag(text), text, media_type=MARKDOWN)
    return answered(call, document)


operations = [
    Operation(
        "GET", "/v1/pips/{id}/document", "getPipDocument", "pips", "Read a plan with all its parts", "pip:read",
        get_plan_document, {200: PlanDocumentRead, 304: None}, [ID, *MOMENT, IF_NONE_MATCH],
        also={MARKDOWN: {"type": "string", "examples": ["# Answer calls in time\n"]}},
    )
]  # fmt: skip
