"""How do figures come in by the hundred thousand? Staged, checked, and merged in one statement."""

import hashlib
from collections.abc import AsyncIterator, Mapping, Set
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NotRequired
from uuid import UUID

from pydantic import TypeAdapter, with_config
from sqlalchemy import (
    Column,
    Date,
    Integer,
    MetaData,
    String,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
)
from typing_extensions import TypedDict

from pip_api.db.columns import Amount, Code, Instant, Uid
from pip_api.db.constructs import differs, tab_separated
from pip_api.db.errors import Conflict
from pip_api.db.statements import Record, Statement
from pip_api.exchange.imports import Batches, Kind, natural_key
from pip_api.exchange.report import Report
from pip_api.exchange.tabular import RawRow
from pip_api.http.problems import Problem, fault
from pip_api.kernel.call import Call
from pip_api.kernel.resource import visible
from pip_api.kernel.shapes import Day, Exact, Line, Named, Prose
from pip_api.resources.figures import KEY, OF_INDIVIDUALS, FigureStatus, figures, is_newest, is_open
from pip_api.resources.measures import MeasureKind, measures
from pip_api.resources.units import WHOLE_FORCE, units


@with_config(extra="forbid", use_enum_values=True)
class FigureRow(TypedDict):
    """A row of a file. What it leaves out stays as it is; the types are those of a single figure."""

    force_code: str
    measure_code: str
    period_start: Day
    period_end: Day
    value: Exact
    unit: NotRequired[str]
    numerator: NotRequired[Exact]
    denominator: NotRequired[Exact]
    status: NotRequired[FigureStatus]
    narrative: NotRequired[Prose]
    source_system: NotRequired[Line]
    source_run: NotRequired[Line]
    unit_code: NotRequired[Named]


staged = Table(
    "staged_figure",
    MetaData(),
    Column("row_index", Integer, nullable=False),
    Column("line", Integer, nullable=False),
    Column("force_code", Code, nullable=False),
    Column("measure_code", Code, nullable=False),
    Column("unit_code", Code, nullable=False),
    Column("period_start", Date, nullable=False),
    Column("period_end", Date, nullable=False),
    Column("value", Amount, nullable=False),
    Column("numerator", Amount),
    Column("denominator", Amount),
    Column("status", String),
    Column("narrative", String),
    Column("source_system", String),
    Column("source_run", String),
    prefixes=["TEMPORARY"],
)
_staged_key = [staged.c[name] for name in KEY]

