"""What is a performance concern: who found it, what shows it, whose it is, and what else does it affect?"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlmodel import Field

from pip_api.access.principals import denied
from pip_api.db.statements import Record
from pip_api.http.problems import Problem
from pip_api.kernel.checks import has_come, in_order, once, said_by
from pip_api.kernel.query import after, before, equal
from pip_api.kernel.resource import Reference, Resource, RuleContext
from pip_api.kernel.shapes import Day, Line, Named, Owned, Prose, Shape, examples, members, one_of, owner
from pip_api.resources.forces import forces
from pip_api.resources.measures import measures
from pip_api.rules.lifecycle import ANSWERS, PRESENT


class ConcernSource(StrEnum):
    ppmg = "ppmg"
    regional_triage = "regional_triage"
    inspectorate = "inspectorate"
    force = "force"
    local_policing_body = "local_policing_body"
    other = "other"


class ConcernStatus(StrEnum):
    open = "open"
    resolved = "resolved"


class EffectKind(StrEnum):
    affects = "affects"
    is_root_cause_of = "is_root_cause_of"


class Effect(BaseModel):
    """How one concern bears on another."""

    model_config = ConfigDict(extra="forbid", use_enum_values=True, validate_default=True)

    concern_id: UUID
    kind: EffectKind = EffectKind.affects
    how: Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class ConcernFields(Shape):
    title: Line
    description: Prose = ""
    identified_by: Line = Field(description="Who identified it: a body, a meeting, a person.")
    identified_on: Day
    owner: Line | None = Field(default=None, description="Who in the force owns it.")
    starts_on: Day | None = Field(default=None, description="When work on it starts.")
    ends_on: Day | None = Field(default=None, description="When it is meant to be put right.")
    status: ConcernStatus = one_of("Whether it still stands.", default=ConcernStatus.open)
    measure_codes: list[Named] = members("The measures that show it.")
    affects: list[Effect] = members("The other concerns of the force that it affects, and how.")
    evidence: Prose = Field(default="", description="What it rests on, such as the report and the page.")


class ConcernCreate(ConcernFields):
    model_config = examples(
        title="Calls are not answered in time",
        description="Emergency calls wait longest at weekends.",
        source="ppmg",
        identified_by="PPMG, October 2026",
        identified_on="2026-10-01",
        owner="Chief Superintendent R. Example",
        measure_codes=["answered-in-time"],
        evidence="Quarterly return, page 4",
        force_code="avon-and-somerset",
    )

    force_code: str = owner()
    source: ConcernSource = one_of("The kind of body that identified it. It stays as it was said at first.")


class Concern(Owned, ConcernCreate, table=True):
    pass


SPEAKING_FOR: Final[Mapping[str, str]] = {"ppmg": PRESENT, "inspectorate": ANSWERS["hmicfrs"]}
"""By which permission somebody says for the body that identified a concern that it stands no longer."""


def of_the_source(concern: Record) -> str:
    return SPEAKING_FOR.get(concern["source"], "concern:write")


def is_dropped_by_its_source(concern: Record, on: RuleContext) -> Problem | None:
    needed = of_the_source(concern)
    return None if on.by.held.holds(needed, concern["force_code"]) else denied(needed, concern["force_code"])


def affects_another(concern: Record, on: RuleContext) -> Iterator[Record]:
    seen = set()
    for place, effect in enumerate(concern["affects"]):
        if effect["concern_id"] == str(concern.get("id")):
            yield on.problem("CON-001", f"/affects/{place}/concern_id", "A concern cannot affect itself.")
        if effect["concern_id"] in seen:
            yield on.problem("CON-002", f"/affects/{place}/concern_id", "This concern is named twice.", "duplicate")
        seen.add(effect["concern_id"])


concerns = Resource(
    noun="concern",
    plural="concerns",
    row=Concern,
    create=ConcernCreate,
    fields=ConcernFields,
    describes="Performance concerns of a force.",
    known_as="title",
    filters=[
        equal("force", "force_code"),
        equal("source", choices=[each.value for each in ConcernSource]),
        equal("status", choices=[each.value for each in ConcernStatus]),
        before("identified_before", "identified_on"),
        after("identified_after", "identified_on"),
    ],
    sorts=["identified_on", "title"],
    references=[
        Reference("force_code", forces, by="code"),
        Reference("measure_codes", measures, by="code"),
        Reference("affects", None, within="force_code", path="concern_id"),
    ],
    rules=[
        affects_another,
        has_come("CON-003", "identified_on"),
        once("CON-004", "measure_codes"),
        in_order("CON-005", "starts_on", "ends_on"),
        said_by(
            "CON-006",
            "status",
            of_the_source,
            "Who identified it says that it is resolved.",
            at_first=ConcernStatus.open,
        ),
    ],
    stays=[is_dropped_by_its_source],
)
