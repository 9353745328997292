"""What does a force learn and pass on: practice for the practice bank, lessons, evidence, and what it sees coming?"""

from enum import StrEnum
from uuid import UUID

from sqlmodel import Field

from pip_api.kernel.checks import has_come, needs, status_is
from pip_api.kernel.query import after, equal
from pip_api.kernel.resource import Reference, Resource
from pip_api.kernel.shapes import Day, Line, Owned, Prose, Shape, examples, one_of, owner, reference
from pip_api.resources.forces import forces
from pip_api.resources.pips import pips


class PracticeResult(StrEnum):
    worked = "worked"
    promising = "promising"
    innovative = "innovative"
    did_not_work = "did_not_work"


class SubmissionStatus(StrEnum):
    draft = "draft"
    submitted = "submitted"
    published = "published"
    declined = "declined"


class PracticeSubmissionFields(Shape):
    title: Line
    done: Prose = Field(min_length=1, description="What was done.")
    result: PracticeResult | None = one_of("What came of it.", default=None)
    status: SubmissionStatus = one_of("How far it is.", default=SubmissionStatus.draft)
    submitted_on: Day | None = None
    link: Line | None = Field(default=None, description="Where it can be read.")


class PracticeSubmissionCreate(PracticeSubmissionFields):
    model_config = examples(
        pip_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        title="Shifts that follow the calls",
        done="Shifts were planned from the calls of two years, by hour and weekday.",
        result="promising",
    )

    pip_id: UUID = reference("pip", "The plan that it comes from.")


class PracticeSubmission(Owned, PracticeSubmissionCreate, table=True):
    force_code: str = owner()


GONE_IN = status_is("submitted", "published", "declined")

practice_submissions = Resource(
    noun="practice_submission",
    plural="practice_submissions",
    row=PracticeSubmission,
    create=PracticeSubmissionCreate,
    fields=PracticeSubmissionFields,
    describes="What a plan passes on to the practice bank.",
    parent=pips,
    outlives=True,
    known_as="title",
    filters=[
        equal("force", "force_code"),
        equal("pip", "pip_id", "id"),
        equal("result", choices=[each.value for each in PracticeResult]),
        equal("status", choices=[each.value for each in SubmissionStatus]),
    ],
    sorts=["title", "submitted_on"],
    rules=[
        needs("PRB-001", "submitted_on", GONE_IN, "Say when it was submitted."),
        needs("PRB-002", "result", GONE_IN, "Say what came of it before others read it."),
        has_come("PRB-003", "submitted_on"),
    ],
)


class LessonKind(StrEnum):
    lesson = "lesson"
    horizon_scan = "horizon_scan"
    evidence_item = "evidence_item"


class Strength(StrEnum):
    strong = "strong"
    moderate = "moderate"
    weak = "weak"


class LessonFields(Shape):
    title: Line
    kind: LessonKind = one_of("Whether it was learned, is seen coming, or is evidence.", default=LessonKind.lesson)
    text: Prose = Field(min_length=1)
    source: Line | None = Field(default=None, description="Where it comes from.")
    strength: Strength | None = one_of("How strong the evidence is.", default=None)
    pip_id: UUID | None = reference("pip", "The plan that it comes from, if it is one.", default=None)
    noted_on: Day


class LessonCreate(LessonFields):
    model_config = examples(
        title="Tell partners before the shifts change",
        text="Two partners heard of the new shifts from the press.",
        source="Learning review, November 2026",
        strength="moderate",
        noted_on="2026-11-17",
        force_code="avon-and-somerset",
    )

    force_code: str = owner()


class Lesson(Owned, LessonCreate, table=True):
    pass


lessons = Resource(
    noun="lesson",
    plural="lessons",
    row=Lesson,
    create=LessonCreate,
    fields=LessonFields,
    describes="What a force learned, sees coming, or has evidence of.",
    known_as="title",
    filters=[
        equal("force", "force_code"),
        equal("pip", "pip_id", "id"),
        equal("kind", choices=[each.value for each in LessonKind]),
        equal("strength", choices=[each.value for each in Strength]),
        after("noted_after", "noted_on"),
    ],
    sorts=["noted_on", "title"],
    references=[Reference("force_code", forces, by="code"), Reference("pip_id", pips, within="force_code")],
    rules=[
        has_come("LSN-001", "noted_on"),
        needs("LSN-002", "strength", lambda row: row["kind"] == "evidence_item", "Say how strong the evidence is."),
    ],
)