_COUNTED_IN = Statement(
    select(*(measures.table.c[name] for name in ("code", "unit", "kind"))).where(
        measures.table.c.withdrawn_at.is_(None)
    )
)
_PLACES = Statement(
    select(units.table.c.force_code, units.table.c.code).where(
        units.table.c.withdrawn_at.is_(None), *visible(units.table), is_open(units.table)
    )
)
_ANY_TWICE = Statement(
    select(func.count().label("count")).select_from(staged).group_by(*_staged_key).having(func.count() > 1).limit(1)
)
_first = func.min(staged.c.row_index).over(partition_by=_staged_key).label("first_index")
_first_line = func.min(staged.c.line).over(partition_by=_staged_key).label("first_line")
_marked = select(staged.c.row_index, staged.c.line, *_staged_key, _first, _first_line).subquery()
_TWICE = Statement(select(*_marked.c).where(_marked.c.row_index != _marked.c.first_index).order_by(_marked.c.row_index))
_DROP_TWICE = Statement(
    delete(staged).where(
        staged.c.row_index.in_(select(_marked.c.row_index).where(_marked.c.row_index != _marked.c.first_index))
    )
)
_new = {
    "value": staged.c.value,
    "numerator": func.coalesce(staged.c.numerator, figures.c.numerator),
    "denominator": func.coalesce(staged.c.denominator, figures.c.denominator),
    "status": func.coalesce(staged.c.status, figures.c.status, FigureStatus.final.value),
    "narrative": func.coalesce(staged.c.narrative, figures.c.narrative, ""),
    "source_system": func.coalesce(
        staged.c.source_system, bindparam("source", type_=String()), figures.c.source_system
    ),
    "source_run": func.coalesce(staged.c.source_run, figures.c.source_run),
}
_known = and_(*(figures.c[name] == staged.c[name] for name in KEY), is_newest(figures))
_MERGE = Statement(
    insert(figures).from_select(
        [*KEY, *_new, "revision", "recorded_at", "entry_id"],
        select(
            *_staged_key,
            *_new.values(),
            func.coalesce(figures.c.revision, 0) + 1,
            bindparam("now", type_=Instant()),
            bindparam("entry_id", type_=Uid()),
        )
        .select_from(staged.outerjoin(figures, _known))
        .where(
            or_(
                figures.c.revision.is_(None),
                *(differs(_new[name], figures.c[name]) for name in ("value", "numerator", "denominator")),
                *(_new[name] != figures.c[name] for name in ("status", "narrative")),
            )
        )
        # In the order of its keys an index takes rows fastest, and `digest` sorts them fastest.
        .order_by(*_staged_key),
    )
)
_WRITTEN = (*KEY, "revision", *_new)
_of_entry = figures.c.entry_id == bindparam("entry_id", type_=Uid())
_COUNT_FIRST = Statement(
    select(func.count().label("count")).select_from(figures).where(_of_entry, figures.c.revision == 1)
)
_LINES = Statement(
    select(tab_separated(*(figures.c[name] for name in _WRITTEN)).label("line"))
    .where(_of_entry)
    .order_by(*(figures.c[name] for name in KEY))
)


async def merge(call: Call, batches: Batches, report: Report, import_id: UUID) -> str:
    """Writes a new revision of each figure whose number is new or differs from the newest one."""
    forces = frozenset(call.by.reach("figure:write")) & frozenset(call.by.reach("figure:read"))
    places = await call.session.fetch(_PLACES, forces=tuple(sorted(forces)), people=call.by.reach(OF_INDIVIDUALS))
    counted = await call.session.fetch(_COUNTED_IN)
    known = Known(
        forces,
        {row["code"]: row["unit"] for row in counted},
        {row["code"] for row in counted if row["kind"] == MeasureKind.prediction},
        {(row["force_code"], row["code"]) for row in places}.union((force, WHOLE_FORCE) for force in forces),
        call.today,
    )
    written_for: set[str] = set()
    await call.session.stage(staged, _checked(batches, report, known, written_for))
    for force in sorted(written_for):
        call.require_for("figure:write", force)
    await _refuse_duplicates(call, report)
    try:
        written = await call.session.run(_MERGE, now=call.now, entry_id=import_id, source=call.query.get("source"))
    except Conflict as conflict:
        if conflict.kind == "unique":
            raise Problem(
                "concurrent_write",
                "Another import wrote the same figures. Send it again.",
                headers={"Retry-After": "1"},
            ) from conflict
        raise
    first = await call.session.one(_COUNT_FIRST, entry_id=import_id)
    report.created = first["count"] if first is not None else 0
    report.updated = written - report.created
    report.unchanged = report.received - report.failed - written
    return await digest(call, import_id)


async def digest(call: Call, entry_id: UUID) -> str:
    """SHA-256 over the figures that an entry brought, in the order of their keys, one line of tab-separated text each.

    The ledger keeps it, so that figures changed behind the service's back are found out.
    """
    made = hashlib.sha256()
    async for rows in call.session.stream(_LINES, entry_id=entry_id):
        made.update("".join([row["line"] + "\n" for row in rows]).encode())
    return made.hexdigest()


@dataclass(frozen=True, slots=True)
class Known:
    """What rows are held against: the forces that may be written for, in what each measure is counted, which of them
    are predictions, the units that may be written for, and the day."""

    forces: frozenset[str]
    counted_in: Mapping[str, str]
    predicted: Set[str]
    units: Set[tuple[str, str]]
    today: date


