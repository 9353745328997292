"""What is a force here? A police force of the United Kingdom, known by its data.police.uk identifier."""

from collections.abc import Iterator
from enum import StrEnum

from sqlmodel import Field

from pip_api.db.columns import Code
from pip_api.db.statements import Record
from pip_api.kernel.query import equal
from pip_api.kernel.resource import Reference, Resource, RuleContext
from pip_api.kernel.shapes import CodeText, Day, GssCode, Line, Named, Row, Shape, examples, one_of
from pip_api.resources.regions import regions


class ForceKind(StrEnum):
    territorial = "territorial"
    territorial_devolved = "territorial-devolved"
    special = "special"
    national_agency = "national-agency"


class Nation(StrEnum):
    england = "England"
    wales = "Wales"
    scotland = "Scotland"
    northern_ireland = "Northern Ireland"
    great_britain = "Great Britain"
    united_kingdom = "United Kingdom"


class ForceFields(Shape):
    name: Line = Field(description="The full name.")
    short_name: Line
    kind: ForceKind = one_of("What kind of force it is.")
    nation: Nation = one_of("Where it polices.")
    gss_code: GssCode | None = Field(default=None, description="The statistical code of its area; some have none.")
    region_code: Named | None = Field(
        default=None,
        foreign_key="region.code",
        index=True,
        sa_type=Code,
        description="Its region; national forces have none.",
    )
    starts_on: Day | None = Field(default=None, description="Its first day, where known.")
    ends_on: Day | None = Field(default=None, description="Its last day, if it was merged or dissolved.")
    successor_code: Named | None = Field(
        default=None, foreign_key="force.code", sa_type=Code, description="The force that took over from it."
    )


class ForceCreate(ForceFields):
    model_config = examples(
        name="Avon and Somerset Constabulary",
        short_name="Avon and Somerset",
        kind="territorial",
        nation="England",
        region_code="south-west",
        code="avon-and-somerset",
    )

    code: CodeText = Field(
        unique=True, sa_type=Code, description="The data.police.uk identifier, such as avon-and-somerset."
    )


class Force(Row, ForceCreate, table=True):
    pass


def ends_in_order(force: Record, on: RuleContext) -> Iterator[Record]:
    if force["starts_on"] and force["ends_on"] and force["ends_on"] < force["starts_on"]:
        yield on.problem("FOR-001", "/ends_on", "A force cannot end before it starts.", "ends_before_start")
    if force["successor_code"] and not force["ends_on"]:
        yield on.problem("FOR-002", "/ends_on", "A force with a successor needs a last day.", "required")
    if force["successor_code"] and force["successor_code"] == force["code"]:
        yield on.problem("FOR-003", "/successor_code", "A force cannot succeed itself.")
    elif any(successor["successor_code"] for successor in on.related.get("successor_code", [])):
        detail = "This force has a successor itself: name that one."
        yield on.problem("FOR-004", "/successor_code", detail)  # also keeps successors from going round in a circle


forces = Resource(
    noun="force",
    plural="forces",
    row=Force,
    create=ForceCreate,
    fields=ForceFields,
    describes="Police forces; a national review may merge them, so each has dates and a successor.",
    key="code",
    filters=[
        equal("code"),
        equal("region", "region_code"),
        equal("kind", choices=[each.value for each in ForceKind]),
        equal("nation", choices=[each.value for each in Nation]),
    ],
    sorts=["code", "name"],
    references=[Reference("region_code", regions, by="code"), Reference("successor_code", None, by="code")],
    rules=[ends_in_order],
    changes_access=True,
)
