"""Which strategies, plans and statements of a force support its framework: whose are they, and for which years?"""

from enum import StrEnum
from uuid import UUID

from sqlmodel import Field

from pip_api.kernel.checks import in_order, once
from pip_api.kernel.query import after, before, equal
from pip_api.kernel.resource import Reference, Resource
from pip_api.kernel.shapes import Day, Line, Owned, Shape, examples, members, one_of, owner
from pip_api.resources.forces import forces
from pip_api.resources.frameworks import framework_items


class SupportingPlanKind(StrEnum):
    strategy = "strategy"
    plan = "plan"
    statement = "statement"


class SupportingPlanFields(Shape):
    title: Line
    kind: SupportingPlanKind = one_of("What it is.", default="plan")
    owner: Line | None = Field(default=None, description="Who in the force owns it.")
    starts_on: Day | None = None
    ends_on: Day | None = Field(default=None, description="Its last day.")
    framework_item_ids: list[UUID] = members("The priorities, measures and other items that it supports.")


class SupportingPlanCreate(SupportingPlanFields):
    model_config = examples(
        title="Domestic abuse plan", owner="Head of public protection", starts_on="2026-04-01",
        ends_on="2027-03-31", force_code="avon-and-somerset",
    )  # fmt: skip

    force_code: str = owner()


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
    rules=[in_order("SPL-001", "starts_on", "ends_on"), once("SPL-002", "framework_item_ids")],
)
