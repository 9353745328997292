"""Who is asking, and what may they do where?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, column, or_, select, table

from pip_api.access.clients import Grant, ServiceClient
from pip_api.access.permissions import ROLES
from pip_api.access.token_text import TokenRefused
from pip_api.access.tokens import Claims
from pip_api.db.columns import Code, Instant
from pip_api.db.session import Session
from pip_api.db.statements import Record, Statement, column_of
from pip_api.http.problems import Problem


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller. `forces` gives, for each permission, the forces it reaches."""

    id: UUID
    client_id: str
    name: str
    forces: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    national: frozenset[str] = frozenset()
    needs_keys: bool = False
    """Whether its every change has to come with an Idempotency-Key."""

    def reach(self, permission: str) -> tuple[str, ...]:
        """The codes of the forces that a permission reaches; empty when it is not held at all."""
        return self.forces.get(permission, ())

    def require(self, permission: str) -> None:
        """Raises 403 when the permission is held nowhere, before anything is looked up: the same for every id."""
        if permission not in self.forces:
            raise denied(permission)

    def require_for(self, permission: str, force: str | None) -> None:
        """Raises 403 unless the permission is held for this force, or nationally where no force owns the thing."""
        held = permission in self.national if force is None else force in self.reach(permission)
        if not held:
            raise denied(permission, force)


def denied(permission: str, where: str | None = None) -> Problem:
    return Problem(
        "permission_denied",
        "None of your roles gives this permission here.",
        extra={"required": [permission]},
        unsaid=where,
    )


# The force table belongs to a layer above; two of its columns are all that access needs of it.
_FORCE = table("force", column("code", Code), column("region_code", Code))

_CLIENT = Statement(
    select(*(column_of(ServiceClient, name) for name in ("id", "name", "client_id", "needs_keys"))).where(
        column_of(ServiceClient, "client_id") == bindparam("client_id"),
        column_of(ServiceClient, "disabled_at").is_(None),
    )
)
_GRANTS = Statement(
    select(column_of(Grant, "role"), column_of(Grant, "scope"), _FORCE.c.code.label("force_code"))
    .select_from(Grant)
    .outerjoin(
        _FORCE,
        or_(
            column_of(Grant, "scope") == "national",
            (column_of(Grant, "scope") == "region") & (column_of(Grant, "scope_code") == _FORCE.c.region_code),
            (column_of(Grant, "scope") == "force") & (column_of(Grant, "scope_code") == _FORCE.c.code),
        ),
    )
    .where(
        column_of(Grant, "client_id") == bindparam("id", type_=column_of(Grant, "client_id").type),
        column_of(Grant, "valid_from") <= bindparam("now", type_=Instant()),
        or_(column_of(Grant, "valid_to").is_(None), column_of(Grant, "valid_to") > bindparam("now", type_=Instant())),
    )
)


async def load(session: Session, claims: Claims, now: datetime) -> Principal:
    """The caller that a verified token names, with the grants of this moment.

    Authority is in the database, not in the token: the token says who, and at most which permissions (its scope).
    Raises TokenRefused when the client is unknown or disabled.
    """
    client = await session.one(_CLIENT, client_id=claims.client_id)
    if client is None:
        raise TokenRefused("client")
    rows = await session.fetch(_GRANTS, id=client["id"], now=now)
    forces, national = _reach(rows, claims.scope)
    return Principal(client["id"], client["client_id"], client["name"], forces, national, client["needs_keys"])


def _reach(rows: Iterable[Record], scope: frozenset[str] | None) -> tuple[dict[str, tuple[str, ...]], frozenset[str]]:
    forces: dict[str, set[str]] = {}
    national: set[str] = set()
    for row in rows:
        for permission in ROLES.get(row["role"], ()):
            if scope is not None and permission not in scope:
                continue
            reached = forces.setdefault(permission, set())
            if row["force_code"] is not None:
                reached.add(row["force_code"])
            if row["scope"] == "national":
                national.add(permission)
    shared: dict[
        tuple[str, ...], tuple[str, ...]
    ] = {}  # equal reaches are one object, which makes them quick to compare
    reaches = {permission: tuple(sorted(codes)) for permission, codes in forces.items()}
    return {name: shared.setdefault(codes, codes) for name, codes in reaches.items()}, frozenset(national)


SYSTEM_ID = UUID("00000000-0000-7000-8000-000000000000")
ANONYMOUS = Principal(UUID("00000000-0000-7000-8000-000000000001"), "anonymous", "anonymous")
"""Whoever did not say who it is, or could not prove it. It may do nothing."""


def system(forces: Iterable[str], roles: Mapping[str, frozenset[str]] = ROLES) -> Principal:
    """The service itself, at the command line: it may do whatever any role may, and the ledger names it."""
    codes = tuple(sorted(forces))
    everything: frozenset[str] = frozenset().union(*roles.values())
    return Principal(SYSTEM_ID, "pip-api", "pip-api command line", dict.fromkeys(everything, codes), everything)
