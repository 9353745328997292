"""From which state to which may a plan and an action move?"""

from collections.abc import Mapping
from itertools import product

import pytest

from pip_api.rules.lifecycle import ACTION_MOVES, PLAN_MOVES, ActionStatus, PlanStatus, may_move

PLAN = {
    "draft": "shared_for_review active superseded",
    "shared_for_review": "returned agreed superseded",
    "returned": "draft shared_for_review superseded",
    "agreed": "submitted_to_ppmg active returned superseded",
    "submitted_to_ppmg": "active returned superseded",
    "active": "sustaining superseded",
    "sustaining": "closed active superseded",
    "closed": "",
    "superseded": "",
}
ACTION = {
    "not_started": "in_progress completed cancelled",
    "in_progress": "completed not_started cancelled",
    "completed": "in_progress",
    "cancelled": "not_started",
}


@pytest.mark.parametrize(("before", "after"), list(product(PlanStatus, PlanStatus)))
def test_each_move_of_a_plan(before: PlanStatus, after: PlanStatus) -> None:
    assert may_move(PLAN_MOVES, before, after) == (before == after or after in PLAN[before].split())


@pytest.mark.parametrize(("before", "after"), list(product(ActionStatus, ActionStatus)))
def test_each_move_of_an_action(before: ActionStatus, after: ActionStatus) -> None:
    assert may_move(ACTION_MOVES, before, after) == (before == after or after in ACTION[before].split())


@pytest.mark.parametrize(("moves", "start"), [(PLAN_MOVES, PlanStatus.draft), (ACTION_MOVES, ActionStatus.not_started)])
def test_every_state_can_be_reached(moves: Mapping[str, tuple[str, ...]], start: str) -> None:
    reached, waiting = {start}, [start]
    while waiting:
        new = set(moves[waiting.pop()]) - reached
        reached |= new
        waiting.extend(new)
    assert reached == set(moves)
