"""Does another engine, which others wrote, decide as we do? And what does each part of a decision say on its own?"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

import cedarpy
import pytest

from pip_api.access.decisions import Held, Kind, Reach, reach_of
from pip_api.access.permissions import EVERY_ACCOUNT, PERMISSIONS, ROLES, is_for_people
from pip_api.access.places import Place
from pip_api.access.principals import Principal
from pip_api.access.token_text import TokenRefused
from pip_api.access.tokens import Claims
from pip_api.http.problems import Problem
from tests.soak import examples

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
REGIONS: Mapping[str, str | None] = {
    "avon": "west", "devon": "west", "kent": "east", "essex": "east", "gwent": "wales", "transport": None,
}  # fmt: skip
PLACES = ["national", *(f"region:{each}" for each in ("west", "east", "wales")), *(f"force:{each}" for each in REGIONS)]
ASKED = sorted(PERMISSIONS - EVERY_ACCOUNT)
FOR_PEOPLE = ("account", "audit", "grant", "redaction")
EACH = 100
"""Questions that are asked of each account."""


@dataclass(frozen=True)
class Account:
    """Somebody made up by chance."""

    kind: Kind
    grants: list[Held]
    scope: frozenset[str] | None
    issued_at: datetime
    disabled_at: datetime | None
    not_before: datetime | None

    @classmethod
    def by(cls, chance: random.Random) -> "Account":
        return cls(
            chance.choice(("person", "service")),
            [_grant(chance) for _ in range(chance.randrange(5))],
            None if chance.random() < 0.6 else frozenset(chance.sample(ASKED, chance.randrange(1, len(ASKED)))),
            NOW - timedelta(minutes=chance.randrange(15)),
            _moment(chance, 0.15),
            _moment(chance, 0.15),
        )

    def principal(self) -> Principal:
        claims = Claims("https://id.test", "x", "x", "x", self.issued_at, NOW + timedelta(hours=1), self.scope)
        held = reach_of(self.kind, self.grants, self.scope, REGIONS, NOW)
        return Principal(
            UUID(int=1), "x", "x", self.kind, held, claims=claims,
            disabled_at=self.disabled_at, not_before=self.not_before,
        )  # fmt: skip


def _grant(chance: random.Random) -> Held:
    begin = NOW if chance.random() < 0.2 else NOW - timedelta(minutes=chance.randrange(-5, 60))
    return Held(chance.choice(sorted(ROLES)), Place.parse(chance.choice(PLACES)), begin, _moment(chance, 0.5))


def _moment(chance: random.Random, often: float) -> datetime | None:
    """Around now, and at times now itself."""
    if chance.random() >= often:
        return None
    return NOW + timedelta(minutes=0 if chance.random() < 0.2 else chance.randrange(-30, 30))


def ours(who: Principal, permission: str, where: str | None) -> bool:
    """As a request is judged: the account by its token, and then the permission."""
    assert who.claims is not None
    try:
        who.require_usable(who.claims, NOW)
        who.require_for(permission, where)
    except (TokenRefused, Problem):
        return False
    return True


# The same in Cedar: roles are groups of actions, places are in places, and each grant is a policy.

_ALWAYS = """
    forbid (principal, action, resource) when { context has scope && !context.scope.contains(action) };
    forbid (principal, action in Action::"for people", resource) when { principal.kind == "service" };
    forbid (principal, action, resource)
        when { principal has disabled_at && context.now >= principal.disabled_at };
    forbid (principal, action, resource)
        when { principal has not_before && context.issued_at < principal.not_before };
