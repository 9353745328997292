"""What is behind the concerns of a force: how was that looked into, and what was found?"""

from collections.abc import AsyncIterator, Iterator
from enum import StrEnum
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlmodel import Field

from pip_api.db.columns import Json, Uid
from pip_api.db.session import Session
from pip_api.db.statements import Record, Statement
from pip_api.kernel.checks import has_come, once
from pip_api.kernel.query import equal
from pip_api.kernel.resource import Reference, Resource, RuleContext, visible
from pip_api.kernel.shapes import Day, Line, Owned, Prose, Shape, examples, one_of, owner, reference
from pip_api.resources.concerns import concerns
from pip_api.resources.forces import forces


class AnalysisMethod(StrEnum):
    five_whys = "five_whys"
    fishbone = "fishbone"
    process_mapping = "process_mapping"
    data_analysis = "data_analysis"
    peer_review = "peer_review"
    other = "other"


class FindingKind(StrEnum):
    root_cause = "root_cause"
    symptom = "symptom"
    contributing_factor = "contributing_factor"


class FindingTheme(StrEnum):
    demand = "demand"
    skills = "skills"
    process = "process"
    technology = "technology"
    leadership = "leadership"
    capacity = "capacity"
    partners = "partners"
    other = "other"


def some_concerns(description: str) -> list[UUID]:
    concerned: list[UUID] = Field(sa_type=Json, min_length=1, max_length=100, description=description)
    return concerned


class RootCauseAnalysisFields(Shape):
    title: Line
    method: AnalysisMethod = one_of("How it was looked into.")
    conducted_on: Day
    conducted_by: Line = Field(description="Who did it.")
    concern_ids: list[UUID] = some_concerns("The concerns of the force that were looked into.")
    summary: Prose = ""


class RootCauseAnalysisCreate(RootCauseAnalysisFields):
    model_config = examples(
        title="Why calls wait",
        method="process_mapping",
        conducted_on="2026-10-12",
        conducted_by="Improvement team",
        concern_ids=["0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c"],
        summary="Two workshops with call handlers, and the calls of a year.",
        force_code="avon-and-somerset",
    )

    force_code: str = owner()


class RootCauseAnalysis(Owned, RootCauseAnalysisCreate, table=True):
    pass


async def covers_its_findings(session: Session, analysis: Record, on: RuleContext) -> AsyncIterator[Record]:
    """A concern stays as long as something that was found is said to be behind it."""
    if on.before is None or not set(on.before["concern_ids"]) - set(analysis["concern_ids"]):
        return
    for found in await session.fetch(_FOUND, of_id=analysis["id"], force=analysis["force_code"]):
        if set(found["concern_ids"]) - set(analysis["concern_ids"]):
            told = f"It was found of another concern too: {found['title']}."
            yield on.problem("RCA-003", "/concern_ids", told, "in_use")


root_cause_analyses = Resource(
    noun="root_cause_analysis",
    plural="root_cause_analyses",
    row=RootCauseAnalysis,
    create=RootCauseAnalysisCreate,
    fields=RootCauseAnalysisFields,
    describes="Analyses of what is behind the concerns of a force.",
    known_as="title",
    filters=[equal("force", "force_code"), equal("method", choices=[each.value for each in AnalysisMethod])],
    sorts=["conducted_on", "title"],
    references=[Reference("force_code", forces, by="code"), Reference("concern_ids", concerns, within="force_code")],
    rules=[has_come("RCA-001", "conducted_on"), once("RCA-002", "concern_ids")],
    rests=[covers_its_findings],
)


class FindingFields(Shape):
    title: Line = Field(description="What was found.")
    description: Prose = ""
    kind: FindingKind = one_of("Whether it is a cause, adds to one, or only shows that there is one.")
    theme: FindingTheme = one_of("What it is about.")
    concern_ids: list[UUID] = some_concerns("The concerns that it is behind.")
    cause_concern_id: UUID | None = reference(
        "concern", "The concern that is itself the cause, if one is.", default=None
    )
    evidence: Prose = Field(default="", description="What it rests on.")


class FindingCreate(FindingFields):
    model_config = examples(
        root_cause_analysis_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        title="Demand is poorly understood",
        kind="root_cause",
        theme="demand",
        concern_ids=["0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c"],
        evidence="Shifts have not changed since 2019; calls at weekends rose by a third.",
    )

    root_cause_analysis_id: UUID = reference("root_cause_analysis", "The analysis that found it.")


class Finding(Owned, FindingCreate, table=True):
    force_code: str = owner()
    cross_cutting: bool = Field(description="Whether it is behind two or more concerns.")


def is_of_the_analysis(finding: Record, on: RuleContext) -> Iterator[Record]:
    looked_into = on.parent["concern_ids"] if on.parent is not None else []
    for place, concern in enumerate(finding["concern_ids"]):
        if on.parent is not None and concern not in looked_into:
            yield on.problem("FND-002", f"/concern_ids/{place}", "The analysis did not look into this concern.")
    if str(finding["cause_concern_id"]) in finding["concern_ids"]:
        yield on.problem("FND-003", "/cause_concern_id", "A concern is not its own cause.")
    if finding["cause_concern_id"] and finding["kind"] != "root_cause":
        yield on.problem("FND-004", "/kind", "A concern that is the cause is a root cause.")


findings = Resource(
    noun="finding",
    plural="findings",
    row=Finding,
    create=FindingCreate,
    fields=FindingFields,
    describes="What analyses found behind the concerns of a force.",
    parent=root_cause_analyses,
    known_as="title",
    filters=[
        equal("force", "force_code"),
        equal("root_cause_analysis", "root_cause_analysis_id", "id"),
        equal("kind", choices=[each.value for each in FindingKind]),
        equal("theme", choices=[each.value for each in FindingTheme]),
    ],
    sorts=["title", "theme"],
    references=[
        Reference("concern_ids", concerns, within="force_code"),
        Reference("cause_concern_id", concerns, within="force_code"),
    ],
    rules=[once("FND-001", "concern_ids"), is_of_the_analysis],
    derived={"cross_cutting": lambda finding: len(finding["concern_ids"]) > 1},
)

_found = findings.table
_FOUND = Statement(
    select(_found.c.title, _found.c.concern_ids)
    .where(_found.c.root_cause_analysis_id == bindparam("of_id", type_=Uid()), *visible(_found, one_force=True))
    .where(_found.c.withdrawn_at.is_(None))
    .order_by(_found.c.id)
)
