"""Which meetings look at plans and at performance: those of a force, with what was decided, and those of the nation?"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlmodel import Field

from pip_api.db.columns import Code
from pip_api.db.statements import Record
from pip_api.kernel.checks import in_order, needs, once
from pip_api.kernel.query import after, before, equal
from pip_api.kernel.resource import Reference, Resource, Rule, RuleContext
from pip_api.kernel.shapes import Day, Line, Named, Owned, Row, Shape, examples, members, one_of, owner, reference
from pip_api.resources.assurance import assurance_checks
from pip_api.resources.boards import boards
from pip_api.resources.forces import forces
from pip_api.resources.frameworks import framework_items
from pip_api.resources.pips import pips
from pip_api.resources.regions import regions


class NationalMeetingKind(StrEnum):
    ppmg = "ppmg"
    regional_triage = "regional_triage"
    other = "other"


class Decision(BaseModel):
    """What was decided, who does it, and by when."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
    owner: Line | None = None
    due_on: Day | None = None


class NationalMeetingFields(Shape):
    title: Line
    held_on: Day = Field(description="The day on which it is, or was, held.")
    agenda: list[Line] = members("What it is about.")
    updates_due_on: Day | None = Field(default=None, description="The day by which forces send their updates.")
    decisions: list[Decision] = members(
        "What was decided of all forces, once it was held; of one plan: `presentation`."
    )


class NationalMeetingCreate(NationalMeetingFields):
    model_config = examples(
        title="PPMG, December 2026", kind="ppmg", held_on="2026-12-10", updates_due_on="2026-12-01",
        agenda=["Plans of forces at level three"],
    )  # fmt: skip

    kind: NationalMeetingKind = one_of("Which meeting it is.")
    region_code: Named | None = Field(
        default=None, foreign_key="region.code", index=True, sa_type=Code, description="The region, if it is of one."
    )


class NationalMeeting(Row, NationalMeetingCreate, table=True):
    pass


def once_held(rule: str, *fields: str) -> Rule:
    """Who came and what was decided is known when a meeting was held."""

    def check(meeting: Record, on: RuleContext) -> Iterator[Record]:
        for name in fields:
            if meeting[name] and meeting["held_on"] > on.today:
                yield on.problem(rule, f"/{name}", "It was not held yet.", "in_the_future")

    return check


def is_of_its_region(meeting: Record, on: RuleContext) -> Iterator[Record]:
    if meeting["kind"] == NationalMeetingKind.ppmg and meeting["region_code"]:
        yield on.problem("MIN-002", "/region_code", "PPMG is of no region.")


national_meetings = Resource(
    noun="national_meeting",
    plural="national_meetings",
    row=NationalMeeting,
    create=NationalMeetingCreate,
    fields=NationalMeetingFields,
    describes="The meetings of the nation and its regions that plans go to, with when updates for them are due.",
    known_as="title",
    filters=[
        equal("kind", choices=[each.value for each in NationalMeetingKind]),
        equal("region", "region_code"),
        before("held_before", "held_on"),
        after("held_after", "held_on"),
    ],
    sorts=["held_on", "title"],
    references=[Reference("region_code", regions, by="code")],
    rules=[
        needs("MIN-001", "region_code", lambda each: each["kind"] == "regional_triage", "A triage is of a region."),
        is_of_its_region,
        in_order("MIN-003", "updates_due_on", "held_on"),
        once_held("MIN-004", "decisions"),
    ],
)


class MeetingKind(StrEnum):
    board = "board"
    learning_review = "learning_review"
    strategic_scrutiny = "strategic_scrutiny"
    review = "review"
    ppmg = "ppmg"
    regional_triage = "regional_triage"
    other = "other"


THEMED = (MeetingKind.learning_review, MeetingKind.strategic_scrutiny)


class MeetingFields(Shape):
    title: Line
    held_on: Day = Field(description="The day on which it is, or was, held.")
    theme: Line | None = Field(default=None, description="What it looks at, set in advance.")
    framework_item_ids: list[UUID] = members("The priorities and other items that are its theme.")
    agenda: list[Line] = members("What it is about, in order.")
    attendees: list[Line] = members("Who came: posts rather than names.")
    decisions: list[Decision] = members("What was decided, once it was held.")
    pip_ids: list[UUID] = members("The plans that it is about.")
    assurance_check_ids: list[UUID] = members("The checks that it draws on: what was found where delivery was tested.")
    updates_due_on: Day | None = Field(default=None, description="The day by which updates for it are due.")
    inspection_theme_on: Day | None = Field(
        default=None, description="When the inspectorate looks at the same theme, which is after the force did."
    )
    board_id: UUID | None = reference("board", "The board whose meeting it is.", default=None)
    national_meeting_id: UUID | None = reference(
        "national_meeting",
        "The national or regional meeting that it is the force's part of.",
        default=None,
        national=True,
    )


class MeetingCreate(MeetingFields):
    model_config = examples(
        force_code="avon-and-somerset",
        kind="learning_review",
        title="Learning review, third quarter",
        theme="Response",
        held_on="2026-12-15",
        inspection_theme_on="2027-02-01",
    )

    force_code: str = owner()
    kind: MeetingKind = one_of("What kind of meeting it is.")


class Meeting(Owned, MeetingCreate, table=True):
    pass


def comes_before_inspection(meeting: Record, on: RuleContext) -> Iterator[Record]:
    """Lancashire 12x12, 5.3: thematic reviews come before external review of the same theme."""
    if meeting["inspection_theme_on"] and meeting["inspection_theme_on"] <= meeting["held_on"]:
        told = "The force looks at a theme before the inspectorate does."
        yield on.problem("MTG-006", "/inspection_theme_on", told, "date_before_start")


meetings = Resource(
    noun="meeting",
    plural="meetings",
    row=Meeting,
    create=MeetingCreate,
    fields=MeetingFields,
    describes="The meetings of a force: boards, learning reviews, strategic scrutiny, its part in national ones.",
    known_as="title",
    filters=[
        equal("force", "force_code"),
        equal("kind", choices=[each.value for each in MeetingKind]),
        equal("board", "board_id", "id"),
        equal("national_meeting", "national_meeting_id", "id"),
        before("held_before", "held_on"),
        after("held_after", "held_on"),
    ],
    sorts=["held_on", "title"],
    references=[
        Reference("force_code", forces, by="code"),
        Reference("board_id", boards, within="force_code"),
        Reference("national_meeting_id", national_meetings),
        Reference("framework_item_ids", framework_items),
        Reference("pip_ids", pips, within="force_code"),
        Reference("assurance_check_ids", assurance_checks, within="force_code"),
    ],
    rules=[
        needs("MTG-001", "theme", lambda each: each["kind"] in THEMED, "Its theme is set in advance."),
        once("MTG-002", "pip_ids"),
        once("MTG-003", "framework_item_ids"),
        in_order("MTG-004", "updates_due_on", "held_on"),
        once_held("MTG-005", "decisions", "attendees"),
        comes_before_inspection,
        once("MTG-007", "assurance_check_ids"),
    ],
)
