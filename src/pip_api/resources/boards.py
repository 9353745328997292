"""Which bodies of a force, a region or the nation oversee plans, and what may each do: challenge, escalate?"""

from collections.abc import Iterator
from enum import StrEnum

from sqlmodel import Field

from pip_api.db.statements import Record
from pip_api.kernel.query import equal
from pip_api.kernel.resource import Reference, Resource, RuleContext
from pip_api.kernel.shapes import Flag, Line, Owned, Prose, Shape, Whole, examples, one_of, owner
from pip_api.resources.forces import forces


class BoardLevel(StrEnum):
    place = "place"
    force = "force"
    region = "region"
    nation = "nation"


class Party(StrEnum):
    """Whose body it is."""

    force = "force"
    local_policing_body = "local_policing_body"
    police_and_crime_panel = "police_and_crime_panel"
    ppmg = "ppmg"
    home_office = "home_office"
    hmicfrs = "hmicfrs"
    college = "college"
    other = "other"


class BoardFields(Shape):
    title: Line
    level: BoardLevel = one_of("Where it stands.")
    party: Party = one_of("Whose body it is.", default=Party.force)
    challenges: Flag = Field(default=False, description="Whether it challenges what is reported to it.")
    escalates: Flag = Field(default=False, description="Whether it takes matters further.")
    chair: Line | None = Field(default=None, description="Who leads it.")
    remit: Prose = Field(default="", description="What it looks at, and what it may decide.")
    meets_every_days: Whole | None = Field(default=None, ge=1, le=3_660)


class BoardCreate(BoardFields):
    model_config = examples(
        title="Performance board",
        level="force",
        challenges=True,
        escalates=True,
        chair="Deputy Chief Constable B. Example",
        meets_every_days=28,
        force_code="avon-and-somerset",
    )

    force_code: str = owner()


class Board(Owned, BoardCreate, table=True):
    pass


def does_something(board: Record, on: RuleContext) -> Iterator[Record]:
    if not board["challenges"] and not board["escalates"]:
        yield on.problem("BRD-001", "/challenges", "A board challenges, escalates, or does both.", "required")


boards = Resource(
    noun="board",
    plural="boards",
    row=Board,
    create=BoardCreate,
    fields=BoardFields,
    describes="The boards that oversee the plans of a force.",
    known_as="title",
    filters=[
        equal("force", "force_code"),
        equal("level", choices=[each.value for each in BoardLevel]),
        equal("party", choices=[each.value for each in Party]),
    ],
    sorts=["title", "level"],
    references=[Reference("force_code", forces, by="code")],
    rules=[does_something],
)
