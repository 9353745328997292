"""Where does every plan of a region stand? One call for the tools of regional triage, as JSON or CSV."""

import csv
import io
from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby
from typing import Any

from orjson import Fragment
from pydantic import BaseModel, Field
from sqlalchemy import Integer, bindparam, func, or_, select

from pip_api.db.columns import Code, from_json, to_json
from pip_api.db.constructs import Texts, any_of, is_one_of
from pip_api.db.statements import Record, Statement
from pip_api.http.preconditions import content_etag
from pip_api.http.problems import bad_parameter
from pip_api.http.query import several
from pip_api.insight.plan_status import (
    TODAY,
    LevelOverview,
    PlanOverview,
    columns,
    level_today,
    overview,
    overview_forces,
    sources,
)
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.document import IF_NONE_MATCH, Operation, query
from pip_api.kernel.moments import MOMENT
from pip_api.kernel.pages import tagged
from pip_api.kernel.query import commas
from pip_api.ledger.as_of import Mark, MarkKind
from pip_api.rules.lifecycle import ENDED

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
    level: LevelOverview | None
    plans: list[PlanOverview]


class Triage(BaseModel):
    as_of: str
    items: list[TriageItem] = Field(
        description="By the code of the force: each that stands today, and each that ended and left a live plan."
    )


@lru_cache
def _triage(kind: MarkKind) -> Statement:
    of = sources(kind)
    pip, force = of.pip, of.force
    asked = any_of(force.c.code, bindparam("forces", type_=Texts())) & or_(
        bindparam("any_region", type_=Integer()) == 1, force.c.region_code == bindparam("region", type_=Code)
    )
    live = ~is_one_of(pip.c.status, *ENDED) & pip.c.withdrawn_at.is_(None)
    live &= pip.c.force_code.in_(select(force.c.code).where(asked))  # before the parts of a plan are put together
    plans = select(*columns(of)).where(live).subquery("plans")
    stands = or_(func.coalesce(force.c.ends_on, TODAY) >= TODAY, plans.c.ref.is_not(None))
    shown = [force.c.code.label("of_force"), force.c.name.label("force_name"), force.c.region_code.label("of_region")]
    return Statement(
        select(*shown, level_today(of, force.c.code).label("force_level"), *plans.c)
        .select_from(force.outerjoin(plans, plans.c.force_code == force.c.code))
        .where(asked, stands, force.c.withdrawn_at.is_(None))
        .order_by(force.c.code, plans.c.ref)
    )


async def get_triage(call: Call) -> Answer:
    """Every live plan that the caller may see, force by force, from one statement."""
    levels, form = _levels(call), _form(call)
    reach = overview_forces(call.by, "triage:read")
    region = call.query.get("region")
    mark, where = Mark(call.moment), {"region": region or "", "any_region": int(region is None)}
    rows = await call.session.fetch(_triage(mark.kind), forces=reach, **where, today=call.today, **mark.params)
    by_force = [list(group) for _, group in groupby(rows, key=lambda row: row["of_force"])]
    asked = [group for group in by_force if _is_asked(group[0], levels)]
    if form == "csv":
        headers = {"Content-Disposition": 'attachment; filename="triage.csv"'}
        table = _csv(asked)
        return tagged(call, content_etag(table), table, headers, "text/csv; charset=utf-8")
    items = to_json([_item(group) for group in asked])
    return tagged(call, content_etag(items), {"as_of": call.moment or call.now, "items": Fragment(items)})


def _item(rows: list[Record]) -> Record:
    first = rows[0]
    return {
        "force": {"code": first["of_force"], "name": first["force_name"], "region_code": first["of_region"]},
        "level": first["force_level"] and Fragment(first["force_level"]),
        "plans": [overview(row) for row in rows if row["ref"] is not None],
    }


def _levels(call: Call) -> frozenset[int] | None:
    text = call.query.get("level")
    if text is None:
        return None
    parts = several("level", text)
    if not all(part.isascii() and part.isdecimal() and len(part) == 1 for part in parts):
        raise bad_parameter("level", "'level' must be one or more levels, with commas, such as 3,4.")
    return frozenset(map(int, parts))


def _form(call: Call) -> str:
    preferred = "csv" if call.accept == "text/csv" else "json"
    form = call.query.get("format", preferred)
    if form not in ("json", "csv"):
        raise bad_parameter("format", "'format' must be json or csv.", allowed=["json", "csv"])
    return form


def _is_asked(row: Record, levels: frozenset[int] | None) -> bool:
    return levels is None or _part(row["force_level"]).get("level") in levels


def _part(text: str | None) -> Record:
    """A part that the database made, read again where it is not just passed on."""
    read: Record = from_json(text) if text else {}
    return read


def _csv(by_force: Iterable[list[Record]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(CSV_COLUMNS)
    for rows in by_force:
        writer.writerows(map(_csv_row, rows))
    return text.getvalue().encode()


def _csv_row(row: Record) -> list[Any]:
    level = _part(row["force_level"])
    cells = [row["of_force"], row["force_name"], row["of_region"], level.get("level"), level.get("since")]
    if row["ref"] is not None:
        concerns, counts, progress = from_json(row["concerns"]), _part(row["actions"]), _part(row["progress"])
        cells += [row[name] for name in ("ref", "title", "status", "lead")]
        cells += [len(concerns), len({each["code"] for concern in concerns for each in concern["measures"]})]
        cells += [counts[name] for name in ("total", "completed", "overdue")]
        cells += [" ".join(counts["overdue_refs"]), counts["next_due_on"]]
        cells += [progress.get(name) for name in ("brag", "percent_complete", "reported_on")]
    return [_harmless(cell) for cell in cells] + [None] * (len(CSV_COLUMNS) - len(cells))


def _harmless(cell: Any) -> Any:
    """A text that a spreadsheet would run as a formula gets an apostrophe in front; an import takes it off again."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


operations = [
    Operation(
        "GET", "/v1/triage", "getTriage", "triage", "Read where every plan stands", "triage:read",
        get_triage, {200: Triage, 304: None},
        [
            query("region", "Only the forces of this region, by its code."),
            query("level", "Only forces at these levels of support, with commas.",
                  commas({"type": "integer", "format": "int32", "minimum": 0, "maximum": 9})),
            query("format", "Instead of the Accept header.", {"type": "string", "enum": ["json", "csv"]}),
            *MOMENT,
            IF_NONE_MATCH,
        ],
        also={"text/csv": {"type": "string", "examples": [",".join(CSV_COLUMNS)]}}, sends=["Content-Disposition"],
    )
]  # fmt: skip
