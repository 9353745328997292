"""Where does a plan fall short of each of the thirty rules of good practice?"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from pip_api.rules.obligations import PARTNERS
from pip_api.rules.plan_document import PlanDocument, cross_cutting, findings, live_actions, presented_to_ppmg, said
from pip_api.rules.smart import causes, causes_for, smart


class Gap(NamedTuple):
    """Where a plan falls short of a rule (a JSON pointer into the document), and in what."""

    pointer: str
    detail: str


Gaps = Iterator[Gap]
NO_CONCERNS: Final = Gap("#/concerns", "The plan answers no concern.")
CHECKS: Final[dict[str, Callable[[PlanDocument], list[Gap]]]] = {}
"""By the id of a rule, how it is found out where a plan falls short of it."""


def _checks(
    number: int, *, each_concern: bool = False
) -> Callable[[Callable[[PlanDocument], Gaps]], Callable[[PlanDocument], Gaps]]:
    """What is asked of each concern is not there where there is none."""

    def add(check: Callable[[PlanDocument], Gaps]) -> Callable[[PlanDocument], Gaps]:
        CHECKS[f"PIP-GP-{number:02}"] = lambda plan: [
            *([NO_CONCERNS] if each_concern and not plan["concerns"] else ()), *check(plan),
        ]  # fmt: skip
        return check

    return add


def _silent(rows: list[Any], name: str, member: str, detail: str) -> Gaps:
    """The rows of a list that do not say what they should."""
    return (Gap(f"#/{name}/{place}", detail) for place, row in enumerate(rows) if not said(row, member))


def _quiet(plan: PlanDocument, member: str, detail: str) -> Gaps:
    if not said(plan["pip"], member):
        yield Gap("#/pip", detail)


@_checks(1)
def concerns_left_out(plan: PlanDocument) -> Gaps:
    for place, concern in enumerate(plan["known_concerns"]):
        if concern.get("source") == "ppmg" and not concern.get("covered_elsewhere"):
            yield Gap(f"#/known_concerns/{place}", "A concern that PPMG identified in the force is in no plan.")


@_checks(2)
def impact_not_stated(plan: PlanDocument) -> Gaps:
    own = {each["id"] for each in plan["concerns"]}
    pairs = [(each["id"], effect["concern_id"]) for each in plan["concerns"] for effect in each.get("affects") or ()]
    linked = {id for pair in pairs if own.issuperset(pair) for id in pair}
    for place, concern in enumerate(plan["concerns"]):
        if concern["id"] not in linked:
            yield Gap(f"#/concerns/{place}", "It is not said how this concern and the others bear on each other.")


@_checks(3, each_concern=True)
def concerns_without_finding(plan: PlanDocument) -> Gaps:
    found = {id for _, finding in findings(plan) for id in finding.get("concern_ids") or ()}
    for place, concern in enumerate(plan["concerns"]):
        if concern["id"] not in found:
            yield Gap(f"#/concerns/{place}", "No finding of a root cause analysis is about this concern.")


@_checks(4)
def cross_cutting_not_marked(plan: PlanDocument) -> Gaps:
    titles = Counter((finding.get("title") or "").strip().casefold() for _, finding in findings(plan))
    for pointer, finding in findings(plan):
        if len(set(finding.get("concern_ids") or ())) > 1 and not finding.get("cross_cutting"):
            yield Gap(pointer, "A factor behind two or more concerns is not marked as cross-cutting.")
        elif titles[(finding.get("title") or "").strip().casefold()] > 1:
            yield Gap(pointer, "The same factor is written down more than once, apart, and so not as cross-cutting.")


@_checks(5)
def not_prioritised(plan: PlanDocument) -> Gaps:
    shared = cross_cutting(plan)
    answered = {id for _, action in live_actions(plan) for id in action.get("finding_ids") or ()}
    for _, finding in findings(plan):
        if finding["id"] in shared and finding["id"] not in answered:
            yield Gap("#/actions", f"No action answers the cross-cutting factor '{finding.get('title')}'.")
    for pointer, action in live_actions(plan):
        if action.get("priority") is None:
            yield Gap(pointer, "The action has no priority.")
    if not said(plan["pip"], "response_priorities"):
        yield Gap("#/pip", "It is not said how the response is prioritised, cross-cutting factors first.")


@_checks(6)
def not_at_a_cause(plan: PlanDocument) -> Gaps:
    found = causes(plan)
    for pointer, action in live_actions(plan):
        if causes_for(action, found).isdisjoint(action.get("finding_ids") or ()):
            yield Gap(pointer, "The action answers no root cause of its concern.")
    if not live_actions(plan):
        yield Gap("#/actions", "The plan has no action.")


@_checks(7)
def not_smart(plan: PlanDocument) -> Gaps:
    for action in smart(plan):
        if action.missing:
            parts = ", ".join(dict.fromkeys(each.part.replace("_", "-") for each in action.missing))
            yield Gap(action.pointer, f"The action is not {parts}.")


@_checks(8)
def no_outputs(plan: PlanDocument) -> Gaps:
    yield from _actions_silent(plan, "intended_outputs", "The action has no intended output or criterion of success.")


@_checks(9)
def no_action_lead(plan: PlanDocument) -> Gaps:
    yield from _actions_silent(plan, "lead", "Nobody leads the action.")


@_checks(10)
def no_resources(plan: PlanDocument) -> Gaps:
    yield from _actions_silent(plan, "resources", "The action does not say which resources it needs.")


def _actions_silent(plan: PlanDocument, member: str, detail: str) -> Gaps:
    return (Gap(pointer, detail) for pointer, action in live_actions(plan) if not said(action, member))


@_checks(11)
def numbers_missing(plan: PlanDocument) -> Gaps:
    given = Counter(each.get("task_number") for each in plan["actions"])
    for place, action in enumerate(plan["actions"]):
        if not said(action, "task_number"):
            yield Gap(f"#/actions/{place}", "The action has no task number.")
        elif given[action.get("task_number")] > 1:
            yield Gap(f"#/actions/{place}", "Another action has the same task number.")


@_checks(12)
def number_without_concern(plan: PlanDocument) -> Gaps:
    own = {each["id"] for each in plan["concerns"]}
    for pointer, action in live_actions(plan):
        if action.get("concern_id") not in own:
            yield Gap(pointer, "The action is tied to no concern of the plan.")


@_checks(13, each_concern=True)
def no_timeline(plan: PlanDocument) -> Gaps:
    for place, concern in enumerate(plan["concerns"]):
        if not said(concern, "starts_on") or not said(concern, "ends_on"):
            yield Gap(f"#/concerns/{place}", "The concern has no timeline: from when to when it is answered.")


@_checks(14, each_concern=True)
def no_milestones(plan: PlanDocument) -> Gaps:
    of_action = {action["id"]: action.get("concern_id") for action in plan["actions"]}
    dated = [each for each in plan["milestones"] if said(each, "due_on")]
    marked = {each.get("concern_id") for each in dated} | {of_action.get(each.get("action_id") or "") for each in dated}
    for place, concern in enumerate(plan["concerns"]):
        if concern["id"] not in marked:
            yield Gap(f"#/concerns/{place}", "No dated milestone is about the concern or an action of it.")


@_checks(15)
def meetings_not_allowed_for(plan: PlanDocument) -> Gaps:
    yield from _quiet(plan, "timeline", "The timeline does not say how it allows for coming triage and PPMG meetings.")
    if plan["pip"].get("status") in ("active", "sustaining", "closed"):
        return  # the meetings have come, and what was told before each is in the calendar
    days = [each.get("due_on") or "" for each in plan["milestones"] if each.get("update_due")]
    seen = {each.get("national_meeting_id") for each in plan["presentations"]}  # there the plan itself is told
    for kind in ("regional_triage", "ppmg"):
        since = ""
        of_kind = [each for each in plan["national_meetings"] if each.get("kind") == kind and said(each, "held_on")]
        for meeting in sorted(of_kind, key=lambda each: str(each.get("held_on"))):
            held = str(meeting.get("held_on"))
            if meeting["id"] not in seen and not any(since < day <= held for day in days):
                yield Gap("#/milestones", f"No update is planned between the meeting of {held} and the one before it.")
            since = held


@_checks(16)
def updates_not_noted(plan: PlanDocument) -> Gaps:
    if not any(each.get("update_due") and said(each, "due_on") for each in plan["milestones"]):
        yield Gap("#/milestones", "No milestone says that an update is due.")


@_checks(17, each_concern=True)
def support_not_considered(plan: PlanDocument) -> Gaps:
    considered = {(id, each.get("origin")) for each in plan["support_measures"] for id in each.get("concern_ids") or ()}
    for place, concern in enumerate(plan["concerns"]):
        lacking = [origin for origin in ("internal", "external") if (concern["id"], origin) not in considered]
        if lacking:
            yield Gap(f"#/concerns/{place}", f"No {' or '.join(lacking)} support was considered for the concern.")


@_checks(18)
def intensive_support_not_asked(plan: PlanDocument) -> Gaps:
    intensive = [(place, each) for place, each in enumerate(plan["support_measures"]) if each.get("intensive")]
    for place, each in intensive:
        if not said(each, "intensive_reason"):
            yield Gap(f"#/support_measures/{place}", "It is not said why intensive support is needed.")
        elif not said(each, "asked_on"):
            yield Gap(f"#/support_measures/{place}", "The intensive support was not asked for.")
    if not intensive:
        yield Gap("#/support_measures", "At this level of support no intensive support was considered.")


@_checks(19)
def not_sustained(plan: PlanDocument) -> Gaps:
    arranged = {id for each in plan["sustainability_arrangements"] for id in each.get("action_ids") or ()}
    covered = {each.get("concern_id") for each in plan["sustainability_arrangements"]} - {None}
    for pointer, action in live_actions(plan):
        if action["id"] not in arranged and action.get("concern_id") not in covered:
            yield Gap(pointer, "Nothing is arranged that makes what the action brings last after the plan.")


@_checks(20)
def no_lead(plan: PlanDocument) -> Gaps:
    yield from _quiet(plan, "lead", "Nobody is responsible for the plan.")


@_checks(21, each_concern=True)
def no_owner(plan: PlanDocument) -> Gaps:
    yield from _silent(list(plan["concerns"]), "concerns", "owner", "Nobody owns the concern.")


@_checks(22)
def not_assured(plan: PlanDocument) -> Gaps:
    if not plan["assurance_mechanisms"]:
        yield Gap("#/assurance_mechanisms", "Nothing assures that the actions do what they should.")
    for member, detail in (("what", "what is checked"), ("by_whom", "who checks"), ("every_days", "how often")):
        rows = list(plan["assurance_mechanisms"])
        yield from _silent(rows, "assurance_mechanisms", member, f"The mechanism does not say {detail}.")


@_checks(23)
def no_boards(plan: PlanDocument) -> Gaps:
    for role, detail in (("challenges", "challenges"), ("escalates", "takes a matter further")):
        if not any(each.get(role) for each in plan["boards"]):
            yield Gap("#/boards", f"No board of the plan {detail}.")


@_checks(24)
def risk_without_action(plan: PlanDocument) -> Gaps:
    own = {each["id"] for each in plan["actions"]}
    for place, risk in enumerate(plan["risks"]):
        if not own.intersection(risk.get("action_ids") or ()):
            yield Gap(f"#/risks/{place}", "The risk is tied to no action of the plan.")


@_checks(25)
def risk_without_mitigation(plan: PlanDocument) -> Gaps:
    yield from _silent(list(plan["risks"]), "risks", "mitigations", "No mitigation was considered for the risk.")


@_checks(26)
def no_interval(plan: PlanDocument) -> Gaps:
    yield from _quiet(plan, "review_interval_days", "No interval is set for reviews in the force.")
    yield from _quiet(plan, "partner_review_interval_days", "No interval is set for reviews with partners.")


@_checks(27, each_concern=True)
def not_measured(plan: PlanDocument) -> Gaps:
    yield from _silent(list(plan["concerns"]), "concerns", "measure_codes", "No measure shows the outcome.")
    if not any(said(action, "measure_codes") for _, action in live_actions(plan)):
        yield Gap("#/actions", "No action has a measure of its output.")


@_checks(28)
def learning_not_shared(plan: PlanDocument) -> Gaps:
    submitted = any(each.get("status") in ("submitted", "published") for each in plan["practice_submissions"])
    given = any(
        each.get("kind") == "knowledge_sharing_event"
        and each.get("origin") == "internal"  # at another's the force is the one that learns
        and each.get("status") in ("under_way", "ended")
        for each in plan["support_measures"]
    )
    if not submitted and not given:
        yield Gap("#/practice_submissions", "No learning went to the practice bank or an event of the force's own.")


@_checks(29)
def not_shared(plan: PlanDocument) -> Gaps:
    shared = {each.get("partner") for each in plan["partner_reviews"] if said(each, "shared_on")}
    for partner, name in PARTNERS.items():
        if partner not in shared:
            yield Gap("#/partner_reviews", f"The plan was not shared with {name}.")


@_checks(30)
def not_presented(plan: PlanDocument) -> Gaps:
    if not presented_to_ppmg(plan):
        yield Gap("#/presentations", "The plan was not presented to PPMG since it was last submitted.")
