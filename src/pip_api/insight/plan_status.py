"""Where does a plan stand: its force's level, its concerns and their measures, its actions, the last word on it?"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import CTE, ColumnElement, Date, FromClause, String, bindparam, case, cast, func, select, true

from pip_api.access.principals import Principal
from pip_api.db.constructs import as_uid, comma_list, each, is_one_of, json_record
from pip_api.db.statements import Record, Statement
from pip_api.http.problems import Problem
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.document import ID, Operation
from pip_api.kernel.resource import visible
from pip_api.kernel.verbs import identified
from pip_api.resources.actions import actions
from pip_api.resources.concerns import concerns
from pip_api.resources.figures import figures
from pip_api.resources.measures import measures
from pip_api.resources.pips import pips
from pip_api.resources.progress import progress_updates
from pip_api.resources.support_levels import support_level_assignments, support_levels

NEEDS = (
    "pip:read",
    "concern:read",
    "action:read",
    "figure:read",
    "progress_update:read",
    "support_level_assignment:read",
)
"""The answer is made of all of these, so it is given for the forces for which all are held."""

pip, concern, action, measure = pips.table, concerns.table, actions.table, measures.table
update, held, level = progress_updates.table, support_level_assignments.table, support_levels.table

TODAY = bindparam("today", type_=Date())
SHOWN = ("id", "ref", "title", "status", "version", "lead", "force_code", "starts_on", "ends_on", "updated_at")


class LevelStatus(BaseModel):
    code: str
    level: int
    since: date


class LatestFigure(BaseModel):
    value: float
    period_start: date
    period_end: date


class MeasureStatus(BaseModel):
    code: str
    name: str
    unit: str
    direction: str | None
    latest: LatestFigure | None = Field(
        description="The newest revision of the latest period; none when no figure came yet."
    )


class ConcernStatus(BaseModel):
    id: str
    title: str
    status: str
    owner: str | None
    measures: list[MeasureStatus]


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


class PlanStatus(BaseModel):
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
    level: LevelStatus | None = Field(description="The force's level of support today.")
    concerns: list[ConcernStatus] = Field(description="In the plan's own order, the most pressing first.")
    actions: ActionCounts
    progress: LatestUpdate | None = Field(description="The latest update about the plan as a whole.")


def level_today(force_code: ColumnElement[str]) -> ColumnElement[Any]:
    """The level of a force today, as one JSON object."""
    found = select(json_record("code", level.c.code, "level", level.c.level, "since", cast(held.c.starts_on, String)))
    return (
        found.select_from(held.join(level, level.c.code == held.c.level_code))
        .where(held.c.force_code == force_code, held.c.withdrawn_at.is_(None), held.c.starts_on <= TODAY)
        .where(func.coalesce(held.c.ends_on, TODAY) >= TODAY)
        .limit(1)
        .scalar_subquery()
    )


def _latest_figure(plans: CTE) -> ColumnElement[Any]:
    newest = figures.c.period_start.desc(), figures.c.period_end.desc(), figures.c.revision.desc()
    shown = ("value", "period_start", "period_end")
    return (
        select(json_record(*(part for name in shown for part in (name, cast(figures.c[name], String)))))
        .where(figures.c.force_code == plans.c.force_code, figures.c.measure_code == measure.c.code)
        .order_by(*newest)
        .limit(1)
        .scalar_subquery()
    )


def _latest_update() -> ColumnElement[Any]:
    shown = [(name, update.c[name]) for name in ("reported_by", "brag", "percent_complete", "narrative")]
    members = [part for pair in shown for part in pair]
    return (
        select(json_record("reported_on", cast(update.c.reported_on, String), *members))
        .where(update.c.pip_id == pip.c.id, update.c.concern_id.is_(None), update.c.action_id.is_(None))
        .order_by(update.c.reported_on.desc(), update.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )


def _action_counts(of_plans: ColumnElement[bool]) -> FromClause:
    is_open = is_one_of(action.c.status, "not_started", "in_progress")
    is_late = is_open & (action.c.due_on < TODAY)
    states = ("not_started", "in_progress", "completed", "cancelled")
    return (
        select(
            action.c.pip_id,
            func.count().label("total"),
            *(func.sum(case((action.c.status == state, 1), else_=0)).label(state) for state in states),
            func.sum(case((is_late, 1), else_=0)).label("overdue"),
            comma_list(case((is_late, action.c.task_number))).label("overdue_refs"),
            func.min(case((is_open, action.c.due_on))).label("next_due_on"),
        )
        .where(action.c.withdrawn_at.is_(None), action.c.pip_id.in_(select(pip.c.id).where(of_plans)))
        .group_by(action.c.pip_id)
        .subquery("counts")
    )


def plans_with_counts(which: ColumnElement[bool]) -> CTE:
    """Each plan once, with what is counted of it."""
    counts = _action_counts(which)
    counted = [counts.c[name].label(f"actions_{name}") for name in dict(counts.c.items()) if name != "pip_id"]
    return (
        select(*(pip.c[name] for name in (*SHOWN, "concern_ids")), *counted, _latest_update().label("progress"))
        .select_from(pip.outerjoin(counts, counts.c.pip_id == pip.c.id))
        .where(which, pip.c.withdrawn_at.is_(None))
        .cte("plans")
        .prefix_with("MATERIALIZED")
    )


def joined_measures(plans: CTE) -> tuple[FromClause, Sequence[ColumnElement[Any]]]:
    """The plans with a row for each measure of each concern, and the columns that these rows add."""
    concern_place, code_place = each(plans.c.concern_ids), each(concern.c.measure_codes)
    joined = (
        plans.outerjoin(concern_place, true())
        .outerjoin(concern, (concern.c.id == as_uid(concern_place.c.value)) & concern.c.withdrawn_at.is_(None))
        .outerjoin(code_place, true())
        .outerjoin(measure, measure.c.code == code_place.c.value)
    )
    return joined, [
        *(concern.c[name].label(f"concern_{name}") for name in ("id", "title", "status", "owner")),
        *(measure.c[name].label(f"measure_{name}") for name in ("code", "name", "unit", "direction")),
        _latest_figure(plans).label("latest"),
    ]


def assembled(rows: Sequence[Record]) -> Record:
    """One plan from its rows, as it is answered."""
    first = rows[0]
    found: dict[str, Record] = {}
    for row in rows:
        if row["concern_id"] is not None:
            concern = found.setdefault(str(row["concern_id"]), _members(row, "concern_") | {"measures": []})
            if row["measure_code"] is not None:
                concern["measures"].append(_members(row, "measure_") | {"latest": _exact(row["latest"])})
    refs = first["actions_overdue_refs"]
    counted = {name: value or 0 for name, value in _members(first, "actions_").items()}
    late = sorted(refs.split(","), key=_in_parts) if refs else []
    counted |= {"overdue_refs": late, "next_due_on": first["actions_next_due_on"]}
    return {
        **{name: first[name] for name in SHOWN},
        "concerns": [found[id] for id in first["concern_ids"] if id in found],
        "actions": counted,
        "progress": first["progress"],
    }


def _members(row: Record, prefix: str) -> Record:
    return {name.removeprefix(prefix): value for name, value in row.items() if name.startswith(prefix)}


def _in_parts(task_number: str) -> list[int]:
    """Task 1.10 comes after task 1.9."""
    return [int(part) for part in task_number.split(".")]


def _exact(latest: Record | None) -> Record | None:
    """SQL hands the value over as text, so that no digit is lost on the way through JSON."""
    return None if latest is None else latest | {"value": Decimal(latest["value"])}


def overview_forces(by: Principal, first: str = "pip:read") -> tuple[str, ...]:
    """The forces for which every part of the answer may be read. Raises 403 when there is a part that never may."""
    for permission in (first, *NEEDS):
        by.require(permission)
    reached = set(by.reach(first)).intersection(*(by.reach(permission) for permission in NEEDS))
    return tuple(sorted(reached))


def _by(column: str) -> Statement:
    plans = plans_with_counts((pip.c[column] == bindparam("name", type_=pip.c[column].type)) & visible(pip)[0])
    joined, added = joined_measures(plans)
    return Statement(select(*plans.c, level_today(plans.c.force_code).label("level"), *added).select_from(joined))


_STATUS = {"id": _by("id"), "ref": _by("ref")}


async def get_plan_status(call: Call) -> Answer:
    """Where one plan stands, from one statement."""
    column, name = identified(call.path["id"], "ref")
    rows = await call.session.fetch(_STATUS[column], name=name, forces=overview_forces(call.by), today=call.today)
    if not rows:
        raise Problem("not_found", "There is no plan with this id.")
    return Answer(200, assembled(rows) | {"level": rows[0]["level"]})


operations = [
    Operation(
        "GET", "/v1/pips/{id}/status", "getPipStatus", "pips", "Read where a plan stands", "pip:read",
        get_plan_status, {200: PlanStatus}, [ID],
    )
]  # fmt: skip
