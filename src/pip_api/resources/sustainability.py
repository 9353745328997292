"""How does each improvement last after its plan has ended, and was it looked at again?"""

from uuid import UUID

from sqlmodel import Field

from pip_api.kernel.checks import covered_by_plan, has_come, needs, of_the_plan, once
from pip_api.kernel.query import before, equal
from pip_api.kernel.resource import Reference, Resource
from pip_api.kernel.shapes import Day, Flag, Line, Owned, Prose, Shape, examples, members, owner, reference
from pip_api.resources.actions import actions
from pip_api.resources.concerns import concerns
from pip_api.resources.pips import pips


class SustainabilityArrangementFields(Shape):
    title: Line
    description: Prose = Field(min_length=1, description="How it lasts after the plan has ended.")
    owner: Line = Field(description="Who sees to it then.")
    action_ids: list[UUID] = members("The actions of the plan whose result it keeps.")
    concern_id: UUID | None = reference("concern", "The concern that it keeps away, if it is one.", default=None)
    starts_on: Day | None = None


class SustainabilityArrangementCreate(SustainabilityArrangementFields):
    model_config = examples(
        pip_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        title="Shifts are matched to demand each spring",
        description="The planning team compares shifts with the calls of the year and proposes changes.",
        owner="Head of resourcing",
        action_ids=["0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c"],
        starts_on="2027-04-01",
    )

    pip_id: UUID = reference("pip", "The plan that it belongs to.")


class SustainabilityArrangement(Owned, SustainabilityArrangementCreate, table=True):
    force_code: str = owner()


sustainability_arrangements = Resource(
    noun="sustainability_arrangement",
    plural="sustainability_arrangements",
    row=SustainabilityArrangement,
    create=SustainabilityArrangementCreate,
    fields=SustainabilityArrangementFields,
    describes="How the improvements of a plan last after it has ended.",
    parent=pips,
    outlives=True,
    known_as="title",
    filters=[equal("force", "force_code"), equal("pip", "pip_id", "id"), equal("concern", "concern_id", "id")],
    sorts=["title", "starts_on"],
    references=[
        Reference("action_ids", actions, within="force_code"),
        Reference("concern_id", concerns, within="force_code"),
    ],
    rules=[of_the_plan("SUS-001", "action_ids"), once("SUS-002", "action_ids"), covered_by_plan("SUS-003")],
)


class FollowUpFields(Shape):
    title: Line
    due_on: Day
    done_on: Day | None = None
    holds: Flag | None = Field(default=None, description="Whether the improvement still holds.")
    finding: Prose = Field(default="", description="What was found.")


class FollowUpCreate(FollowUpFields):
    model_config = examples(
        pip_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        title="Are calls still answered in time, half a year later?",
        due_on="2027-10-01",
    )

    pip_id: UUID = reference("pip", "The plan that it looks back at.")


class FollowUp(Owned, FollowUpCreate, table=True):
    force_code: str = owner()


follow_ups = Resource(
    noun="follow_up",
    plural="follow_ups",
    row=FollowUp,
    create=FollowUpCreate,
    fields=FollowUpFields,
    describes="Looks at a plan's improvements after it has ended.",
    parent=pips,
    outlives=True,
    known_as="title",
    filters=[equal("force", "force_code"), equal("pip", "pip_id", "id"), before("due_before", "due_on")],
    sorts=["due_on", "title"],
    rules=[
        has_come("FUP-001", "done_on"),
        needs("FUP-002", "holds", lambda row: row["done_on"], "Say whether the improvement holds."),
        needs("FUP-003", "done_on", lambda row: row["holds"] is not None, "Say when it was looked at."),
    ],
)
