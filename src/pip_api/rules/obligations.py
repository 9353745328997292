"""What must a force do because of its level of support, by which day, and is it done?

Which duties a level brings, and within how many days, is reference data. Where nobody has set a number of days the duty
stands without a date: it can be open, but not late.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, Literal

from pip_api.rules.plan_document import PlanDocument, presented_to_ppmg

PARTNERS: Final[Mapping[str, str]] = {"home_office": "the Home Office", "hmicfrs": "HMICFRS", "college": "the College"}
"""Who sees the draft of a force at a level that is shared with partners."""

Duty = Literal["draft", "share", "submit", "present"]


@dataclass(frozen=True)
class Obligation:
    """One duty of a force, and how it stands."""

    duty: Duty
    towards: str | None
    """With whom a plan is to be shared; of the other duties, null."""
    detail: str
    due_on: date | None
    done_on: date | None
    status: Literal["done", "done_late", "open", "late"]


def obligations(level: Mapping[str, Any] | None, plan: PlanDocument | None, today: date) -> list[Obligation]:
    """The duties that come with a level (as `Level` of a plan document has it), in the order in which they are done."""
    if level is None:
        return []
    return [_as_it_stands(level, today, *each) for each in _duties(level, plan)]


def _duties(
    level: Mapping[str, Any], plan: PlanDocument | None
) -> Iterator[tuple[Duty, str | None, str, str, str | None]]:
    pip: Mapping[str, Any] = plan["pip"] if plan is not None else {}
    if level.get("pip_expected"):
        yield "draft", None, "Draft a plan.", "draft_within_days", (pip.get("created_at") or "")[:10] or None
    if level.get("shared_with_partners"):
        reviews = plan["partner_reviews"] if plan is not None else []
        for partner, name in PARTNERS.items():
            shared = [each.get("shared_on") for each in reviews if each.get("partner") == partner]
            done = min((day for day in shared if day), default=None)
            yield "share", partner, f"Share the plan with {name}.", "share_within_days", done
    if level.get("presented_to_ppmg"):
        yield "submit", None, "Submit the plan to PPMG.", "submit_within_days", pip.get("submitted_to_ppmg_on")
        presented = [each.get("presented_on") for each in presented_to_ppmg(plan)] if plan is not None else []
        done = min((day for day in presented if day), default=None)
        yield "present", None, "Present the plan to PPMG.", "present_within_days", done


def _as_it_stands(
    level: Mapping[str, Any], today: date, duty: Duty, towards: str | None, detail: str, within: str, done: str | None
) -> Obligation:
    days, since = level.get(within), level.get("since")
    due_on = None if days is None or since is None else date.fromisoformat(since) + timedelta(days=days)
    done_on = None if done is None else date.fromisoformat(done)
    late = due_on is not None and (done_on or today) > due_on
    if done_on is not None:
        return Obligation(duty, towards, detail, due_on, done_on, "done_late" if late else "done")
    return Obligation(duty, towards, detail, due_on, None, "late" if late else "open")
