"""From which state may a plan or an action move to which?

The states of a plan follow the College guide's steps (draft, implement, sustain) with the sharing and submitting that
levels three and four add.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeVar


class PlanStatus(StrEnum):
    draft = "draft"
    shared_for_review = "shared_for_review"
    returned = "returned"
    agreed = "agreed"
    submitted_to_ppmg = "submitted_to_ppmg"
    active = "active"
    sustaining = "sustaining"
    closed = "closed"
    superseded = "superseded"


class ActionStatus(StrEnum):
    not_started = "not_started"
    in_progress = "in_progress"
    completed = "completed"
    cancelled = "cancelled"


PLAN_MOVES: Final[Mapping[PlanStatus, tuple[PlanStatus, ...]]] = {
    PlanStatus.draft: (PlanStatus.shared_for_review, PlanStatus.active, PlanStatus.superseded),
    PlanStatus.shared_for_review: (PlanStatus.returned, PlanStatus.agreed, PlanStatus.superseded),
    PlanStatus.returned: (PlanStatus.draft, PlanStatus.shared_for_review, PlanStatus.superseded),
    PlanStatus.agreed: (
        PlanStatus.submitted_to_ppmg,
        PlanStatus.active,
        PlanStatus.returned,
        PlanStatus.superseded,
    ),
    PlanStatus.submitted_to_ppmg: (PlanStatus.active, PlanStatus.returned, PlanStatus.superseded),
    PlanStatus.active: (PlanStatus.sustaining, PlanStatus.superseded),
    PlanStatus.sustaining: (PlanStatus.closed, PlanStatus.active, PlanStatus.superseded),
    PlanStatus.closed: (),
    PlanStatus.superseded: (),
}

ENDED: Final = (PlanStatus.closed, PlanStatus.superseded)
"""The states that a plan does not leave."""

ACTION_MOVES: Final[Mapping[ActionStatus, tuple[ActionStatus, ...]]] = {
    ActionStatus.not_started: (ActionStatus.in_progress, ActionStatus.completed, ActionStatus.cancelled),
    ActionStatus.in_progress: (ActionStatus.completed, ActionStatus.not_started, ActionStatus.cancelled),
    ActionStatus.completed: (ActionStatus.in_progress,),
    ActionStatus.cancelled: (ActionStatus.not_started,),
}

Status = TypeVar("Status", PlanStatus, ActionStatus)


def may_move(moves: Mapping[Status, tuple[Status, ...]], before: Status, after: Status) -> bool:
    """Whether a state may follow another; staying is always allowed."""
    return before == after or after in moves[before]
