"""With which secrets and keys does a program prove who it is? To revoke one is to withdraw it."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlmodel import Field

from pip_api.access.credentials import LEAST_RSA_BITS, usable_key
from pip_api.db.columns import Code, Instant, Json, Uid
from pip_api.db.session import Session
from pip_api.db.statements import Record, Statement
from pip_api.kernel.query import equal
from pip_api.kernel.resource import Resource, RuleContext
from pip_api.kernel.shapes import Moment, Row, Shape, examples, one_of, reference
from pip_api.kernel.validation import invalid
from pip_api.resources.accounts import accounts, is_disabled, moment
from pip_api.resources.escalation import outranked

LONGEST = timedelta(days=365)
MOST = 10
"""Of one account that are good at once: each time that it signs in they are all looked at."""


class CredentialKind(StrEnum):
    secret = "secret"  # noqa: S105  (the name of a kind)
    public_key = "public_key"


class CredentialFields(Shape):
    expires_at: Moment = moment("From when on it is of no use any more, in 365 days at most.")


class CredentialCreate(CredentialFields):
    model_config = examples(
        expires_at="2027-11-20T00:00:00Z", account_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c", kind="secret"
    )

    account_id: UUID = reference("account", "Whose it is.", within=("place",))
    kind: CredentialKind = one_of("A secret that is sent, or a public key that signatures are checked with.")
    jwk: dict[str, Any] | None = Field(
        default=None, sa_type=Json, description="The public key (RFC 7517): EC on P-256, or RSA of 3072 bits and more."
    )


class Credential(Row, CredentialCreate, table=True):
    valid_from: datetime = Field(sa_type=Instant, description="From when on it counts.")
    secret_hash: str | None = Field(default=None, repr=False, description="SHA-256 of the secret, which is not kept.")
    place: str = Field(index=True, sa_type=Code, description="Where its account belongs.")


async def is_of_whom_one_could_give_as_much(
    session: Session, credential: Record, on: RuleContext
) -> AsyncIterator[Record]:
    """Whoever has a credential of a program is the program."""
    if await outranked(session, credential["account_id"], on):
        detail = "The program holds roles that you could not give it: whoever could may give it a credential."
        yield on.problem("CRD-006", "/account_id", detail, "grant_denied")


def ends_within_a_year(credential: Record, on: RuleContext) -> Iterator[Record]:
    if not on.now < credential["expires_at"] <= on.now + LONGEST:
        yield on.problem("CRD-001", "/expires_at", f"A credential ends within {LONGEST.days} days.")


def is_of_a_program(credential: Record, on: RuleContext) -> Iterator[Record]:
    """People prove who they are to their issuer, and so do the programs of another issuer."""
    if on.parent is not None and (on.parent["kind"] != "service" or on.parent["issuer"] is not None):
        yield on.problem("CRD-002", "/account_id", "Only a program of this service has credentials here.")


def is_of_somebody_who_is_let_in(credential: Record, on: RuleContext) -> Iterator[Record]:
    if on.parent is not None and is_disabled(on.parent, on.now):
        yield on.problem("CRD-007", "/account_id", "The account is disabled: let it in again first.")


def has_a_good_key(credential: Record, on: RuleContext) -> Iterator[Record]:
    jwk = credential["jwk"]
    if credential["kind"] == CredentialKind.secret:
        if jwk is not None:
            yield on.problem("CRD-003", "/jwk", "A secret is made here and has no key.", "forbidden")
    elif jwk is None or usable_key(jwk) is None:
        yield on.problem(
            "CRD-003", "/jwk", f"Send a public key: EC on P-256, or RSA of {LEAST_RSA_BITS} bits and more."
        )


async def complete(session: Session, credential: Record, on: RuleContext) -> None:
    """From now on, with the key in one form. Raises 422 where there are too many, or two keys would have one name."""
    credential["valid_from"] = on.now
    credential["jwk"] = credential["jwk"] and usable_key(credential["jwk"])
    good = await session.fetch(GOOD, account_id=credential["account_id"], now=on.now)
    if len(good) >= MOST:
        detail = f"There are {MOST} that are good already: revoke one."
        raise invalid([on.problem("CRD-004", "/account_id", detail)])
    kids = [each["jwk"]["kid"] for each in good if each["jwk"] is not None]
    if credential["jwk"] is not None and credential["jwk"]["kid"] in kids:
        raise invalid([on.problem("CRD-003", "/jwk", "Another key of the program has this kid.")])


credentials = Resource(
    noun="credential",
    plural="credentials",
    row=Credential,
    create=CredentialCreate,
    fields=CredentialFields,
    describes="The secrets and public keys of programs.",
    parent=accounts,
    hidden=["secret_hash"],
    filters=[equal("account", "account_id", kind="id"), equal("kind", choices=[each.value for each in CredentialKind])],
    sorts=["expires_at"],
    permits=[is_of_whom_one_could_give_as_much],
    rules=[ends_within_a_year, is_of_a_program, is_of_somebody_who_is_let_in, has_a_good_key],
    complete=complete,
    verbs=("list", "read", "withdraw"),
    changes_access=True,
)
GOOD = Statement(
    select(*(credentials.table.c[name] for name in credentials.names)).where(
        credentials.table.c.account_id == bindparam("account_id", type_=Uid()),
        credentials.table.c.withdrawn_at.is_(None),
        credentials.table.c.expires_at > bindparam("now", type_=Instant()),
    )
)
"""Those of an account that are good."""
