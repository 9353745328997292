"""With which secrets and keys does a program prove who it is? To revoke one is to withdraw it."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlmodel import Field

from pip_api.db.columns import Code, Instant, Json
from pip_api.kernel.resource import Resource
from pip_api.kernel.shapes import Moment, Row, Shape, one_of, reference
from pip_api.resources.accounts import accounts, moment


class CredentialKind(StrEnum):
    secret = "secret"  # noqa: S105  (the name of a kind)
    public_key = "public_key"


class CredentialFields(Shape):
    expires_at: Moment | None = moment("From when on it is of no use any more.", default=None)


class CredentialCreate(CredentialFields):
    account_id: UUID = reference("account", "Whose it is.")
    kind: CredentialKind = one_of("A secret that is sent, or a public key that signatures are checked with.")
    jwk: dict[str, Any] | None = Field(default=None, sa_type=Json, description="The public key (RFC 7517).")


class Credential(Row, CredentialCreate, table=True):
    valid_from: datetime = Field(sa_type=Instant, description="From when on it counts.")
    secret_hash: str | None = Field(default=None, description="SHA-256 of the secret; the secret is not kept.")
    place: str = Field(index=True, sa_type=Code, description="Where its account belongs.")


credentials = Resource(
    noun="credential",
    plural="credentials",
    row=Credential,
    create=CredentialCreate,
    fields=CredentialFields,
    describes="The secrets and public keys of programs.",
    parent=accounts,
    hidden=["secret_hash"],
    verbs=("list", "read", "create", "withdraw"),
    changes_access=True,
)
