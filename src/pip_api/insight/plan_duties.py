"""What of a plan is due, late or grave: its calendar and reviews, the force's duties, and its risks?"""

from dataclasses import asdict
from datetime import date
from typing import Literal

from pydantic import BaseModel, Field

from pip_api.insight.plan_document import level_of, live_plans, plan_document, told_of
from pip_api.insight.plan_parts import needs
from pip_api.insight.series import asked_force
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.document import ID, IF_NONE_MATCH, Operation, path_parameter
from pip_api.kernel.moments import MOMENT
from pip_api.kernel.pages import answered
from pip_api.rules.calendar import calendar, reviews
from pip_api.rules.obligations import obligations
from pip_api.rules.plan_document import PlanDocument
from pip_api.rules.register import register


class CalendarEntry(BaseModel):
    day: date
    kind: Literal["milestone", "review", "meeting", "update", "follow_up"]
    title: str
    status: Literal["done", "late", "coming", "lapsed"] = Field(
        description="Lapsed is what was not done before the plan ended. Of an update: whether progress was told since "
        "the meeting of this kind before."
    )
    pointer: str = Field(description="Where it stands in the plan's document.")
    before: str | None = Field(description="Of an update, the meeting before which it is due.")
    important: bool


class ReviewState(BaseModel):
    kind: Literal["internal", "with_partners"]
    every_days: int | None
    last_on: date | None
    next_on: date | None
    late: bool
    missed: list[date] = Field(description="Days that were planned and passed without a review.")


class PlanCalendar(BaseModel):
    """What comes when in a plan."""

    pip_id: str
    pip_ref: str = Field(json_schema_extra={"examples": ["avon-and-somerset-2026-01"]})
    today: date
    entries: list[CalendarEntry] = Field(description="In date order.")
    milestones: "MilestoneCounts"
    reviews: list[ReviewState]


class MilestoneCounts(BaseModel):
    """Whether the plan is on track."""

    met: int
    late: int
    coming: int
    lapsed: int = Field(description="Not met when the plan ended.")


class Obligation(BaseModel):
    duty: Literal["draft", "share", "submit", "present"]
    towards: str | None = Field(json_schema_extra={"examples": ["hmicfrs"]})
    detail: str
    due_on: date | None = Field(description="Null where nobody has set a number of days for the level.")
    done_on: date | None
    status: Literal["done", "done_late", "open", "late"]


class PlanObligations(BaseModel):
    """What the force's level of support asks of it for this plan."""

    pip_id: str
    pip_ref: str = Field(json_schema_extra={"examples": ["avon-and-somerset-2026-01"]})
    level_code: str | None
    since: date | None
    obligations: list[Obligation]


class PlanDuties(BaseModel):
    """The duties as far as one plan meets them; those of a force without a live plan name none."""

    pip_id: str | None
    pip_ref: str | None = Field(json_schema_extra={"examples": ["avon-and-somerset-2026-01"]})
    obligations: list[Obligation]


class ForceObligations(BaseModel):
    """What the level of support of a force asks of it, with or without a plan."""

    force_code: str
    level_code: str | None
    since: date | None = Field(description="The first day of the unbroken time at this level.")
    late: int = Field(description="How many of the duties are late.")
    plans: list[PlanDuties] = Field(description="One for each live plan, and one that names none where there is none.")


class RegisteredRisk(BaseModel):
    pointer: str = Field(description="Where it stands in the plan's document.")
    risk_id: str
    title: str | None
    kind: str | None
    status: str | None = Field(json_schema_extra={"examples": ["open"]})
    owner: str | None
    likelihood: int | None
    impact: int | None
    score: int | None
    band: str | None = Field(description="On the force's own scale.", json_schema_extra={"examples": ["high"]})
    tasks: list[str] = Field(description="The numbers of the actions that it bears on.")
    mitigated: bool
    mitigations: list[str]


class RiskRegister(BaseModel):
    """The risks of a plan, the open ones first and of those the gravest."""

    pip_id: str
    pip_ref: str = Field(json_schema_extra={"examples": ["avon-and-somerset-2026-01"]})
    risks: list[RegisteredRisk]


