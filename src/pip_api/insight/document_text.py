"""How does a plan read on paper? The whole document as Markdown, to be presented or sent."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any, get_args

from pip_api.insight.plan_parts import parts
from pip_api.kernel.resource import Resource
from pip_api.resources.pips import pips
from pip_api.resources.root_causes import findings
from pip_api.rules.obligations import PARTNERS
from pip_api.rules.plan_document import PlanDocument
from pip_api.rules.register import register

Columns = Sequence[tuple[str, str]]
FRONT: Columns = (
    ("Reference", "ref"), ("Status", "status"), ("Responsible lead", "lead"), ("From", "starts_on"), ("To", "ends_on"),
    ("Mandate", "mandate"), ("Internal oversight", "governance"), ("Engagement", "engagement"),
    ("How the response is prioritised", "response_priorities"), ("Timeline", "timeline"),
    ("Sustainability", "sustainability"), ("Review interval in the force, days", "review_interval_days"),
    ("Review interval with partners, days", "partner_review_interval_days"), ("Approved on", "approved_on"),
    ("Submitted to PPMG on", "submitted_to_ppmg_on"),
)  # fmt: skip
SECTIONS: Sequence[tuple[str, str, Columns]] = (
    ("concerns", "Concerns", (
        ("Concern", "title"), ("Owner", "owner"), ("Identified by", "identified_by"), ("From", "starts_on"),
        ("To", "ends_on"), ("Measures", "measure_codes"), ("Evidence", "evidence"),
    )),
    ("actions", "Actions", (
        ("Task", "task_number"), ("Action", "title"), ("Steps", "description"), ("Outputs", "intended_outputs"),
        ("Lead", "lead"), ("Resources", "resources"), ("From", "starts_on"), ("Due", "due_on"), ("Status", "status"),
    )),
    ("milestones", "Milestones", (("Milestone", "title"), ("About", "about"), ("Due", "due_on"), ("Done", "done_on"))),
    ("support_measures", "Support", (
        ("Support", "title"), ("Kind", "kind"), ("Origin", "origin"), ("Status", "status"), ("Outcome", "outcome"),
    )),
    ("boards", "Governance", (("Board", "title"), ("Level", "level"), ("Chair", "chair"), ("Remit", "remit"))),
    ("escalations", "Escalations", (("What", "title"), ("On", "raised_on"), ("Why", "reason"), ("Result", "result"))),
    ("stakeholders", "Stakeholders", (("Who", "title"), ("Interest", "interest"), ("Engagement", "engagement"))),
    ("assurance_mechanisms", "Assurance", (
        ("Mechanism", "title"), ("What", "what"), ("By whom", "by_whom"), ("Every, days", "every_days"),
    )),
    ("reviews", "Reviews", (
        ("Review", "title"), ("Kind", "kind"), ("Planned", "planned_on"), ("Held", "held_on"),
        ("Decisions", "decisions"),
    )),
    ("national_meetings", "Coming meetings", (
        ("Meeting", "title"), ("On", "held_on"), ("Updates due", "updates_due_on"),
    )),
    ("partner_reviews", "Shared with", (("Partner", "partner"), ("On", "shared_on"), ("Answer", "answer"))),
    ("presentations", "Presented to PPMG", (
        ("On", "presented_on"), ("By", "presented_by"), ("Outcome", "outcome"), ("Comments", "comments"),
    )),
    ("sustainability_arrangements", "What makes it last", (
        ("Arrangement", "title"), ("Description", "description"), ("Owner", "owner"),
    )),
    ("follow_ups", "Follow-up", (("Check", "title"), ("Due", "due_on"), ("Done", "done_on"), ("Finding", "finding"))),
    ("practice_submissions", "Learning shared", (("Submission", "title"), ("Done", "done"), ("Result", "result"))),
    ("lessons", "Lessons", (("Lesson", "title"), ("Text", "text"))),
    ("measure_assessments", "Qualitative evidence", (
        ("Measure", "measure_code"), ("Heading", "heading"), ("Judgement", "judgement"), ("Text", "text"),
    )),
)  # fmt: skip
_MARKS = re.compile(r"([\\`*_\[\]<>#|~])")


def as_markdown(plan: PlanDocument) -> str:
    """The plan as text. What says nothing is left out."""
    return "\n".join(_lines(plan)) + "\n"


def _lines(plan: PlanDocument) -> Iterator[str]:
    pip = _worded(pips, plan["pip"])
    yield f"# {_plain(pip.get('title', ''))}"
    if pip.get("summary"):
        yield from ("", _plain(pip["summary"]))
    yield ""
    if level := plan.get("level"):
        yield f"- Level of support: {_plain(level.get('name'))}, since {level.get('since')}"
    yield from (f"- {label}: {_plain(pip[name])}" for label, name in FRONT if pip.get(name) not in (None, "", []))
    yield from _root_causes(plan)
    about = {each["id"]: each.get("title") for each in (*plan["concerns"], *plan["actions"])}
    for name, heading, columns in SECTIONS:
        of = parts()[name]
        rows = [_worded(of, row) for row in plan[name]]  # type: ignore[literal-required]
        if name == "milestones":
            rows = [{**row, "about": about.get(row.get("action_id") or row.get("concern_id") or "")} for row in rows]
        yield from _table(heading, columns, rows)
    yield from _risks(plan)


def _root_causes(plan: PlanDocument) -> Iterator[str]:
    titles = {each["id"]: each.get("title", "") for each in plan["concerns"]}
    rows = [
        {
            **_worded(findings, finding),
            "behind": [titles[id] for id in finding.get("concern_ids") or () if id in titles],
        }
        for analysis in plan["root_cause_analyses"]
        for finding in analysis.get("findings") or ()
    ]
    columns = (("Finding", "title"), ("Kind", "kind"), ("Behind", "behind"), ("Cross-cutting", "cross_cutting"))
    yield from _table("Root causes", columns, rows)


def _risks(plan: PlanDocument) -> Iterator[str]:
    numbers = {each["id"]: each.get("task_number") or "" for each in plan["actions"]}
    rows = [
        {
            **_worded(parts()["risks"], each.risk),
            "tasks": [numbers[id] for id in each.risk.get("action_ids") or () if id in numbers],
            "score": each.score,
            "band": each.band,
            "answers": [mitigation.get("title", "") for mitigation in each.risk.get("mitigations") or ()],
        }
        for each in register(plan)
    ]
    columns = (
        ("Risk", "title"), ("Kind", "kind"), ("Tasks", "tasks"), ("Likelihood", "likelihood"), ("Impact", "impact"),
        ("Score", "score"), ("Band", "band"), ("Mitigations", "answers"), ("Status", "status"),
    )  # fmt: skip
    yield from _table("Risks", columns, rows)


@lru_cache
def _choices(of: Resource) -> frozenset[str]:
    """The members of a noun that hold one code of a few."""
    return frozenset(
        name
        for name, field in of.read_shape.model_fields.items()
        if any(isinstance(each, type) and issubclass(each, StrEnum) for each in _types(field.annotation))
    )


def _types(annotation: Any) -> tuple[Any, ...]:
    return (annotation, *get_args(annotation))


def _worded(of: Resource, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with words where it has codes."""
    return {name: _words(value) if name in _choices(of) and value else value for name, value in row.items()}


def _words(code: str) -> str:
    return PARTNERS.get(code, code.replace("_", " "))


def _table(heading: str, columns: Columns, rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A table of the rows, with the columns in which any of them says something."""
    rows = list(rows)
    said = [(label, name) for label, name in columns if any(row.get(name) not in (None, "", []) for row in rows)]
    if not said:
        return
    yield from ("", f"## {heading}", "")
    yield f"| {' | '.join(label for label, _ in said)} |"
    yield f"|{' --- |' * len(said)}"
    for row in rows:
        yield f"| {' | '.join(_plain(row.get(name)) for _, name in said)} |"


def _plain(value: Any) -> str:
    """A value in a line of text, in which nothing is markup."""
    if isinstance(value, list):
        return "; ".join(map(_plain, value))
    if isinstance(value, dict):
        return _plain([each for each in value.values() if each is not None])
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else _MARKS.sub(r"\\\1", " ".join(str(value).split()))
