"""From which state to which may a plan and an action move, who may move it, and what keeps a plan from it?"""

from collections.abc import Mapping
from itertools import pairwise, product
from typing import Any

import pytest

from pip_api.rules.lifecycle import (
    ACTION_MOVES,
    MOVING,
    OVERRIDE_READINESS,
    PLAN_MOVES,
    ActionStatus,
    PlanStatus,
    blocked_by,
    may_move,
    needed,
    step,
    transitions,
)
from pip_api.rules.plan_document import PlanDocument, read
from tests.rules.plans import plan

PLAN = {
    "draft": "shared_for_review withdrawn superseded",
    "shared_for_review": "returned agreed withdrawn superseded",
    "returned": "draft shared_for_review withdrawn superseded",
    "agreed": "submitted_to_ppmg active returned withdrawn superseded",
    "submitted_to_ppmg": "active returned withdrawn superseded",
    "active": "sustaining withdrawn superseded",
    "sustaining": "closed active superseded",
    "closed": "",
    "withdrawn": "",
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


def in_state(status: str, **changes: Any) -> PlanDocument:
    """The ready plan in another state; `presentations=[]` puts that in place of its own."""
    known = {"/pip/status": status} | {f"/{name.replace('__', '/')}": value for name, value in changes.items()}
    return plan(known)


def blocks(document: PlanDocument, after: str, by: str = "somebody", held: Any = MOVING, **more: Any) -> list[str]:
    return [each["code"] for each in blocked_by(document, PlanStatus(after), held, by, **more)]


NOT_SEEN_BY_PPMG: dict[str, Any] = {"presentations": [], "pip__submitted_to_ppmg_on": None}
WAY = ("draft", "shared_for_review", "agreed", "submitted_to_ppmg", "active", "sustaining", "closed")
MOVES = [(before, after) for before in PlanStatus for after in PLAN_MOVES[before]]


@pytest.mark.parametrize(("before", "after"), list(pairwise(WAY)))
def test_a_ready_plan_goes_all_the_way(before: str, after: str) -> None:
    assert blocks(in_state(before), after) == []


@pytest.mark.parametrize(("before", "after"), MOVES)
def test_each_move_asks_for_one_permission(before: PlanStatus, after: PlanStatus) -> None:
    document, permission = in_state(before, level=None), needed(before, after)
    assert blocks(document, after) == []
    assert list(blocked_by(document, after, MOVING - {permission}, "somebody")) == [
        {"code": "permission_denied", "detail": "You may not do this.", "required": permission}
    ]
    assert blocks(document, after, held={permission}) == []


def test_who_may_move_what() -> None:
    by: dict[str, set[str]] = {}
    for before, after in MOVES:
        by.setdefault(needed(before, after), set()).add(f"{before} {after}")
    assert by["pip:submit"] == {"draft shared_for_review", "returned shared_for_review", "agreed submitted_to_ppmg"}
    assert by["pip:present"] == {"submitted_to_ppmg active", "submitted_to_ppmg returned"}
    assert by["pip:write"] == {
        "draft withdrawn", "shared_for_review withdrawn", "returned withdrawn", "returned draft", "active sustaining",
        "sustaining active",
    }  # fmt: skip
    assert {"agreed active", "shared_for_review agreed", "sustaining closed"} < by["pip:approve"]


def test_who_shared_or_submitted_a_plan_does_not_approve_it() -> None:
    for who in ("lead", "deputy"):
        assert blocks(in_state("shared_for_review"), "agreed", by=who) == ["separation_of_duties"]
        assert blocks(in_state("submitted_to_ppmg"), "active", by=who) == ["separation_of_duties"]
        assert blocks(in_state("sustaining"), "active", by=who) == []  # which is no approval
    assert blocks(in_state("agreed"), "submitted_to_ppmg", by="chief") == ["separation_of_duties"]
    assert blocks(in_state("agreed"), "submitted_to_ppmg", by="lead") == []


@pytest.mark.parametrize("after", ["agreed", "submitted_to_ppmg"])
def test_what_partners_have_not_agreed_blocks(after: str) -> None:
    before = WAY[WAY.index(after) - 1]
    pending = in_state(before, partner_reviews__1__answer=None)
    assert list(blocked_by(pending, PlanStatus(after), MOVING, "somebody")) == [
        {"code": "review_pending", "detail": "HMICFRS has not agreed."}
    ]
    unshared = [each for each in blocks(in_state(before, partner_reviews=[]), after) if each != "readiness_failed"]
    assert unshared == ["not_shared"] * 3
    assert blocks(in_state("shared_for_review", partner_reviews=[], level=None), "agreed") == []
    shared_anew = in_state("shared_for_review", pip__shared_on="2026-06-21")
    assert blocks(shared_anew, "agreed") == ["not_shared"] * 3


def test_at_levels_three_and_four_a_plan_is_presented_before_it_is_active() -> None:
    unseen = in_state("agreed", **NOT_SEEN_BY_PPMG)
    assert blocks(unseen, "active") == ["not_submitted", "not_presented", "readiness_failed"]
    assert blocks(in_state("agreed"), "active") == ["not_submitted"]  # it was seen as it was before it was returned
    assert blocks(in_state("submitted_to_ppmg", presentations__0__outcome="rejected"), "active") == ["rejected"]
    assert blocks(in_state("agreed", **NOT_SEEN_BY_PPMG, level=None), "active") == []


@pytest.mark.parametrize(
    "unseen",
    [
        {"presentations": []},
        {"national_meetings__0__kind": "regional_triage"},
        {"national_meetings__0__kind": "other"},
        {"pip__submitted_to_ppmg_on": "2026-07-21"},  # and the presentation was of the day before
    ],
)
def test_only_what_ppmg_saw_of_the_plan_last_submitted_counts(unseen: dict[str, Any]) -> None:
    assert blocks(in_state("submitted_to_ppmg", **unseen), "active", overridden=True) == ["not_presented"]


@pytest.mark.parametrize(("before", "after"), [("agreed", "submitted_to_ppmg"), ("submitted_to_ppmg", "active")])
def test_only_a_ready_plan_passes_the_gate(before: str, after: str) -> None:
    red = in_state(before, pip__lead=None)
    assert list(blocked_by(red, PlanStatus(after), MOVING, "somebody")) == [
        {
            "code": "readiness_failed",
            "detail": "Nobody is responsible for the plan.",
            "rule": "PIP-GP-20",
            "href": "/v1/pips/plan/readiness",
        }
    ]
    assert blocks(red, after, overridden=True) == []
    without = MOVING - {OVERRIDE_READINESS}
    assert blocks(red, after, held=without, overridden=True) == ["readiness_failed", "permission_denied"]
    assert blocks(in_state("draft", pip__lead=None), "shared_for_review") == []


def test_a_plan_closes_when_its_learning_is_shared_and_what_it_brought_is_sustained() -> None:
    shared_nothing = {"practice_submissions": [], "support_measures__1__status": "agreed"}
    assert blocks(in_state("sustaining", **shared_nothing), "closed") == ["readiness_failed"]
    assert blocks(in_state("sustaining", sustainability_arrangements=[]), "closed") == ["readiness_failed"]


def test_a_plan_closes_when_nothing_of_it_is_open() -> None:
    undone = in_state("sustaining", actions__1__status="in_progress", concerns__0__status="open")
    assert list(blocked_by(undone, PlanStatus.closed, MOVING, "somebody", overridden=True)) == [
        {"code": "action_open", "detail": "Action 2.1 is neither completed nor cancelled."},
        {"code": "concern_open", "detail": "The concern 'Calls for service are not attended in time' is not resolved."},
    ]
    cancelled = in_state("sustaining", actions__1__status="cancelled")
    assert blocks(cancelled, "closed") == []


def test_a_plan_without_a_concern_stays_a_draft() -> None:
    assert blocks(read({"pip": {"id": "plan", "status": "draft"}}), "shared_for_review") == ["no_concern"]


@pytest.mark.parametrize("status", PlanStatus)
def test_all_other_states_are_told_with_what_blocks_them(status: str) -> None:
    items = transitions(in_state(status, level=None), MOVING, "somebody")
    assert [each["to"] for each in items] == [each for each in PlanStatus if each != status]
    assert {each["to"] for each in items if each["allowed"]} == set(PLAN[status].split())
    for each in items:
        assert each["requires"] == ["reason"]
        assert each["allowed"] == (not each["blocked_by"])
        assert ("out_of_order" in [block["code"] for block in each["blocked_by"]]) == (not each["allowed"])


def test_the_step_of_the_guide() -> None:
    assert step(read({"pip": {"id": "plan"}})) == "develop_actions"
    assert step(in_state("draft", support_measures=[])) == "identify_support"
    assert step(in_state("draft")) == step(in_state("agreed")) == "draft"
    assert {step(in_state(each)) for each in ("active", "sustaining", "closed")} == {"implement_monitor_review"}
