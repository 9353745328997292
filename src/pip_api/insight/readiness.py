"""How ready is a plan, are its actions SMART, and by which rules is that told?"""

from typing import Literal

from pydantic import BaseModel, Field

from pip_api.http.problems import Problem, bad_parameter
from pip_api.insight.plan_document import plan_document, told_of
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.document import ID, IF_NONE_MATCH, Operation, path_parameter, query
from pip_api.kernel.moments import MOMENT
from pip_api.kernel.pages import answered
from pip_api.rules import readiness as rules
from pip_api.rules.smart import PARTS, smart

RULESET = path_parameter("id", "The id of the ruleset.", example=rules.NEWEST)


class ReadinessFix(BaseModel):
    method: str
    href: str


class ReadinessResult(BaseModel):
    """What was found out about one rule."""

    rule: str = Field(json_schema_extra={"examples": ["PIP-GP-12"]})
    title: str
    result: Literal["pass", "fail", "warn", "not_applicable"]
    detail: str | None
    evidence: list[str] = Field(description="JSON Pointers into the plan's document.")
    fix: ReadinessFix | None = Field(description="What to send, and where, to put it right.")


class ReadinessScore(BaseModel):
    passed: int
    failed: int
    warned: int
    not_applicable: int


class Readiness(BaseModel):
    """How far a plan keeps to the good practice of the College's guide."""

    pip_id: str
    pip_ref: str = Field(json_schema_extra={"examples": ["avon-and-somerset-2026-01"]})
    ruleset: str = Field(json_schema_extra={"examples": [rules.NEWEST]})
    verdict: Literal["ready", "not_ready"]
    score: ReadinessScore
    results: list[ReadinessResult]


class RuleSource(BaseModel):
    document: str
    lines: str
    says: str = Field(description="The sentence that the rule comes from, in other words.")


class RuleFix(BaseModel):
    method: str
    path: str = Field(description="With {pip_id}, and {row_id} for the row that falls short.")


class ReadinessRule(BaseModel):
    id: str = Field(json_schema_extra={"examples": ["PIP-GP-12"]})
    title: str
    severity: Literal["fail", "warn"] = Field(description="A plan that fails one rule is not ready.")
    applies_when: str = Field(json_schema_extra={"examples": ["always"]})
    source: RuleSource
    fix: RuleFix


class ReadinessRuleset(BaseModel):
    """The rules of good practice, as data."""

    id: str = Field(json_schema_extra={"examples": [rules.NEWEST]})
    title: str
    published_on: str = Field(json_schema_extra={"examples": ["2026-11-21"]})
    rules: list[ReadinessRule]


class SmartMissing(BaseModel):
    part: Literal["specific", "measurable", "achievable", "relevant", "time_bound"]
    member: str = Field(description="The member of the action that would give it.")
    detail: str


class SmartAction(BaseModel):
    pointer: str = Field(description="Where it stands in the plan's document.")
    action_id: str
    task_number: str | None
    smart: bool
    missing: list[SmartMissing]


class SmartReport(BaseModel):
    """Which actions are SMART, and what the others lack."""

    pip_id: str
    pip_ref: str = Field(json_schema_extra={"examples": ["avon-and-somerset-2026-01"]})
    smart: bool = Field(description="Whether all are.")
    parts: list[str] = Field(description="The parts that some action lacks, in the order of the word.")
    actions: list[SmartAction] = Field(description="All that were not cancelled.")


async def get_readiness(call: Call) -> Answer:
    """Holds a plan against every rule, as it is or as it stood."""
    name = call.query.get("ruleset", rules.NEWEST)
    if name not in rules.rulesets():
        raise bad_parameter("ruleset", "There is no such ruleset.", allowed=rules.rulesets())
    plan = await plan_document(call, call.path["id"])
    return told_of(call, plan, rules.readiness(plan, rules.ruleset(name)).as_json(plan))


async def get_ruleset(call: Call) -> Answer:
    """The rules by which plans are held to be ready, with where each comes from."""
    if call.path["id"] not in rules.rulesets():
        raise Problem("not_found", "There is no ruleset with this id.")
    return answered(call, rules.as_json(rules.ruleset(call.path["id"])))


async def get_smart(call: Call) -> Answer:
    """Which actions of a plan are specific, measurable, achievable, relevant and time-bound, and what others lack."""
    plan = await plan_document(call, call.path["id"])
    actions = smart(plan)
    lacking = {each.part for action in actions for each in action.missing}
    told = [
        {**action._asdict(), "smart": not action.missing, "missing": [each._asdict() for each in action.missing]}
        for action in actions
    ]
    parts = [part for part in PARTS if part in lacking]
    return told_of(call, plan, {"smart": not lacking, "parts": parts, "actions": told})


operations = [
    Operation(
        "GET", "/v1/pips/{id}/readiness", "getPipReadiness", "pips", "Read how ready a plan is", "pip:read",
        get_readiness, {200: Readiness, 304: None},
        [
            ID,
            query("ruleset", "By which rules; the newest, where nothing is said.",
                  {"type": "string", "enum": rules.rulesets()}, example=rules.NEWEST),
            *MOMENT,
            IF_NONE_MATCH,
        ],
    ),
    Operation(
        "GET", "/v1/readiness/rulesets/{id}", "getReadinessRuleset", "pips", "Read the rules of readiness",
        "measure:read", get_ruleset, {200: ReadinessRuleset, 304: None}, [RULESET, IF_NONE_MATCH],
    ),
    Operation(
        "GET", "/v1/pips/{id}/smart", "getPipSmart", "pips", "Read which actions are SMART", "pip:read",
        get_smart, {200: SmartReport, 304: None}, [ID, *MOMENT, IF_NONE_MATCH],
    ),
]  # fmt: skip
