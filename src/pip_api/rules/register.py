"""How grave is a risk? Its score, and the band of the force's own scale that it falls in."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pip_api.rules.plan_document import PlanDocument


class Registered(NamedTuple):
    """A risk as the register has it."""

    risk: Mapping[str, Any]
    score: int | None
    band: str | None
    mitigated: bool
    """Whether a mitigation was considered that was not ended."""


def score(likelihood: int, impact: int) -> int:
    """Both count from 1."""
    return likelihood * impact


def band(scale: Mapping[str, Any], points: int) -> str | None:
    """The name of the last band that begins at or below a score."""
    reached = [each for each in scale["bands"] if each["from_score"] <= points]
    return max(reached, key=lambda each: int(each["from_score"]))["name"] if reached else None


def register(plan: PlanDocument) -> list[Registered]:
    """The risks of a plan, the open ones first and of those the gravest."""
    scales = {each["id"]: each for each in plan["risk_scales"]}
    rows = []
    for risk in plan["risks"]:
        likelihood, impact = risk.get("likelihood"), risk.get("impact")
        points = None if likelihood is None or impact is None else score(likelihood, impact)
        scale = scales.get(risk.get("scale_id") or "")
        name = None if points is None or scale is None else band(scale, points)
        mitigated = any(each.get("status") != "ended" for each in risk.get("mitigations") or ())
        rows.append(Registered(risk, points, name, mitigated))
    return sorted(rows, key=lambda each: (each.risk.get("status") == "closed", -(each.score or 0)))
