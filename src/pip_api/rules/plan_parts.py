"""What do the rules read of each part of a plan?

Other members may stand beside these: the parts are as the answers of their nouns give them. A member that is left out
is null. Days are texts such as 2026-10-05, which sort as they follow each other.
"""

from datetime import date
from typing import Annotated, Literal, NotRequired

from pydantic import AfterValidator
from typing_extensions import TypedDict


def _is_day(text: str) -> str:
    date.fromisoformat(text)
    return text


Day = Annotated[str, AfterValidator(_is_day)]
Texts = list[str]


class _Row(TypedDict):
    id: str


class Pip(_Row, total=False):
    ref: str
    title: str
    status: str
    version: int
    force_code: str
    lead: str | None
    starts_on: Day | None
    ends_on: Day | None
    sustainability: str | None
    timeline: str | None
    governance: str | None
    response_priorities: str | None
    board_ids: Texts
    review_interval_days: int | None
    partner_review_interval_days: int | None
    created_at: str
    shared_by: str | None
    shared_on: Day | None
    submitted_to_ppmg_by: str | None
    submitted_to_ppmg_on: Day | None
    approved_by: str | None
    approved_on: Day | None


class Level(TypedDict, total=False):
    """The level of support of the plan's force: its definition, and since when the force is at it."""

    code: str
    level: int
    name: str
    since: Day
    pip_expected: bool
    shared_with_partners: bool
    presented_to_ppmg: bool
    draft_within_days: int | None
    share_within_days: int | None
    submit_within_days: int | None
    present_within_days: int | None


class Effect(TypedDict):
    concern_id: str
    how: NotRequired[str]


class Concern(_Row, total=False):
    title: str
    source: str
    owner: str | None
    status: str
    starts_on: Day | None
    ends_on: Day | None
    measure_codes: Texts
    affects: list[Effect]


class KnownConcern(_Row, total=False):
    """An open concern of the force that the plan does not answer."""

    title: str
    source: str
    covered_elsewhere: bool
    """Whether another live plan of the force answers it."""


class Finding(_Row, total=False):
    title: str
    kind: Literal["root_cause", "symptom", "contributing_factor"]
    concern_ids: Texts
    cause_concern_id: str | None
    cross_cutting: bool


class Analysis(_Row, total=False):
    title: str
    findings: list[Finding]


class Action(_Row, total=False):
    title: str
    description: str | None
    task_number: str | None
    concern_id: str | None
    finding_ids: Texts
    measure_codes: Texts
    intended_outputs: Texts
    priority: int | None
    lead: str | None
    resources: str | None
    starts_on: Day | None
    due_on: Day | None
    status: str


class Milestone(_Row, total=False):
    title: str
    due_on: Day | None
    done_on: Day | None
    important: bool
    concern_id: str | None
    action_id: str | None
    update_due: bool


class SupportMeasure(_Row, total=False):
    title: str
    kind: str
    origin: Literal["internal", "external"]
    concern_ids: Texts
    status: str
    asked_on: Day | None
    intensive: bool
    intensive_reason: str | None


class Mitigation(_Row, total=False):
    title: str
    status: str
    due_on: Day | None


class Risk(_Row, total=False):
    title: str
    action_ids: Texts
    scale_id: str | None
    likelihood: int | None
    impact: int | None
    status: str
    mitigations: list[Mitigation]


class Band(TypedDict):
    name: str
    from_score: int


class RiskScale(_Row, total=False):
    size: int
    bands: list[Band]


class Board(_Row, total=False):
    title: str
    challenges: bool
    escalates: bool


class Assurance(_Row, total=False):
    title: str
    what: str | None
    by_whom: str | None
    every_days: int | None


class Review(_Row, total=False):
    title: str
    kind: Literal["internal", "with_partners"]
    planned_on: Day | None
    held_on: Day | None
    next_on: Day | None


class Meeting(_Row, total=False):
    title: str
    kind: str
    held_on: Day | None
    theme: str | None
    updates_due_on: Day | None
    inspection_theme_on: Day | None
    created_at: str


class ProgressUpdate(_Row, total=False):
    reported_on: Day | None


class PartnerReview(_Row, total=False):
    partner: Literal["home_office", "hmicfrs", "college"]
    shared_on: Day | None
    answer: str | None


class Presentation(_Row, total=False):
    national_meeting_id: str
    presented_on: Day | None
    outcome: str | None


class Sustainability(_Row, total=False):
    action_ids: Texts
    concern_id: str | None


class FollowUp(_Row, total=False):
    title: str
    due_on: Day | None
    done_on: Day | None


class Submission(_Row, total=False):
    title: str
    status: str
