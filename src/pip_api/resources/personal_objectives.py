"""What does somebody set out to reach, and what was said in the talks about it? Read by those who lead them only."""

from enum import StrEnum
from uuid import UUID

from sqlmodel import Field

from pip_api.kernel.checks import has_come, in_order
from pip_api.kernel.query import after, before, equal
from pip_api.kernel.resource import Reference, Resource
from pip_api.kernel.shapes import Day, Line, Owned, Prose, Shape, examples, one_of, owner, reference
from pip_api.resources.objectives import ObjectiveContent, ObjectiveStatus, objectives
from pip_api.resources.people import people


class PersonalObjectiveKind(StrEnum):
    work = "work"
    development = "development"
    career = "career"


class PersonalObjectiveFields(ObjectiveContent):
    kind: PersonalObjectiveKind = one_of("What it is about.", default=PersonalObjectiveKind.work)
    objective_id: UUID | None = reference(
        "objective", "The objective of the team or the force that it serves.", default=None
    )


class PersonalObjectiveCreate(PersonalObjectiveFields):
    model_config = examples(
        person_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        title="A talk with each of the team every month",
        success_criteria="Eight talks a month, each with what was agreed.",
        due_on="2027-03-31",
    )

    person_id: UUID = reference("person", "Whose it is.")


class PersonalObjective(Owned, PersonalObjectiveCreate, table=True):
    force_code: str = owner()


personal_objectives = Resource(
    noun="personal_objective",
    plural="personal_objectives",
    row=PersonalObjective,
    create=PersonalObjectiveCreate,
    fields=PersonalObjectiveFields,
    describes="What people set out to reach, for the team, their development or their career.",
    parent=people,
    known_as="title",
    filters=[
        equal("force", "force_code"),
        equal("person", "person_id", "id"),
        equal("objective", "objective_id", "id"),
        equal("kind", choices=[each.value for each in PersonalObjectiveKind]),
        equal("status", choices=[each.value for each in ObjectiveStatus]),
        before("due_before", "due_on"),
    ],
    sorts=["due_on", "title"],
    references=[Reference("objective_id", objectives, within="force_code")],
    rules=[in_order("POB-001", "starts_on", "due_on")],
)


class ConversationKind(StrEnum):
    performance = "performance"
    feedback = "feedback"
    coaching = "coaching"
    career = "career"


class ConversationFields(Shape):
    kind: ConversationKind = one_of("What it was for.")
    held_on: Day
    with_whom: Line = Field(description="With whom: a post rather than a name.")
    summary: Prose = Field(default="", description="What was said, in short.")
    agreed: Prose = Field(default="", description="What was agreed.")
    next_on: Day | None = Field(default=None, description="When the next one is.")


class ConversationCreate(ConversationFields):
    model_config = examples(
        person_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        kind="coaching",
        held_on="2026-11-10",
        with_whom="Inspector, response",
        agreed="To sit in on two talks by the end of the month.",
    )

    person_id: UUID = reference("person", "With whom it was held.")


class Conversation(Owned, ConversationCreate, table=True):
    force_code: str = owner()


conversations = Resource(
    noun="conversation",
    plural="conversations",
    row=Conversation,
    create=ConversationCreate,
    fields=ConversationFields,
    describes="Talks with people about performance, feedback, coaching and career.",
    parent=people,
    filters=[
        equal("force", "force_code"),
        equal("person", "person_id", "id"),
        equal("kind", choices=[each.value for each in ConversationKind]),
        before("held_before", "held_on"),
        after("held_after", "held_on"),
    ],
    sorts=["held_on"],
    rules=[has_come("CNV-001", "held_on"), in_order("CNV-002", "held_on", "next_on")],
)
