"""How does a force, a place or a team stand by the few aspects that matter to a role, and how do its parts compare?"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import bindparam, select

from pip_api.db.columns import Code, Uid
from pip_api.db.constructs import Texts, Uids, any_of, is_one_of
from pip_api.db.statements import Record, Statement
from pip_api.http.problems import Problem, bad_parameter
from pip_api.http.query import several
from pip_api.insight.comparison import UnitShown, find_unit, parts_of
from pip_api.insight.measures_shown import (
    NEEDS,
    Balance,
    MeasureShown,
    evidence,
    exceptions_first,
    measures_shown,
)
from pip_api.insight.series import FigureShown, asked_force, figure_shown, last_figures
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.document import IF_NONE_MATCH, Operation, path_parameter, query
from pip_api.kernel.moments import MOMENT
from pip_api.kernel.pages import answered
from pip_api.kernel.query import commas, flag
from pip_api.kernel.verbs import find
from pip_api.ledger.as_of import Mark, MarkKind
from pip_api.resources.concerns import concerns
from pip_api.resources.frameworks import framework_items, frameworks
from pip_api.resources.inspections import GradingKind, inspection_grades
from pip_api.resources.job_roles import job_roles
from pip_api.resources.units import WHOLE_FORCE

_ONLY = flag("exceptions")
PERIODS = 13
"""A year of months, and the same month of the year before."""


class PartShown(BaseModel):
    """A part of the whole, and its last figure."""

    unit: UnitShown
    figure: FigureShown | None


class MappingShown(BaseModel):
    """How the item stands to another, such as a service."""

    item_code: str
    relation: str
    inferred: bool
    note: str


class ItemServed(BaseModel):
    """An item of a framework whose figures these are: its place in the framework, and the services it bears on."""

    ref: str
    title: str
    parent_code: str | None
    by_exception: bool
    mappings: list[MappingShown]


class MeasureAspect(MeasureShown):
    items: list[ItemServed] = Field(description="What it stands for in frameworks that are not retired.")
    parts: list[PartShown] = Field(description="The places of the force, or the parts of the unit, side by side.")


class GradeShown(BaseModel):
    grade: str
    kind: GradingKind
    graded_on: date
    report: str


class ItemAspect(BaseModel):
    """An item of a framework that is judged and not counted."""

    ref: str
    title: str
    grades: list[GradeShown] = Field(description="The force's last grade by others, and its last by itself.")


class RoleShown(BaseModel):
    id: UUID
    title: str


class Dashboard(BaseModel):
    """How a force, or a unit of it, stands."""

    force_code: str
    unit: UnitShown | None = Field(description="Null is the force as a whole.")
    job_role: RoleShown | None = Field(description="The role whose aspects are shown.")
    measures: list[MeasureAspect] = Field(description="Those with something to be told of first.")
    left_out: list[str] = Field(
        description="Measures of which nothing is to be told now: those reported by exception only, or all when asked."
    )
    items: list[ItemAspect]
    evidence: Balance


async def get_force_dashboard(call: Call) -> Answer:
    """The aspects of a role, the measures of a framework, those asked for, or those that open concerns rest on.

    What is reported by exception only is left out as long as its last figure does not stand out.
    """
    force = asked_force(call, *NEEDS, "unit:read", "job_role:read", "concern:read", "inspection_grade:read")
    unit = await find_unit(call, force, call.query["unit"]) if "unit" in call.query else None
    role = await _role(call, force)
    codes, item_ids = await _aspects(call, force, role)
    items = await _served(call, codes)
    only = _ONLY.read(call.query["exceptions"]) if "exceptions" in call.query else False
    shown = await measures_shown(call, force, codes, unit["code"] if unit else WHOLE_FORCE, PERIODS)
    if "measure" in call.query and (strange := [code for code in codes if code not in shown]):
        raise bad_parameter("measure", f"There is no measure with this code: {', '.join(strange)}.")
    parts = await parts_of(call, force, unit)
    last = await last_figures(call, force, codes, [part["code"] for part in parts], 1)
    for code, measure in shown.items():
        measure["parts"] = [
            {
                "unit": part,
                "figure": figure_shown(last[code, part["code"]][-1]) if (code, part["code"]) in last else None,
            }
            for part in parts
        ]
        measure["items"] = items.get(code, [])
    left_out = [
        code
        for code, measure in shown.items()
        if not measure["exception"] and (only or any(item["by_exception"] for item in measure["items"]))
    ]
    shown = {code: measure for code, measure in shown.items() if code not in left_out}
    return answered(
        call,
        {
            "force_code": force,
            "left_out": left_out,
            "unit": unit,
            "job_role": role and {"id": role["id"], "title": role["title"]},
            "measures": exceptions_first([*shown.values()]),
            "items": await _items(call, force, item_ids),
            "evidence": evidence([*shown.values()]),
        },
    )


async def _role(call: Call, force: str) -> Record | None:
    if (name := call.query.get("job_role")) is None:
        return None
    try:
        id = UUID(name)
    except ValueError:
        raise bad_parameter("job_role", "'job_role' must be the id of a role.") from None
    mark = Mark(call.moment)
    role = await call.session.one(job_roles.one_by("id", mark.kind), name=id, forces=(force,), **mark.params)
    if role is None or role["withdrawn_at"] is not None:
        raise Problem("not_found", "There is no role with this id in the force.")
    return role


async def _aspects(call: Call, force: str, role: Record | None) -> tuple[list[str], list[UUID]]:
    if role is not None:
        return role["measure_codes"], [UUID(id) for id in role["framework_item_ids"]]
    mark = Mark(call.moment)
    if "framework" in call.query:
        framework = await find(frameworks, call, call.query["framework"])
        rows = await call.session.fetch(_measured(mark.kind), framework_id=framework["id"], **mark.params)
        return list(dict.fromkeys(row["measure_code"] for row in rows)), []
    if "measure" in call.query:
        return list(dict.fromkeys(several("measure", call.query["measure"]))), []
    found = await call.session.fetch(_worrying(mark.kind), force=force, **mark.params)
    return sorted({code for row in found for code in row["measure_codes"]}), []


@lru_cache
def _measured(kind: MarkKind) -> Statement:
    """The measures of a framework, in its order."""
    rows = framework_items.rows(kind)
    of_framework = rows.c.framework_id == bindparam("framework_id", type_=Uid())
    return Statement(
        select(rows.c.measure_code)
        .where(of_framework, rows.c.measure_code.is_not(None), rows.c.withdrawn_at.is_(None))
        .order_by(rows.c.kind.desc(), rows.c.position)
    )


async def _served(call: Call, codes: Sequence[str]) -> dict[str, list[Record]]:
    """The items of frameworks whose figures measures are, by measure."""
    mark, items = Mark(call.moment), defaultdict[str, list[Record]](list)
    for row in await call.session.fetch(_items_of(mark.kind), codes=[*codes], **mark.params):
        items[row["measure_code"]].append({name: row[name] for name in ItemServed.model_fields})
    return items


@lru_cache
def _items_of(kind: MarkKind) -> Statement:
    rows, framework = framework_items.rows(kind), frameworks.rows(kind)
    shown = (rows.c[name] for name in ("measure_code", *ItemServed.model_fields))
    return Statement(
        select(*shown)
        .join(framework, framework.c.id == rows.c.framework_id)
        .where(any_of(rows.c.measure_code, bindparam("codes", type_=Texts())), rows.c.withdrawn_at.is_(None))
        .where(~is_one_of(framework.c.status, "retired"))
        .order_by(rows.c.ref)
    )


@lru_cache
def _worrying(kind: MarkKind) -> Statement:
    """The measures that open concerns of a force rest on."""
    rows = concerns.rows(kind)
    is_open = is_one_of(rows.c.status, "open") & rows.c.withdrawn_at.is_(None)
    of_force = rows.c.force_code == bindparam("force", type_=Code)
    return Statement(select(rows.c.measure_codes).where(of_force, is_open))


async def _items(call: Call, force: str, ids: Sequence[UUID]) -> list[Record]:
    if not ids:
        return []
    mark = Mark(call.moment)
    about: Record = {"ids": [*ids], **mark.params}
    items = {row["id"]: row for row in await call.session.fetch(_named(mark.kind), **about)}
    grades: dict[Any, dict[str, Record]] = {}
    for row in await call.session.fetch(_grades(mark.kind), force=force, **about):
        grades.setdefault(row["framework_item_id"], {}).setdefault(row["kind"], row)  # the newest comes first
    return [
        {"ref": items[id]["ref"], "title": items[id]["title"]}
        | {"grades": [{name: row[name] for name in GradeShown.model_fields} for row in grades.get(id, {}).values()]}
        for id in ids
        if id in items
    ]


@lru_cache
def _named(kind: MarkKind) -> Statement:
    rows = framework_items.rows(kind)
    return Statement(
        select(rows.c.id, rows.c.ref, rows.c.title).where(any_of(rows.c.id, bindparam("ids", type_=Uids())))
    )


@lru_cache
def _grades(kind: MarkKind) -> Statement:
    rows, grade = inspection_grades.rows(kind), framework_items.rows(kind).alias("grade")
    return Statement(
        select(rows.c.framework_item_id, rows.c.kind, rows.c.graded_on, rows.c.report, grade.c.title.label("grade"))
        .join(grade, grade.c.id == rows.c.grade_item_id)
        .where(rows.c.force_code == bindparam("force", type_=Code), rows.c.withdrawn_at.is_(None))
        .where(any_of(rows.c.framework_item_id, bindparam("ids", type_=Uids())))
        .order_by(rows.c.graded_on.desc(), rows.c.id.desc())
    )


operations = [
    Operation(
        "GET", "/v1/forces/{force}/dashboard", "getForceDashboard", "dashboards",
        "Read how a force, a place or a team stands", "measure_assessment:read", get_force_dashboard,
        {200: Dashboard, 304: None},
        [
            path_parameter("force", "The code of the force."),
            query("unit", "The place, team or individual that it is about, by its code; left out, the whole force."),
            query("job_role", "The id of a role: the aspects that it sees are shown.",
                  {"type": "string", "format": "uuid"}),
            query("measure", "These measures, with commas; left out, those that open concerns rest on.",
                  commas({"type": "string"})),
            query("framework", "The measures that items of this framework, by its id or code, are counted by."),
            query("exceptions", "Whether only what stands out is shown.", {"type": "boolean", "default": False}),
            *MOMENT,
            IF_NONE_MATCH,
        ],
    )
]  # fmt: skip