"""


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _entity(
    type: str, id: str, parents: Sequence[tuple[str, str]] = (), attributes: Mapping[str, object] = MappingProxyType({})
) -> dict[str, Any]:
    above = [{"type": each, "id": name} for each, name in parents]
    return {"uid": {"type": type, "id": id}, "attrs": dict(attributes), "parents": above}


def _entities() -> list[dict[str, Any]]:
    actions = [
        _entity(
            "Action", permission,
            [
                *(("Action", f"role {role}") for role, held in ROLES.items() if permission in held),
                *([("Action", "for people")] if permission.split(":")[0] in FOR_PEOPLE else []),
            ],
        )
        for permission in ASKED
    ]  # fmt: skip
    regions = [_entity("Place", f"region:{name}", [("Place", "national")]) for name in {*REGIONS.values()} - {None}]
    forces = [
        _entity("Place", f"force:{name}", [("Place", f"region:{region}" if region else "national")])
        for name, region in REGIONS.items()
    ]
    return [*actions, *regions, *forces, _entity("Place", "national")]


_WORLD = _entities()


def cedar(account: Account, questions: Sequence[tuple[str, str]]) -> list[bool]:
    """What Cedar decides."""
    times = {"disabled_at": account.disabled_at, "not_before": account.not_before}
    set_times = {name: _seconds(moment) for name, moment in times.items() if moment is not None}
    policies = _ALWAYS
    for grant in account.grants:
        ends = "" if grant.valid_to is None else f" && context.now < {_seconds(grant.valid_to)}"
        policies += (
            f'permit (principal, action in Action::"role {grant.role}", resource in Place::"{grant.place}") '
            f"when {{ context.now >= {_seconds(grant.valid_from)}{ends} }};\n"
        )
    context: dict[str, Any] = {"now": _seconds(NOW), "issued_at": _seconds(account.issued_at)}
    if account.scope is not None:
        context["scope"] = [{"__entity": {"type": "Action", "id": each}} for each in sorted(account.scope)]
    requests = [
        {
            "principal": 'Account::"x"',
            "action": f'Action::"{permission}"',
            "resource": f'Place::"{where}"',
            "context": context,
        }
        for permission, where in questions
    ]
    entities = [*_WORLD, _entity("Account", "x", attributes={"kind": account.kind, **set_times})]
    return [bool(each.allowed) for each in cedarpy.is_authorized_batch(requests, policies, entities)]


def test_cedar_decides_the_same() -> None:
    chance = random.Random(4)
    allowed = 0
    for _ in range(examples(20_000, 1_000_000) // EACH):
        account = Account.by(chance)
        who = account.principal()
        questions = [(chance.choice(ASKED), chance.choice([*PLACES, "force:atlantis"])) for _ in range(EACH)]
        decided = [ours(who, permission, where) for permission, where in questions]
        assert decided == cedar(account, questions), (account, questions)
        allowed += sum(decided)
    assert allowed > 500


def test_a_force_by_its_code_and_nothing_at_all_are_places_too() -> None:
    reach = Reach({"pip:read": ("kent",)}, {"pip:read": ("east",)}, frozenset({"force:write"}))
    assert reach.holds("pip:read", "kent")
    assert reach.holds("pip:read", "force:kent")
    assert reach.holds("pip:read", "region:east")
    assert not reach.holds("pip:read", "east")
    assert not reach.holds("pip:read", "region:kent")
    assert not reach.holds("pip:read", None)
    assert reach.holds("force:write", None)
    assert reach.holds("force:write", "national")


def test_every_force_of_a_region_is_not_the_region() -> None:
    """A force may join the region later."""
    grants = [Held("force_reader", Place.parse(f"force:{name}"), NOW) for name in ("avon", "devon")]
    reach = reach_of("person", grants, None, REGIONS, NOW)
    assert reach.forces["pip:read"] == ("avon", "devon")
    assert not reach.holds("pip:read", "region:west")


@pytest.mark.parametrize("kind", ["person", "service"])
def test_what_is_for_people_is_held_by_people(kind: Kind) -> None:
    for role, held in ROLES.items():
        reach = reach_of(kind, [Held(role, Place.parse("national"), NOW)], None, REGIONS, NOW)
        kept = held if kind == "person" else {each for each in held if not is_for_people(each)}
        assert set(reach.forces) == kept | EVERY_ACCOUNT, role


def test_a_token_only_narrows() -> None:
    """Whatever it is made for, nobody holds more by it, anywhere, than without; and what it leaves out nobody holds."""
    chance = random.Random(5)
    for _ in range(300):
        account = Account.by(chance)
        scope = frozenset(chance.sample([*ASKED, *EVERY_ACCOUNT, "dragon:ride"], chance.randrange(len(ASKED))))
        whole = reach_of(account.kind, account.grants, None, REGIONS, NOW)
        narrow = reach_of(account.kind, account.grants, scope, REGIONS, NOW)
        assert narrow.forces == {name: codes for name, codes in whole.forces.items() if name in scope}
        assert narrow.regions == {name: codes for name, codes in whole.regions.items() if name in scope}
        assert narrow.national == whole.national & scope


def test_a_role_that_is_no_more_gives_nothing() -> None:
    reach = reach_of("person", [Held("emperor", Place.parse("national"), NOW)], None, REGIONS, NOW)
    assert set(reach.forces) == EVERY_ACCOUNT
