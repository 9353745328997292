"""What do people judge and tell of a measure, beside its figures: assessments, reality tests, stories, recognition?"""

from enum import StrEnum
from uuid import UUID

from sqlmodel import Field

from pip_api.db.columns import Code
from pip_api.kernel.checks import has_come, needs, once
from pip_api.kernel.query import after, before, equal
from pip_api.kernel.resource import Reference, Resource
from pip_api.kernel.shapes import Day, Line, Named, Owned, Prose, Shape, examples, members, one_of, owner, reference
from pip_api.resources.forces import forces
from pip_api.resources.measures import measures
from pip_api.resources.pips import pips


class Heading(StrEnum):
    capability = "capability"
    capacity = "capacity"
    commitment = "commitment"
    overall = "overall"


class Judgement(StrEnum):
    strong = "strong"
    adequate = "adequate"
    weak = "weak"


class MeasureAssessmentFields(Shape):
    heading: Heading = one_of("What is judged.", default=Heading.overall)
    judgement: Judgement = one_of("What it comes to.")
    text: Prose = Field(min_length=1, description="The judgement in words.")
    assessor: Line = Field(description="Who judges.")
    assessed_on: Day
    what_good_looks_like: Prose = Field(default="", description="What it is held against, where there is no target.")


class MeasureAssessmentCreate(MeasureAssessmentFields):
    model_config = examples(
        heading="capacity",
        judgement="adequate",
        text="Enough call takers on weekdays; too few on Saturday nights.",
        assessor="Superintendent A. Example",
        assessed_on="2026-10-01",
        what_good_looks_like="A caller in danger speaks to somebody at once",
        force_code="avon-and-somerset",
        measure_code="answered-in-time",
    )

    force_code: str = owner()
    measure_code: Named = Field(
        foreign_key="measure.code", index=True, sa_type=Code, description="The measure that is judged."
    )
    pip_id: UUID | None = reference("pip", "The plan that it was made for.", default=None)


class MeasureAssessment(Owned, MeasureAssessmentCreate, table=True):
    pass


measure_assessments = Resource(
    noun="measure_assessment",
    plural="measure_assessments",
    row=MeasureAssessment,
    create=MeasureAssessmentCreate,
    fields=MeasureAssessmentFields,
    describes="Judgements of a measure in a force: capability, capacity and commitment.",
    filters=[
        equal("force", "force_code"),
        equal("measure", "measure_code"),
        equal("pip", "pip_id", "id"),
        equal("heading", choices=[each.value for each in Heading]),
        equal("judgement", choices=[each.value for each in Judgement]),
        before("assessed_before", "assessed_on"),
        after("assessed_after", "assessed_on"),
    ],
    sorts=["assessed_on", "measure_code"],
    references=[
        Reference("force_code", forces, by="code"),
        Reference("measure_code", measures, by="code"),
        Reference("pip_id", pips, within="force_code"),
    ],
    rules=[has_come("QAS-001", "assessed_on")],
)


class StoryKind(StrEnum):
    story = "story"
    reward = "reward"
    recognition = "recognition"
    reality_test = "reality_test"


class StoryFields(Shape):
    title: Line = Field(description="What is told, or what was tested.")
    kind: StoryKind = one_of("What it is.", default=StoryKind.story)
    text: Prose = Field(min_length=1, description="What happened, or what was found.")
    location: Line | None = Field(default=None, description="In which place or team.")
    told_on: Day
    learning: Prose = Field(default="", description="What is learned from it.")
    measure_codes: list[Named] = members("The measures that it stands beside.")


class StoryCreate(StoryFields):
    model_config = examples(
        title="A night with the control room",
        kind="reality_test",
        text="Two of nine desks were empty after midnight.",
        location="Bridgwater",
        told_on="2026-10-03",
        learning="Leave is planned by the week, demand comes by the hour",
        measure_codes=["answered-in-time"],
        force_code="avon-and-somerset",
    )

    force_code: str = owner()
    pip_id: UUID | None = reference("pip", "The plan that it belongs to.", default=None)


class Story(Owned, StoryCreate, table=True):
    pass


stories = Resource(
    noun="story",
    plural="stories",
    row=Story,
    create=StoryCreate,
    fields=StoryFields,
    describes="Stories, reality tests, rewards and recognition: what balances the figures.",
    known_as="title",
    filters=[
        equal("force", "force_code"),
        equal("pip", "pip_id", "id"),
        equal("kind", choices=[each.value for each in StoryKind]),
        before("told_before", "told_on"),
        after("told_after", "told_on"),
    ],
    sorts=["told_on", "title"],
    references=[
        Reference("force_code", forces, by="code"),
        Reference("measure_codes", measures, by="code"),
        Reference("pip_id", pips, within="force_code"),
    ],
    rules=[
        has_come("STY-001", "told_on"),
        needs("STY-002", "location", lambda story: story["kind"] == "reality_test", "A reality test says where."),
        once("STY-003", "measure_codes"),
    ],
)
