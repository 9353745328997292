"""Is an action specific, measurable, achievable, relevant and time-bound, and if not, what is missing?"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from pip_api.rules.plan_document import PlanDocument, findings, live_actions, said


class Missing(NamedTuple):
    """A part of SMART that an action lacks, the member that would give it, and what to do."""

    part: str
    member: str
    detail: str


class SmartAction(NamedTuple):
    pointer: str
    action_id: str
    task_number: str | None
    missing: list[Missing]


PARTS: Final = ("specific", "measurable", "achievable", "relevant", "time_bound")


def missing(action: Mapping[str, Any], causes: frozenset[str]) -> list[Missing]:
    """What an action lacks, in the order of the word; `causes` are the root causes that it may answer."""
    found = []
    if not said(action, "title"):
        found.append(Missing("specific", "title", "Say what will be done."))
    if not said(action, "description"):
        found.append(Missing("specific", "description", "Give the steps planned, in outline."))
    if not said(action, "intended_outputs") and not said(action, "measure_codes"):
        found.append(Missing("measurable", "intended_outputs", "Say by which output or measure success is told."))
    if not said(action, "resources"):
        found.append(Missing("achievable", "resources", "Name the people, money and equipment that it needs."))
    if not said(action, "lead"):
        found.append(Missing("achievable", "lead", "Name who leads it."))
    if not causes.intersection(action.get("finding_ids") or ()):
        found.append(Missing("relevant", "finding_ids", "Link it to a root cause of its concern."))
    if not said(action, "concern_id"):
        found.append(Missing("relevant", "concern_id", "Link it to a concern."))
    if not said(action, "starts_on"):
        found.append(Missing("time_bound", "starts_on", "Give the day on which it starts."))
    if not said(action, "due_on"):
        found.append(Missing("time_bound", "due_on", "Give the day by which it is to be done."))
    return found


def smart(plan: PlanDocument) -> list[SmartAction]:
    """Each action that was not cancelled, with what it lacks."""
    found = causes(plan)
    return [
        SmartAction(pointer, action["id"], action.get("task_number"), missing(action, causes_for(action, found)))
        for pointer, action in live_actions(plan)
    ]


def causes(plan: PlanDocument) -> Mapping[str, frozenset[str]]:
    """The findings that are root causes, by the concerns that they are behind, or that are the cause themselves."""
    behind: dict[str, set[str]] = {}
    for _, finding in findings(plan):
        if finding.get("kind") == "root_cause":
            for concern in {*(finding.get("concern_ids") or ()), finding.get("cause_concern_id")} - {None}:
                behind.setdefault(str(concern), set()).add(finding["id"])
    return {concern: frozenset(found) for concern, found in behind.items()}


def causes_for(action: Mapping[str, Any], causes: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The root causes that an action may answer: those of its concern, or any while it has none."""
    if not said(action, "concern_id"):
        return frozenset().union(*causes.values())
    return causes.get(action["concern_id"], frozenset())
