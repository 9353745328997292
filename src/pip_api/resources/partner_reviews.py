"""With which partner was a plan shared for review, and has that partner agreed to it?"""

from enum import StrEnum
from uuid import UUID

from sqlmodel import Field

from pip_api.db.statements import Record
from pip_api.http.problems import Problem
from pip_api.kernel.checks import has_come, in_order, needs, said_by
from pip_api.kernel.query import equal
from pip_api.kernel.resource import Resource, RuleContext
from pip_api.kernel.shapes import Day, Owned, Prose, Shape, examples, one_of, owner, reference
from pip_api.resources.pips import pips
from pip_api.rules.lifecycle import ANSWERS


class Partner(StrEnum):
    home_office = "home_office"
    hmicfrs = "hmicfrs"
    college = "college"


class PartnerAnswer(StrEnum):
    pending = "pending"
    agreed = "agreed"
    changes_asked = "changes_asked"


class PartnerReviewFields(Shape):
    answer: PartnerAnswer = one_of("What the partner says of the plan.", default=PartnerAnswer.pending)
    answered_on: Day | None = None
    comments: Prose = Field(default="", description="What the partner asks for, and which support was agreed.")


class PartnerReviewCreate(PartnerReviewFields):
    model_config = examples(pip_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c", partner="hmicfrs", shared_on="2026-10-12")

    pip_id: UUID = reference("pip", "The plan that was shared.")
    partner: Partner = one_of("With whom.")
    shared_on: Day


class PartnerReview(Owned, PartnerReviewCreate, table=True):
    force_code: str = owner()


def is_answered(review: Record) -> bool:
    return bool(review["answer"] != PartnerAnswer.pending)


def of_the_partner(review: Record) -> str:
    return ANSWERS[review["partner"]]


def said_stays(review: Record, on: RuleContext) -> Problem | None:
    """Else an older answer of the partner would count again."""
    if not is_answered(review):
        return None
    return Problem("not_withdrawable", "The partner has answered. To ask again, share the plan anew.")


partner_reviews = Resource(
    noun="partner_review",
    plural="partner_reviews",
    row=PartnerReview,
    create=PartnerReviewCreate,
    fields=PartnerReviewFields,
    describes="With which partners a plan was shared for review, and what they answered.",
    parent=pips,
    filters=[
        equal("force", "force_code"),
        equal("pip", "pip_id", "id"),
        equal("partner", choices=[each.value for each in Partner]),
        equal("answer", choices=[each.value for each in PartnerAnswer]),
    ],
    sorts=["shared_on", "partner"],
    rules=[
        said_by("PRV-001", "answer", of_the_partner, "A partner answers for itself.", at_first=PartnerAnswer.pending),
        said_by("PRV-006", "answered_on", of_the_partner, "A partner says itself when it answered."),
        said_by("PRV-007", "comments", of_the_partner, "A partner says itself what it asks for.", at_first=""),
        has_come("PRV-002", "shared_on"),
        needs("PRV-003", "answered_on", is_answered, "An answer has a day."),
        has_come("PRV-004", "answered_on"),
        in_order("PRV-005", "shared_on", "answered_on"),
    ],
    stays=[said_stays],
)
