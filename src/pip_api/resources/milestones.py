"""What is a milestone of a plan: a day by which something is reached, and whether it was?"""

from collections.abc import Iterator
from uuid import UUID

from sqlmodel import Field

from pip_api.db.statements import Record
from pip_api.kernel.checks import covered_by_plan, has_come, of_the_plan
from pip_api.kernel.query import after, before, equal
from pip_api.kernel.resource import Reference, Resource, RuleContext
from pip_api.kernel.shapes import Day, Flag, Line, Owned, Shape, examples, owner, reference
from pip_api.resources.actions import actions
from pip_api.resources.concerns import concerns
from pip_api.resources.pips import pips


class MilestoneFields(Shape):
    title: Line = Field(description="What is reached.")
    due_on: Day = Field(description="The day by which it is to be reached, as last revised.")
    done_on: Day | None = Field(default=None, description="The day on which it was reached.")
    important: Flag = Field(default=False, description="Whether it is one of those that a board looks at.")
    update_due: Flag = Field(default=False, description="Whether PPMG or a regional triage is due an update then.")
    concern_id: UUID | None = reference("concern", "The concern that it is about, if it is about one.", default=None)
    action_id: UUID | None = reference("action", "The action that it is about, if it is about one.", default=None)


class MilestoneCreate(MilestoneFields):
    model_config = examples(
        pip_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        title="New shifts begin",
        due_on="2026-12-01",
        important=True,
        update_due=True,
    )

    pip_id: UUID = reference("pip", "The plan that it belongs to.")


class Milestone(Owned, MilestoneCreate, table=True):
    force_code: str = owner()


def is_of_one_concern(milestone: Record, on: RuleContext) -> Iterator[Record]:
    for action in on.related.get("action_id", ()):
        if milestone["concern_id"] not in (None, action["concern_id"]):
            yield on.problem("MIL-003", "/action_id", "The action answers another concern.")


milestones = Resource(
    noun="milestone",
    plural="milestones",
    row=Milestone,
    create=MilestoneCreate,
    fields=MilestoneFields,
    describes="The milestones of a plan, and of its concerns and actions.",
    parent=pips,
    known_as="title",
    filters=[
        equal("force", "force_code"),
        equal("pip", "pip_id", "id"),
        equal("concern", "concern_id", "id"),
        equal("action", "action_id", "id"),
        before("due_before", "due_on"),
        after("due_after", "due_on"),
    ],
    sorts=["due_on", "title"],
    references=[
        Reference("concern_id", concerns, within="force_code"),
        Reference("action_id", actions, within="force_code", looked_at=True),
    ],
    rules=[covered_by_plan("MIL-001"), of_the_plan("MIL-002"), is_of_one_concern, has_come("MIL-004", "done_on")],
)
