"""How does a plan perform: what it does, apart from what comes of it, its milestones, and its measures over time?"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from pip_api.db.statements import Record
from pip_api.http.problems import Problem
from pip_api.insight.measures_shown import (
    NEEDS,
    Balance,
    MeasureShown,
    evidence,
    exceptions_first,
    measures_shown,
)
from pip_api.insight.plan_document import plan_document
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.document import ID, IF_NONE_MATCH, Operation
from pip_api.kernel.moments import MOMENT
from pip_api.kernel.pages import answered
from pip_api.resources.units import WHOLE_FORCE
from pip_api.rules.calendar import State, has_ended, state
from pip_api.rules.lifecycle import ActionStatus
from pip_api.rules.plan_document import PlanDocument

PERIODS = 24


class PlanNamed(BaseModel):
    id: UUID
    ref: str
    title: str
    status: str
    version: int
    force_code: str


class OutputShown(BaseModel):
    """An action, and what it is to bring forth."""

    id: UUID
    task_number: str | None
    title: str
    status: ActionStatus
    due_on: date | None
    late: bool
    intended_outputs: list[str]


class Outputs(BaseModel):
    """What the plan does."""

    by_status: dict[str, int]
    late: int
    intended: int = Field(description="How many outputs are intended, of all actions but those that were cancelled.")
    of_completed: int = Field(description="How many of them are of completed actions.")
    actions: list[OutputShown]


class Finance(BaseModel):
    """What the actions of the plan cost and save, but for those that were cancelled, in pounds."""

    budget: float
    spent: float
    forecast: float
    saved: float = Field(description="A year, by what was said of each action.")
    cashable: float = Field(description="Of this what can be taken out as money.")
    without_budget: list[str] = Field(description="The numbers of actions that nobody gave a budget.")
    over_budget: list[str] = Field(description="The numbers of actions that cost more than their budget, or will.")


class OutcomeShown(BaseModel):
    """A concern, and how the measures stand that show it."""

    id: UUID
    title: str
    status: str
    owner: str | None
    measures: list[MeasureShown] = Field(description="Those with something to be told of first.")


class Outcomes(BaseModel):
    """What comes of the plan."""

    resolved: int = Field(description="How many of the concerns are resolved.")
    concerns: list[OutcomeShown]
    followed: list[MeasureShown] = Field(description="Further measures that actions name.")


class MilestoneShown(BaseModel):
    id: UUID
    title: str
    due_on: date
    done_on: date | None
    important: bool
    state: State = Field(description="Lapsed is what was not met before the plan ended.")


class Milestones(BaseModel):
    by_state: dict[str, int]
    items: list[MilestoneShown] = Field(description="By the day on which they are due.")


class PlanDashboard(BaseModel):
    """How a plan performs: outputs and outcomes apart, and figures with what balances them."""

    pip: PlanNamed
    outputs: Outputs
    finance: Finance
    outcomes: Outcomes
    milestones: Milestones
    evidence: Balance


async def get_plan_dashboard(call: Call) -> Answer:
    """Made of the plan's document and of the figures, judgements and stories of its measures."""
    forces = call.by.reach_of_all(*NEEDS)
    document: Any = await plan_document(call, call.path["id"])
    pip, force = document["pip"], document["pip"]["force_code"]
    if force not in forces:
        raise Problem("not_found", "There is no pip with this id.")
    of_concerns = [code for concern in document["concerns"] for code in concern["measure_codes"]]
    of_actions = [code for action in document["actions"] for code in action.get("measure_codes", ())]
    codes = list(dict.fromkeys(of_concerns + of_actions))
    shown = await measures_shown(call, force, codes, WHOLE_FORCE, PERIODS)
    today = call.today.isoformat()
    return answered(
        call,
        {
            "pip": {name: pip[name] for name in PlanNamed.model_fields},
            "outputs": _outputs(document["actions"], today),
            "finance": _finance(document["actions"]),
            "outcomes": {
                "resolved": sum(concern["status"] == "resolved" for concern in document["concerns"]),
                "concerns": [
                    {name: concern[name] for name in ("id", "title", "status", "owner")}
                    | {"measures": _of(shown, concern["measure_codes"])}
                    for concern in document["concerns"]
                ],
                "followed": _of(shown, [code for code in codes if code not in of_concerns]),
            },
            "milestones": _milestones(document, call.today),
            "evidence": evidence([*shown.values()]),
        },
    )


def _of(shown: dict[str, Record], codes: Iterable[str]) -> list[Record]:
    return exceptions_first([shown[code] for code in codes if code in shown])


def _outputs(actions: Sequence[Record], today: str) -> Record:
    told = [
        {name: action[name] for name in OutputShown.model_fields if name != "late"} | {"late": _is_late(action, today)}
        for action in actions
    ]
    meant = [action for action in actions if action["status"] != ActionStatus.cancelled]
    done = [action for action in meant if action["status"] == ActionStatus.completed]
    return {
        "by_status": dict(Counter(action["status"] for action in actions)),
        "late": sum(each["late"] for each in told),
        "intended": sum(len(action["intended_outputs"]) for action in meant),
        "of_completed": sum(len(action["intended_outputs"]) for action in done),
        "actions": told,
    }


def _finance(actions: Sequence[Record]) -> Record:
    meant = [action for action in actions if action["status"] != ActionStatus.cancelled]

    def total(name: str, of: Sequence[Record] = meant) -> Any:
        return sum(action[name] or 0 for action in of)

    def costs_more(action: Record) -> bool:
        costs = max(action["spent"] or 0, action["forecast"] or 0)
        return action["budget"] is not None and bool(costs > action["budget"])

    return {
        **{name: total(name) for name in ("budget", "spent", "forecast")},
        "saved": total("benefit_amount"),
        "cashable": total("benefit_amount", [action for action in meant if action["benefit_cashable"]]),
        "without_budget": [action["task_number"] for action in meant if action["budget"] is None],
        "over_budget": [action["task_number"] for action in meant if costs_more(action)],
    }


def _is_late(action: Record, today: str) -> bool:
    is_open = action["status"] in (ActionStatus.not_started, ActionStatus.in_progress)
    return is_open and action["due_on"] is not None and action["due_on"] < today


def _milestones(document: PlanDocument, today: date) -> Record:
    rows: Any = document["milestones"]
    ended = has_ended(document)
    told = [
        {name: each[name] for name in MilestoneShown.model_fields if name != "state"}
        | {"state": state(each["due_on"], each["done_on"], today, ended=ended)}
        for each in rows
    ]
    return {"by_state": dict(Counter(each["state"] for each in told)), "items": told}


operations = [
    Operation(
        "GET", "/v1/pips/{id}/dashboard", "getPipDashboard", "dashboards", "Read how a plan performs", "pip:read",
        get_plan_dashboard, {200: PlanDashboard, 304: None}, [ID, *MOMENT, IF_NONE_MATCH],
    )
]  # fmt: skip
