"""What do a force and its teams set out to reach, from the whole organisation down to the team?

What an individual sets out to reach is in `personal_objectives`: it belongs to a person, and few may read it.
"""

from collections.abc import Iterator
from enum import StrEnum
from uuid import UUID

from sqlmodel import Field

from pip_api.db.statements import Record
from pip_api.kernel.checks import in_order, once
from pip_api.kernel.query import after, before, equal
from pip_api.kernel.resource import Reference, Resource, RuleContext
from pip_api.kernel.shapes import Day, Line, Owned, Prose, Shape, examples, members, one_of, owner, reference
from pip_api.resources.forces import forces
from pip_api.resources.frameworks import framework_items
from pip_api.resources.units import units


class Tier(StrEnum):
    organisational = "organisational"
    operational = "operational"
    team = "team"


class ObjectiveStatus(StrEnum):
    draft = "draft"
    agreed = "agreed"
    under_way = "under_way"
    reached = "reached"
    dropped = "dropped"


class ObjectiveContent(Shape):
    """What every objective says, whosever it is."""

    title: Line = Field(description="What is to be reached.")
    success_criteria: Prose = Field(default="", description="How it will be known that it is reached.")
    starts_on: Day | None = None
    due_on: Day | None = None
    status: ObjectiveStatus = one_of("How far it is.", default=ObjectiveStatus.draft)
    progress: Prose = Field(default="", description="The report of progress against the criteria of success.")


class ObjectiveFields(ObjectiveContent):
    owner: Line | None = Field(default=None, description="Who answers for it: a post, and no name.")
    set_by: Line | None = Field(
        default=None, description="The body that set it, where that is not the force: the local policing body, say."
    )
    unit_id: UUID | None = reference("unit", "The place or team whose it is.", default=None)
    parent_objective_id: UUID | None = reference(
        "objective", "The objective of the tier above that it serves.", default=None
    )
    framework_item_ids: list[UUID] = members("The priorities and other items that it serves.")


class ObjectiveCreate(ObjectiveFields):
    model_config = examples(
        force_code="avon-and-somerset",
        tier="organisational",
        title="People who call are answered in time",
        success_criteria="Nine in ten emergency calls are answered within ten seconds for three months.",
        due_on="2027-03-31",
    )

    force_code: str = owner()
    tier: Tier = one_of("Of whom it is asked.")


class Objective(Owned, ObjectiveCreate, table=True):
    pass


def serves_the_tier_above(objective: Record, on: RuleContext) -> Iterator[Record]:
    """A tier never changes and each serves a higher one, so no objective ever serves itself."""
    tiers = [each.value for each in Tier]
    for served in on.related.get("parent_objective_id", ()):
        if tiers.index(served["tier"]) >= tiers.index(objective["tier"]):
            yield on.problem("OBJ-001", "/parent_objective_id", "An objective serves one of a higher tier.")


def is_somebodys(objective: Record, on: RuleContext) -> Iterator[Record]:
    if objective["tier"] == Tier.team and objective["unit_id"] is None:
        yield on.problem("OBJ-002", "/unit_id", "An objective of a team needs the team.", "required")


objectives = Resource(
    noun="objective",
    plural="objectives",
    row=Objective,
    create=ObjectiveCreate,
    fields=ObjectiveFields,
    describes="What a force, its places and its teams set out to reach.",
    known_as="title",
    filters=[
        equal("force", "force_code"),
        equal("tier", choices=[each.value for each in Tier]),
        equal("unit", "unit_id", "id"),
        equal("parent", "parent_objective_id", "id"),
        equal("status", choices=[each.value for each in ObjectiveStatus]),
        before("due_before", "due_on"),
        after("due_after", "due_on"),
    ],
    sorts=["due_on", "title"],
    references=[
        Reference("force_code", forces, by="code"),
        Reference("unit_id", units, within="force_code"),
        Reference("parent_objective_id", None, within="force_code"),
        Reference("framework_item_ids", framework_items),
    ],
    rules=[
        serves_the_tier_above,
        is_somebodys,
        in_order("OBJ-003", "starts_on", "due_on"),
        once("OBJ-004", "framework_item_ids"),
    ],
)
