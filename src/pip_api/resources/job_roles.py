"""Which roles do people of a force have: the level of skill that each asks for, and the few aspects that it sees?"""

from collections.abc import Iterator
from uuid import UUID

from sqlmodel import Field

from pip_api.db.statements import Record
from pip_api.kernel.checks import once
from pip_api.kernel.query import equal
from pip_api.kernel.resource import Reference, Resource, RuleContext
from pip_api.kernel.shapes import Line, Named, Owned, Shape, Whole, examples, members, one_of, owner
from pip_api.resources.forces import forces
from pip_api.resources.frameworks import framework_items
from pip_api.resources.measures import measures
from pip_api.resources.units import UnitKind
from pip_api.rules.skills import STATEMENTS

MOST_ASPECTS = 7
"""A dashboard has about five aspects, those most pertinent to the role (Lancashire 12x12, 4.2)."""


class JobRoleFields(Shape):
    title: Line
    required_skill_level: Whole | None = Field(
        default=None, ge=1, le=len(STATEMENTS), description="The level of performance management that it asks for."
    )
    unit_kind: UnitKind | None = one_of("Of what kind of unit it is, if of one.", default=None)
    measure_codes: list[Named] = members("The measures that its dashboard shows, in this order.", most=MOST_ASPECTS)
    framework_item_ids: list[UUID] = members(
        "The other aspects that its dashboard shows: items of frameworks, judged and not counted.", most=MOST_ASPECTS
    )


class JobRoleCreate(JobRoleFields):
    model_config = examples(
        title="Response sergeant",
        required_skill_level=2,
        unit_kind="team",
        measure_codes=["answered-in-time"],
        force_code="avon-and-somerset",
    )

    force_code: str = owner()


class JobRole(Owned, JobRoleCreate, table=True):
    pass


def sees_few(role: Record, on: RuleContext) -> Iterator[Record]:
    if len(role["measure_codes"]) + len(role["framework_item_ids"]) > MOST_ASPECTS:
        told = f"A dashboard shows at most {MOST_ASPECTS} aspects: those most pertinent to the role."
        yield on.problem("JOB-003", "/framework_item_ids", told, "too_many")


job_roles = Resource(
    noun="job_role",
    plural="job_roles",
    row=JobRole,
    create=JobRoleCreate,
    fields=JobRoleFields,
    describes="The roles of people in a force, and what each sees on its dashboard.",
    known_as="title",
    filters=[equal("force", "force_code"), equal("unit_kind", choices=[each.value for each in UnitKind])],
    sorts=["title"],
    references=[
        Reference("force_code", forces, by="code"),
        Reference("measure_codes", measures, by="code"),
        Reference("framework_item_ids", framework_items),
    ],
    rules=[once("JOB-001", "measure_codes"), once("JOB-002", "framework_item_ids"), sees_few],
)
