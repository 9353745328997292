"""What does a force look at in the year ahead, meeting by meeting, what has to be checked, and what is missing?"""

from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from uuid import UUID

from orjson import loads
from pydantic import BaseModel, Field
from sqlalchemy import Date, bindparam, select

from pip_api.db.columns import to_json
from pip_api.db.constructs import Uids, any_of
from pip_api.db.statements import Record, Statement
from pip_api.insight.series import asked_force
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.document import IF_NONE_MATCH, Operation, path_parameter, query
from pip_api.kernel.moments import MOMENT
from pip_api.kernel.pages import answered
from pip_api.kernel.query import Filter
from pip_api.kernel.resource import visible
from pip_api.ledger.as_of import Mark, MarkKind
from pip_api.resources.frameworks import ItemKind, framework_items
from pip_api.resources.meetings import MeetingKind, meetings
from pip_api.resources.supporting_plans import supporting_plans
from pip_api.rules.calendar import a_year_after, quarter_start, themes

_STARTS_ON = Filter("starts_on", "", "day", "The first day; left out, that of the quarter we are in.")


class ThemeItem(BaseModel):
    """A priority, a question or another item that a meeting is about."""

    ref: str
    kind: ItemKind
    title: str


class MeetingPlanned(BaseModel):
    id: UUID
    kind: MeetingKind
    title: str
    held_on: date
    theme: str | None
    items: list[ThemeItem] = Field(description="What of frameworks is its theme.")
    updates_due_on: date | None
    inspection_theme_on: date | None = Field(description="When the inspectorate looks at the same theme.")


class CommitmentDue(BaseModel):
    """A core element that a plan or statement of the force commits to, and when it is to be checked."""

    supporting_plan_id: UUID
    supporting_plan: str
    text: str
    checked_on: date | None
    due_on: date | None = Field(description="A year after the last check, or after the plan began.")
    late: bool


class CalendarFault(BaseModel):
    pointer: str | None = Field(
        description="The meeting, in this answer; null where one is missing.",
        json_schema_extra={"examples": ["#/meetings/0"]},
    )
    detail: str


class ForceCalendar(BaseModel):
    """The meetings of a force in twelve months, with their themes."""

    force_code: str
    starts_on: date
    ends_before: date
    meetings: list[MeetingPlanned] = Field(description="In date order.")
    commitments: list[CommitmentDue] = Field(description="Those to be checked before the year ends, or never dated.")
    faults: list[CalendarFault] = Field(
        description="A quarter without a learning review, and one whose theme was not set in advance."
    )


@lru_cache
def _meetings(kind: MarkKind) -> Statement:
    rows = meetings.rows(kind)
    shown = (*(name for name in MeetingPlanned.model_fields if name != "items"), "framework_item_ids", "created_at")
    return Statement(
        select(*(rows.c[name] for name in shown))
        .where(*visible(rows), rows.c.withdrawn_at.is_(None))
        .where(rows.c.held_on >= bindparam("start", type_=Date()), rows.c.held_on < bindparam("end", type_=Date()))
        .order_by(rows.c.held_on, rows.c.id)
    )


@lru_cache
def _named(kind: MarkKind) -> Statement:
    rows = framework_items.rows(kind)
    shown = (rows.c.id, *(rows.c[name] for name in ThemeItem.model_fields))
    return Statement(select(*shown).where(any_of(rows.c.id, bindparam("ids", type_=Uids()))))


@lru_cache
def _committed(kind: MarkKind) -> Statement:
    rows = supporting_plans.rows(kind)
    shown = (rows.c[name] for name in ("id", "title", "starts_on", "commitments"))
    return Statement(select(*shown).where(*visible(rows), rows.c.withdrawn_at.is_(None)).order_by(rows.c.id))


async def get_force_calendar(call: Call) -> Answer:
    """Learning reviews, strategic scrutiny and the other meetings of a force, twelve months ahead."""
    force, mark = asked_force(call, meetings.reads, supporting_plans.reads), Mark(call.moment)
    start = _STARTS_ON.read(call.query["starts_on"]) if "starts_on" in call.query else quarter_start(call.today)
    end = a_year_after(start)
    days = {"start": quarter_start(start), "end": end}  # what was held in the quarter before the first day counts too
    found = await call.session.fetch(_meetings(mark.kind), forces=[force], **days, **mark.params)
    shown = [each for each in found if each["held_on"] >= start]
    ids = sorted({UUID(id) for each in shown for id in each["framework_item_ids"]})
    named = await call.session.fetch(_named(mark.kind), ids=ids, **mark.params) if ids else []
    plans = await call.session.fetch(_committed(mark.kind), forces=[force], **mark.params)
    items = {str(row["id"]): {name: row[name] for name in ThemeItem.model_fields} for row in named}
    return answered(
        call,
        {
            "force_code": force,
            "starts_on": start,
            "ends_before": end,
            "meetings": [_shown(each, items) for each in shown],
            "commitments": [each for plan in plans for each in _due(plan, end, call.today)],
            "faults": [each._asdict() for each in themes(loads(to_json(found)), start)],
        },
    )


def _shown(meeting: Record, items: dict[str, Record]) -> Record:
    about = [items[id] for id in meeting["framework_item_ids"] if id in items]
    return {name: about if name == "items" else meeting[name] for name in MeetingPlanned.model_fields}


def _due(plan: Record, end: date, today: date) -> Iterator[Record]:
    for each in plan["commitments"]:
        last = plan["starts_on"] if each["checked_on"] is None else date.fromisoformat(each["checked_on"])
        due = None if last is None else a_year_after(last)
        if due is None or due < end:
            named = {"supporting_plan_id": plan["id"], "supporting_plan": plan["title"], "text": each["text"]}
            yield named | {"checked_on": each["checked_on"], "due_on": due, "late": due is not None and due < today}


operations = [
    Operation(
        "GET", "/v1/forces/{force}/calendar", "getForceCalendar", "meetings",
        "Read what a force looks at in the year ahead", meetings.reads, get_force_calendar,
        {200: ForceCalendar, 304: None},
        [
            path_parameter("force", "The code of the force."),
            query("starts_on", _STARTS_ON.describes, _STARTS_ON.schema()),
            *MOMENT,
            IF_NONE_MATCH,
        ],
    )
]  # fmt: skip
