"""From which state may a plan or an action move to which, and what keeps a plan from it?

The states of a plan follow the College guide's steps (draft, implement, sustain) with the sharing and submitting that
levels three and four add. One person shares or submits a plan and another agrees to it or puts it in force.
"""

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from typing import Any, Final, TypeVar

from pip_api.rules.obligations import PARTNERS
from pip_api.rules.plan_document import PlanDocument, live_actions, presented_to_ppmg
from pip_api.rules.readiness import Ruleset, readiness


class PlanStatus(StrEnum):
    draft = "draft"
    shared_for_review = "shared_for_review"
    returned = "returned"
    agreed = "agreed"
    submitted_to_ppmg = "submitted_to_ppmg"
    active = "active"
    sustaining = "sustaining"
    closed = "closed"
    withdrawn = "withdrawn"
    superseded = "superseded"


class ActionStatus(StrEnum):
    not_started = "not_started"
    in_progress = "in_progress"
    completed = "completed"
    cancelled = "cancelled"


S = PlanStatus
PLAN_MOVES: Final[Mapping[PlanStatus, tuple[PlanStatus, ...]]] = {
    S.draft: (S.shared_for_review, S.withdrawn, S.superseded),
    S.shared_for_review: (S.returned, S.agreed, S.withdrawn, S.superseded),
    S.returned: (S.draft, S.shared_for_review, S.withdrawn, S.superseded),
    S.agreed: (S.submitted_to_ppmg, S.active, S.returned, S.withdrawn, S.superseded),
    S.submitted_to_ppmg: (S.active, S.returned, S.withdrawn, S.superseded),
    S.active: (S.sustaining, S.withdrawn, S.superseded),
    S.sustaining: (S.closed, S.active, S.superseded),
    S.closed: (),
    S.withdrawn: (),
    S.superseded: (),
}
ENDED: Final = (S.closed, S.withdrawn, S.superseded)
"""The states that a plan does not leave."""
GATED: Final = (S.submitted_to_ppmg, S.active, S.closed)
"""The states that only a plan enters that is ready, or of which somebody who may says why it need not be."""

WRITE: Final = "pip:write"
SUBMIT: Final = "pip:submit"
APPROVE: Final = "pip:approve"
PRESENT: Final = "pip:present"
OVERRIDE_READINESS: Final = "readiness:override"
ANSWERS: Final[Mapping[str, str]] = {partner: f"partner_review:answer_{partner}" for partner in PARTNERS}
"""To say whether a partner agrees to a plan: for each partner one of its own."""
MOVING: Final = frozenset({WRITE, SUBMIT, APPROVE, PRESENT, OVERRIDE_READINESS})
"""The permissions that moves ask for, beside that to move plans at all."""

ACTION_MOVES: Final[Mapping[ActionStatus, tuple[ActionStatus, ...]]] = {
    ActionStatus.not_started: (ActionStatus.in_progress, ActionStatus.completed, ActionStatus.cancelled),
    ActionStatus.in_progress: (ActionStatus.completed, ActionStatus.not_started, ActionStatus.cancelled),
    ActionStatus.completed: (ActionStatus.in_progress,),
    ActionStatus.cancelled: (ActionStatus.not_started,),
}

Status = TypeVar("Status", PlanStatus, ActionStatus)
Block = dict[str, Any]
"""What keeps a plan from a move: a code, a sentence, and what it is about."""


def may_move(moves: Mapping[Status, tuple[Status, ...]], before: Status, after: Status) -> bool:
    """Whether a state may follow another; staying is always allowed."""
    return before == after or after in moves[before]


def needed(before: PlanStatus, after: PlanStatus) -> str:
    """The permission that a move asks for."""
    if after in (S.shared_for_review, S.submitted_to_ppmg):
        return SUBMIT
    if before == S.submitted_to_ppmg and after in (S.active, S.returned):
        return PRESENT  # it is for those who saw it presented to say what comes of it
    if after == S.withdrawn:
        return WRITE if before in (S.draft, S.shared_for_review, S.returned) else APPROVE
    if after in (S.agreed, S.closed, S.superseded, S.returned) or (before, after) == (S.agreed, S.active):
        return APPROVE
    return WRITE


def transitions(
    plan: PlanDocument, held: Collection[str], caller: str, rules: Ruleset | None = None
) -> list[dict[str, Any]]:
    """Each state that the plan is not in, with whether the caller may move it there and what blocks that.

    `held` are the caller's permissions for the force of the plan, and `caller` is who they are.
    """
    before = PlanStatus(plan["pip"].get("status", "draft"))
    items = []
    for after in PlanStatus:
        if after != before:
            blocks = list(blocked_by(plan, after, held, caller, rules))
            items.append({"to": str(after), "allowed": not blocks, "requires": ["reason"], "blocked_by": blocks})
    return items


