"""Where does every plan of a region stand? One call for the tools of regional triage, as JSON or CSV."""

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import Integer, bindparam, func, or_, select

from pip_api.db.columns import Code
from pip_api.db.constructs import Texts, any_of, is_one_of
from pip_api.db.statements import Record, Statement
from pip_api.http.problems import Problem, fault
from pip_api.insight.plan_status import (
    TODAY,
    LevelStatus,
    PlanStatus,
    assembled,
    joined_measures,
    level_today,
    overview_forces,
    pip,
    plans_with_counts,
)
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.document import Operation, query
from pip_api.resources.forces import forces

CSV_COLUMNS = (
    "force_code", "force_name", "region_code", "level", "level_since", "pip_ref", "pip_title", "pip_status", "pip_lead",
    "concerns", "measures", "actions_total", "actions_completed", "actions_overdue", "overdue_refs", "next_due_on",
    "brag", "percent_complete", "reported_on",
)  # fmt: skip


class TriageForce(BaseModel):
    code: str
    name: str
    region_code: str | None


class TriageItem(BaseModel):
    """One force: its level of support and where each of its live plans stands."""

    force: TriageForce
    level: LevelStatus | None
    plans: list[PlanStatus]


class Triage(BaseModel):
    as_of: str
    items: list[TriageItem] = Field(description="In the order of the forces' codes; forces without a plan too.")


def _statement() -> Statement:
    force, region = forces.table, bindparam("region", type_=Code)
    asked = (
        any_of(force.c.code, bindparam("forces", type_=Texts()))
        & or_(bindparam("any_region", type_=Integer()) == 1, force.c.region_code == region)
        & (func.coalesce(force.c.ends_on, TODAY) >= TODAY)
    )
    live = ~is_one_of(pip.c.status, "closed", "superseded") & pip.c.force_code.in_(select(force.c.code).where(asked))
    plans = plans_with_counts(live)
    joined, added = joined_measures(plans)
    rows = select(*plans.c, *added).select_from(joined).subquery("rows")
    level = level_today(force.c.code).label("level")
    shown = [force.c.code.label("of_force"), force.c.name.label("force_name"), force.c.region_code.label("of_region")]
    return Statement(
        select(*shown, level, *rows.c)
        .select_from(force.outerjoin(rows, rows.c.force_code == force.c.code))
        .where(asked, force.c.withdrawn_at.is_(None))
        .order_by(force.c.code, rows.c.ref)
    )


_TRIAGE = _statement()


async def get_triage(call: Call) -> Answer:
    """Every live plan that the caller may see, force by force, from one statement."""
    levels, form = _levels(call), _form(call)
    reach = overview_forces(call.by, "triage:read")
    region = call.query.get("region")
    rows = await call.session.fetch(
        _TRIAGE, forces=reach, region=region or "", any_region=int(region is None), today=call.today
    )
    by_force = groupby(rows, key=lambda row: row["of_force"])
    items = [item for item in (_item(list(group)) for _, group in by_force) if _is_asked(item, levels)]
    if form == "csv":
        return Answer(
            200, _csv(items), {"Content-Disposition": 'attachment; filename="triage.csv"'}, "text/csv; charset=utf-8"
        )
    return Answer(200, {"as_of": call.now, "items": items})


def _item(rows: list[Record]) -> Record:
    first = rows[0]
    plans = groupby((row for row in rows if row["ref"] is not None), key=lambda row: row["ref"])
    return {
        "force": {"code": first["of_force"], "name": first["force_name"], "region_code": first["of_region"]},
        "level": first["level"],
        "plans": [assembled(list(group)) | {"level": first["level"]} for _, group in plans],
    }


def _levels(call: Call) -> frozenset[int] | None:
    text = call.query.get("level")
    if text is None:
        return None
    if not all(part.isascii() and part.isdecimal() and len(part) == 1 for part in text.split(",")):
        detail = "'level' must be one or more levels, with commas, such as 3,4."
        raise Problem(
            "invalid_parameter", detail, errors=[fault("invalid_parameter", detail, "query", parameter="level")]
        )
    return frozenset(map(int, text.split(",")))


def _form(call: Call) -> str:
    preferred = "csv" if call.accept.lower().startswith("text/csv") else "json"
    form = call.query.get("format", preferred)
    if form not in ("json", "csv"):
        detail = "'format' must be json or csv."
        wrong = fault("invalid_parameter", detail, "query", parameter="format", allowed=["json", "csv"])
        raise Problem("invalid_parameter", detail, errors=[wrong])
    return form


def _is_asked(item: Record, levels: frozenset[int] | None) -> bool:
    return levels is None or (item["level"] is not None and item["level"]["level"] in levels)


def _csv(items: Iterable[Record]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(CSV_COLUMNS)
    for item in items:
        writer.writerows(_csv_rows(item))
    return text.getvalue().encode()


def _csv_rows(item: Record) -> Iterator[list[Any]]:
    force, level = item["force"], item["level"] or {}
    start = [force["code"], force["name"], force["region_code"], level.get("level"), level.get("since")]
    for plan in item["plans"]:
        counts, progress = plan["actions"], plan["progress"] or {}
        measured = sum(len(concern["measures"]) for concern in plan["concerns"])
        cells = [plan[name] for name in ("ref", "title", "status", "lead")]
        cells += [len(plan["concerns"]), measured, counts["total"], counts["completed"], counts["overdue"]]
        cells += [" ".join(counts["overdue_refs"]), counts["next_due_on"]]
        cells += [progress.get(name) for name in ("brag", "percent_complete", "reported_on")]
        yield [_harmless(cell) for cell in [*start, *cells]]
    if not item["plans"]:
        yield [*start, *[None] * (len(CSV_COLUMNS) - len(start))]


def _harmless(cell: Any) -> Any:
    """A text that a spreadsheet would run as a formula gets an apostrophe in front; an import takes it off again."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


operations = [
    Operation(
        "GET", "/v1/triage", "getTriage", "triage", "Read where every plan stands", "triage:read",
        get_triage, {200: Triage},
        [
            query("region", "Only the forces of this region, by its code."),
            query("level", "Only forces at these levels of support, with commas."),
            query("format", "Instead of the Accept header.", {"type": "string", "enum": ["json", "csv"]}),
        ],
        also={"text/csv": {"type": "string"}},
    )
]  # fmt: skip
