"""Who am I here, what may I do where, and why may I not do this one thing?"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from pip_api.access.decisions import Reach, reach_of
from pip_api.access.permissions import EVERY_ACCOUNT, PERMISSIONS, SELF
from pip_api.access.places import force_in
from pip_api.access.principals import geography, grants_of
from pip_api.db.statements import Record
from pip_api.http.problems import Problem, bad_parameter
from pip_api.http.query import unknown
from pip_api.http.rates import policies
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.document import IF_NONE_MATCH, TEXT, Operation, query
from pip_api.kernel.open_operations import RatePolicy
from pip_api.kernel.pages import answered
from pip_api.kernel.resource import Resource
from pip_api.kernel.validation import identified
from pip_api.ledger.as_of import NOW

_ASKED = PERMISSIONS - EVERY_ACCOUNT
"""What is held somewhere: what every account may needs no place."""
_AS_PLACES = ("force:", "region:")
ANYWHERE = "anywhere"


class TokenRead(BaseModel):
    """The token that the request came with."""

    id: str
    issuer: str
    client_id: str
    issued_at: datetime
    expires_at: datetime
    scope: list[str] | None = Field(description="The permissions that it was narrowed to; null is all.")


class GrantHeld(BaseModel):
    """A role that is held at this moment."""

    role: str
    place: str
    valid_from: datetime
    valid_to: datetime | None


class PermissionHeld(BaseModel):
    """Where a permission is held, by all grants together and as far as the token lets it."""

    permission: str
    national: bool
    regions: list[str] = Field(description="The regions over the whole of which it is held.")
    forces: list[str]


class Me(BaseModel):
    """The caller, as the service knows it."""

    id: UUID
    kind: str
    name: str
    needs_keys: bool
    token: TokenRead
    grants: list[GrantHeld]
    permissions: list[PermissionHeld]
    limits: list[RatePolicy]


class Reason(BaseModel):
    """Why something is allowed, or is not."""

    code: str = Field(json_schema_extra={"examples": ["missing_grant"]})
    needs: str = Field(json_schema_extra={"examples": ["pip:write"]})
    on: str = Field(json_schema_extra={"examples": ["force/avon-and-somerset"]})
    detail: str


class AccessRead(BaseModel):
    """Whether the caller may do something to something."""

    allowed: bool
    because: list[Reason]


async def get_me(call: Call) -> Answer:
    """The caller, its token, and what it may do."""
    by, token = call.by, call.by.claims
    if token is None:
        raise TypeError("whoever asks over HTTP has a token")
    held = [each for each in await grants_of(call.session, by.id) if each.holds_at(call.now)]
    reach = reach_of(by.kind, held, token.scope, await geography(call.session), call.now)
    told = {
        "id": by.id,
        "kind": by.kind,
        "name": by.name,
        "needs_keys": by.needs_keys,
        "token": {
            "id": token.jti,
            "issuer": token.issuer,
            "client_id": token.client_id,
            "issued_at": token.issued_at,
            "expires_at": token.expires_at,
            "scope": None if token.scope is None else sorted(token.scope),
        },
        "grants": [
            {"role": each.role, "place": str(each.place), "valid_from": each.valid_from, "valid_to": each.valid_to}
            for each in sorted(held, key=lambda each: (each.role, str(each.place), each.valid_from))
        ],
        "permissions": [_permission(reach, name) for name in sorted(reach.forces)],
        "limits": [
            {"policy": each.name, "quota": each.quota, "seconds": each.seconds}
            for each in policies(call.services.settings)
        ],
    }
    return answered(call, told)


def _permission(reach: Reach, name: str) -> Record:
    return {
        "permission": name,
        "national": name in reach.national,
        "regions": list(reach.regions.get(name, ())),
        "forces": list(reach.forces[name]),
    }


class Access:
    """Answers whether the caller may do one thing to one thing, by the rules that requests are judged by."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._resources: Mapping[str, Resource] = {each.noun: each for each in resources}

    async def get(self, call: Call) -> Answer:
        """What is out of sight is answered like what does not exist. Whoever holds a permission nowhere is told that,
        as by the request itself, which is refused then before anything is looked up."""
        action, about = _needed(call, "action"), _needed(call, "resource")
        if action not in _ASKED:
            wrong = unknown(action, _ASKED, "action", "permission")
            raise Problem("invalid_parameter", wrong["detail"], errors=[wrong])
        found, home = await self._home(call, action, about)
        if not found:
            if action in call.by.held.forces:
                return Answer(200, _told(False, "not_found", action, about, "There is no such thing here."))
            home = ANYWHERE
        on = _written(home)
        if _holds(call.by.held, action, home):
            giving = await self._giving(call, action, home)
            return Answer(200, _told(True, "granted", action, on, f"By {giving}."))
        if await self._giving(call, action, home):
            detail = "Your grants give it; the token was narrowed and leaves it out."
            return Answer(200, _told(False, "token_scope", action, on, detail))
        return Answer(200, _told(False, "missing_grant", action, on, "None of your roles gives this permission here."))

    async def _home(self, call: Call, action: str, about: str) -> tuple[bool, str | None]:
        """Whether the caller may see a thing, and where a permission on it has to be held.

        A force or a region is a place, which everybody may know, but for what is done to itself. Reference data are
        read by whoever may read them anywhere.
        """
        if about == "national":
            return True, about
        noun, slash, name = (about.replace(":", "/", 1) if about.startswith(_AS_PLACES) else about).partition("/")
        if about.startswith("ref:"):
            noun, name = "pip", about
        elif not slash or noun not in self._resources:
            detail = "'resource' must be a noun and an id or code, a place, or ref: and the reference of a plan."
            raise bad_parameter("resource", detail, allowed=sorted(self._resources))
        of = self._resources[noun]
        column, value = identified(name, of.key)
        if value is None:
            return False, None
        row = await call.session.one(of.one_by(column, NOW), name=value, forces=of.reached(call.by))
        if row is not None and f"{noun}:" in _AS_PLACES and not action.startswith(f"{noun}:"):
            return True, f"{noun}:{row['code']}"
        if row is None or of.reads not in call.by.held.forces:
            return False, None
        if of.home is None:
            return True, ANYWHERE if action == of.reads else None
        return True, row[of.home]

    async def _giving(self, call: Call, action: str, home: str | None) -> str:
        """The grants that give a permission there, whatever the token says."""
        regions = await geography(call.session)
        grants = await grants_of(call.session, call.by.id)
        giving = [
            f"{each.role} on {each.place}"
            for each in grants
            if _holds(reach_of(call.by.kind, [each], None, regions, call.now), action, home)
        ]
        return ", ".join(sorted(giving))


