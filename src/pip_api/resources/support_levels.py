"""What is a level of support, and which force is at which level when?

The definitions are dated reference data that an administrator edits: no published source fixes them, and they have
flags for what they bring about, such as that the plan must be presented to PPMG.
"""

from collections.abc import Iterator
from typing import Any

from sqlmodel import Field

from pip_api.db.columns import Code
from pip_api.db.statements import Record
from pip_api.kernel.query import after, before, equal
from pip_api.kernel.resource import Reference, Resource, RuleContext
from pip_api.kernel.shapes import CodeText, Day, Flag, Line, Named, Prose, Row, Shape, Whole, examples, owner
from pip_api.resources.forces import forces


def within(duty: str) -> Any:
    """A number of days that an operator sets: no published source gives one, and without it the duty has no day."""
    told = f"Within how many days of the first at this level {duty}; null where nobody has set it."
    return Field(default=None, ge=0, le=3_650, description=told)


class SupportLevelFields(Shape):
    name: Line
    definition: Prose = Field(description="What puts a force at this level.")
    pip_expected: Flag = Field(description="Whether a force at this level is expected to draft a plan.")
    shared_with_partners: Flag = Field(
        description="Whether the plan is shared with the Home Office, HMICFRS and the College for review."
    )
    presented_to_ppmg: Flag = Field(description="Whether the plan must be presented to PPMG.")
    draft_within_days: Whole | None = within("a plan is drafted")
    share_within_days: Whole | None = within("the plan is shared with partners")
    submit_within_days: Whole | None = within("the plan is submitted to PPMG")
    present_within_days: Whole | None = within("the plan is presented to PPMG")
    source: Prose = Field(default="", description="Where the definition comes from.")
    valid_from: Day | None = Field(default=None, description="The day from which the definition holds, where known.")
    valid_to: Day | None = Field(default=None, description="Its last day, once it is replaced.")


class SupportLevelCreate(SupportLevelFields):
    model_config = examples(
        name="Level 3",
        definition="Persistent concerns that the force has not shown it can answer alone.",
        pip_expected=True,
        shared_with_partners=True,
        presented_to_ppmg=True,
        code="level-3",
        level=3,
    )

    code: CodeText = Field(unique=True, sa_type=Code, description="Such as level-3.")
    level: Whole = Field(ge=1, le=9, description="Its place in the order; a higher level means more oversight.")


class SupportLevel(Row, SupportLevelCreate, table=True):
    pass


def valid_in_order(level: Record, on: RuleContext) -> Iterator[Record]:
    if level["valid_from"] and level["valid_to"] and level["valid_to"] < level["valid_from"]:
        yield on.problem("LVL-001", "/valid_to", "A definition cannot end before it starts.", "ends_before_start")


support_levels = Resource(
    noun="support_level",
    plural="support_levels",
    row=SupportLevel,
    create=SupportLevelCreate,
    fields=SupportLevelFields,
    describes="The levels of support, as dated reference data.",
    key="code",
    sorts=["level", "code"],
    rules=[valid_in_order],
)


class SupportLevelAssignmentFields(Shape):
    ends_on: Day | None = Field(default=None, description="The last day at this level; open while it lasts.")
    decided_by: Line = Field(description="Who decided, such as PPMG.")
    reason: Prose = Field(min_length=1, description="Why the force was put at this level.")


class SupportLevelAssignmentCreate(SupportLevelAssignmentFields):
    model_config = examples(
        decided_by="PPMG",
        reason="Calls unanswered for three quarters",
        force_code="avon-and-somerset",
        level_code="level-3",
        starts_on="2026-06-01",
    )

    force_code: str = owner()
    level_code: Named = Field(foreign_key="support_level.code", sa_type=Code, description="The level, such as level-3.")
    starts_on: Day = Field(description="The first day at this level.")


class SupportLevelAssignment(Row, SupportLevelAssignmentCreate, table=True):
    """The periods of one force never overlap: an exclusion constraint on PostgreSQL, triggers on SQLite."""


def lasts_a_day(assignment: Record, on: RuleContext) -> Iterator[Record]:
    if assignment["ends_on"] and assignment["ends_on"] < assignment["starts_on"]:
        yield on.problem("LVL-002", "/ends_on", "A period cannot end before it starts.", "ends_before_start")


support_level_assignments = Resource(
    noun="support_level_assignment",
    plural="support_level_assignments",
    row=SupportLevelAssignment,
    create=SupportLevelAssignmentCreate,
    fields=SupportLevelAssignmentFields,
    describes="Which force is at which level of support, from when to when, who decided and why.",
    filters=[
        equal("force", "force_code"),
        equal("level", "level_code"),
        before("starts_before", "starts_on"),
        after("starts_after", "starts_on"),
    ],
    sorts=["starts_on", "force_code"],
    references=[Reference("force_code", forces, by="code"), Reference("level_code", support_levels, by="code")],
    rules=[lasts_a_day],
)
