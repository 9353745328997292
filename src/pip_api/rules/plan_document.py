"""What is a plan as one document, on which all rules about a whole plan work?

It is plain JSON: one object with a list for each noun. A list that is left out is empty.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, NotRequired, cast

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from pip_api.rules.plan_parts import (
    Action,
    Analysis,
    Assurance,
    Board,
    Concern,
    Finding,
    FollowUp,
    KnownConcern,
    Level,
    Meeting,
    Milestone,
    PartnerReview,
    Pip,
    Presentation,
    ProgressUpdate,
    Review,
    Risk,
    RiskScale,
    Submission,
    SupportMeasure,
    Sustainability,
)

Row = dict[str, Any]
"""A row that no rule looks into."""


class PlanDocument(TypedDict):
    pip: Pip
    level: NotRequired[Level | None]
    concerns: list[Concern]
    known_concerns: list[KnownConcern]
    root_cause_analyses: list[Analysis]
    actions: list[Action]
    milestones: list[Milestone]
    support_measures: list[SupportMeasure]
    risks: list[Risk]
    risk_scales: list[RiskScale]
    boards: list[Board]
    assurance_mechanisms: list[Assurance]
    reviews: list[Review]
    meetings: list[Meeting]
    national_meetings: list[Meeting]
    partner_reviews: list[PartnerReview]
    presentations: list[Presentation]
    sustainability_arrangements: list[Sustainability]
    follow_ups: list[FollowUp]
    practice_submissions: list[Submission]
    progress_updates: list[ProgressUpdate]
    # Carried along for readers; no rule looks into these:
    escalations: list[Row]
    stakeholders: list[Row]
    lessons: list[Row]
    measure_assessments: list[Row]
    tags: list[Row]


LISTS = tuple(name for name in PlanDocument.__annotations__ if name not in ("pip", "level"))
_SHAPE = TypeAdapter(PlanDocument)


class Fault(NamedTuple):
    """What keeps something from being a plan document, and where."""

    pointer: str
    detail: str


class NotAPlan(ValueError):
    """It is no plan document."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = list(faults)
        super().__init__("; ".join(f"{each.pointer}: {each.detail}" for each in self.faults))


def read(given: object) -> PlanDocument:
    """A plan document from plain JSON, with every list there. Raises NotAPlan with every fault."""
    if not isinstance(given, dict):
        raise NotAPlan([Fault("#", "A plan document is a JSON object.")])
    whole: dict[str, Any] = {name: [] for name in LISTS} | given
    try:
        _SHAPE.validate_python(whole, strict=True)
    except ValidationError as error:
        raise NotAPlan(Fault(_pointer(each["loc"]), each["msg"]) for each in error.errors()) from None
    return cast(PlanDocument, whole)


def _pointer(place: tuple[int | str, ...]) -> str:
    return "#" + "".join(f"/{part}" for part in place)


def findings(plan: PlanDocument) -> list[tuple[str, Finding]]:
    """What was found about the plan's own concerns, each with where it stands: an analysis may be about others too."""
    own = {each["id"] for each in plan["concerns"]}
    return [
        (f"#/root_cause_analyses/{place}/findings/{within}", finding)
        for place, analysis in enumerate(plan["root_cause_analyses"])
        for within, finding in enumerate(analysis.get("findings") or ())
        if not own.isdisjoint(finding.get("concern_ids") or ())
    ]


def live_actions(plan: PlanDocument) -> list[tuple[str, Action]]:
    """The actions that were not cancelled, each with where it stands."""
    return [
        (f"#/actions/{place}", action)
        for place, action in enumerate(plan["actions"])
        if action.get("status") != "cancelled"
    ]


def said(row: Mapping[str, Any], member: str) -> bool:
    """Whether a member says something: a text that is not blank, a list with something in it, a number, a day."""
    value = row.get(member)
    return bool(value.strip()) if isinstance(value, str) else value not in (None, [], False)


def presented_to_ppmg(plan: PlanDocument) -> list[Presentation]:
    """The presentations to PPMG since the plan was last submitted to it, in the order of their days."""
    meetings = {each["id"] for each in plan["national_meetings"] if each.get("kind") == "ppmg"}
    shown = [each for each in plan["presentations"] if each.get("national_meeting_id") in meetings]
    since = plan["pip"].get("submitted_to_ppmg_on") or ""
    return sorted(
        (each for each in shown if (each.get("presented_on") or "") >= since),
        key=lambda each: each.get("presented_on") or "",
    )


def cross_cutting(plan: PlanDocument) -> set[str]:
    """The findings that are about two or more concerns."""
    return {each["id"] for _, each in findings(plan) if len(set(each.get("concern_ids") or ())) > 1}