async def _checked(
    batches: Batches, report: Report, known: Known, written_for: set[str]
) -> AsyncIterator[list[tuple[object, ...]]]:
    """The rows whose references hold, as the staging table wants them; notes the forces that they are of."""
    async for batch in batches:
        ready = []
        for raw, row in batch:
            unit = known.counted_in.get(row["measure_code"])
            found = unit is not None and (row["force_code"], row.get("unit_code", WHOLE_FORCE)) in known.units
            begun = row["period_start"] <= known.today or row["measure_code"] in known.predicted
            if found and begun and row["period_start"] <= row["period_end"] and row.get("unit", unit) == unit:
                ready.append(_staged(raw, row))
            else:
                report.fail(raw.place, raw.line, _faults(row, known, unit), natural_key(KEY, row))
        written_for.update(row["force_code"] for _, row in batch if row["force_code"] in known.forces)
        yield ready


def _staged(raw: RawRow, row: Record) -> tuple[object, ...]:
    return (
        raw.place,
        raw.line,
        row["force_code"],
        row["measure_code"],
        row.get("unit_code", WHOLE_FORCE),
        row["period_start"].isoformat(),
        row["period_end"].isoformat(),
        _plain(row["value"]),
        _plain(row.get("numerator")),
        _plain(row.get("denominator")),
        row.get("status"),
        row.get("narrative"),
        row.get("source_system"),
        row.get("source_run"),
    )


def _plain(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount, "f")


def _faults(row: Record, known: Known, unit: str | None) -> list[Record]:
    wrongs = []
    if row["force_code"] not in known.forces:
        detail = "There is no force with this code that you may write figures for."
        wrongs.append({**fault("unknown_reference", detail, rule="FIG-002"), "column": "force_code"})
    elif (row["force_code"], row.get("unit_code", WHOLE_FORCE)) not in known.units:
        detail = "There is no unit with this code in the force for which you may write figures."
        wrongs.append({**fault("unknown_reference", detail, rule="FIG-007"), "column": "unit_code"})
    if unit is None:
        detail = "There is no measure with this code."
        wrongs.append({**fault("unknown_reference", detail, rule="FIG-003"), "column": "measure_code"})
    elif row.get("unit", unit) != unit:
        detail = f"The measure is counted in {unit}."
        wrongs.append({**fault("wrong_unit", detail, rule="FIG-004"), "column": "unit"})
    if row["period_end"] < row["period_start"]:
        detail = "The period ends before it starts."
        wrongs.append({**fault("ends_before_start", detail, rule="FIG-005"), "column": "period_end"})
    if row["period_start"] > known.today and row["measure_code"] not in known.predicted:
        detail = "The period has not begun."
        wrongs.append({**fault("in_the_future", detail, rule="FIG-001"), "column": "period_start"})
    return wrongs


async def _refuse_duplicates(call: Call, report: Report) -> None:
    """Two rows for one figure: the first may stand, and every later one is a problem that names both."""
    if await call.session.one(_ANY_TWICE) is None:
        return
    async for rows in call.session.stream(_TWICE):
        for row in rows:
            detail = f"The same force, unit, measure and period stand in line {row['first_line']} already."
            wrong = {
                **fault("duplicate_in_request", detail, rule="FIG-006"),
                "column": None,
                "other_line": row["first_line"],
            }
            report.fail(row["row_index"], row["line"], [wrong], natural_key(KEY, row))
    await call.session.run(_DROP_TWICE)


KIND = Kind(
    name="figures",
    permission="figure:write",
    row=TypeAdapter(list[FigureRow]),
    columns=dict.fromkeys(FigureRow.__annotations__, ()) | {"force_code": ("force",), "measure_code": ("measure",)},
    required=("force_code", "measure_code", "period_start", "period_end", "value"),
    key=KEY,
    merge=merge,
)
