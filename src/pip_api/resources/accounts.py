"""Who has access at all? An account is a person of a named issuer, or a program with credentials of its own."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import StringConstraints
from sqlmodel import Field

from pip_api.access.places import PATTERN
from pip_api.db.columns import Code, Instant
from pip_api.db.session import Session
from pip_api.db.statements import Record
from pip_api.kernel.query import equal
from pip_api.kernel.resource import Reference, Resource, RuleContext
from pip_api.kernel.shapes import CodeText, Flag, Line, Moment, Row, Shape, examples, one_of
from pip_api.resources.escalation import ends_later, outranked
from pip_api.resources.forces import forces
from pip_api.resources.regions import regions

PlaceText = Annotated[str, StringConstraints(max_length=120, pattern=PATTERN)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$")]


class AccountKind(StrEnum):
    person = "person"
    service = "service"


def at_place(description: str) -> Any:
    """The column that says where a row belongs, whatever the level."""
    return Field(index=True, sa_type=Code, description=f"{description}: national, region:CODE or force:CODE.")


def moment(description: str, **field: Any) -> Any:
    return Field(sa_type=Instant, description=description, **field)


PLACES = (
    Reference("place", regions, by="code", prefix="region:"),
    Reference("place", forces, by="code", prefix="force:"),
)
"""That a place exists, and that what something is placed in stays."""


class AccountFields(Shape):
    name: Line = Field(description="What people call it.")
    disabled_at: Moment | None = moment("From when on it may do nothing at all.", default=None)
    not_before: Moment | None = moment("Tokens that were issued earlier are not accepted.", default=None)
    needs_keys: Flag = Field(default=False, description="Whether its every change has to come with an Idempotency-Key.")


class AccountCreate(AccountFields):
    model_config = examples(
        name="Avon and Somerset performance mart",
        kind="service",
        place="force:avon-and-somerset",
        client_id="as-performance-mart",
    )

    kind: AccountKind = one_of("A person, or a program.")
    place: PlaceText = at_place("Where it belongs, and so who looks after it")
    client_id: CodeText | None = Field(
        default=None, unique=True, sa_type=Code, description="How a program calls itself when it asks for a token."
    )
    issuer: Name | None = Field(
        default=None, sa_type=Code, description="Who vouches for it; for a program of this service nobody else."
    )
    subject: Name | None = Field(default=None, sa_type=Code, description="How the issuer calls a person.")


class Account(Row, AccountCreate, table=True):
    __tablename__ = "account"
    unique_together = (("issuer", "subject"), ("id", "place"))


def is_known_by_something(account: Record, on: RuleContext) -> Iterator[Record]:
    """A program by its client id; a person by an issuer and what that calls them."""
    wanted = {"service": ("client_id",), "person": ("issuer", "subject")}[account["kind"]]
    other = {"service": ("subject",), "person": ("client_id",)}[account["kind"]]
    for name in wanted:
        if account[name] is None:
            yield on.problem("ACC-001", "", f"A {account['kind']} has a member '{name}'.", "required")
    for name in other:
        if account[name] is not None:
            yield on.problem("ACC-001", f"/{name}", f"A {account['kind']} has no such member.", "forbidden")


async def lets_in_whom_one_could_give_as_much(
    session: Session, account: Record, on: RuleContext
) -> AsyncIterator[Record]:
    """Whoever lets somebody in again gives them all that they hold."""
    if on.before is None or not _lets_in(account, on.before):
        return
    if str(account["id"]) == str(on.by.id):
        yield on.problem("ACC-002", "/disabled_at", "Nobody puts off an end of their own.", "grant_denied")
    elif await outranked(session, account["id"], on):
        detail = "The account holds roles that you could not give it: whoever could may let it in."
        yield on.problem("ACC-003", "/disabled_at", detail, "grant_denied")


def _lets_in(account: Record, before: Record) -> bool:
    """Whether the account, or a token of it that was ended, is good for longer than it was."""
    return ends_later(account, before, "disabled_at") or (
        before["not_before"] is not None
        and (account["not_before"] is None or account["not_before"] < before["not_before"])
    )


def is_disabled(account: Record, now: datetime) -> bool:
    return account["disabled_at"] is not None and account["disabled_at"] <= now


accounts = Resource(
    noun="account",
    plural="accounts",
    row=Account,
    create=AccountCreate,
    fields=AccountFields,
    describes="People and programs that have access, or had.",
    filters=[
        equal("kind", choices=[each.value for each in AccountKind]),
        equal("place"),
        equal("client_id"),
        equal("subject"),
    ],
    sorts=["name"],
    references=PLACES,
    permits=[lets_in_whom_one_could_give_as_much],
    rules=[is_known_by_something],
    verbs=("list", "read", "create", "change"),
    keeps_in_use=False,
    changes_access=True,
    known_as="name",
)
"""Accounts are never withdrawn: one that may do nothing any more is disabled, and keeps its name in what it did."""
