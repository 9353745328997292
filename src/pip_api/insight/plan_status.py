"""Where does a plan stand: its force's level, its concerns and their measures, its actions, the last word on it?"""

from datetime import date
from functools import lru_cache
from typing import Any

from orjson import Fragment
from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, Date, FromClause, Integer, bindparam, func, literal_column, select, true

from pip_api.access.principals import Principal
from pip_api.db.constructs import as_json, as_uid, each, is_one_of, json_list, json_record, json_text, next_day, padded
from pip_api.db.statements import Record, Statement
from pip_api.http.problems import Problem
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.document import ID, IF_NONE_MATCH, Operation
from pip_api.kernel.moments import MOMENT
from pip_api.kernel.pages import answered
from pip_api.kernel.resource import visible
from pip_api.kernel.validation import identified
from pip_api.kernel.verbs import find
from pip_api.ledger.as_of import Mark, MarkKind
from pip_api.resources.actions import actions
from pip_api.resources.concerns import concerns
from pip_api.resources.figures import figure_rows, of_whole_force
from pip_api.resources.forces import forces
from pip_api.resources.measures import measures
from pip_api.resources.pips import pips
from pip_api.resources.progress import progress_updates
from pip_api.resources.support_levels import support_level_assignments, support_levels
from pip_api.rules.lifecycle import ActionStatus

NEEDS = (
    "pip:read",
    "concern:read",
    "action:read",
    "figure:read",
    "progress_update:read",
    "support_level_assignment:read",
)
"""The answer is made of all of these, so it is given for the forces for which all are held."""

TODAY = bindparam("today", type_=Date())
SHOWN = ("id", "ref", "title", "status", "version", "lead", "force_code", "starts_on", "ends_on", "updated_at")
PARTS = ("level", "concerns", "actions", "progress")


class LevelOverview(BaseModel):
    code: str
    level: int
    since: date


class LatestFigure(BaseModel):
    value: float
    period_start: date
    period_end: date


class MeasureOverview(BaseModel):
    code: str
    name: str
    unit: str
    direction: str | None
    latest: LatestFigure | None = Field(
        description="The newest revision of the latest period; none when no figure came yet."
    )


class ConcernOverview(BaseModel):
    id: str
    title: str
    status: str
    owner: str | None
    measures: list[MeasureOverview]


class ActionCounts(BaseModel):
    total: int
    not_started: int
    in_progress: int
    completed: int
    cancelled: int
    overdue: int
    overdue_refs: list[str]
    next_due_on: date | None


class LatestUpdate(BaseModel):
    reported_on: date
    reported_by: str
    brag: str | None
    percent_complete: int | None
    narrative: str


class PlanOverview(BaseModel):
    """Where one plan stands."""

    id: str
    ref: str
    title: str
    status: str
    version: int
    lead: str | None
    force_code: str
    starts_on: date | None
    ends_on: date | None
    updated_at: str
    level: LevelOverview | None = Field(description="The force's level of support today.")
    concerns: list[ConcernOverview] = Field(description="In the plan's own order, the most pressing first.")
    actions: ActionCounts
    progress: LatestUpdate | None = Field(description="The latest update about the plan as a whole.")


ONE = literal_column("1", Integer())


class Sources:
    """The rows that an overview is made of, as they are or as they stood."""

    def __init__(self, kind: MarkKind) -> None:
        self.pip, self.concern, self.action = pips.rows(kind), concerns.rows(kind), actions.rows(kind)
        self.measure, self.figure = measures.rows(kind), figure_rows(kind)
        self.update, self.force = progress_updates.rows(kind), forces.rows(kind)
        self.held, self.level = support_level_assignments.rows(kind), support_levels.rows(kind)


def level_today(of: Sources, force_code: ColumnElement[str]) -> ColumnElement[str]:
    """The level of a force today, as the text of a JSON object; null when nobody has set one."""
    held, level = of.held, of.level
    told = json_record(("code", level.c.code), ("level", level.c.level), ("since", level_since(held)))
    return at_level_today(told, held, level, force_code)


def at_level_today(
    told: ColumnElement[Any], held: FromClause, level: FromClause, force_code: ColumnElement[str]
) -> ColumnElement[str]:
    """What is to be told of the level of a force today, as text; null when nobody has set one."""
    return (
        select(json_text(told))
        .select_from(held.join(level, level.c.code == held.c.level_code))
        .where(held.c.force_code == force_code, held.c.withdrawn_at.is_(None), held.c.starts_on <= TODAY)
        .where(func.coalesce(held.c.ends_on, TODAY) >= TODAY)
        .limit(ONE)
        .scalar_subquery()
    )


def level_since(held: FromClause) -> ColumnElement[date]:
    """Since when a force has been at a level without a break: an assignment that follows on another is no new start."""
    first, before = held.alias("first_at_level"), held.alias("before_at_level")
    follows_on = (
        select(before.c.id)
        .where(before.c.force_code == first.c.force_code, before.c.level_code == first.c.level_code)
        .where(before.c.withdrawn_at.is_(None), next_day(before.c.ends_on) == first.c.starts_on)
        .correlate(first)
        .exists()
    )
    return (
        select(func.max(first.c.starts_on))
        .where(first.c.force_code == held.c.force_code, first.c.level_code == held.c.level_code)
        .where(first.c.withdrawn_at.is_(None), first.c.starts_on <= held.c.starts_on, ~follows_on)
        .correlate(held)
        .scalar_subquery()
    )


