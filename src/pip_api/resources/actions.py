"""What is an action of a plan: which task, against which concern, by whom, with what, by when, and how far is it?"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints
from sqlalchemy import bindparam, select
from sqlmodel import Field

from pip_api.db.columns import Code, Uid
from pip_api.db.constructs import padded
from pip_api.db.session import Session
from pip_api.db.statements import Record, Statement, column_of
from pip_api.kernel.checks import covered_by_plan, has_come, in_order, is_no_debt, needs, once
from pip_api.kernel.query import after, before, equal
from pip_api.kernel.resource import Reference, Resource, RuleContext
from pip_api.kernel.shapes import (
    Day,
    Exact,
    Flag,
    Line,
    Named,
    Owned,
    Prose,
    Remark,
    Shape,
    Whole,
    amount,
    examples,
    members,
    one_of,
    owner,
    reference,
)
from pip_api.resources.concerns import concerns
from pip_api.resources.measures import measures
from pip_api.resources.pips import pips
from pip_api.resources.root_causes import findings
from pip_api.rules.lifecycle import ACTION_MOVES, ActionStatus, may_move
from pip_api.rules.numbering import next_number

TaskNumber = Annotated[str, StringConstraints(max_length=11, pattern=r"^[1-9][0-9]{0,2}(\.[1-9][0-9]{0,2}){1,2}$")]


class DeliveryModel(StrEnum):
    """Who provides the service that it sets up or changes."""

    local = "local"
    collaborative = "collaborative"
    regional = "regional"
    national = "national"


class ActionFields(Shape):
    title: Line = Field(description="What will be done.")
    description: Prose = Field(default="", description="The steps planned, in outline.")
    intended_outputs: list[Remark] = members("What will show that it was done: the criteria of success.", most=50)
    lead: Line | None = Field(default=None, description="Who leads it.")
    resources: Prose = Field(default="", description="The people, money and equipment that it needs.")
    starts_on: Day | None = None
    due_on: Day | None = Field(default=None, description="The day by which it is to be done, as last revised.")
    status: ActionStatus = one_of("How far it is.", default=ActionStatus.not_started)
    completed_on: Day | None = Field(default=None, description="The day on which it was done.")
    finding_ids: list[UUID] = members("What was found behind the concern, and this is to mend.")
    priority: Whole | None = Field(default=None, ge=1, le=5, description="From 1, which comes first, to 5.")
    measure_codes: list[Named] = members("The measures that it is to move.")
    contributors: list[Line] = members("Who works on it beside its lead.")
    budget: Exact | None = amount("What may be spent on it, in pounds.")
    spent: Exact | None = amount("What was spent on it so far, in pounds.")
    forecast: Exact | None = amount("What it is expected to cost in the end, in pounds.")
    benefit: Prose = Field(default="", description="What it brings.")
    benefit_amount: Exact | None = amount("What it saves, in pounds a year.")
    benefit_cashable: Flag | None = Field(default=None, description="Whether the saving can be taken out as money.")
    benefit_used_for: Prose = Field(default="", description="What the saving, in money or in time, is used for.")
    delivery_model: DeliveryModel | None = one_of("Who provides what it sets up, if it does.", default=None)


class ActionCreate(ActionFields):
    model_config = examples(
        title="Match shifts to demand",
        description="Review the shift pattern against calls by hour, then consult and move.",
        intended_outputs=["Calls answered in time reach 90 per cent for three months"],
        lead="Superintendent A. Example",
        starts_on="2026-10-05",
        due_on="2026-12-18",
        finding_ids=["0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c"],
        priority=1,
        measure_codes=["answered-in-time"],
        budget=45000,
        pip_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        concern_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        task_number="1.1",
    )

    pip_id: UUID = reference("pip", "The plan that it belongs to.")
    concern_id: UUID = reference("concern", "The concern that it answers; one that the plan covers.")
    task_number: TaskNumber | None = Field(
        default=None,
        sa_type=Code,
        description="Such as 2.3: stable, unique in the plan. Left out, the next under its concern's place is given.",
    )


class Action(Owned, ActionCreate, table=True):
    unique_together = (("pip_id", "task_number"), *Owned.unique_together)

    force_code: str = owner()
    original_due_on: Day | None = Field(
        default=None, description="The first due day that it was given; a later one is a revision."
    )


def is_completed(action: Record) -> bool:
    return bool(action["status"] == "completed")


def moves_in_order(action: Record, on: RuleContext) -> Iterator[Record]:
    before = ActionStatus(on.before["status"] if on.before is not None else action["status"])
    if not may_move(ACTION_MOVES, before, action["status"]):
        allowed = ", ".join(ACTION_MOVES[before])
        yield on.problem("ACT-002", "/status", f"From {before} an action moves to {allowed}.", "invalid_transition")
    if not is_completed(action) and action["completed_on"]:
        yield on.problem("ACT-004", "/completed_on", "Only a completed action has a day of completion.")


_NUMBERS = Statement(
    select(column_of(Action, "task_number"), column_of(Action, "concern_id"))
    .where(column_of(Action, "pip_id") == bindparam("pip_id", type_=Uid()))
    .order_by(column_of(Action, "id"))
)


async def give_number(session: Session, action: Record, on: RuleContext) -> None:
    """Numbers the task under the number that its concern has in the plan."""
    if action["task_number"] is None and (plan := on.parent) is not None:
        taken = await session.fetch(_NUMBERS, pip_id=action["pip_id"])
        place = plan["concern_ids"].index(str(action["concern_id"])) + 1
        action["task_number"] = next_number(
            [(row["task_number"], row["concern_id"]) for row in taken], action["concern_id"], place
        )


actions = Resource(
    noun="action",
    plural="actions",
    row=Action,
    create=ActionCreate,
    fields=ActionFields,
    describes="The numbered actions of a plan.",
    parent=pips,
    known_as="task_number",
    filters=[
        equal("force", "force_code"),
        equal("pip", "pip_id", "id"),
        equal("concern", "concern_id", "id"),
        equal("status", choices=list(ACTION_MOVES)),
        equal("task_number"),
        equal("delivery_model", choices=[each.value for each in DeliveryModel]),
        before("due_before", "due_on"),
        after("due_after", "due_on"),
    ],
    sorts=["task_number", "priority", "due_on", "starts_on", "title"],
    references=[
        Reference("concern_id", concerns, within="force_code"),
        Reference("finding_ids", findings, within="force_code"),
        Reference("measure_codes", measures, by="code"),
    ],
    rules=[
        covered_by_plan("ACT-001"),
        moves_in_order,
        needs("ACT-003", "completed_on", is_completed, "A completed action needs the day of its completion."),
        has_come("ACT-005", "completed_on"),
        once("ACT-006", "finding_ids"),
        once("ACT-007", "measure_codes"),
        is_no_debt("ACT-008", "budget", "spent", "forecast", "benefit_amount"),
        in_order("ACT-014", "starts_on", "due_on"),
    ],
    complete=give_number,
    derived={"original_due_on": lambda action: action["original_due_on"] or action["due_on"]},
    sort_as={"task_number": padded},
)
