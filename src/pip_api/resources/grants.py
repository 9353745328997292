"""Which account holds which role where, from when to when, who granted it, and why?"""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from pip_api.access.permissions import ROLES, is_for_people, is_personal
from pip_api.db.session import Session
from pip_api.db.statements import Record
from pip_api.kernel.query import equal
from pip_api.kernel.resource import Reference, Resource, RuleContext
from pip_api.kernel.shapes import Line, Moment, Named, Prose, Row, Shape, examples, reference
from pip_api.resources.accounts import PLACES, PlaceText, accounts, at_place, is_disabled, moment
from pip_api.resources.escalation import GIVING, ends_later, lacking


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
    role: Named = Field(description="What may be done with it: one of the roles that the service knows.")
    place: PlaceText = at_place("Where it is held")
    valid_from: Moment | None = moment("From when on it is held; at once, if nothing is said.", default=None)


class Grant(Row, GrantCreate, table=True):
    __tablename__ = "access_grant"

    valid_from: datetime = moment("From when on it is held.")
    granted_by: Line = Field(description="Who granted it, by the name of then.")


async def never_to_oneself(session: Session, grant: Record, on: RuleContext) -> AsyncIterator[Record]:
    if str(grant["account_id"]) == str(on.by.id) and _gives(grant, on.before):
        yield on.problem("GRA-001", "/account_id", "Nobody grants anything to themselves.", "grant_denied")


async def only_what_one_holds(session: Session, grant: Record, on: RuleContext) -> AsyncIterator[Record]:
    missing = lacking(on.by, grant["role"], grant["place"]) if _gives(grant, on.before) else []
    if GIVING in missing:
        yield on.problem("GRA-002", "/place", "You grant roles within your own places only.", "grant_denied")
    elif missing:
        detail = f"The role may do what you may not over the whole of this place: {', '.join(missing)}."
        yield on.problem("GRA-003", "/role", detail, "grant_denied")


def _gives(grant: Record, before: Record | None) -> bool:
    """Whether this is more than there was: to end a role sooner, nobody has to hold it."""
    return before is None or ends_later(grant, before, "valid_to")


def is_a_role(grant: Record, on: RuleContext) -> Iterator[Record]:
    if grant["role"] not in ROLES:
        yield on.problem("GRA-004", "/role", f"The roles are: {', '.join(sorted(ROLES))}.", "unknown_reference")


def access_is_for_people(grant: Record, on: RuleContext) -> Iterator[Record]:
    to_a_program = any(account["kind"] == "service" for account in on.related.get("account_id", ()))
    if to_a_program and any(map(is_for_people, ROLES.get(grant["role"], ()))):
        yield on.problem("GRA-005", "/role", "A program neither gives access, reads who did what, nor erases it.")


def people_are_led_nearby(grant: Record, on: RuleContext) -> Iterator[Record]:
    if grant["place"] == "national" and any(map(is_personal, ROLES.get(grant["role"], ()))):
        yield on.problem("GRA-008", "/place", "What is known of single people is for their force or its region.")


def goes_to_somebody_who_is_let_in(grant: Record, on: RuleContext) -> Iterator[Record]:
    if any(is_disabled(account, on.now) for account in on.related.get("account_id", ())):
        yield on.problem("GRA-007", "/account_id", "The account is disabled: let it in again first.")


def lasts_a_while(grant: Record, on: RuleContext) -> Iterator[Record]:
    if grant["valid_to"] is not None and grant["valid_to"] <= (grant["valid_from"] or on.now):
        yield on.problem("GRA-006", "/valid_to", "A role cannot end before it is held.", "ends_before_start")


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
    permits=[never_to_oneself, only_what_one_holds],
    rules=[is_a_role, access_is_for_people, people_are_led_nearby, goes_to_somebody_who_is_let_in, lasts_a_while],
    complete=give_what_the_service_knows,
    changes_access=True,
)
