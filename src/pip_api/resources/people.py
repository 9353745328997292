"""Who are the people of a force, and how far are they in the skill that their role asks for?

Personal data, and as little of it as will do: a name, a role and a unit; what somebody meets of each statement of the
skill. Only whoever leads people in the force reads it, and a redaction erases it.
"""

from collections.abc import Iterator
from enum import StrEnum
from uuid import UUID

from sqlmodel import Field

from pip_api.db.statements import Record
from pip_api.kernel.checks import has_come
from pip_api.kernel.query import after, before, equal
from pip_api.kernel.resource import Reference, Resource, RuleContext
from pip_api.kernel.shapes import Day, Line, Owned, Prose, Shape, examples, one_of, owner, reference
from pip_api.resources.forces import forces
from pip_api.resources.frameworks import framework_items
from pip_api.resources.job_roles import job_roles
from pip_api.resources.units import units


class PersonFields(Shape):
    name: Line = Field(description="The only thing here that says who it is.")
    job_role_id: UUID | None = reference("job_role", "What they do.", default=None)
    unit_id: UUID | None = reference("unit", "Where they do it: a place, a team, or their own post.", default=None)


class PersonCreate(PersonFields):
    model_config = examples(name="A. Example", force_code="avon-and-somerset")

    force_code: str = owner()


class Person(Owned, PersonCreate, table=True):
    pass


people = Resource(
    noun="person",
    plural="people",
    row=Person,
    create=PersonCreate,
    fields=PersonFields,
    describes="The people of a force; read by those who lead them.",
    filters=[
        equal("force", "force_code"),
        equal("job_role", "job_role_id", "id"),
        equal("unit", "unit_id", "id"),
    ],
    sorts=["name"],
    references=[
        Reference("force_code", forces, by="code"),
        Reference("job_role_id", job_roles, within="force_code"),
        Reference("unit_id", units, within="force_code"),
    ],
)


class Met(StrEnum):
    not_yet = "not_yet"
    partly = "partly"
    fully = "fully"


class AssessedBy(StrEnum):
    self = "self"
    supervisor = "supervisor"


class SkillAssessmentFields(Shape):
    met: Met = one_of("How far the statement is met.")
    evidence: Prose = Field(min_length=1, description="What shows it.")
    assessed_on: Day


class SkillAssessmentCreate(SkillAssessmentFields):
    model_config = examples(
        person_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        statement_item_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2d",
        met="partly",
        evidence="Leads the weekly talk; two of eight had no plan of development yet.",
        assessed_on="2026-11-10",
        assessed_by="self",
    )

    person_id: UUID = reference("person", "Whose skill it is.")
    statement_item_id: UUID = reference("framework_item", "The statement of the skill.", national=True)
    assessed_by: AssessedBy = one_of("Who says so.", default=AssessedBy.self)


class SkillAssessment(Owned, SkillAssessmentCreate, table=True):
    force_code: str = owner()


def is_of_a_statement(assessment: Record, on: RuleContext) -> Iterator[Record]:
    for item in on.related.get("statement_item_id", ()):
        if item["kind"] != "skill_statement":
            yield on.problem("PER-001", "/statement_item_id", "This is no statement of a skill.")


skill_assessments = Resource(
    noun="skill_assessment",
    plural="skill_assessments",
    row=SkillAssessment,
    create=SkillAssessmentCreate,
    fields=SkillAssessmentFields,
    describes="How far people meet the statements of a skill, in their own word or that of a supervisor.",
    parent=people,
    filters=[
        equal("force", "force_code"),
        equal("person", "person_id", "id"),
        equal("statement", "statement_item_id", "id"),
        equal("met", choices=[each.value for each in Met]),
        before("assessed_before", "assessed_on"),
        after("assessed_after", "assessed_on"),
    ],
    sorts=["assessed_on"],
    references=[Reference("statement_item_id", framework_items)],
    rules=[is_of_a_statement, has_come("PER-002", "assessed_on")],
)
