"""To which plans does a rule of good practice apply?"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from pip_api.rules.plan_document import PlanDocument, cross_cutting


def _at_level(plan: PlanDocument, flag: str, *states: str) -> bool:
    """Whether the force's level of support asks for something, and the plan is in a state in which it is to be done."""
    level: Mapping[str, Any] = plan.get("level") or {}
    return bool(level.get(flag)) and plan["pip"].get("status") in states


_AGREED = ("agreed", "submitted_to_ppmg", "active", "sustaining", "closed")
CONDITIONS: Final[Mapping[str, Callable[[PlanDocument], bool]]] = {
    "always": lambda plan: True,
    "several_concerns": lambda plan: len(plan["concerns"]) > 1,
    "cross_cutting_factors": lambda plan: bool(cross_cutting(plan)),
    "risks": lambda plan: bool(plan["risks"]),
    "intensive_support_in_question": lambda plan: (
        bool((plan.get("level") or {}).get("shared_with_partners"))
        or any(each.get("intensive") for each in plan["support_measures"])
    ),
    "ending": lambda plan: plan["pip"].get("status") in ("sustaining", "closed"),
    "shared_with_partners": lambda plan: _at_level(plan, "shared_with_partners", *_AGREED),
    "presented_to_ppmg": lambda plan: _at_level(plan, "presented_to_ppmg", *_AGREED[2:]),
}
"""When a rule applies, by the name that a ruleset uses for it."""