async def get_calendar(call: Call) -> Answer:
    """Milestones, reviews, meetings, follow-ups, and the updates that are due before meetings, in date order."""
    plan = await plan_document(call, call.path["id"])
    entries = calendar(plan, call.today)
    marks = [each.status for each in entries if each.kind == "milestone"]
    counts = {"met": marks.count("done")} | {each: marks.count(each) for each in ("late", "coming", "lapsed")}
    told = {"today": call.today, "entries": [each._asdict() for each in entries], "milestones": counts}
    return told_of(call, plan, told | {"reviews": [each._asdict() for each in reviews(plan, call.today)]})


async def get_obligations(call: Call) -> Answer:
    """The duties of a force because of its level of support, with their days, as far as this plan meets them."""
    plan = await plan_document(call, call.path["id"])
    level = plan.get("level") or {}
    duties = [asdict(each) for each in obligations(plan.get("level"), plan, call.today)]
    return told_of(call, plan, {"level_code": level.get("code"), "since": level.get("since"), "obligations": duties})


async def get_force_obligations(call: Call) -> Answer:
    """The duties of a force because of its level of support: a force that has no plan is told that one is due."""
    force = asked_force(call, *needs())
    level = await level_of(call, force)
    plans: list[PlanDocument | None] = [*await live_plans(call, force)] or [None]
    duties = [obligations(level, plan, call.today) for plan in plans]
    named = [(None, None) if plan is None else (plan["pip"]["id"], plan["pip"].get("ref")) for plan in plans]
    of_level = level or {}
    return answered(
        call,
        {
            "force_code": force,
            "level_code": of_level.get("code"),
            "since": of_level.get("since"),
            "late": sum(each.status == "late" for of_plan in duties for each in of_plan),
            "plans": [
                {"pip_id": id, "pip_ref": ref, "obligations": [asdict(each) for each in of_plan]}
                for (id, ref), of_plan in zip(named, duties, strict=True)
            ],
        },
    )


async def get_risk_register(call: Call) -> Answer:
    """The risks and barriers of a plan, each with its score, its band, the tasks it bears on and what mitigates it."""
    plan = await plan_document(call, call.path["id"])
    numbers = {each["id"]: each.get("task_number") or "" for each in plan["actions"]}
    places = {each["id"]: place for place, each in enumerate(plan["risks"])}
    told = []
    for each in register(plan):
        risk = each.risk
        shown = {name: risk.get(name) for name in ("title", "kind", "status", "owner", "likelihood", "impact")}
        rest = {
            "score": each.score,
            "band": each.band,
            "tasks": [numbers[id] for id in risk.get("action_ids") or () if id in numbers],
            "mitigated": each.mitigated,
            "mitigations": [mitigation["title"] for mitigation in risk.get("mitigations") or ()],
        }
        told.append({"pointer": f"#/risks/{places[risk['id']]}", "risk_id": risk["id"], **shown, **rest})
    return told_of(call, plan, {"risks": told})


operations = [
    Operation(
        "GET", "/v1/forces/{force}/obligations", "getForceObligations", "pips", "Read the duties of a force",
        "pip:read", get_force_obligations, {200: ForceObligations, 304: None},
        [path_parameter("force", "The code of the force."), *MOMENT, IF_NONE_MATCH],
    ),
] + [
    Operation(
        "GET", f"/v1/pips/{{id}}/{path}", name, "pips", summary, "pip:read", story, {200: shape, 304: None},
        [ID, *MOMENT, IF_NONE_MATCH],
    )
    for path, name, summary, story, shape in (
        ("calendar", "getPipCalendar", "Read the calendar of a plan", get_calendar, PlanCalendar),
        ("obligations", "getPipObligations", "Read the duties of a force for a plan", get_obligations, PlanObligations),
        ("risk-register", "getPipRiskRegister", "Read the risks of a plan", get_risk_register, RiskRegister),
    )
]  # fmt: skip
