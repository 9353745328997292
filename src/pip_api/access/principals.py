"""Who is asking, and what may they do where?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, bindparam, exists, or_, select

from pip_api.access.decisions import Held, Kind, Reach, reach_of
from pip_api.access.permissions import PERMISSIONS
from pip_api.access.places import Place, force_in
from pip_api.access.spent import is_revoked
from pip_api.access.tables import ACCOUNT, CREDENTIAL, FORCE, GRANT
from pip_api.access.token_text import TokenRefused
from pip_api.access.tokens import Claims
from pip_api.db.columns import Code, Uid
from pip_api.db.scopes import Forces
from pip_api.db.session import Session
from pip_api.db.statements import Statement
from pip_api.http.problems import Problem

CHALLENGE = 'Bearer realm="pip_api"'


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller. `client_id` names the program that it calls with, which people may share."""

    id: UUID
    client_id: str
    name: str
    kind: Kind = "service"
    held: Reach = field(default_factory=Reach)
    needs_keys: bool = False
    """Whether its every change has to come with an Idempotency-Key."""
    claims: Claims | None = None
    """What its token says; whoever works at the command line has none."""
    disabled_at: datetime | None = None
    not_before: datetime | None = None
    revoked: bool = False
    """Whether its token, or the credential that this was got with, was revoked."""
    credential_id: UUID | None = None
    """With which credential it signed in, if it did so here."""
    scope: Forces = field(init=False)
    """Every force that any permission reaches, and every place: PostgreSQL lets no statement of a request beyond."""

    def __post_init__(self) -> None:
        every: set[str] = set().union(*set(self.held.forces.values()))
        places = sorted(set().union(*map(self.places, self.held.forces)))
        object.__setattr__(self, "scope", Forces(sorted(every), places, self.id))

    @property
    def counted_as(self) -> str:
        """People who share a program are counted each alone."""
        return self.client_id if self.kind == "service" else str(self.id)

    def require_usable(self, claims: Claims, now: datetime) -> None:
        """Raises TokenRefused when the account may not be used now, or not by a token of this age."""
        if self.disabled_at is not None and self.disabled_at <= now:
            raise TokenRefused("account-disabled")
        if self.not_before is not None and claims.issued_at < self.not_before:
            raise TokenRefused("account-not-before")
        if self.revoked:
            raise TokenRefused("revoked")

    def reach(self, permission: str) -> tuple[str, ...]:
        """The codes of the forces that a permission reaches; empty when it is not held at all."""
        return self.held.forces.get(permission, ())

    def reach_of_all(self, *permissions: str) -> tuple[str, ...]:
        """The forces that all of these reach. Raises 403 when one of them is held nowhere."""
        for permission in permissions:
            self.require(permission)
        widest = self.reach(permissions[0])
        if all(self.reach(permission) is widest for permission in permissions):
            return widest
        return tuple(sorted(set(widest).intersection(*map(self.reach, permissions))))

    def places(self, permission: str) -> tuple[str, ...]:
        """The places over the whole of which a permission is held."""
        national = ("national",) if permission in self.held.national else ()
        regions = tuple(f"region:{code}" for code in self.held.regions.get(permission, ()))
        return (*national, *regions, *(f"force:{code}" for code in self.reach(permission)))

    def require(self, permission: str) -> None:
        """Raises 403 when the permission is held nowhere, before anything is looked up: the same for every id."""
        if permission not in self.held.forces:
            raise self._denied(permission)

    def require_for(self, permission: str, where: str | None) -> None:
        """Raises 403 unless the permission is held for this force or place, or nationally where there is neither."""
        if not self.held.holds(permission, where):
            raise self._denied(permission, force_in(where))

    def _denied(self, permission: str, where: str | None = None) -> Problem:
        made_for = None if self.claims is None else self.claims.scope
        if made_for is None or permission in made_for:
            return denied(permission, where)
        challenge = f'{CHALLENGE}, error="insufficient_scope", scope="{permission}"'  # RFC 6750, 3.1
        return denied(permission, where, {"WWW-Authenticate": challenge})


def denied(permission: str, where: str | None = None, headers: Mapping[str, str] | None = None) -> Problem:
    return Problem(
        "permission_denied",
        "None of your roles gives this permission here.",
        extra={"required": [permission]},
        headers=headers,
        unsaid=where,
    )


