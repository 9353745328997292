"""What is a framework, with its measures, priorities, capability areas and statements, and which edition of it holds?

Frameworks are national reference data. What the documents leave open, such as which heading a measure comes under, is a
mapping that can be edited and is marked as inferred.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import bindparam, select
from sqlmodel import Field

from pip_api.db.columns import Code, Uid
from pip_api.db.session import Session
from pip_api.db.statements import Record, Statement
from pip_api.kernel.checks import in_order
from pip_api.kernel.query import after, before, equal
from pip_api.kernel.resource import Reference, Resource, RuleContext
from pip_api.kernel.shapes import (
    CodeText,
    Day,
    Flag,
    Line,
    Named,
    Prose,
    Row,
    Shape,
    Whole,
    examples,
    members,
    one_of,
    reference,
)
from pip_api.resources.measures import Evidence, measures
from pip_api.rules.calendar import a_year_after


class FrameworkStatus(StrEnum):
    consultation = "consultation"
    in_force = "in_force"
    retired = "retired"


class ReviewReason(StrEnum):
    new_evidence = "new_evidence"
    operational_challenge = "operational_challenge"
    new_priority = "new_priority"


class FrameworkFields(Shape):
    title: Line
    publisher: Line | None = Field(default=None, description="Who publishes it.")
    status: FrameworkStatus = one_of("Whether it is consulted on, holds, or is over.", default="in_force")
    valid_from: Day | None = Field(default=None, description="The day from which it holds, where known.")
    valid_to: Day | None = Field(default=None, description="Its last day, once another edition follows.")
    source: Prose = Field(default="", description="The document that it is read from.")
    ambition: Prose = Field(default="", description="What it is to lead to, and in which years.")
    mission: Prose = Field(default="", description="The mission statement that it serves.")
    review_discussion: Prose = Field(
        default="", description="With which partners the review that led to it was discussed, and what they said."
    )


class FrameworkCreate(FrameworkFields):
    model_config = examples(
        title="12x12 performance framework",
        publisher="Lancashire Constabulary",
        status="consultation",
        code="lancashire-12x12-2018",
        edition="2018",
    )

    code: CodeText = Field(unique=True, sa_type=Code, description="Of this edition, such as lancashire-12x12.")
    edition: Line = Field(description="Which edition it is, in the words of its publisher.")
    reviewed_from: Named | None = Field(
        default=None, index=True, foreign_key="framework.code", sa_type=Code, description="The edition before."
    )
    review_reason: ReviewReason | None = one_of("Why the edition before was changed.", default=None)


class Framework(Row, FrameworkCreate, table=True):
    review_due_on: Day | None = Field(
        default=None, description="A year after it began to hold: when the next review is due."
    )


def review_due(framework: Record) -> date | None:
    """A framework is reviewed each year until it is retired, as it is to be when its next edition holds."""
    begun = framework["valid_from"]
    return None if begun is None or framework["status"] == FrameworkStatus.retired else a_year_after(begun)


def reviewed_for_a_reason(framework: Record, on: RuleContext) -> Iterator[Record]:
    if framework["reviewed_from"] and not framework["review_reason"]:
        yield on.problem("FRW-002", "/review_reason", "An edition that follows another needs its reason.", "required")
    if framework["review_reason"] and not framework["reviewed_from"]:
        yield on.problem("FRW-003", "/reviewed_from", "A reason of a review needs the edition before.", "required")


frameworks = Resource(
    noun="framework",
    plural="frameworks",
    row=Framework,
    create=FrameworkCreate,
    fields=FrameworkFields,
    describes="Frameworks of performance and of improvement, edition by edition.",
    key="code",
    filters=[
        equal("code"),
        equal("status", choices=[each.value for each in FrameworkStatus]),
        before("valid_before", "valid_from"),
        after("valid_after", "valid_from"),
        before("review_due_before", "review_due_on"),
    ],
    sorts=["code", "title", "review_due_on"],
    references=[Reference("reviewed_from", None, by="code")],
    rules=[in_order("FRW-001", "valid_from", "valid_to"), reviewed_for_a_reason],
    derived={"review_due_on": review_due},
)


class ItemKind(StrEnum):
    value = "value"
    enabler = "enabler"
    priority = "priority"
    heading = "heading"
    pillar = "pillar"
    grade = "grade"
    question = "question"
    service = "service"
    measure = "measure"
    diagnostic = "diagnostic"
    supporting_plan = "supporting_plan"
    expectation = "expectation"
    party = "party"
    governance = "governance"
    capability_area = "capability_area"
    approach = "approach"
    organisational_level = "organisational_level"
    vision_statement = "vision_statement"
    area_for_improvement = "area_for_improvement"
    skill_level = "skill_level"
    skill_statement = "skill_statement"


MEASURED = (ItemKind.measure, ItemKind.diagnostic)
_PART = r"[a-z0-9]+([._-][a-z0-9]+)*"
ItemRef = Annotated[str, StringConstraints(max_length=201, pattern=f"^{_PART}:{_PART}$")]
"""The code of a framework and that of its item, such as peel:legitimacy."""


class Mapping(BaseModel):
    """How an item stands to another, of this framework or of another one."""

    model_config = ConfigDict(extra="forbid")

    item_code: ItemRef
    relation: CodeText
    inferred: Flag = False
    note: Annotated[str, StringConstraints(max_length=500)] = ""


class FrameworkItemFields(Shape):
    title: Line
    text: Prose = Field(default="", description="What it says, in our words.")
    position: Whole = Field(ge=1, le=10_000, description="Its place among the items of its kind.")
    parent_code: Named | None = Field(
        default=None, sa_type=Code, description="The item of this framework that it belongs to."
    )
    evidence_kind: Evidence | None = one_of("Whether it is numbers, judgements, or both.", default=None)
    by_exception: Flag = Field(default=False, description="Whether it is reported by exception only.")
    emphasis: Flag = Field(default=False, description="Whether this edition lays emphasis on it.")
    parts: list[Line] = members("What it is made of.")
    measure_code: Named | None = Field(
        default=None,
        index=True,
        foreign_key="measure.code",
        sa_type=Code,
        description="The measure that its figures are posted for.",
    )
    mappings: list[Mapping] = members("How it stands to other items, of any framework.")


class FrameworkItemCreate(FrameworkItemFields):
    model_config = examples(
        title="Response performance",
        position=2,
        parts=["Grade 1", "Grade 2", "Grade 3"],
        mappings=[{"item_code": "peel:efficiency", "relation": "peel_heading", "inferred": True}],
        framework_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        code="m2",
        kind="measure",
    )

    framework_id: UUID = reference("framework", "The edition that it is in.")
    code: CodeText = Field(sa_type=Code, description="Such as m2: the same in every edition.")
    kind: ItemKind = one_of("What it is.")


class FrameworkItem(Row, FrameworkItemCreate, table=True):
    unique_together = (("framework_id", "code"),)

    ref: str = Field(sa_type=Code, index=True, description="Such as lancashire-12x12:m2.")


def hangs_together(item: Record, on: RuleContext) -> Iterator[Record]:
    if item["parent_code"] == item["code"]:
        yield on.problem("FWI-001", "/parent_code", "An item cannot belong to itself.")
    seen = set()
    for place, mapping in enumerate(item["mappings"]):
        if (named := (mapping["item_code"], mapping["relation"])) in seen:
            yield on.problem("FWI-002", f"/mappings/{place}", "This is said twice.", "duplicate")
        seen.add(named)


def measures_what_is_measured(item: Record, on: RuleContext) -> Iterator[Record]:
    if item["kind"] not in MEASURED:
        for name in ("evidence_kind", "by_exception", "measure_code"):
            if item[name]:
                yield on.problem("FWI-003", f"/{name}", "Only a measure or a diagnostic has this.")


async def is_above_itself(session: Session, item: Record, on: RuleContext) -> AsyncIterator[Record]:
    """Belonging goes one way: whoever follows it upwards comes to an end."""
    if on.before is None or item["parent_code"] in (None, on.before["parent_code"]):
        return
    rows = await session.fetch(_BELONGING, framework_id=item["framework_id"])
    above = {row["code"]: row["parent_code"] for row in rows} | {item["code"]: item["parent_code"]}
    passed, step = set[str](), item["parent_code"]
    while step is not None and step not in passed:
        passed.add(step)
        step = above.get(step)
    if item["code"] in passed - {item["parent_code"]}:
        yield on.problem("FWI-004", "/parent_code", "That item belongs to this one.")


async def give_reference(session: Session, item: Record, on: RuleContext) -> None:
    if on.parent is not None:
        item["ref"] = f"{on.parent['code']}:{item['code']}"


framework_items = Resource(
    noun="framework_item",
    plural="framework_items",
    row=FrameworkItem,
    create=FrameworkItemCreate,
    fields=FrameworkItemFields,
    describes="What frameworks are made of: measures, priorities, services, statements and so on.",
    key="ref",
    parent=frameworks,
    filters=[
        equal("framework", "framework_id", "id"),
        equal("ref"),
        equal("code"),
        equal("kind", choices=[each.value for each in ItemKind]),
        equal("parent", "parent_code"),
        equal("measure", "measure_code"),
    ],
    sorts=["ref", "position", "kind", "title"],
    references=[
        Reference("parent_code", None, by="code", within="framework_id"),
        Reference("measure_code", measures, by="code"),
        Reference("mappings", None, by="ref", path="item_code"),
    ],
    rules=[hangs_together, measures_what_is_measured],
    rests=[is_above_itself],
    complete=give_reference,
)

_items = framework_items.table
_BELONGING = Statement(
    select(_items.c.code, _items.c.parent_code).where(
        _items.c.framework_id == bindparam("framework_id", type_=Uid()), _items.c.withdrawn_at.is_(None)
    )
)
