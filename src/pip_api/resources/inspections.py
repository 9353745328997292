"""How is a force graded, question by question: by the inspectorate, and by itself before the inspectorate comes?"""

from collections.abc import Iterator
from enum import StrEnum
from uuid import UUID

from sqlmodel import Field

from pip_api.access.permissions import INSPECT, SELF_ASSESS
from pip_api.db.statements import Record
from pip_api.kernel.checks import has_come
from pip_api.kernel.query import after, before, equal
from pip_api.kernel.resource import Reference, Resource, RuleContext
from pip_api.kernel.shapes import Day, Owned, Prose, Shape, examples, one_of, owner, reference
from pip_api.resources.forces import forces
from pip_api.resources.frameworks import ItemKind, framework_items


class GradingKind(StrEnum):
    inspection = "inspection"
    self_assessment = "self_assessment"


GRADES = {GradingKind.inspection: INSPECT, GradingKind.self_assessment: SELF_ASSESS}
"""Who gives grades of each kind: nobody writes those of the other."""


class InspectionGradeFields(Shape):
    graded_on: Day
    kind: GradingKind = one_of(
        "Whether HMICFRS graded the force, or it graded itself: each writes and withdraws its own grades only.",
        default="inspection",
    )
    report: Prose = Field(default="", description="The report, or what the grade rests on.")


class InspectionGradeCreate(InspectionGradeFields):
    model_config = examples(
        graded_on="2026-09-30",
        kind="self_assessment",
        report="Workshop of the chief officers, minutes of 30 September",
        force_code="avon-and-somerset",
        framework_item_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        grade_item_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2d",
    )

    force_code: str = owner()
    framework_item_id: UUID = reference("framework_item", "The question or pillar that is graded.", national=True)
    grade_item_id: UUID = reference("framework_item", "The grade, an item of the same framework.", national=True)


class InspectionGrade(Owned, InspectionGradeCreate, table=True):
    pass


def of_who_graded(grade: Record) -> str:
    return GRADES[grade["kind"]]


def fits_the_framework(grade: Record, on: RuleContext) -> Iterator[Record]:
    """What is graded and the grade are given once, when the row is made."""
    asked, given = (on.related.get(name, []) for name in ("framework_item_id", "grade_item_id"))
    for item in asked:
        if item["kind"] not in (ItemKind.question, ItemKind.pillar):
            yield on.problem("INS-002", "/framework_item_id", "Only a question or a pillar is graded.")
        if given and given[0]["framework_id"] != item["framework_id"]:
            yield on.problem("INS-003", "/grade_item_id", "The grade is one of another framework.")
    if given and given[0]["kind"] != ItemKind.grade:
        yield on.problem("INS-004", "/grade_item_id", "This item is no grade.")


inspection_grades = Resource(
    noun="inspection_grade",
    plural="inspection_grades",
    row=InspectionGrade,
    create=InspectionGradeCreate,
    fields=InspectionGradeFields,
    describes="Grades of a force by question or pillar, from inspections and from self-assessments.",
    filters=[
        equal("force", "force_code"),
        equal("framework_item", "framework_item_id", "id"),
        equal("grade_item", "grade_item_id", "id"),
        equal("kind", choices=[each.value for each in GradingKind]),
        before("graded_before", "graded_on"),
        after("graded_after", "graded_on"),
    ],
    sorts=["graded_on"],
    references=[
        Reference("force_code", forces, by="code"),
        Reference("framework_item_id", framework_items),
        Reference("grade_item_id", framework_items),
    ],
    takes=of_who_graded,
    rules=[has_come("INS-001", "graded_on"), fits_the_framework],
)
