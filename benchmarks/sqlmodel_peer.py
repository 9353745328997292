"""The same answers from FastAPI with SQLModel's asynchronous sessions, as their tutorials would have them.

A session for each request, a select for each kind of thing, a response model; no access control, which is in this
peer's favour.
"""

import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import uvicorn
from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy import Column, DateTime, Identity, Integer, Numeric
from sqlalchemy.dialects.postgresql import JSONB, distinct_on
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import Field, SQLModel, col, func, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession
from uuid_utils.compat import uuid7

NOBODY = UUID("00000000-0000-7000-8000-000000000000")
OPEN = ("not_started", "in_progress")


class Row(SQLModel):
    id: UUID = Field(primary_key=True)
    version: int
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(sa_type=DateTime(timezone=True))
    withdrawn_at: datetime | None = Field(sa_type=DateTime(timezone=True))


class Force(Row, table=True):
    code: str


class SupportLevel(Row, table=True):
    __tablename__ = "support_level"
    code: str
    level: int


class Assignment(Row, table=True):
    __tablename__ = "support_level_assignment"
    force_code: str
    level_code: str = Field(foreign_key="support_level.code")
    starts_on: date
    ends_on: date | None


class MeasureBase(SQLModel):
    code: str
    name: str
    unit: str
    direction: str | None


class Measure(Row, MeasureBase, table=True):
    pass


class ConcernBase(SQLModel):
    title: str
    status: str
    owner: str | None


class Concern(Row, ConcernBase, table=True):
    measure_codes: list[str] = Field(sa_type=JSONB)


class PipBase(SQLModel):
    ref: str
    title: str
    status: str
    lead: str | None
    force_code: str
    starts_on: date | None
    ends_on: date | None


class PipMore(PipBase):
    summary: str
    concern_ids: list[str] = Field(sa_type=JSONB)
    sustainability: str


class Pip(Row, PipMore, table=True):
    pass


class PipRead(Row, PipMore):
    pass


class ActionBase(SQLModel):
    force_code: str
    original_due_on: date | None
    title: str
    description: str
    intended_outputs: list[str] = Field(sa_type=JSONB)
    lead: str | None
    resources: str
    starts_on: date | None
    due_on: date | None
    status: str
    completed_on: date | None
    pip_id: UUID
    concern_id: UUID
    task_number: str | None


class Action(Row, ActionBase, table=True):
    pass


class ActionRead(Row, ActionBase):
    pass


class UpdateBase(SQLModel):
    reported_on: date
    reported_by: str
    brag: str | None
    percent_complete: int | None
    narrative: str


class Update(Row, UpdateBase, table=True):
    __tablename__ = "progress_update"
    pip_id: UUID
    concern_id: UUID | None
    action_id: UUID | None


class Entry(SQLModel, table=True):
    __tablename__ = "ledger_entry"
    seq: int | None = Field(default=None, sa_column=Column(Integer, Identity(always=True), primary_key=True))
    id: UUID
    at: datetime = Field(sa_type=DateTime(timezone=True))
    act: str
    noun: str
    subject_ref: str | None
    version: int | None
    force_code: str | None
    actor_type: str
    actor_id: UUID
    actor_name: str
    client_id: str
    request_id: str
    state: dict[str, Any] = Field(sa_type=JSONB)
    patch: list[dict[str, Any]] = Field(sa_type=JSONB)


class FigureIn(SQLModel):
    value: Decimal = Field(max_digits=15, decimal_places=9, sa_type=Numeric)
    narrative: str = Field(default="", max_length=10_000)
    status: Literal["provisional", "final"] = Field(default="final")


class Figure(SQLModel, table=True):
    force_code: str = Field(primary_key=True)
    measure_code: str = Field(primary_key=True)
    unit_code: str = Field(default="", primary_key=True)
    period_start: date = Field(primary_key=True)
    period_end: date = Field(primary_key=True)
    revision: int = Field(primary_key=True)
    value: Decimal = Field(sa_type=Numeric)
    narrative: str
    status: str
    recorded_at: datetime = Field(sa_type=DateTime(timezone=True))
    entry_id: UUID


class FigureRead(SQLModel):
    force_code: str
    measure_code: str
    period_start: date
    period_end: date
    value: float
    status: str
    narrative: str
    revision: int
    recorded_at: datetime


class LatestRead(SQLModel):
    value: float
    period_start: date
    period_end: date


class MeasureRead(MeasureBase):
    latest: LatestRead | None


class ConcernRead(ConcernBase):
    id: UUID
    measures: list[MeasureRead]


class LevelRead(SQLModel):
    code: str
    level: int
    since: date


class Counts(SQLModel):
    total: int
    not_started: int
    in_progress: int
    completed: int
    cancelled: int
    overdue: int
    overdue_refs: list[str]
    next_due_on: date | None


class StatusRead(PipBase):
    id: UUID
    version: int
    updated_at: datetime
    level: LevelRead | None
    concerns: list[ConcernRead]
    actions: Counts
    progress: UpdateBase | None


class PageInfo(SQLModel):
    limit: int
    has_more: bool


class ActionPage(SQLModel):
    items: list[ActionRead]
    page: PageInfo


_url = os.environ.get("BENCH_DATABASE_URL", "postgresql://")
engine = create_async_engine(_url.replace("postgresql://", "postgresql+asyncpg://"), pool_size=10, max_overflow=0)
app = FastAPI()


async def _session() -> AsyncIterator[AsyncSession]:
    async with AsyncSession(engine, expire_on_commit=False) as session:
        yield session


Session = Annotated[AsyncSession, Depends(_session)]