_IS_SERVICE = and_(
    ACCOUNT.c.kind == bindparam("service", "service"),
    ACCOUNT.c.client_id == bindparam("client_id", type_=Code),
    ACCOUNT.c.issuer.is_not_distinct_from(bindparam("other_issuer", type_=Code)),
)
_IS_PERSON = and_(
    ACCOUNT.c.kind == bindparam("person", "person"),
    ACCOUNT.c.issuer == bindparam("other_issuer", type_=Code),
    ACCOUNT.c.subject == bindparam("subject", type_=Code),
)
_REVOKED = or_(
    is_revoked(bindparam("issuer", type_=Code), bindparam("jti", type_=Code)),
    exists().where(CREDENTIAL.c.id == bindparam("credential_id", type_=Uid()), CREDENTIAL.c.withdrawn_at.is_not(None)),
)
_ACCOUNT = Statement(
    select(
        *(ACCOUNT.c[name] for name in ("id", "kind", "name", "disabled_at", "not_before", "needs_keys")),
        _REVOKED.label("revoked"),
    ).where(or_(_IS_SERVICE, _IS_PERSON))
)
"""All that can end a token early is asked here: a statement of its own would cost every token one more."""
_GRANTS = Statement(
    select(*(GRANT.c[name] for name in ("role", "place", "valid_from", "valid_to"))).where(
        GRANT.c.account_id == bindparam("account_id", type_=GRANT.c.account_id.type), GRANT.c.withdrawn_at.is_(None)
    )
)
_FORCES = Statement(select(FORCE.c.code, FORCE.c.region_code))


async def load(session: Session, claims: Claims, own_issuer: str, now: datetime) -> Principal | None:
    """The caller that a verified token names, with the grants of this moment; None when nobody is known by that name.

    Authority is in the database, not in the token: the token says who, and at most which permissions (its scope).
    A program is known by its client id, which its token has as the subject too: a person whose token was made for that
    program is not the program.
    """
    other = None if claims.issuer == own_issuer else claims.issuer
    credential_id = claims.credential_id if other is None else None  # what another issuer means by it is not known
    client_id = claims.client_id if claims.subject == claims.client_id else None
    found = await session.fetch(
        _ACCOUNT, client_id=client_id, subject=claims.subject, other_issuer=other, issuer=claims.issuer,
        jti=claims.jti, credential_id=credential_id,
    )  # fmt: skip
    if len(found) != 1:
        return None
    (account,) = found
    grants = await grants_of(session, account["id"])
    held = reach_of(account["kind"], grants, claims.scope, await geography(session), now)
    return Principal(
        account["id"], claims.client_id, account["name"], account["kind"], held, account["needs_keys"],
        claims, account["disabled_at"], account["not_before"], bool(account["revoked"]), credential_id,
    )  # fmt: skip


async def grants_of(session: Session, account_id: UUID) -> list[Held]:
    """The grants of an account, also those that are over or to come."""
    rows = await session.fetch(_GRANTS, account_id=account_id)
    return [Held(row["role"], Place.parse(row["place"]), row["valid_from"], row["valid_to"]) for row in rows]


async def geography(session: Session) -> Mapping[str, str | None]:
    """The region of every force, if it has one."""
    return {row["code"]: row["region_code"] for row in await session.fetch(_FORCES)}


SYSTEM_ID = UUID("00000000-0000-7000-8000-000000000000")
ANONYMOUS = Principal(UUID("00000000-0000-7000-8000-000000000001"), "anonymous", "anonymous", "anonymous")
"""Whoever did not say who it is, or could not prove it. It may do nothing."""


async def system(session: Session) -> Principal:
    """The service itself, at the command line: it may do whatever any role may, and the ledger names it."""
    regions = await geography(session)
    forces, whole = tuple(sorted(regions)), tuple(sorted({each for each in regions.values() if each is not None}))
    held = Reach(dict.fromkeys(PERMISSIONS, forces), dict.fromkeys(PERMISSIONS, whole), PERMISSIONS)
    return Principal(SYSTEM_ID, "pip-api", "pip-api command line", "system", held)
