"""What may keep a plan from being delivered, how grave is it on the force's own scale, and what is done about it?"""

from collections.abc import AsyncIterator, Iterator
from enum import StrEnum
from itertools import pairwise
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import bindparam, func, select
from sqlmodel import Field

from pip_api.db.columns import Json, Uid
from pip_api.db.session import Session
from pip_api.db.statements import Record, Statement
from pip_api.kernel.checks import has_come, needs, of_the_plan, once, status_is
from pip_api.kernel.query import before, equal
from pip_api.kernel.resource import Reference, Resource, RuleContext, visible
from pip_api.kernel.shapes import Day, Line, Owned, Prose, Shape, Whole, examples, one_of, owner, reference
from pip_api.resources.actions import actions
from pip_api.resources.forces import forces
from pip_api.resources.pips import pips
from pip_api.rules.register import score


class Band(BaseModel):
    """A part of a scale, up to where the next one begins."""

    model_config = ConfigDict(extra="forbid")

    name: Line
    from_score: Whole = Field(ge=1, le=36, description="The lowest product of likelihood and impact that is in it.")


class RiskScaleFields(Shape):
    title: Line
    size: Whole = Field(ge=3, le=6, description="How far likelihood and impact go, from 1.")
    bands: list[Band] = Field(sa_type=Json, min_length=1, max_length=10, description="Its parts, the lowest first.")
    valid_from: Day = Field(description="From when on risks are scored on it.")


class RiskScaleCreate(RiskScaleFields):
    model_config = examples(
        title="Risk matrix of the force",
        size=5,
        bands=[
            {"name": "low", "from_score": 1},
            {"name": "medium", "from_score": 6},
            {"name": "high", "from_score": 15},
        ],
        valid_from="2026-04-01",
        force_code="avon-and-somerset",
    )

    force_code: str = owner()


class RiskScale(Owned, RiskScaleCreate, table=True):
    pass


def rises(scale: Record, on: RuleContext) -> Iterator[Record]:
    starts = [band["from_score"] for band in scale["bands"]]
    if starts[0] != 1:
        yield on.problem("SCL-001", "/bands/0/from_score", "The lowest part of a scale begins at 1.")
    for place, (lower, higher) in enumerate(pairwise(starts), 1):
        if higher <= lower:
            yield on.problem("SCL-002", f"/bands/{place}/from_score", "Each part begins above the one before it.")
    if starts[-1] > scale["size"] ** 2:
        yield on.problem("SCL-003", f"/bands/{len(starts) - 1}/from_score", "No score of this scale is so high.")


async def holds_its_scores(session: Session, scale: Record, on: RuleContext) -> AsyncIterator[Record]:
    """What was scored on a scale stays on it: it is made smaller, or of another time, as a scale of its own."""
    if on.before is None or (scale["size"] >= on.before["size"] and scale["valid_from"] <= on.before["valid_from"]):
        return
    used = await session.one(_USED, of_id=scale["id"], force=scale["force_code"])
    if used is None:
        return
    if scale["size"] < max(used["likelihood"], used["impact"]):
        yield on.problem("SCL-004", "/size", "A risk is scored higher than this scale would go.", "in_use")
    if scale["valid_from"] > on.today:
        yield on.problem("SCL-005", "/valid_from", "Risks are scored on it already.", "in_use")


risk_scales = Resource(
    noun="risk_scale",
    plural="risk_scales",
    row=RiskScale,
    create=RiskScaleCreate,
    fields=RiskScaleFields,
    describes="The scales on which a force scores its risks.",
    known_as="title",
    filters=[equal("force", "force_code")],
    sorts=["valid_from", "title"],
    references=[Reference("force_code", forces, by="code")],
    rules=[rises],
    rests=[holds_its_scores],
)


class RiskKind(StrEnum):
    risk = "risk"
    barrier = "barrier"
    issue = "issue"
    opportunity = "opportunity"


class RiskStatus(StrEnum):
    open = "open"
    closed = "closed"