def columns(of: Sources) -> list[ColumnElement[Any]]:
    """What is told of a plan: its own columns, and its parts as JSON texts.

    Each part is a scalar subquery on purpose: a list in a JSON column has no statistics, and a join with it would read
    the whole of the other table.
    """
    return [
        *(of.pip.c[name] for name in SHOWN),
        level_today(of, of.pip.c.force_code).label("level"),
        _concerns(of).label("concerns"),
        _actions(of).label("actions"),
        _latest_update(of).label("progress"),
    ]


def _members(table: FromClause, *names: str) -> list[tuple[str, ColumnElement[Any]]]:
    return [(name, table.c[name]) for name in names]


def _concerns(of: Sources) -> ColumnElement[str]:
    """In the plan's own order."""
    concern, named = of.concern, each(of.pip.c.concern_ids)
    told = _members(concern, "id", "title", "status", "owner")
    one = select(json_record(*told, ("measures", as_json(_measures(of))))).where(concern.c.id == as_uid(named.c.value))
    return select(json_text(json_list(as_json(one.scalar_subquery()), true()))).select_from(named).scalar_subquery()


def _measures(of: Sources) -> ColumnElement[Any]:
    measure, coded = of.measure, each(of.concern.c.measure_codes)
    told = _members(measure, "code", "name", "unit", "direction")
    one = select(json_record(*told, ("latest", as_json(_latest_figure(of))))).where(measure.c.code == coded.c.value)
    return select(json_list(as_json(one.scalar_subquery()), true())).select_from(coded).scalar_subquery()


def _latest_figure(of: Sources) -> ColumnElement[Any]:
    figure = of.figure
    newest = figure.c.period_start.desc(), figure.c.period_end.desc(), figure.c.revision.desc()
    return (
        select(json_record(("value", as_json(figure.c.value)), *_members(figure, "period_start", "period_end")))
        .where(figure.c.force_code == of.pip.c.force_code, figure.c.measure_code == of.measure.c.code)
        .where(of_whole_force(figure))
        .correlate(of.pip, of.measure)
        .order_by(*newest)
        .limit(ONE)
        .scalar_subquery()
    )


def _actions(of: Sources) -> ColumnElement[str]:
    action = of.action
    of_plan = (action.c.pip_id == of.pip.c.id) & action.c.withdrawn_at.is_(None)
    shown = [action.c[name] for name in ("status", "due_on", "task_number")]
    mine = select(*shown).where(of_plan).order_by(padded(action.c.task_number)).correlate(of.pip).subquery()
    is_open = is_one_of(mine.c.status, "not_started", "in_progress")
    is_late = is_open & (mine.c.due_on < TODAY)
    told = json_record(
        ("total", func.count()),
        *((state.value, func.count().filter(is_one_of(mine.c.status, state.value))) for state in ActionStatus),
        ("overdue", func.count().filter(is_late)),
        ("overdue_refs", as_json(json_list(mine.c.task_number, is_late))),
        ("next_due_on", func.min(mine.c.due_on).filter(is_open)),
    )
    return select(json_text(told)).select_from(mine).scalar_subquery()


def _latest_update(of: Sources) -> ColumnElement[str]:
    update = of.update
    told = json_record(*_members(update, "reported_on", "reported_by", "brag", "percent_complete", "narrative"))
    return (
        select(json_text(told))
        .where(update.c.pip_id == of.pip.c.id, update.c.concern_id.is_(None), update.c.action_id.is_(None))
        .order_by(update.c.reported_on.desc(), update.c.id.desc())
        .limit(ONE)
        .scalar_subquery()
    )


def overview(row: Record) -> Record:
    """One plan as it is answered. Its parts are JSON already and are taken over as they are."""
    parts = {name: row[name] and Fragment(row[name]) for name in PARTS}
    return {name: row[name] for name in SHOWN} | parts


def overview_forces(by: Principal, first: str = "pip:read") -> tuple[str, ...]:
    """The forces for which every part of the answer may be read. Raises 403 when there is a part that never may."""
    return by.reach_of_all(first, *NEEDS)


@lru_cache
def sources(kind: MarkKind) -> Sources:
    return Sources(kind)


@lru_cache
def _status(column: str, kind: MarkKind) -> Statement:
    of = sources(kind)
    named = of.pip.c[column] == bindparam("name", type_=pips.table.c[column].type)
    return Statement(select(*columns(of)).where(named, of.pip.c.withdrawn_at.is_(None), *visible(of.pip)))


async def get_plan_status(call: Call) -> Answer:
    """Where one plan stands, from one statement."""
    column, name = identified(call.path["id"], "ref")
    mark = Mark(call.moment)
    known = {"name": name, "forces": overview_forces(call.by), "today": call.today}
    row = await call.session.one(_status(column, mark.kind), **known, **mark.params)
    if row is None:
        await find(pips, call, call.path["id"])  # says whether it was withdrawn, or never was
        raise Problem("not_found", "There is no plan with this id.")
    return answered(call, overview(row))


operations = [
    Operation(
        "GET", "/v1/pips/{id}/status", "getPipStatus", "pips", "Read where a plan stands", "pip:read",
        get_plan_status, {200: PlanOverview, 304: None}, [ID, *MOMENT, IF_NONE_MATCH],
    )
]  # fmt: skip
