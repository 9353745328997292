"""How are figures read and recorded?

A second number for the same period is a revision. Unlike other resources a figure needs no If-Match: nothing that was
sent before can be lost.
"""

from datetime import date, datetime
from functools import lru_cache
from typing import Any

from pydantic import BaseModel
from sqlalchemy import ColumnElement, FromClause, Select, Table, and_, bindparam, func, insert, select
from sqlmodel import Field

from pip_api.db.columns import Code
from pip_api.db.errors import Conflict
from pip_api.db.statements import Record, Statement, column_of
from pip_api.http.preconditions import etag, stale, unchanged, versions
from pip_api.http.problems import Problem, fault
from pip_api.kernel.answer_shapes import Actor, page_shape
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.document import (
    IF_MATCH,
    IF_NONE_MATCH,
    REASON,
    Operation,
    header,
    listing_parameters,
    path_parameter,
    query,
)
from pip_api.kernel.moments import MOMENT
from pip_api.kernel.pages import list_page, rowwise, tagged
from pip_api.kernel.validation import validated
from pip_api.ledger import entries
from pip_api.ledger.as_of import Mark, MarkKind
from pip_api.resources.figures import (
    CONTENT,
    KEY,
    OF_INDIVIDUALS,
    SHOWN,
    FigureFields,
    FigureStatus,
    figure_listing,
    figure_rows,
    figures,
    is_told,
)
from pip_api.resources.measures import Measure, MeasureKind
from pip_api.resources.units import WHOLE_FORCE, Unit, UnitKind
from pip_api.rules.periods import Period, parse, written


class FigureRead(BaseModel):
    """A figure as it is answered."""

    force_code: str
    measure_code: str
    unit_code: str | None = Field(description="The unit of the force that it is of; null is the force as a whole.")
    period: str = Field(description="The shortest way to write the period, such as 2026-10.")
    period_start: date
    period_end: date
    value: float = Field(description="A JSON number with exactly the digits that were sent.")
    numerator: float | None
    denominator: float | None
    status: FigureStatus
    narrative: str
    source_system: str | None
    source_run: str | None
    revision: int
    recorded_at: datetime


class FigureRevision(FigureRead):
    """One number that was sent, and who sent it in which request and why."""

    actor: Actor
    reason: str | None
    overridden: bool
    request_id: str
    entry: str = Field(description="The ledger entry; of an import, that is the id of the import too.")


class FigureRevisions(BaseModel):
    """Every number that was sent for a force or a unit of it, a measure and a period, the newest first."""

    items: list[FigureRevision]


def _of_key(figure: Any) -> list[ColumnElement[bool]]:
    return [figure.c[name] == bindparam(name, type_=figures.c[name].type) for name in KEY]


def _of_one(rows: FromClause) -> Select[Any]:
    return (
        select(*(rows.c[name] for name in SHOWN)).where(*_of_key(rows), is_told(rows)).order_by(rows.c.revision.desc())
    )


@lru_cache
def _current(kind: MarkKind) -> Statement:
    return Statement(_of_one(figure_rows(kind)).limit(1))


_REVISIONS = Statement(
    _of_one(figures)
    .add_columns(*(column_of(entries.LedgerEntry, name) for name in entries.OCCASION))
    .join(entries.LedgerEntry, column_of(entries.LedgerEntry, "id") == figures.c.entry_id)
)
_measure: Table = Measure.__table__  # type: ignore[attr-defined]
_MEASURE_AND_CURRENT = Statement(
    select(_measure.c.withdrawn_at, _measure.c.kind, *(figures.c[name] for name in SHOWN if name != "measure_code"))
    .select_from(_measure)
    .outerjoin(figures, and_(*_of_key(figures), figures.c.measure_code == _measure.c.code))
    .where(_measure.c.code == bindparam("measure_code", type_=Code))
    .order_by(func.coalesce(figures.c.revision, 0).desc())
    .limit(1)
)
_unit: Table = Unit.__table__  # type: ignore[attr-defined]
_UNIT = Statement(
    select(_unit.c.kind).where(
        _unit.c.force_code == bindparam("force_code", type_=Code),
        _unit.c.code == bindparam("unit_code", type_=Code),
        _unit.c.withdrawn_at.is_(None),
    )
)
_INSERT = Statement(insert(figures).values({c.name: bindparam(c.name, type_=c.type) for c in figures.c}))


async def list_figures(call: Call) -> Answer:
    """The newest revision of each figure."""
    reached = {"forces": call.by.reach("figure:read"), "people": call.by.reach(OF_INDIVIDUALS)}
    return await list_page(figure_listing, call, "/v1/figures", reached, rowwise(_shown))


async def get_figure(call: Call) -> Answer:
    """The newest revision of one figure."""
    mark = Mark(call.moment)
    current = await call.session.one(_current(mark.kind), **_asked(call), **mark.params)
    if current is None:
        raise Problem("not_found", "There is no figure for this force, measure and period.")
    return tagged(call, etag(current["revision"]), _shown(current))


async def list_revisions(call: Call) -> Answer:
    """Every revision of one figure, the newest first."""
    rows = await call.session.fetch(_REVISIONS, **_asked(call))
    if not rows:
        raise Problem("not_found", "There is no figure for this force, measure and period.")
    return Answer(200, {"items": [_shown(row) | entries.occasion_of(row) for row in rows]})


