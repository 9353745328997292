"""What of a plan did a board of the nation see: which version, at which moment, and what did it say?

How one comes about is told in `insight/presenting`: what was seen is made of many nouns.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import Field

from pip_api.db.columns import Instant
from pip_api.db.statements import Record
from pip_api.kernel.checks import has_come, needs, said_by
from pip_api.kernel.query import after, before, equal
from pip_api.kernel.resource import Reference, Resource, RuleContext
from pip_api.kernel.shapes import Day, Line, Owned, Prose, Shape, examples, one_of, owner, reference
from pip_api.resources.meetings import national_meetings
from pip_api.resources.pips import pips
from pip_api.rules.lifecycle import PRESENT


class PresentationOutcome(StrEnum):
    noted = "noted"
    accepted = "accepted"
    comments = "comments"
    rejected = "rejected"


class PresentationFields(Shape):
    outcome: PresentationOutcome | None = one_of("What the board said; none before it has.", default=None)
    comments: Prose = Field(default="", description="In its own words.")


class PresentationCreate(PresentationFields):
    model_config = examples(
        pip_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        national_meeting_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2d",
        presented_on="2026-11-10",
        presented_by="Deputy Chief Constable",
    )

    pip_id: UUID = reference("pip", "The plan that is presented.")
    national_meeting_id: UUID = reference("national_meeting", "The meeting that it is presented to.", national=True)
    presented_on: Day
    presented_by: Line = Field(description="Who presents it: a post rather than a name.")


class Presentation(Owned, PresentationCreate, table=True):
    unique_together = (("pip_id", "national_meeting_id"), *Owned.unique_together)

    force_code: str = owner()
    pip_version: int = Field(description="The version of the plan that was seen.")
    as_of: datetime = Field(sa_type=Instant, description="As what stood at this moment the whole plan was seen.")
    digest: str = Field(description="Hex SHA-256 of the plan's document as it was seen, in canonical JSON (RFC 8785).")


def is_of_the_meeting(presentation: Record, on: RuleContext) -> Iterator[Record]:
    for meeting in on.related.get("national_meeting_id", ()):
        if presentation["presented_on"] != meeting["held_on"]:
            yield on.problem("PRS-002", "/presented_on", "The meeting is on another day.")


presentations = Resource(
    noun="presentation",
    plural="presentations",
    row=Presentation,
    create=PresentationCreate,
    fields=PresentationFields,
    describes="Which version of which plan was presented to which meeting, and what came of it.",
    parent=pips,
    outlives=True,
    filters=[
        equal("force", "force_code"),
        equal("pip", "pip_id", "id"),
        equal("national_meeting", "national_meeting_id", "id"),
        equal("outcome", choices=[each.value for each in PresentationOutcome]),
        before("presented_before", "presented_on"),
        after("presented_after", "presented_on"),
    ],
    sorts=["presented_on"],
    references=[Reference("national_meeting_id", national_meetings)],
    rules=[
        said_by("PRS-004", "outcome", PRESENT, "Only those who saw it say what came of it."),
        said_by("PRS-005", "comments", PRESENT, "Only those who saw it say what they thought.", at_first=""),
        has_come("PRS-001", "presented_on"),
        is_of_the_meeting,
        needs("PRS-003", "comments", lambda each: each["outcome"] in ("comments", "rejected"), "What did it say?"),
    ],
    verbs=("list", "read", "change"),
)
