"""Is each of the thirty rules found kept by a plan that keeps it, and broken by one that does not, and no other?"""

import json
from pathlib import Path
from typing import Any

import pytest

from pip_api.rules.conditions import CONDITIONS
from pip_api.rules.good_practice import CHECKS
from pip_api.rules.plan_document import NotAPlan, read
from pip_api.rules.readiness import NEWEST, readiness, ruleset, rulesets
from tests.rules.plans import BASE, READINESS, plan, written

FIXTURES = sorted(READINESS.glob("PIP-GP-*.yaml"))
EACH = pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.stem)


def outcomes(document: Any) -> dict[str, str]:
    return {each.rule.id: each.result for each in readiness(document).results}


def test_there_are_thirty_rules_each_with_a_check_a_source_and_a_fixture() -> None:
    rules = ruleset(NEWEST).rules
    assert [each.id for each in rules] == [f"PIP-GP-{number:02}" for number in range(1, 31)]
    assert [each.id for each in rules] == sorted(CHECKS) == [each.stem for each in FIXTURES]
    assert {each.applies_when for each in rules} == set(CONDITIONS)
    assert {each.severity for each in rules} == {"fail", "warn"}
    assert all(each.source.says and each.source.lines and each.title for each in rules)
    assert rulesets() == [NEWEST]


def test_a_ready_plan_keeps_to_every_rule() -> None:
    report = readiness(plan())
    assert {each.result for each in report.results} == {"pass"}
    told = report.as_json(plan())
    assert (told["verdict"], told["ruleset"]) == ("ready", NEWEST)
    assert told["score"] == {"passed": 30, "failed": 0, "warned": 0, "not_applicable": 0}
    assert {each["fix"] for each in told["results"]} == {None}


@EACH
def test_a_plan_that_breaks_a_rule(fixture: Path) -> None:
    case = written(fixture)
    broken = plan(case["change"])
    report = readiness(broken)
    (result,) = (each for each in report.results if each.rule.id == fixture.stem)
    assert result.result == result.rule.severity
    assert list(result.evidence) == case["evidence"]
    assert result.detail
    others = {each.rule.id for each in report.results if each.result != "pass"} - {fixture.stem}
    assert others == set(case.get("also", ()))
    assert report.ready == (result.result == "warn" and not others & {each.rule.id for each in report.failed})
    fix = result.as_json(broken)["fix"]
    assert fix["method"] in ("POST", "PATCH")
    assert fix["href"].startswith("/v1/")
    assert "{" not in fix["href"]


@EACH
def test_a_plan_that_a_rule_is_not_for(fixture: Path) -> None:
    case = written(fixture)
    limited = ruleset(NEWEST).rules[int(fixture.stem[-2:]) - 1].applies_when != "always"
    assert limited == ("not_for" in case)
    assert outcomes(plan(case.get("not_for")))[fixture.stem] == ("not_applicable" if limited else "pass")


def test_a_fix_names_the_row_that_falls_short() -> None:
    def fix(rule: str, **changes: Any) -> dict[str, str]:
        broken = plan({f"/{name.replace('__', '/')}": value for name, value in changes.items()})
        (result,) = (each for each in readiness(broken).results if each.rule.id == rule)
        told: dict[str, str] = result.as_json(broken)["fix"]
        return told

    assert fix("PIP-GP-09", actions__1__lead=None) == {"method": "PATCH", "href": "/v1/actions/call-back"}
    assert fix("PIP-GP-27", concerns__1__measure_codes=[]) == {"method": "PATCH", "href": "/v1/concerns/abandonment"}
    assert fix("PIP-GP-27", actions__0__measure_codes=[]) == {"method": "POST", "href": "/v1/actions"}
    mechanism = fix("PIP-GP-22", assurance_mechanisms__0__every_days=None)
    assert mechanism == {"method": "PATCH", "href": "/v1/assurance-mechanisms/dip"}
    assert fix("PIP-GP-22", assurance_mechanisms=[]) == {"method": "POST", "href": "/v1/assurance-mechanisms"}
    event = {"method": "PATCH", "href": "/v1/support-measures/event"}
    assert fix("PIP-GP-18", support_measures__1__intensive_reason=None) == event
    assert fix("PIP-GP-15", pip__timeline="") == {"method": "PATCH", "href": "/v1/pips/plan"}
    assert fix("PIP-GP-20", pip__lead=None) == {"method": "PATCH", "href": "/v1/pips/plan"}
    assert fix("PIP-GP-05", actions__1__priority=None) == {"method": "PATCH", "href": "/v1/actions/call-back"}
    assert fix("PIP-GP-05", pip__response_priorities="") == {"method": "PATCH", "href": "/v1/pips/plan"}
    assert fix("PIP-GP-23", boards=[]) == {"method": "PATCH", "href": "/v1/pips/plan"}  # where its boards are named


