"""Which places, teams and individuals make up a force, so that figures can be held for each of them?

Individual in team in place in force (Lancashire 12x12, 4.2). An individual stands here by the number of a post, and who
is in it is known to `people` only.
"""

from collections.abc import Iterator
from enum import StrEnum
from uuid import UUID

from sqlmodel import Field

from pip_api.db.columns import Code
from pip_api.db.statements import Record
from pip_api.kernel.query import equal
from pip_api.kernel.resource import Reference, Resource, RuleContext
from pip_api.kernel.shapes import CodeText, Line, Owned, Shape, examples, one_of, owner, reference
from pip_api.resources.forces import forces


class UnitKind(StrEnum):
    place = "place"
    team = "team"
    individual = "individual"


ABOVE = {UnitKind.place: None, UnitKind.team: UnitKind.place, UnitKind.individual: UnitKind.team}
"""In what a unit of each kind stands; a place is the force's own, and a team may be."""
WHOLE_FORCE = ""
"""The code where a figure is of no unit, but of the force as a whole."""


class UnitFields(Shape):
    title: Line = Field(description="What it is called. Of an individual: the post, and no name.")
    parent_unit_id: UUID | None = reference(
        "unit", "The unit that it is in; none when only the force is above.", default=None
    )


class UnitCreate(UnitFields):
    model_config = examples(title="North division", code="north", kind="place", force_code="avon-and-somerset")

    force_code: str = owner()
    code: CodeText = Field(sa_type=Code, description="Unique in the force, such as north or north-response-1.")
    kind: UnitKind = one_of("What it is.")


class Unit(Owned, UnitCreate, table=True):
    unique_together = (*Owned.unique_together, ("force_code", "code"))


def stands_in_its_like(unit: Record, on: RuleContext) -> Iterator[Record]:
    """A kind never changes and each stands in another kind, so no unit is ever above itself."""
    above = ABOVE[UnitKind(unit["kind"])]
    if unit["parent_unit_id"] is None:
        if unit["kind"] == UnitKind.individual:
            yield on.problem("UNT-001", "/parent_unit_id", "An individual is in a team.", "required")
        return
    for parent in on.related.get("parent_unit_id", ()):
        if parent["kind"] != above:
            told = "A place is in no other unit." if above is None else f"It has to be in a {above}."
            yield on.problem("UNT-002", "/parent_unit_id", told)


units = Resource(
    noun="unit",
    plural="units",
    row=Unit,
    create=UnitCreate,
    fields=UnitFields,
    describes="The places, teams and individuals of a force.",
    known_as="code",
    filters=[
        equal("force", "force_code"),
        equal("code"),
        equal("kind", choices=[each.value for each in UnitKind]),
        equal("parent", "parent_unit_id", "id"),
    ],
    sorts=["code", "title"],
    references=[
        Reference("force_code", forces, by="code"),
        Reference("parent_unit_id", None, within="force_code"),
    ],
    rules=[stands_in_its_like],
)