def blocked_by(
    plan: PlanDocument,
    after: PlanStatus,
    held: Collection[str],
    caller: str,
    rules: Ruleset | None = None,
    *,
    overridden: bool = False,
) -> Iterator[Block]:
    """What keeps a plan from a state. `overridden` is whether the caller gave a reason to pass the readiness gate."""
    before = PlanStatus(plan["pip"].get("status", "draft"))
    if after not in PLAN_MOVES[before]:
        allowed = ", ".join(PLAN_MOVES[before]) or "nothing else"
        yield {"code": "out_of_order", "detail": f"From {before} a plan moves to {allowed}."}
    yield from _separate(plan, before, after, caller)
    yield from _what_the_level_asks(plan, before, after)
    if after in (S.shared_for_review, S.agreed, S.submitted_to_ppmg, S.active) and not plan["concerns"]:
        yield {"code": "no_concern", "detail": "A plan that is no longer a draft answers a concern."}
    if after == S.closed:
        yield from _left_open(plan)
    if after in GATED and not (overridden and OVERRIDE_READINESS in held):
        yield from _gate(plan, after, rules)
    if overridden and OVERRIDE_READINESS not in held:
        yield _denied(OVERRIDE_READINESS)
    if (permission := needed(before, after)) not in held:
        yield _denied(permission)


def _denied(permission: str) -> Block:
    return {"code": "permission_denied", "detail": "You may not do this.", "required": permission}


def _separate(plan: PlanDocument, before: PlanStatus, after: PlanStatus, caller: str) -> Iterator[Block]:
    """Who shares or submits a plan does not approve it, and the other way round. Taking one up again is no approval."""
    pip = plan["pip"]
    if after == S.agreed or (after == S.active and before != S.sustaining):
        for name, detail in (
            ("shared_by", "You shared this plan."),
            ("submitted_to_ppmg_by", "You submitted this plan."),
        ):
            if pip.get(name) == caller:
                yield {"code": "separation_of_duties", "detail": detail}
    if after == S.submitted_to_ppmg and pip.get("approved_by") == caller:
        yield {"code": "separation_of_duties", "detail": "You approved this plan."}


def _what_the_level_asks(plan: PlanDocument, before: PlanStatus, after: PlanStatus) -> Iterator[Block]:
    """What must have been done first for a force at such a level of support."""
    level: Mapping[str, Any] = plan.get("level") or {}
    if after in (S.agreed, S.submitted_to_ppmg) and level.get("shared_with_partners"):
        since = plan["pip"].get("shared_on") or ""  # an answer to an earlier draft is none to this one
        shared = [each for each in plan["partner_reviews"] if (each.get("shared_on") or "") >= since]
        answers = {each.get("partner"): each.get("answer") for each in shared}
        for partner, name in PARTNERS.items():
            if partner not in answers:
                yield {"code": "not_shared", "detail": f"The plan was not shared with {name}."}
            elif answers[partner] != "agreed":
                yield {"code": "review_pending", "detail": f"{name[0].upper()}{name[1:]} has not agreed."}
    if after == S.active and level.get("presented_to_ppmg") and before != S.sustaining:
        if before != S.submitted_to_ppmg:
            yield {"code": "not_submitted", "detail": "At this level of support a plan is submitted to PPMG first."}
        seen = presented_to_ppmg(plan)
        if not seen:
            yield {"code": "not_presented", "detail": "At this level of support a plan is presented to PPMG first."}
        elif seen[-1].get("outcome") == "rejected":
            yield {"code": "rejected", "detail": "PPMG rejected the plan as it was last presented."}


def _left_open(plan: PlanDocument) -> Iterator[Block]:
    """What is still to be done, or still stands, in a plan that is to be closed."""
    for _, action in live_actions(plan):
        if action.get("status") != ActionStatus.completed:
            name = action.get("task_number") or action.get("title")
            yield {"code": "action_open", "detail": f"Action {name} is neither completed nor cancelled."}
    for concern in plan["concerns"]:
        if concern.get("status") != "resolved":
            yield {"code": "concern_open", "detail": f"The concern '{concern.get('title')}' is not resolved."}


def _gate(plan: PlanDocument, after: PlanStatus, rules: Ruleset | None) -> Iterator[Block]:
    """The rules that the plan would break in its new state."""
    then: PlanDocument = {**plan, "pip": {**plan["pip"], "status": str(after)}}
    for result in readiness(then, rules).failed:
        yield {
            "code": "readiness_failed",
            "detail": result.detail,
            "rule": result.rule.id,
            "href": f"/v1/pips/{plan['pip']['id']}/readiness",
        }


def noted(after: PlanStatus, who: Any, day: Any) -> dict[str, Any]:
    """What a plan keeps of a move beside its state: who shared, submitted or approved it, and when."""
    if after == S.shared_for_review:
        return {"shared_by": who, "shared_on": day}
    if after == S.submitted_to_ppmg:
        return {"submitted_to_ppmg_by": who, "submitted_to_ppmg_on": day}
    if after == S.agreed:
        return {"approved_by": who, "approved_on": day}
    return {"closed_on": day} if after in ENDED else {}


class Step(StrEnum):
    """The four steps of the guide."""

    actions = "develop_actions"
    support = "identify_support"
    draft = "draft"
    deliver = "implement_monitor_review"


def step(plan: PlanDocument) -> Step:
    """At which of the four steps a plan is."""
    if plan["pip"].get("status") in (S.active, S.sustaining, *ENDED):
        return Step.deliver
    if not any(each.get("finding_ids") for each in plan["actions"]):
        return Step.actions
    return Step.draft if plan["support_measures"] else Step.support