def test_a_plan_without_concerns_breaks_every_rule_about_each_of_them() -> None:
    broken = plan({"/concerns": []})
    of_each = {f"PIP-GP-{number:02}" for number in (3, 13, 14, 17, 21, 27)}
    assert of_each <= {each.rule.id for each in readiness(broken).failed}
    for result in readiness(broken).results:
        if result.rule.id in of_each:
            assert result.as_json(broken)["fix"] == {"method": "PATCH", "href": "/v1/pips/plan"}


def test_a_cause_of_another_concern_makes_no_action_answer_its_own() -> None:
    other = {"/actions/1/concern_id": "attendance", "/actions/1/finding_ids": ["telephony"]}
    of_others = {"id": "far", "title": "Far", "kind": "root_cause", "concern_ids": ["custody", "fleet"]}
    for changes in (
        other,
        {"/root_cause_analyses/0/findings/1/kind": "contributing_factor"},
        {"/root_cause_analyses/0/findings/-": of_others, "/actions/1/finding_ids": ["far"]},
    ):
        found = outcomes(plan(changes))
        assert (found["PIP-GP-06"], found["PIP-GP-07"], found["PIP-GP-05"]) == ("fail", "fail", "pass")
    cause = {"/root_cause_analyses/0/findings/1/cause_concern_id": "attendance"}
    assert outcomes(plan(other | cause))["PIP-GP-06"] == "pass"  # it is at the concern that is itself the cause


def test_each_coming_meeting_has_an_update_planned_for_it() -> None:
    def found(*days: str, kind: str = "ppmg", status: str = "submitted_to_ppmg") -> str:
        meetings = [{"id": day, "title": "Coming", "kind": kind, "held_on": day} for day in days]
        return outcomes(plan({"/national_meetings": meetings, "/pip/status": status}))["PIP-GP-15"]

    assert found("2026-12-10") == "pass"  # an update is due on 20 November
    assert found("2026-11-19") == found("2026-11-19", kind="regional_triage") == "fail"
    assert found("2026-12-10", "2027-02-11") == "fail"
    assert found("2026-11-19", kind="other") == "pass"
    assert found("2026-11-19", status="sustaining") == "pass"  # it has come, whatever was planned


def test_learning_is_shared_at_an_event_of_the_force_and_not_at_anothers() -> None:
    nothing_sent: dict[str, Any] = {"/practice_submissions": []}
    assert outcomes(plan(nothing_sent))["PIP-GP-28"] == "fail"
    assert outcomes(plan(nothing_sent | {"/support_measures/1/origin": "internal"}))["PIP-GP-28"] == "pass"


def test_what_was_cancelled_is_not_looked_at() -> None:
    cancelled = {"id": "gone", "title": "Given up", "status": "cancelled", "task_number": "2.2"}
    assert set(outcomes(plan({"/actions/-": cancelled})).values()) == {"pass"}


def test_what_is_wrong_is_told_once_and_its_other_places_are_counted() -> None:
    def detail(rule: str, *silent: str) -> str | None:
        (result,) = (each for each in readiness(plan(dict.fromkeys(silent))).results if each.rule.id == rule)
        return result.detail

    nobody = detail("PIP-GP-09", "/actions/0/lead", "/actions/1/lead")
    assert nobody == "Nobody leads the action. So it is in 1 other place."
    assert detail("PIP-GP-26", "/pip/review_interval_days", "/pip/partner_review_interval_days") == (
        "No interval is set for reviews in the force. No interval is set for reviews with partners."
    )
    silent = [f"/assurance_mechanisms/0/{name}" for name in ("what", "by_whom", "every_days")]
    more = detail("PIP-GP-22", *silent)
    assert more is not None
    assert more.count("The mechanism does not say") == 3


def test_an_empty_plan_fails_in_order_and_breaks_nothing() -> None:
    report = readiness(read({"pip": {"id": "plan"}}))
    assert not report.ready
    assert {each.result for each in report.results} == {"pass", "fail", "warn", "not_applicable"}
    json.dumps(report.as_json(read({"pip": {"id": "plan"}})))


@pytest.mark.parametrize(
    ("given", "pointers"),
    [
        ([], ["#"]),
        ({}, ["#/pip"]),
        ({"pip": {}}, ["#/pip/id"]),
        (BASE | {"actions": [{"id": "x", "due_on": "soon"}]}, ["#/actions/0/due_on"]),
        (BASE | {"actions": {}, "milestones": [1]}, ["#/actions", "#/milestones/0"]),
        (BASE | {"level": 3}, ["#/level"]),
    ],
)
def test_what_is_no_plan_document_is_refused_with_where(given: Any, pointers: list[str]) -> None:
    with pytest.raises(NotAPlan) as refused:
        read(given)
    assert [each.pointer for each in refused.value.faults] == pointers
    assert str(refused.value)


def test_there_is_no_other_ruleset() -> None:
    with pytest.raises(KeyError):
        ruleset("../readiness/cop-2026.1")
