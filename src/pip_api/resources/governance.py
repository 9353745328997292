"""What was taken from one board of a plan to the next, and who has a stake in the plan?"""

from collections.abc import Iterator
from uuid import UUID

from sqlmodel import Field

from pip_api.db.statements import Record
from pip_api.kernel.checks import has_come, in_order, needs
from pip_api.kernel.query import equal
from pip_api.kernel.resource import Reference, Resource, RuleContext
from pip_api.kernel.shapes import Day, Line, Owned, Prose, Shape, examples, owner, reference
from pip_api.resources.boards import boards
from pip_api.resources.pips import pips


class EscalationFields(Shape):
    title: Line = Field(description="What is escalated.")
    from_board_id: UUID = reference("board", "The board that takes it further.")
    to_board_id: UUID = reference("board", "The board that it goes to, which comes later among the plan's.")
    raised_on: Day
    reason: Prose = Field(min_length=1, description="Why.")
    result: Prose = Field(default="", description="What came of it.")
    resolved_on: Day | None = None


class EscalationCreate(EscalationFields):
    model_config = examples(
        pip_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        title="No budget for new terminals",
        from_board_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        to_board_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2d",
        raised_on="2026-11-10",
        reason="The board may not spend more than GBP 50,000.",
    )

    pip_id: UUID = reference("pip", "The plan that it belongs to.")


class Escalation(Owned, EscalationCreate, table=True):
    force_code: str = owner()


def goes_up(escalation: Record, on: RuleContext) -> Iterator[Record]:
    start, end = str(escalation["from_board_id"]), str(escalation["to_board_id"])
    if start == end:
        yield on.problem("ESC-001", "/to_board_id", "It goes to another board than the one that it comes from.")
        return
    before = on.before or {}
    same = all(escalation[name] == before.get(name) for name in ("from_board_id", "to_board_id"))
    if on.parent is None or same:  # the plan may have other boards later
        return
    path = on.parent["board_ids"]
    for name, board in (("from_board_id", start), ("to_board_id", end)):
        if board not in path:
            yield on.problem("ESC-002", f"/{name}", "The plan does not name this board.")
    if start in path and end in path and path.index(end) < path.index(start):
        yield on.problem("ESC-003", "/to_board_id", "This board comes earlier in the plan's order.")


escalations = Resource(
    noun="escalation",
    plural="escalations",
    row=Escalation,
    create=EscalationCreate,
    fields=EscalationFields,
    describes="What was taken from one board of a plan to the next.",
    parent=pips,
    known_as="title",
    filters=[
        equal("force", "force_code"),
        equal("pip", "pip_id", "id"),
        equal("from_board", "from_board_id", "id"),
        equal("to_board", "to_board_id", "id"),
    ],
    sorts=["raised_on", "title"],
    references=[
        Reference("from_board_id", boards, within="force_code"),
        Reference("to_board_id", boards, within="force_code"),
    ],
    rules=[
        goes_up,
        in_order("ESC-004", "raised_on", "resolved_on"),
        has_come("ESC-005", "raised_on", "resolved_on"),
        needs("ESC-006", "result", lambda row: row["resolved_on"], "What is resolved has a result."),
    ],
)


class StakeholderFields(Shape):
    title: Line = Field(description="Who: a person, a group or a body.")
    body: Line | None = Field(default=None, description="For which body they speak.")
    interest: Prose = Field(default="", description="What they want from the plan, or fear of it.")
    engagement: Prose = Field(default="", description="How they are kept engaged.")


class StakeholderCreate(StakeholderFields):
    model_config = examples(
        pip_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        title="Ambulance control room",
        body="South Western Ambulance Service",
        interest="Fewer calls handed over late.",
        engagement="Monthly meeting of both control rooms.",
    )

    pip_id: UUID = reference("pip", "The plan that it belongs to.")


class Stakeholder(Owned, StakeholderCreate, table=True):
    force_code: str = owner()


stakeholders = Resource(
    noun="stakeholder",
    plural="stakeholders",
    row=Stakeholder,
    create=StakeholderCreate,
    fields=StakeholderFields,
    describes="Who has a stake in a plan, and how they are engaged.",
    parent=pips,
    known_as="title",
    filters=[equal("force", "force_code"), equal("pip", "pip_id", "id")],
    sorts=["title"],
)
