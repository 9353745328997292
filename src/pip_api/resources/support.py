"""Which support was considered, asked for and given for a plan, from the force's own means or from others?"""

from collections.abc import Iterator
from enum import StrEnum
from uuid import UUID

from sqlmodel import Field

from pip_api.db.statements import Record
from pip_api.kernel.checks import covered_by_plan, has_come, in_order, needs, once, status_is
from pip_api.kernel.query import equal
from pip_api.kernel.resource import Reference, Resource, RuleContext
from pip_api.kernel.shapes import (
    Day,
    Flag,
    Line,
    Named,
    Owned,
    Prose,
    Shape,
    coded,
    examples,
    members,
    one_of,
    owner,
    reference,
)
from pip_api.resources.concerns import concerns
from pip_api.resources.forces import forces
from pip_api.resources.pips import pips


class SupportKind(StrEnum):
    knowledge_sharing_event = "knowledge_sharing_event"
    peer_networking = "peer_networking"
    peer_support = "peer_support"
    epip = "epip"
    college_resource = "college_resource"
    practice_bank = "practice_bank"
    own_force = "own_force"
    other = "other"


class SupportOrigin(StrEnum):
    internal = "internal"
    external = "external"


class SupportStatus(StrEnum):
    considered = "considered"
    asked = "asked"
    agreed = "agreed"
    refused = "refused"
    under_way = "under_way"
    ended = "ended"


class SupportMeasureFields(Shape):
    title: Line
    kind: SupportKind = one_of("What kind of support it is.")
    origin: SupportOrigin = one_of("Whether it comes from the force itself.")
    topic: Line | None = Field(default=None, description="What it is about, such as control rooms.")
    concern_ids: list[UUID] = members("The concerns of the plan that it helps with.")
    status: SupportStatus = one_of("How far it is.", default=SupportStatus.considered)
    asked_on: Day | None = None
    answered_on: Day | None = None
    started_on: Day | None = None
    ended_on: Day | None = None
    intensive: Flag = Field(default=False, description="Whether it is more intensive support, asked for where needed.")
    intensive_reason: Prose = Field(default="", description="Why nothing less is enough.")
    discussion: Prose = Field(default="", description="How it was chosen: what was discussed.")
    discussed_on: Day | None = None
    discussed_with: Line | None = Field(default=None, description="With whom.")
    provider_force_code: str | None = coded("force", "The force that gives it, if one does.", default=None)
    attending_force_codes: list[Named] = members("The forces that take part.")
    question: Prose = Field(default="", description="What was asked, such as of EPIP.")
    answer: Prose = Field(default="", description="What the answer was.")
    outcome: Prose = Field(default="", description="What it brought.")


class SupportMeasureCreate(SupportMeasureFields):
    model_config = examples(
        pip_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        title="Visit to a control room that answers in time",
        kind="peer_support",
        origin="external",
        topic="Control rooms",
        status="asked",
        asked_on="2026-10-20",
        discussion="Two forces with the same mix of calls were compared.",
        discussed_on="2026-10-12",
        discussed_with="College support team",
        provider_force_code="kent",
    )

    pip_id: UUID = reference("pip", "The plan that it belongs to.")


class SupportMeasure(Owned, SupportMeasureCreate, table=True):
    force_code: str = owner()


def was_asked_for(measure: Record) -> bool:
    """What comes from others was asked for and agreed before it began."""
    begun = measure["origin"] == "external" and measure["status"] in ("under_way", "ended")
    return bool(begun or measure["status"] in ("asked", "agreed", "refused"))


def was_answered(measure: Record) -> bool:
    return was_asked_for(measure) and bool(measure["status"] != "asked")


def comes_from_where_it_says(measure: Record, on: RuleContext) -> Iterator[Record]:
    own = None if on.parent is None else on.parent["force_code"]
    if measure["provider_force_code"] is not None and measure["provider_force_code"] == own:
        yield on.problem("SUP-009", "/provider_force_code", "Support of the force itself is internal.")
    if measure["origin"] == "internal" and measure["provider_force_code"] is not None:
        yield on.problem("SUP-010", "/origin", "Support of another force is external.")


support_measures = Resource(
    noun="support_measure",
    plural="support_measures",
    row=SupportMeasure,
    create=SupportMeasureCreate,
    fields=SupportMeasureFields,
    describes="Support for a plan, from the force's own means or from others.",
    parent=pips,
    known_as="title",
    filters=[
        equal("force", "force_code"),
        equal("pip", "pip_id", "id"),
        equal("kind", choices=[each.value for each in SupportKind]),
        equal("origin", choices=[each.value for each in SupportOrigin]),
        equal("status", choices=[each.value for each in SupportStatus]),
        equal("provider_force", "provider_force_code"),
    ],
    sorts=["title", "asked_on", "status"],
    references=[
        Reference("concern_ids", concerns, within="force_code"),
        Reference("provider_force_code", forces, by="code"),
        Reference("attending_force_codes", forces, by="code"),
    ],
    rules=[
        covered_by_plan("SUP-001", "concern_ids"),
        needs("SUP-002", "intensive_reason", lambda row: row["intensive"], "Intensive support needs a reason."),
        needs("SUP-003", "asked_on", was_asked_for, "Say when it was asked for."),
        needs("SUP-004", "answered_on", was_answered, "Say when it was answered."),
        needs("SUP-005", "started_on", status_is("under_way", "ended"), "Say when it began."),
        needs("SUP-006", "ended_on", status_is("ended"), "Say when it ended."),
        in_order("SUP-007", "asked_on", "answered_on", "started_on", "ended_on"),
        has_come("SUP-008", "asked_on", "answered_on", "started_on", "ended_on", "discussed_on"),
        comes_from_where_it_says,
        once("SUP-011", "attending_force_codes"),
        once("SUP-012", "concern_ids"),
    ],
)
