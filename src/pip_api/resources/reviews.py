"""When is a plan reviewed, in the force and with partners, and what was decided?"""

from enum import StrEnum
from uuid import UUID

from sqlmodel import Field

from pip_api.kernel.checks import has_come, in_order, needs
from pip_api.kernel.query import after, before, equal
from pip_api.kernel.resource import Resource
from pip_api.kernel.shapes import Day, Line, Owned, Remark, Shape, examples, members, one_of, owner, reference
from pip_api.resources.pips import pips


class ReviewKind(StrEnum):
    internal = "internal"
    with_partners = "with_partners"


class ReviewFields(Shape):
    title: Line
    kind: ReviewKind = one_of("Whether it is held in the force, or with partners and stakeholders.")
    planned_on: Day
    held_on: Day | None = None
    attendees: list[Line] = members("Who took part.")
    decisions: list[Remark] = members("What was decided.")
    next_on: Day | None = Field(default=None, description="When the next one is to be.")


class ReviewCreate(ReviewFields):
    model_config = examples(
        pip_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        title="Review of November",
        kind="internal",
        planned_on="2026-11-16",
        held_on="2026-11-17",
        attendees=["Deputy Chief Constable B. Example"],
        decisions=["Begin the new shifts a week earlier."],
        next_on="2026-12-14",
    )

    pip_id: UUID = reference("pip", "The plan that is reviewed.")


class Review(Owned, ReviewCreate, table=True):
    force_code: str = owner()


reviews = Resource(
    noun="review",
    plural="reviews",
    row=Review,
    create=ReviewCreate,
    fields=ReviewFields,
    describes="Reviews of a plan, planned and held.",
    parent=pips,
    known_as="title",
    filters=[
        equal("force", "force_code"),
        equal("pip", "pip_id", "id"),
        equal("kind", choices=[each.value for each in ReviewKind]),
        before("planned_before", "planned_on"),
        after("planned_after", "planned_on"),
    ],
    sorts=["planned_on", "held_on"],
    rules=[
        has_come("REV-001", "held_on"),
        needs("REV-002", "attendees", lambda row: row["held_on"], "Say who took part in the review that was held."),
        needs("REV-003", "held_on", lambda row: row["decisions"], "What was decided was decided in a review held."),
        in_order("REV-004", "held_on", "next_on"),
    ],
)
