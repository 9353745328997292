"""What do forces, partners and the public say to a framework that is consulted on?"""

from collections.abc import Iterator
from uuid import UUID

from sqlmodel import Field

from pip_api.db.statements import Record
from pip_api.kernel.checks import has_come, once
from pip_api.kernel.query import after, before, equal
from pip_api.kernel.resource import Reference, Resource, RuleContext
from pip_api.kernel.shapes import Day, Line, Owned, Prose, Shape, examples, members, owner, reference
from pip_api.resources.forces import forces
from pip_api.resources.frameworks import FrameworkStatus, framework_items, frameworks


class ConsultationResponseFields(Shape):
    respondent: Line = Field(description="Who says it: the force, a partner, a body, the public at a meeting.")
    text: Prose = Field(min_length=1, description="What they say.")
    received_on: Day
    framework_item_ids: list[UUID] = members("What of the framework it is about; none where it is about the whole.")
    answer: Prose = Field(default="", description="What was made of it.")


class ConsultationResponseCreate(ConsultationResponseFields):
    model_config = examples(
        force_code="avon-and-somerset",
        framework_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        respondent="Chief officers of the force",
        text="Measures of leadership are missing.",
        received_on="2026-11-02",
    )

    force_code: str = owner()
    framework_id: UUID = reference("framework", "The edition that is consulted on.", national=True)


class ConsultationResponse(Owned, ConsultationResponseCreate, table=True):
    pass


def is_asked_for(response: Record, on: RuleContext) -> Iterator[Record]:
    """Once the framework holds, what was said stays and may be answered."""
    if on.before is None:
        for framework in on.related.get("framework_id", ()):
            if framework["status"] != FrameworkStatus.consultation:
                yield on.problem("CNS-001", "/framework_id", "This framework is not consulted on.")


def is_of_the_framework(response: Record, on: RuleContext) -> Iterator[Record]:
    of = {str(item["id"]): str(item["framework_id"]) for item in on.related.get("framework_item_ids", ())}
    for place, id in enumerate(response["framework_item_ids"]):
        if of.get(id, str(response["framework_id"])) != str(response["framework_id"]):
            yield on.problem("CNS-002", f"/framework_item_ids/{place}", "This item is in another framework.")


consultation_responses = Resource(
    noun="consultation_response",
    plural="consultation_responses",
    row=ConsultationResponse,
    create=ConsultationResponseCreate,
    fields=ConsultationResponseFields,
    describes="What is said to frameworks that are consulted on, and what was made of it.",
    known_as="respondent",
    filters=[
        equal("force", "force_code"),
        equal("framework", "framework_id", "id"),
        before("received_before", "received_on"),
        after("received_after", "received_on"),
    ],
    sorts=["received_on", "respondent"],
    references=[
        Reference("force_code", forces, by="code"),
        Reference("framework_id", frameworks),
        Reference("framework_item_ids", framework_items),
    ],
    rules=[
        is_asked_for,
        is_of_the_framework,
        once("CNS-003", "framework_item_ids"),
        has_come("CNS-004", "received_on"),
    ],
)
