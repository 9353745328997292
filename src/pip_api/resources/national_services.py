"""Which services are provided for the whole nation, on which grounds, at what cost, by which criteria of success?"""

from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlmodel import Field

from pip_api.db.columns import Json
from pip_api.db.statements import Record
from pip_api.kernel.checks import has_come
from pip_api.kernel.query import after, before
from pip_api.kernel.resource import Resource, RuleContext
from pip_api.kernel.shapes import Day, Flag, Line, Prose, Row, Shape, examples

Criterion = Annotated[str, StringConstraints(max_length=2_000)]


class SuccessCriteria(BaseModel):
    """What each is to be, said so that it can be measured."""

    model_config = ConfigDict(extra="forbid")

    reliability: Criterion = ""
    quality: Criterion = ""
    security: Criterion = ""
    timeliness: Criterion = ""
    availability: Criterion = ""
    performance: Criterion = ""


class NationalServiceFields(Shape):
    title: Line
    success_criteria: SuccessCriteria = Field(
        default_factory=SuccessCriteria, sa_type=Json, description="By what its success is measured."
    )
    service_level: Prose = Field(default="", description="The level of service that is agreed.")
    cost: Prose = Field(default="", description="What it costs, explained.")
    funding: Prose = Field(default="", description="Who pays for it.")
    charging_protocol: Prose = Field(default="", description="How users are charged.")
    users_engaged: Prose = Field(default="", description="How users and stakeholders were engaged.")
    tailoring: Prose = Field(default="", description="How far it has to be fitted locally, and with which means.")
    data_security: Prose = Field(default="", description="How data are kept safe.")
    evaluated_on: Day | None = Field(default=None, description="When national provision was last looked at.")
    cost_efficiency: Flag = Field(default=False, description="It is cheaper when it is national.")
    higher_quality: Flag = Field(default=False, description="It is better: it takes coordination or critical mass.")
    national_security: Flag = Field(default=False, description="National security asks for it.")


class NationalServiceCreate(NationalServiceFields):
    model_config = examples(
        title="National practice bank",
        success_criteria={
            "reliability": "No entry is lost",
            "quality": "Each entry is reviewed by two people",
            "security": "Official",
            "timeliness": "Published within four weeks",
            "availability": "99.5 per cent of the month",
            "performance": "Found within three searches",
        },
        service_level="Answered within five working days",
        cost="GBP 2 million a year, most of it for people",
        funding="Grant",
        charging_protocol="Free for forces",
        users_engaged="A panel of users meets each quarter",
        data_security="Held in this country, encrypted",
        evaluated_on="2026-06-01",
        higher_quality=True,
    )


class NationalService(Row, NationalServiceCreate, table=True):
    national_provision: bool = Field(description="Whether a ground holds to provide it nationally.")


GROUNDS = ("cost_efficiency", "higher_quality", "national_security")


OPEN = ("service_level", "cost", "funding", "charging_protocol", "users_engaged", "data_security")
"""What is said of every service that is provided nationally: its governance is open, its users know what it costs."""


def can_be_measured(service: Record, on: RuleContext) -> Iterator[Record]:
    if any(service[ground] for ground in GROUNDS):
        for name in SuccessCriteria.model_fields:
            if not service["success_criteria"][name]:
                detail = "A service that is provided nationally says by what its success is measured."
                yield on.problem("NSV-001", f"/success_criteria/{name}", detail, "required")
        for name in OPEN:
            if not service[name]:
                yield on.problem("NSV-003", f"/{name}", "A service that is provided nationally says this.", "required")


national_services = Resource(
    noun="national_service",
    plural="national_services",
    row=NationalService,
    create=NationalServiceCreate,
    fields=NationalServiceFields,
    describes="Services for the whole nation: grounds, criteria of success, cost and governance, open to all.",
    known_as="title",
    filters=[before("evaluated_before", "evaluated_on"), after("evaluated_after", "evaluated_on")],
    sorts=["title", "evaluated_on"],
    rules=[can_be_measured, has_come("NSV-002", "evaluated_on")],
    derived={"national_provision": lambda service: any(service[ground] for ground in GROUNDS)},
)