async def _pip(session: AsyncSession, id: UUID) -> Pip:
    pip = (await session.exec(select(Pip).where(Pip.id == id, col(Pip.withdrawn_at).is_(None)))).first()
    if pip is None:
        raise HTTPException(404)
    return pip


@app.get("/v1/pips/{id}/status")
async def read_status(id: UUID, session: Session) -> StatusRead:
    today = date.today()  # noqa: DTZ011
    pip = await _pip(session, id)
    ids = [UUID(each) for each in pip.concern_ids]
    concerns = (await session.exec(select(Concern).where(col(Concern.id).in_(ids)))).all()
    in_order = sorted((each for each in concerns if each.withdrawn_at is None), key=lambda each: ids.index(each.id))
    codes = {code for each in in_order for code in each.measure_codes}
    measures = {each.code: each for each in await session.exec(select(Measure).where(col(Measure.code).in_(codes)))}
    newest = (
        select(Figure)
        .ext(distinct_on(col(Figure.measure_code)))
        .where(Figure.force_code == pip.force_code, col(Figure.measure_code).in_(codes), Figure.unit_code == "")
        .order_by(
            col(Figure.measure_code),
            col(Figure.period_start).desc(),
            col(Figure.period_end).desc(),
            col(Figure.revision).desc(),
        )
    )
    latest = {each.measure_code: each for each in await session.exec(newest)}
    actions = (
        await session.exec(select(Action).where(Action.pip_id == pip.id, col(Action.withdrawn_at).is_(None)))
    ).all()
    held = (
        await session.exec(
            select(Assignment, SupportLevel)
            .join(SupportLevel)
            .where(Assignment.force_code == pip.force_code, col(Assignment.withdrawn_at).is_(None))
            .where(Assignment.starts_on <= today, or_(col(Assignment.ends_on).is_(None), Assignment.ends_on >= today))  # type: ignore[operator]
        )
    ).first()
    progress = (
        await session.exec(
            select(Update)
            .where(Update.pip_id == pip.id, col(Update.concern_id).is_(None), col(Update.action_id).is_(None))
            .order_by(col(Update.reported_on).desc(), col(Update.id).desc())
        )
    ).first()
    return StatusRead.model_validate(
        pip,
        update={
            "level": held and LevelRead(code=held[1].code, level=held[1].level, since=held[0].starts_on),
            "concerns": [
                ConcernRead.model_validate(
                    each, update={"measures": [_measured(measures[code], latest) for code in each.measure_codes]}
                )
                for each in in_order
            ],
            "actions": _counts(list(actions), today),
            "progress": progress,
        },
    )


def _measured(measure: Measure, latest: dict[str, Figure]) -> MeasureRead:
    figure = latest.get(measure.code)
    return MeasureRead.model_validate(measure, update={"latest": figure and LatestRead.model_validate(figure)})


def _counts(actions: list[Action], today: date) -> Counts:
    states = [each.status for each in actions]
    due = [(each.due_on, each.task_number) for each in actions if each.status in OPEN and each.due_on is not None]
    late = sorted(number or "" for day, number in due if day < today)
    return Counts(
        total=len(actions),
        not_started=states.count("not_started"),
        in_progress=states.count("in_progress"),
        completed=states.count("completed"),
        cancelled=states.count("cancelled"),
        overdue=len(late),
        overdue_refs=late,
        next_due_on=min((day for day, _ in due), default=None),
    )


@app.get("/v1/pips/{id}")
async def read_pip(id: UUID, session: Session) -> PipRead:
    return PipRead.model_validate(await _pip(session, id))


@app.get("/v1/actions")
async def list_actions(force: str, session: Session) -> ActionPage:
    live = select(Action).where(Action.force_code == force, col(Action.withdrawn_at).is_(None))
    found = (await session.exec(live.order_by(col(Action.id)).limit(51))).all()
    items = [ActionRead.model_validate(each) for each in found[:50]]
    return ActionPage(items=items, page=PageInfo(limit=50, has_more=len(found) > 50))


@app.put("/v1/forces/{force}/measures/{measure}/figures/{period}", status_code=201)
async def put_figure(force: str, measure: str, period: date, sent: FigureIn, session: Session) -> FigureRead:
    if (await session.exec(select(Force).where(Force.code == force))).first() is None:
        raise HTTPException(404)
    if (await session.exec(select(Measure).where(Measure.code == measure))).first() is None:
        raise HTTPException(404)
    of_key = (Figure.force_code == force, Figure.measure_code == measure, Figure.unit_code == "")
    of_period = (Figure.period_start == period, Figure.period_end == period)
    known = (await session.exec(select(func.max(Figure.revision)).where(*of_key, *of_period))).one() or 0
    now, id = datetime.now(UTC), uuid7()
    key = {"force_code": force, "measure_code": measure, "period_start": period, "period_end": period}
    figure = Figure.model_validate(sent, update={**key, "revision": known + 1, "recorded_at": now, "entry_id": id})
    shown = FigureRead.model_validate(figure)
    session.add(
        Entry(
            id=id,
            at=now,
            act="figure.recorded",
            noun="figure",
            subject_ref=f"{force}/{measure}/{period}",
            version=figure.revision,
            force_code=force,
            actor_type="service",
            actor_id=NOBODY,
            actor_name="sqlmodel",
            client_id="sqlmodel",
            request_id=str(id),
            state=shown.model_dump(mode="json"),
            patch=[],
        )
    )
    session.add(figure)
    await session.commit()
    return shown


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), http="httptools", loop="uvloop", access_log=False, log_level="warning")