def _holds(reach: Reach, action: str, home: str | None) -> bool:
    return action in reach.forces if home == ANYWHERE else reach.holds(action, home)


def _needed(call: Call, name: str) -> str:
    if not (text := call.query.get(name)):
        raise bad_parameter(name, f"'{name}' is needed.")
    return text


def _written(home: str | None) -> str:
    """Where a permission has to be held, as in a reason."""
    if home is None or home == ANYWHERE:
        return home or "national"
    force = force_in(home)
    return home.replace(":", "/") if force is None else f"force/{force}"


def _told(allowed: bool, code: str, needs: str, on: str, detail: str) -> Record:
    return {"allowed": allowed, "because": [{"code": code, "needs": needs, "on": on, "detail": detail}]}


def operations(resources: Iterable[Resource]) -> list[Operation]:
    access = Access(resources)
    nouns = "|".join(sorted(each.noun for each in resources))
    return [
        Operation(
            "GET", "/v1/me", "getMe", "access", "Read who you are, and what you may do", SELF,
            get_me, {200: Me, 304: None}, [IF_NONE_MATCH],
        ),
        Operation(
            "GET", "/v1/me/access", "getMyAccess", "access", "Ask whether you may do something", SELF,
            access.get, {200: AccessRead},
            [
                query(
                    "action", "A permission, such as pip:write.", {"type": "string", "enum": sorted(_ASKED)},
                    example="pip:write",
                ) | {"required": True},
                query(
                    "resource",
                    "A noun and an id or a code, with / between, such as measure/answered-in-time; ref: and the "
                    "reference of a plan; or a place: national, region:CODE or force:CODE.",
                    TEXT | {"pattern": f"^(national|((force|region):|ref:|({nouns})/)[^\\x00]*)$"},
                    example="force/avon-and-somerset",
                ) | {"required": True},
            ],
        ),
    ]  # fmt: skip
