"""May this account do this there? Decided from its grants, its token and the moment, and from nothing else.

Access is what the grants add up to, less what the token leaves out: nothing forbids, and what no grant gives is denied.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pip_api.access.permissions import EVERY_ACCOUNT, ROLES, is_for_people
from pip_api.access.places import Place, force_in

Kind = Literal["person", "service", "system", "anonymous"]


@dataclass(frozen=True, slots=True)
class Held:
    """A grant: a role at a place, from a moment to another or for ever."""

    role: str
    place: Place
    valid_from: datetime
    valid_to: datetime | None = None

    def holds_at(self, now: datetime) -> bool:
        return self.valid_from <= now and (self.valid_to is None or now < self.valid_to)


@dataclass(frozen=True, slots=True)
class Reach:
    """Where each permission is held. One that is held nowhere is not in `forces`; one that is, is, if with no force."""

    forces: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    regions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    national: frozenset[str] = frozenset()

    def holds(self, permission: str, where: str | None) -> bool:
        """Whether a permission is held over the whole of a place. A code alone is a force; None is everywhere."""
        if where is None or where == "national":
            return permission in self.national
        if where.startswith("region:"):
            return where.removeprefix("region:") in self.regions.get(permission, ())
        return force_in(where) in self.forces.get(permission, ())


def reach_of(
    kind: Kind,
    grants: Iterable[Held],
    token_scope: frozenset[str] | None,
    regions: Mapping[str, str | None],
    now: datetime,
) -> Reach:
    """Where an account holds each permission. `regions` gives the region of every force, if it has one.

    Whoever holds a permission in a region holds it in each of its forces, and nationally in each region. A program
    holds nothing that is for people only, whatever it was granted.
    """
    forces: dict[str, set[str]] = {each: set() for each in EVERY_ACCOUNT if token_scope is None or each in token_scope}
    regional: dict[str, set[str]] = {}
    national: set[str] = set()
    for grant in grants:
        if not grant.holds_at(now):
            continue
        place = grant.place
        if place.scope == "national":
            reached, whole = set(regions), {region for region in regions.values() if region is not None}
        elif place.scope == "region":
            reached, whole = {force for force, region in regions.items() if region == place.code}, {str(place.code)}
        else:
            reached, whole = {str(place.code)} & regions.keys(), set()
        for permission in ROLES.get(grant.role, frozenset()):
            if token_scope is not None and permission not in token_scope:
                continue
            if kind == "service" and is_for_people(permission):
                continue
            forces.setdefault(permission, set()).update(reached)
            regional.setdefault(permission, set()).update(whole)
            if place.scope == "national":
                national.add(permission)
    return Reach(_shared(forces), _shared(regional), frozenset(national))


def _shared(codes: Mapping[str, set[str]]) -> dict[str, tuple[str, ...]]:
    """Equal reaches are one object, which makes them quick to compare."""
    known: dict[tuple[str, ...], tuple[str, ...]] = {}
    sorted_codes = {permission: tuple(sorted(each)) for permission, each in codes.items()}
    return {permission: known.setdefault(each, each) for permission, each in sorted_codes.items()}
