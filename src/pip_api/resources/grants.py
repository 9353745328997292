"""Which account holds which role where, from when to when, who granted it, and why?"""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from pip_api.db.session import Session
from pip_api.db.statements import Record
from pip_api.kernel.query import equal
from pip_api.kernel.resource import Reference, Resource, RuleContext
from pip_api.kernel.shapes import Line, Moment, Prose, Row, Shape, examples, reference
from pip_api.resources.accounts import PLACES, PlaceText, accounts, at_place, moment


class GrantFields(Shape):
    valid_to: Moment | None = moment("From when on it is no longer held; open while it is.", default=None)
    reason: Prose = Field(min_length=1, description="Why it was granted.")


class GrantCreate(GrantFields):
    model_config = examples(
        reason="Delivers the force's figures every night",
        account_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        role="data_submitter",
        place="force:avon-and-somerset",
    )

    account_id: UUID = reference("account", "Who holds it.")
    role: str = Field(max_length=100, description="What may be done with it.")
    place: PlaceText = at_place("Where it is held")
    valid_from: Moment | None = moment("From when on it is held; at once, if nothing is said.", default=None)


class Grant(Row, GrantCreate, table=True):
    __tablename__ = "access_grant"

    valid_from: datetime = moment("From when on it is held.")
    granted_by: Line = Field(description="Who granted it, by the name of then.")


async def give_what_the_service_knows(session: Session, grant: Record, on: RuleContext) -> None:
    grant["valid_from"] = grant["valid_from"] or on.now
    grant["granted_by"] = on.by.name


grants = Resource(
    noun="grant",
    plural="grants",
    row=Grant,
    create=GrantCreate,
    fields=GrantFields,
    describes="Who holds which role where.",
    filters=[equal("account", "account_id", kind="id"), equal("role"), equal("place")],
    sorts=["valid_from", "valid_to"],
    references=[Reference("account_id", accounts), *PLACES],
    complete=give_what_the_service_knows,
    changes_access=True,
)
