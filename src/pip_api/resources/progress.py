"""How is a plan getting on, in somebody's words? One record each time; a later one never overwrites an earlier."""

from collections.abc import Iterator
from enum import StrEnum
from uuid import UUID

from sqlmodel import Field

from pip_api.db.statements import Record
from pip_api.kernel.checks import covered_by_plan, has_come, of_the_plan
from pip_api.kernel.query import after, before, equal
from pip_api.kernel.resource import Reference, Resource, RuleContext
from pip_api.kernel.shapes import Day, Line, Prose, Row, Shape, Whole, examples, one_of, owner, reference
from pip_api.resources.actions import actions
from pip_api.resources.concerns import concerns
from pip_api.resources.pips import pips


class Brag(StrEnum):
    """Blue for complete, then green, amber and red as in most forces' reporting; a judgement, never worked out."""

    blue = "blue"
    green = "green"
    amber = "amber"
    red = "red"


class ProgressUpdateFields(Shape):
    pass


class ProgressUpdateCreate(ProgressUpdateFields):
    model_config = examples(
        pip_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        reported_on="2026-11-01",
        reported_by="Inspector E. Example",
        narrative="The new shifts began; waits at weekends fell by a third.",
        brag="green",
        percent_complete=40,
    )

    pip_id: UUID = reference("pip", "The plan that it is about.")
    concern_id: UUID | None = reference("concern", "The concern that it is about, if it is about one.", default=None)
    action_id: UUID | None = reference("action", "The action that it is about, if it is about one.", default=None)
    reported_on: Day = Field(description="The day that it describes.")
    reported_by: Line = Field(description="Who says so.")
    narrative: Prose = Field(min_length=1, description="What was done, and what it brought.")
    brag: Brag | None = one_of("Blue, red, amber or green.", default=None)
    percent_complete: Whole | None = Field(default=None, ge=0, le=100)


class ProgressUpdate(Row, ProgressUpdateCreate, table=True):
    force_code: str = owner()


def is_about_one(update: Record, on: RuleContext) -> Iterator[Record]:
    if update["concern_id"] and update["action_id"]:
        yield on.problem(
            "PRG-001", "/action_id", "An update is about a plan, a concern or an action: name one of the two."
        )
    if update["brag"] == "blue" and update["percent_complete"] not in (None, 100):
        yield on.problem("PRG-005", "/percent_complete", "Blue means complete: 100 per cent, or none given.")


progress_updates = Resource(
    noun="progress_update",
    plural="progress_updates",
    row=ProgressUpdate,
    create=ProgressUpdateCreate,
    fields=ProgressUpdateFields,
    describes="Narrative progress on a plan, a concern or an action.",
    parent=pips,
    known_as="reported_on",
    filters=[
        equal("force", "force_code"),
        equal("pip", "pip_id", "id"),
        equal("concern", "concern_id", "id"),
        equal("action", "action_id", "id"),
        equal("brag", choices=[each.value for each in Brag]),
        before("reported_before", "reported_on"),
        after("reported_after", "reported_on"),
    ],
    sorts=["reported_on"],
    references=[
        Reference("concern_id", concerns, within="force_code"),
        Reference("action_id", actions, within="force_code"),
    ],
    rules=[is_about_one, covered_by_plan("PRG-002"), of_the_plan("PRG-003"), has_come("PRG-004", "reported_on")],
    verbs=("list", "read", "create"),
    keeps_in_use=False,
)
