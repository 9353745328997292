"""What is a Performance Improvement Plan here: a force's structured, measured answer to its performance concerns?"""

from collections.abc import Iterator
from datetime import date
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlmodel import Field

from pip_api.db.columns import Code, Uid
from pip_api.db.session import Session
from pip_api.db.statements import Record, Statement, column_of
from pip_api.http.problems import Problem
from pip_api.kernel.call import Call
from pip_api.kernel.checks import in_order, once
from pip_api.kernel.query import equal
from pip_api.kernel.resource import Reference, Resource, RuleContext
from pip_api.kernel.shapes import Day, Line, Owned, Prose, Shape, Whole, examples, members, one_of, owner
from pip_api.kernel.writing import changes, following, write
from pip_api.resources.boards import boards
from pip_api.resources.concerns import concerns
from pip_api.resources.forces import forces
from pip_api.rules.lifecycle import ENDED, PLAN_MOVES, PlanStatus, noted


class PipFields(Shape):
    title: Line
    summary: Prose = ""
    lead: Line | None = Field(default=None, description="The one person responsible for the plan.")
    concern_ids: list[UUID] = members("The concerns that the plan answers, the most pressing first.")
    starts_on: Day | None = None
    ends_on: Day | None = Field(default=None, description="When the plan is meant to have done its work.")
    mandate: Prose = Field(default="", description="On whose authority it is made.")
    governance: Prose = Field(default="", description="How the force itself oversees it, so that actions move on.")
    board_ids: list[UUID] = members("The boards that oversee it, in the order in which a matter is escalated.")
    engagement: Prose = Field(default="", description="How citizens and partners were engaged.")
    response_priorities: Prose = Field(
        default="", description="How the response was prioritised: what is behind several concerns comes first."
    )
    timeline: Prose = Field(default="", description="How it allows for the coming meetings of triage and PPMG.")
    review_interval_days: Whole | None = Field(
        default=None, ge=1, le=3_660, description="How many days lie between two reviews in the force, at most."
    )
    partner_review_interval_days: Whole | None = Field(
        default=None, ge=1, le=3_660, description="How many days lie between two reviews with partners, at most."
    )
    sustainability: Prose = Field(default="", description="How the improvement lasts after the plan has ended.")


class PipCreate(PipFields):
    model_config = examples(
        title="Answer calls in time",
        summary="People who call are answered, and seen, when they need it.",
        lead="Deputy Chief Constable B. Example",
        concern_ids=["0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c"],
        starts_on="2026-10-05",
        ends_on="2027-03-31",
        force_code="avon-and-somerset",
    )

    force_code: str = owner()


class Pip(Owned, PipCreate, table=True):
    ref: str = Field(
        unique=True, sa_type=Code, description="Force, year and number, such as avon-and-somerset-2026-01."
    )
    status: PlanStatus = one_of("Where the plan is in its life. Transitions move it.", default=PlanStatus.draft)
    moved_on: Day | None = Field(default=None, description="When it came into its state; null where it was made so.")
    shared_by: UUID | None = Field(default=None, sa_type=Uid, description="The account that last shared it for review.")
    shared_on: Day | None = None
    submitted_to_ppmg_by: UUID | None = Field(
        default=None, sa_type=Uid, description="The account that last submitted it to PPMG."
    )
    submitted_to_ppmg_on: Day | None = None
    approved_by: UUID | None = Field(default=None, sa_type=Uid, description="The account that last agreed to it.")
    approved_on: Day | None = None
    closed_on: Day | None = Field(default=None, description="When it was closed, withdrawn or superseded.")


def answers_something(pip: Record, on: RuleContext) -> Iterator[Record]:
    """PIP guide: a plan is tied to at least one concern; a draft may still be looking for its own."""
    status = pip.get("status", "draft")  # which a new one has not got yet
    if status != "draft" and not pip["concern_ids"]:
        yield on.problem("PIP-004", "/concern_ids", "A plan that is no longer a draft needs a concern.", "required")
    if status in ("active", "sustaining") and not pip["lead"]:
        yield on.problem("PIP-005", "/lead", "An active plan needs one responsible lead.", "required")


def moves_instead(pip: Record, on: RuleContext) -> Problem | None:
    """Only a draft is thrown away; what others have seen is withdrawn by a move, with its blocks and its reason."""
    if pip["status"] == PlanStatus.draft:
        return None
    path = f"/v1/pips/{pip['id']}/transitions"
    detail = f"Only a draft is withdrawn so. Move the plan to withdrawn or superseded: POST {path}."
    return Problem("not_withdrawable", detail, extra={"transitions": path})


_REFS = Statement(
    select(column_of(Pip, "ref")).where(column_of(Pip, "force_code") == bindparam("force_code", type_=Code))
)


MOVED = (
    "status", "moved_on", "shared_by", "shared_on", "submitted_to_ppmg_by", "submitted_to_ppmg_on", "approved_by",
    "approved_on", "closed_on",
)  # fmt: skip


async def give_reference(session: Session, pip: Record, on: RuleContext) -> None:
    """A draft with the next number of the force and year.

    Two plans at once may be given the same; the database refuses the second, and the request is tried again.
    """
    pip["status"] = PlanStatus.draft
    stem = f"{pip['force_code']}-{on.today.year}-"
    taken = await session.fetch(_REFS, force_code=pip["force_code"])
    numbers = (int(row["ref"].removeprefix(stem)) for row in taken if row["ref"].startswith(stem))
    pip["ref"] = f"{stem}{max(numbers, default=0) + 1:02}"


pips = Resource(
    noun="pip",
    plural="pips",
    row=Pip,
    create=PipCreate,
    fields=PipFields,
    describes="Performance Improvement Plans.",
    key="ref",
    over=lambda pip: pip["status"] in ENDED,
    filters=[
        equal("force", "force_code"),
        equal("status", choices=list(PLAN_MOVES)),
        equal("ref"),
    ],
    sorts=["ref", "title", "ends_on"],
    references=[
        Reference("force_code", forces, by="code"),
        Reference("concern_ids", concerns, within="force_code"),
        Reference("board_ids", boards, within="force_code"),
    ],
    rules=[
        in_order("PIP-002", "starts_on", "ends_on"),
        once("PIP-003", "concern_ids"),
        answers_something,
        once("PIP-006", "board_ids"),
    ],
    complete=give_reference,
    stays=[moves_instead],
    moved=MOVED,
)


async def move(call: Call, before: Record, after: PlanStatus, day: date) -> Record:
    """Writes a plan in its next state. Whether it may be moved there was asked before."""
    moved = before | {"status": after, "moved_on": day} | noted(after, call.by.id, day)
    changed = [name for name in MOVED if moved[name] != before[name]]
    moved |= following(call, before)
    await write(pips, call, "moved", moved, changes(pips, moved, changed))
    return moved