async def put_figure(call: Call) -> Answer:
    """Records a number. The same number again changes nothing; another one is the next revision."""
    key = _asked(call)
    call.require_for("figure:write", key["force_code"])
    call.check_media_type()
    found = await call.session.one(_MEASURE_AND_CURRENT, **key)
    if found is None or found["withdrawn_at"] is not None:
        raise Problem("not_found", "There is no measure with this code.")
    if key["period_start"] > call.today and found["kind"] != MeasureKind.prediction:
        detail = "The period has not begun."
        wrong = fault("in_the_future", detail, "path", parameter="period", rule="FIG-001")
        raise Problem("validation_failed", detail, errors=[wrong])
    unit = None if key["unit_code"] == WHOLE_FORCE else await call.session.one(_UNIT, **key)
    if key["unit_code"] != WHOLE_FORCE and unit is None:
        raise Problem("not_found", "There is no unit with this code in the force.")
    of_individual = unit is not None and unit["kind"] == UnitKind.individual
    if of_individual:
        call.require_for(OF_INDIVIDUALS, key["force_code"])
    revision = found["revision"] or 0
    if call.if_match is not None and not (
        revision if call.if_match.strip() == "*" else revision in versions(call.if_match)
    ):
        raise stale(revision)
    if revision and unchanged(call.if_none_match, tag := etag(revision)):
        detail = "There is a figure for this force, measure and period already."
        wrong = fault("version_mismatch", detail, "header", header="If-None-Match")
        raise Problem("version_mismatch", detail, errors=[wrong], headers={"ETag": tag})
    sent = validated(FigureFields, call.body(), set(CONTENT), ignored=call.ignored)
    if revision and all(sent[name] == found[name] for name in CONTENT):
        return Answer(200, _shown({**found, **key}), {"ETag": etag(revision)})
    figure = {**key, **sent, "revision": revision + 1, "recorded_at": call.now, "entry_id": call.new_id()}
    await _write(call, figure, "individual_figure.recorded" if of_individual else "figure.recorded")
    shown = _shown({name: figure[name] for name in SHOWN})
    return Answer(200 if revision else 201, shown, {"ETag": etag(revision + 1)})


async def _write(call: Call, figure: Record, act: str) -> None:
    named = (figure["force_code"], figure["unit_code"], figure["measure_code"], _period(figure))
    reference = "/".join(filter(None, named))
    noted = entries.entry(
        call.occasion(),
        id=figure["entry_id"],
        act=act,
        subject_id=None,
        subject_ref=reference,
        version=figure["revision"],
        force_code=figure["force_code"],
        state={name: figure[name] for name in SHOWN},
        patch=[],
    )
    try:
        await call.record(noted)
        await call.session.run(_INSERT, **figure)
    except Conflict as conflict:
        if conflict.kind == "unique":
            raise Problem("concurrent_write", "Send it again.", headers={"Retry-After": "1"}) from conflict
        raise


def _asked(call: Call) -> Record:
    """The key in the path. Raises 404: a force outside the caller's reach is like one that does not exist."""
    force, measure = call.path["force"], call.path["measure"]
    if force not in call.by.reach("figure:read"):
        raise Problem("not_found", "There is no force with this code whose figures you may see.")
    try:
        period = parse(call.path["period"])
    except ValueError as error:
        wrong = fault("invalid_period", str(error), "path", parameter="period")
        raise Problem("invalid_parameter", str(error), errors=[wrong]) from None
    unit = call.query.get("unit", WHOLE_FORCE)
    return {
        "force_code": force, "measure_code": measure, "unit_code": unit,
        "period_start": period.start, "period_end": period.end, "people": call.by.reach(OF_INDIVIDUALS),
    }  # fmt: skip


_written = lru_cache(maxsize=10_000)(written)


def _period(row: Record) -> str:
    return _written(Period(row["period_start"], row["period_end"]))


def _shown(row: Record) -> Record:
    named = {
        "force_code": row["force_code"],
        "measure_code": row["measure_code"],
        "unit_code": row["unit_code"] or None,
    }
    return named | {"period": _period(row)} | {name: row[name] for name in SHOWN[3:]}


_FORCE = path_parameter("force", "The code of the force.")
_MEASURE = path_parameter("measure", "The code of the measure.")
_PERIOD = path_parameter(
    "period",
    "2026-10, 2026-Q4, 2026-W41, 2026-10-05, 2026-FY, or START..END in ISO dates.",
    {
        "type": "string",
        "maxLength": 22,
        "pattern": "^[0-9]{4}-([0-9]{2}(-[0-9]{2}([.]{2}[0-9]{4}-[0-9]{2}-[0-9]{2})?)?|Q[1-4]|W[0-9]{2}|FY)$",
    },
)
_UNIT_CODE = query("unit", "The code of a unit of the force; left out, the force as a whole is meant.")
_ONLY_NEW = header("If-None-Match", "`*` to record the figure only when there is none yet.")
_KEY = [_FORCE, _MEASURE, _PERIOD, _UNIT_CODE]
_ONE = "/v1/forces/{force}/measures/{measure}/figures/{period}"

operations = [
    Operation(
        "GET", "/v1/figures", "listFigures", "figures", "List figures, the newest revision of each", "figure:read",
        list_figures, {200: page_shape("Figure", FigureRead), 304: None},
        [*listing_parameters(figure_listing), *MOMENT, IF_NONE_MATCH],
    ),
    Operation(
        "GET", _ONE, "getFigure", "figures", "Read one figure", "figure:read", get_figure,
        {200: FigureRead, 304: None}, [*_KEY, *MOMENT, IF_NONE_MATCH],
    ),
    Operation(
        "PUT", _ONE, "putFigure", "figures", "Record a figure, or its next revision", "figure:write", put_figure,
        {200: FigureRead, 201: FigureRead}, [*_KEY, IF_MATCH, _ONLY_NEW, REASON], FigureFields,
    ),
    Operation(
        "GET", f"{_ONE}/revisions", "listFigureRevisions", "figures", "List the revisions of a figure", "figure:read",
        list_revisions, {200: FigureRevisions}, _KEY,
    ),
]  # fmt: skip