class RiskFields(Shape):
    title: Line
    description: Prose = ""
    kind: RiskKind = one_of("What it is.", default=RiskKind.risk)
    action_ids: list[UUID] = Field(
        sa_type=Json, min_length=1, max_length=100, description="The actions of the plan that it bears on."
    )
    scale_id: UUID = reference("risk_scale", "The scale that it is scored on.")
    likelihood: Whole = Field(ge=1, le=6, description="How likely it is, from 1 to the size of its scale.")
    impact: Whole = Field(ge=1, le=6, description="How much it would matter, from 1 to the size of its scale.")
    status: RiskStatus = one_of("Whether it still stands.", default=RiskStatus.open)
    owner: Line | None = Field(default=None, description="Who watches it.")
    raised_on: Day
    early_response: Prose = Field(default="", description="What is done at the first sign of it.")


class RiskCreate(RiskFields):
    model_config = examples(
        pip_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        title="Staff leave before the new shifts begin",
        kind="risk",
        action_ids=["0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c"],
        scale_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        likelihood=3,
        impact=4,
        owner="Superintendent A. Example",
        raised_on="2026-10-20",
    )

    pip_id: UUID = reference("pip", "The plan that it belongs to.")


class Risk(Owned, RiskCreate, table=True):
    force_code: str = owner()
    score: int = Field(description="Likelihood times impact.")


def is_on_the_scale(risk: Record, on: RuleContext) -> Iterator[Record]:
    for scale in on.related.get("scale_id", ()):
        if scale["valid_from"] > on.today:
            yield on.problem("RSK-005", "/scale_id", f"This scale is in use from {scale['valid_from']} on.")
        for name in ("likelihood", "impact"):
            if risk[name] > scale["size"]:
                yield on.problem("RSK-003", f"/{name}", f"Its scale goes to {scale['size']}.", "less_than_equal")


risks = Resource(
    noun="risk",
    plural="risks",
    row=Risk,
    create=RiskCreate,
    fields=RiskFields,
    describes="Risks and barriers to the actions of a plan.",
    parent=pips,
    known_as="title",
    filters=[
        equal("force", "force_code"),
        equal("pip", "pip_id", "id"),
        equal("kind", choices=[each.value for each in RiskKind]),
        equal("status", choices=[each.value for each in RiskStatus]),
    ],
    sorts=["score", "raised_on", "title"],
    references=[
        Reference("action_ids", actions, within="force_code"),
        Reference("scale_id", risk_scales, within="force_code", looked_at=True),
    ],
    rules=[
        of_the_plan("RSK-001", "action_ids"),
        once("RSK-002", "action_ids"),
        is_on_the_scale,
        has_come("RSK-004", "raised_on"),
    ],
    derived={"score": lambda risk: score(risk["likelihood"], risk["impact"])},
)


_used = risks.table
_USED = Statement(
    select(*(func.max(_used.c[name]).label(name) for name in ("likelihood", "impact")))
    .where(_used.c.scale_id == bindparam("of_id", type_=Uid()), *visible(_used, one_force=True))
    .where(_used.c.withdrawn_at.is_(None))
    .having(func.count() > 0)
)


class MitigationStatus(StrEnum):
    considered = "considered"
    agreed = "agreed"
    in_place = "in_place"
    ended = "ended"


class MitigationFields(Shape):
    title: Line
    description: Prose = ""
    owner: Line | None = Field(default=None, description="Who sees to it.")
    status: MitigationStatus = one_of("How far it is.", default=MitigationStatus.considered)
    due_on: Day | None = None


class MitigationCreate(MitigationFields):
    model_config = examples(
        risk_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        title="Keep a list of trained officers who can step in",
        owner="Inspector E. Example",
        status="agreed",
        due_on="2026-11-30",
    )

    risk_id: UUID = reference("risk", "The risk that it is against.")


class Mitigation(Owned, MitigationCreate, table=True):
    force_code: str = owner()


mitigations = Resource(
    noun="mitigation",
    plural="mitigations",
    row=Mitigation,
    create=MitigationCreate,
    fields=MitigationFields,
    describes="What is considered, or done, against a risk.",
    parent=risks,
    known_as="title",
    filters=[
        equal("force", "force_code"),
        equal("risk", "risk_id", "id"),
        equal("status", choices=[each.value for each in MitigationStatus]),
        before("due_before", "due_on"),
    ],
    sorts=["due_on", "title"],
    rules=[needs("MIT-001", "owner", status_is("agreed", "in_place"), "What is agreed has somebody who sees to it.")],
)
