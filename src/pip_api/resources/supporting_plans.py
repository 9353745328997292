"""Which strategies, plans and statements of a force support its framework: whose are they, and for which years?"""

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlmodel import Field

from pip_api.db.statements import Record
from pip_api.kernel.checks import in_order, once
from pip_api.kernel.query import after, before, equal
from pip_api.kernel.resource import Reference, Resource, RuleContext
from pip_api.kernel.shapes import Day, Line, Owned, Shape, examples, members, one_of, owner
from pip_api.resources.forces import forces
from pip_api.resources.frameworks import framework_items


class SupportingPlanKind(StrEnum):
    strategy = "strategy"
    plan = "plan"
    statement = "statement"


class Commitment(BaseModel):
    """A core element that is committed to, and what the last check of it found."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
    checked_on: Day | None = None
    finding: Annotated[str, StringConstraints(max_length=2_000)] = ""


class SupportingPlanFields(Shape):
    title: Line
    kind: SupportingPlanKind = one_of("What it is.", default="plan")
    owner: Line | None = Field(default=None, description="Who in the force owns it.")
    starts_on: Day | None = None
    ends_on: Day | None = Field(default=None, description="Its last day.")
    framework_item_ids: list[UUID] = members("The priorities, measures and other items that it supports.")
    commitments: list[Commitment] = members("The core elements that it commits to; each is checked every year.")


class SupportingPlanCreate(SupportingPlanFields):
    model_config = examples(
        title="Domestic abuse plan", owner="Head of public protection", starts_on="2026-04-01",
        ends_on="2027-03-31", force_code="avon-and-somerset",
    )  # fmt: skip

    force_code: str = owner()


def checked_so_far(plan: Record, on: RuleContext) -> Iterator[Record]:
    for place, each in enumerate(plan["commitments"]):
        where = f"/commitments/{place}"
        if (day := each["checked_on"]) is None:
            if each["finding"]:
                yield on.problem("SPL-003", f"{where}/checked_on", "What was found has the day.", "required")
        elif date.fromisoformat(day) > on.today:
            yield on.problem("SPL-004", f"{where}/checked_on", "This day has not come yet.", "in_the_future")


class SupportingPlan(Owned, SupportingPlanCreate, table=True):
    pass


supporting_plans = Resource(
    noun="supporting_plan",
    plural="supporting_plans",
    row=SupportingPlan,
    create=SupportingPlanCreate,
    fields=SupportingPlanFields,
    describes="Strategies, plans and statements of a force that support its framework.",
    known_as="title",
    filters=[
        equal("force", "force_code"),
        equal("kind", choices=[each.value for each in SupportingPlanKind]),
        before("ends_before", "ends_on"),
        after("ends_after", "ends_on"),
    ],
    sorts=["title", "starts_on", "ends_on"],
    references=[
        Reference("force_code", forces, by="code"),
        Reference("framework_item_ids", framework_items),
    ],
    rules=[in_order("SPL-001", "starts_on", "ends_on"), once("SPL-002", "framework_item_ids"), checked_so_far],
)
