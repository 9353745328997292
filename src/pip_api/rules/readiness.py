"""Does a plan keep to the good practice of the College's guide? One line a rule, with where it does not and what to do.

What the rules say, where they come from and what fixes them is data, in rulesets that have ids. To which plans each
applies is in `conditions`, and how it is found out in `good_practice`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

from pip_api.rules.conditions import CONDITIONS
from pip_api.rules.good_practice import CHECKS, Gap
from pip_api.rules.plan_document import PlanDocument
from pip_api.rules.ruleset_files import RulesetFile, ruleset_files

NEWEST: Final = "cop-2026.1"
"""The ruleset that is used where none is named."""

_ADDRESSES: Final = {"pip": "pips"}
"""What a part of the document is called in addresses, where not by its own name."""
_MOST_TOLD = 3  # sentences of one line of the report
Outcome = Literal["pass", "fail", "warn", "not_applicable"]
_SHIPPED = files("pip_api") / "catalogue" / "readiness"


@dataclass(frozen=True)
class Source:
    document: str
    lines: str
    says: str
    """The sentence that the rule comes from, in other words."""


@dataclass(frozen=True)
class Fix:
    method: str
    path: str
    """Where it is put right: `{pip_id}` is the plan, and `{row_id}` the row of a `{collection}` that falls short."""

    def at(self, plan: PlanDocument, pointer: str) -> dict[str, str]:
        """What to send, and where, for what is wrong at a place. What a list lacks is added to it."""
        if pointer == "#/concerns":  # those of a plan are named in it
            return {"method": "PATCH", "href": f"/v1/pips/{plan['pip']['id']}"}
        collection, row = _place(plan, pointer)
        collection = "pips" if collection == "pip" else collection
        names = {"pip_id": plan["pip"]["id"], "collection": _ADDRESSES.get(collection, collection.replace("_", "-"))}
        if not isinstance(row, list):
            return {"method": self.method, "href": self.path.format(row_id=row["id"], **names)}
        path = self.path.removesuffix("/{row_id}")
        return {"method": self.method if path == self.path else "POST", "href": path.format(**names)}


@dataclass(frozen=True)
class Rule:
    """One rule as it stands in its ruleset."""

    id: str
    title: str
    severity: Literal["fail", "warn"]
    """What it counts as when a plan does not keep to it."""
    applies_when: str
    source: Source
    fix: Fix


@dataclass(frozen=True)
class Ruleset:
    id: str
    title: str
    published_on: str
    rules: Sequence[Rule]


@dataclass(frozen=True)
class Result:
    """What was found out about one rule."""

    rule: Rule
    result: Outcome
    detail: str | None = None
    evidence: Sequence[str] = ()
    """JSON pointers into the plan document."""

    def as_json(self, plan: PlanDocument) -> dict[str, Any]:
        """The line as it is answered."""
        told = {"rule": self.rule.id, "title": self.rule.title, "result": self.result, "detail": self.detail}
        fix = self.rule.fix.at(plan, self.evidence[0]) if self.result in ("fail", "warn") else None
        return {**told, "evidence": list(self.evidence), "fix": fix}


@dataclass(frozen=True)
class Report:
    """How ready a plan is."""

    ruleset: str
    results: Sequence[Result]

    @property
    def ready(self) -> bool:
        return all(each.result != "fail" for each in self.results)

    @property
    def failed(self) -> list[Result]:
        return [each for each in self.results if each.result == "fail"]

    def as_json(self, plan: PlanDocument) -> dict[str, Any]:
        """The report as it is answered."""
        outcomes = [each.result for each in self.results]
        score = {
            "passed": outcomes.count("pass"),
            "failed": outcomes.count("fail"),
            "warned": outcomes.count("warn"),
            "not_applicable": outcomes.count("not_applicable"),
        }
        return {
            "ruleset": self.ruleset,
            "verdict": "ready" if self.ready else "not_ready",
            "score": score,
            "results": [each.as_json(plan) for each in self.results],
        }


def rulesets() -> list[str]:
    """The ids of all rulesets, the oldest first. Raises RulesetsRefused."""
    return list(_shipped())


def ruleset(id: str) -> Ruleset:
    """A ruleset. Raises KeyError for one that there is not, and RulesetsRefused."""
    return _shipped()[id]


@cache
def _shipped() -> dict[str, Ruleset]:
    """All of them, read and checked at once: the service does not start with one that it could not use."""
    texts = {each.name: each.read_text("utf-8") for each in _SHIPPED.iterdir() if each.name.endswith(".yaml")}
    return {id: _ruleset(file) for id, file in ruleset_files(texts).items()}


def _ruleset(file: RulesetFile) -> Ruleset:
    rules = [
        Rule(
            rule.id, rule.title, rule.severity, rule.applies_when,
            Source(file.source, rule.lines, rule.says), Fix(rule.fix.method, rule.fix.path),
        )
        for rule in file.rules
    ]  # fmt: skip
    return Ruleset(file.id, file.title, file.published_on.isoformat(), rules)


def as_json(rules: Ruleset) -> dict[str, Any]:
    """A ruleset as it is answered."""
    return asdict(rules)


def readiness(plan: PlanDocument, rules: Ruleset | None = None) -> Report:
    """Holds a plan against every rule."""
    rules = rules or ruleset(NEWEST)
    return Report(rules.id, [_held_against(plan, rule) for rule in rules.rules])


def _held_against(plan: PlanDocument, rule: Rule) -> Result:
    if not CONDITIONS[rule.applies_when](plan):
        return Result(rule, "not_applicable")
    gaps = CHECKS[rule.id](plan)
    if not gaps:
        return Result(rule, "pass")
    return Result(rule, rule.severity, _sentence(gaps), [each.pointer for each in gaps])


def _sentence(gaps: Sequence[Gap]) -> str:
    """What is wrong, and in how many other places the same or something else is."""
    told = list(dict.fromkeys(each.detail for each in gaps))
    others = len(gaps) - len(told[:_MOST_TOLD])
    if not others:
        return " ".join(told)
    so = "So it is" if len(told) == 1 else "More is wrong"
    return f"{' '.join(told[:_MOST_TOLD])} {so} in {others} other place{'s' if others > 1 else ''}."


def _place(plan: PlanDocument, pointer: str) -> tuple[str, Any]:
    """The list in which a place of a plan is, and what stands there."""
    row: Any = plan
    collection = ""
    for part in pointer.removeprefix("#/").split("/"):
        row = row[int(part)] if isinstance(row, list) else row[part]
        collection = collection if part.isdigit() else part
    return collection, row
