"""Where may a plan be moved, what keeps it from being moved elsewhere, and how is it moved?"""

from datetime import date, datetime

from pydantic import BaseModel, Field

from pip_api.access.permissions import MOVE
from pip_api.db.statements import Record
from pip_api.http.preconditions import etag
from pip_api.http.problems import Problem, fault, pointer
from pip_api.insight.plan_document import plan_document, told_of
from pip_api.kernel.call import LONDON, Answer, Call
from pip_api.kernel.document import ID, IF_MATCH, IF_NONE_MATCH, Operation
from pip_api.kernel.shapes import Moment, Shape, Whole, examples
from pip_api.kernel.validation import invalid, validated
from pip_api.kernel.verbs import find, require_current
from pip_api.resources.pips import move, pips
from pip_api.rules.lifecycle import MOVING, PlanStatus, Step, blocked_by, needed, step, transitions

LONGEST = 480
"""Characters of each reason, so that both are in the entry of the ledger whole."""


class TransitionCreate(Shape):
    """A move of a plan to another state."""

    model_config = examples(to="shared_for_review", reason="Drafted with the demand board", effective_at=None)

    to: PlanStatus
    reason: str = Field(min_length=1, max_length=LONGEST, description="Why; kept in the ledger.")
    effective_at: Moment | None = Field(
        default=None, description="When it took effect, if that was earlier; not before the move that came before."
    )
    override_readiness: str | None = Field(
        default=None, min_length=1, max_length=LONGEST,
        description="Why the plan moves on although it is not ready. It takes the permission readiness:override.",
    )  # fmt: skip
    version: Whole | None = Field(default=None, ge=1, description="The version last read, if a proxy drops If-Match.")


class TransitionBlock(BaseModel):
    code: str = Field(json_schema_extra={"examples": ["review_pending"]})
    detail: str
    rule: str | None = Field(default=None, json_schema_extra={"examples": ["PIP-GP-12"]})
    href: str | None = Field(default=None, json_schema_extra={"examples": ["/v1/pips/x/readiness"]})
    required: str | None = Field(default=None, json_schema_extra={"examples": ["pip:submit"]})


class TransitionItem(BaseModel):
    to: PlanStatus
    allowed: bool = Field(description="Whether this caller may move the plan there now.")
    requires: list[str] = Field(description="Members that the request must have.")
    blocked_by: list[TransitionBlock]


class PlanTransitions(BaseModel):
    """Each state that a plan is not in, and what keeps it from going there."""

    pip_id: str
    pip_ref: str = Field(json_schema_extra={"examples": ["avon-and-somerset-2026-01"]})
    status: PlanStatus
    version: int = Field(ge=1)
    step: Step = Field(description="At which of the four steps of the College's guide the plan is.")
    items: list[TransitionItem]


def _held(call: Call, force: str) -> frozenset[str]:
    return frozenset(each for each in MOVING if call.by.held.holds(each, force))


async def get_transitions(call: Call) -> Answer:
    """Where this caller may move a plan, and what blocks each other state."""
    plan = await plan_document(call, call.path["id"])
    pip = plan["pip"]
    told = {"status": pip["status"], "version": pip["version"], "step": step(plan)}
    items = transitions(plan, _held(call, pip["force_code"]), str(call.by.id))
    return told_of(call, plan, {**told, "items": items})


async def create_transition(call: Call) -> Answer:
    """Moves a plan to another state. What blocks it is told as GET tells it.

    What may block it is looked for in the whole plan, so it takes the permissions to read all its parts too: a token
    with a scope of its own names them beside pip:move.
    """
    before = await find(pips, call, call.path["id"], hold=True)
    call.require_for(MOVE, before["force_code"])
    call.check_media_type()
    await require_current(pips, call, before, call.body)
    asked = validated(TransitionCreate, call.body(), set(TransitionCreate.model_fields), (), call.ignored)
    day = _day(before, asked["effective_at"] or call.now, call.now)
    to, why = asked["to"], asked["override_readiness"]
    plan = await plan_document(call, str(before["id"]))
    held = _held(call, before["force_code"])
    if blocks := list(blocked_by(plan, to, held, str(call.by.id), overridden=why is not None)):
        raise _blocked(before, to, blocks)
    call.require_for(needed(PlanStatus(before["status"]), to), before["force_code"])
    passed = f" (moved on though not ready: {why})" if why else ""
    call.query = {**call.query, "reason": asked["reason"] + passed}
    after = await move(call, before, to, day)
    return Answer(200, after, {"ETag": etag(after["version"])})


def _day(before: Record, moment: datetime, now: datetime) -> date:
    """The day in London on which a move takes effect. Raises 422 for one to come, and one before the plan got there."""
    day, since = moment.astimezone(LONDON).date(), before["moved_on"] or before["created_at"].astimezone(LONDON).date()
    if moment > now:
        raise _wrong_moment("in_the_future", "A move takes effect now or earlier.")
    if day < since:
        raise _wrong_moment("date_before_start", f"The plan came into its state on {since}, and moves on no earlier.")
    return day


def _wrong_moment(code: str, detail: str) -> Problem:
    return invalid([fault(code, detail, pointer=pointer("effective_at"))])


def _blocked(before: Record, to: PlanStatus, blocks: list[Record]) -> Problem:
    detail = f"From {before['status']} this plan cannot be moved to {to} now."
    return Problem("invalid_transition", detail, extra={"blocked_by": blocks})


operations = [
    Operation(
        "GET", "/v1/pips/{id}/transitions", "listPipTransitions", "pips", "Read where a plan may be moved", "pip:read",
        get_transitions, {200: PlanTransitions, 304: None}, [ID, IF_NONE_MATCH],
    ),
    Operation(
        "POST", "/v1/pips/{id}/transitions", "createPipTransition", "pips", "Move a plan to another state", MOVE,
        create_transition, {200: pips.read_shape}, [ID, IF_MATCH], TransitionCreate,
    ),
]  # fmt: skip
