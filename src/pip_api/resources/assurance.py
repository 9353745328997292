"""How is it made sure that what is reported of a plan is so: who looks, how, how often, and what did they find?"""

from enum import StrEnum
from uuid import UUID

from sqlmodel import Field

from pip_api.kernel.checks import has_come
from pip_api.kernel.query import after, before, equal
from pip_api.kernel.resource import Reference, Resource
from pip_api.kernel.shapes import Day, Line, Owned, Prose, Shape, Whole, coded, examples, one_of, owner, reference
from pip_api.resources.measures import measures
from pip_api.resources.pips import pips


class AssuranceMethod(StrEnum):
    reality_testing = "reality_testing"
    quality_assurance_model = "quality_assurance_model"
    dip_sample = "dip_sample"
    audit = "audit"
    survey = "survey"
    peer_review = "peer_review"
    other = "other"


class AssuranceMechanismFields(Shape):
    title: Line
    what: Prose = Field(min_length=1, description="What is checked.")
    method: AssuranceMethod = one_of("How.")
    by_whom: Line
    every_days: Whole | None = Field(default=None, ge=1, le=3_660, description="How many days lie between two checks.")


class AssuranceMechanismCreate(AssuranceMechanismFields):
    model_config = examples(
        pip_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        title="Listen to calls",
        what="Whether callers at risk are recognised.",
        method="dip_sample",
        by_whom="Quality team",
        every_days=28,
    )

    pip_id: UUID = reference("pip", "The plan that it belongs to.")


class AssuranceMechanism(Owned, AssuranceMechanismCreate, table=True):
    force_code: str = owner()


assurance_mechanisms = Resource(
    noun="assurance_mechanism",
    plural="assurance_mechanisms",
    row=AssuranceMechanism,
    create=AssuranceMechanismCreate,
    fields=AssuranceMechanismFields,
    describes="How it is made sure that what is reported of a plan is so.",
    parent=pips,
    known_as="title",
    filters=[
        equal("force", "force_code"),
        equal("pip", "pip_id", "id"),
        equal("method", choices=[each.value for each in AssuranceMethod]),
    ],
    sorts=["title"],
)


class AssuranceOutcome(StrEnum):
    good = "good"
    mixed = "mixed"
    poor = "poor"


class AssuranceCheckFields(Shape):
    done_on: Day
    place_tested: Line | None = Field(default=None, description="Where: a place, a team, a process.")
    finding: Prose = Field(min_length=1, description="What was found.")
    learning: Prose = Field(default="", description="What is learned from it.")
    outcome: AssuranceOutcome = one_of("How it stands.")
    measure_code: str | None = coded("measure", "The measure that it stands beside, if one.", default=None)


class AssuranceCheckCreate(AssuranceCheckFields):
    model_config = examples(
        assurance_mechanism_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        done_on="2026-11-02",
        place_tested="Control room, night shift",
        finding="Of forty calls, thirty-six were graded rightly.",
        learning="Grading is worst in the last hour of a shift.",
        outcome="good",
    )

    assurance_mechanism_id: UUID = reference("assurance_mechanism", "The mechanism that it is part of.")


class AssuranceCheck(Owned, AssuranceCheckCreate, table=True):
    force_code: str = owner()


assurance_checks = Resource(
    noun="assurance_check",
    plural="assurance_checks",
    row=AssuranceCheck,
    create=AssuranceCheckCreate,
    fields=AssuranceCheckFields,
    describes="What was found when somebody looked.",
    parent=assurance_mechanisms,
    known_as="done_on",
    filters=[
        equal("force", "force_code"),
        equal("assurance_mechanism", "assurance_mechanism_id", "id"),
        equal("outcome", choices=[each.value for each in AssuranceOutcome]),
        equal("measure", "measure_code"),
        before("done_before", "done_on"),
        after("done_after", "done_on"),
    ],
    sorts=["done_on"],
    references=[Reference("measure_code", measures, by="code")],
    rules=[has_come("ASC-001", "done_on")],
)
