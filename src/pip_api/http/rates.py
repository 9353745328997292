"""How much may a client ask for in a while, how much of it is left, and how is that told?

The fields are those of the IETF's draft "RateLimit header fields for HTTP". Windows begin at whole multiples of their
length, so that every process has the same ones.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil

from pip_api.http.messages import RawHeaders
from pip_api.http.problems import Problem
from pip_api.settings import Settings

MOST_KNOWN = 10_000
"""Clients and addresses that are counted at once: of addresses anybody can have many. When there are more, counting
begins anew."""


@dataclass(frozen=True, slots=True)
class Policy:
    """At most `quota` requests of one client in each window of `seconds`; a quota of 0 is no limit."""

    name: str
    quota: int
    seconds: int


def policies(settings: Settings) -> list[Policy]:
    """The limits that are set; a quota of none is no limit."""
    known = (
        Policy("default", settings.rate_limit_requests, settings.rate_limit_seconds),
        Policy("import", settings.import_limit_requests, settings.import_limit_seconds),
    )
    return [policy for policy in known if policy.quota]


@dataclass(frozen=True, slots=True)
class Lease:
    """Requests that one process may let through in a window, and how many are left for all processes after that."""

    granted: int
    beyond: int


TakeLease = Callable[[str, Policy, int], Awaitable[Lease]]
"""Gives a lease for a client, a policy and a window (its start, in seconds of the epoch)."""


async def whole_quota(client_id: str, policy: Policy, start: int) -> Lease:
    """The lease of a process that counts alone."""
    return Lease(policy.quota, 0)


@dataclass(slots=True)
class Standing:
    """Where one client stands with one policy, as far as this process knows."""

    client_id: str
    policy: Policy
    start: int = -1
    left: int = 0
    beyond: int = 0
    renewing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def needs_lease(self, start: int) -> bool:
        """Also true of a later window; a clock that steps back opens none anew."""
        return start > self.start or (self.left <= 0 and self.beyond > 0)

    def field_value(self, now: float) -> bytes:
        return b'"%s";r=%d;t=%d' % (self.policy.name.encode(), self.left + self.beyond, self.wait(now))

    def wait(self, now: float) -> int:
        """Whole seconds until the window is over, never too few."""
        return max(ceil(self.start + self.policy.seconds - now), 0)


class Rates:
    """Counts the requests of each client. While a lease lasts nobody is asked."""

    def __init__(
        self, policies: Iterable[Policy], clock: Callable[[], datetime], take_lease: TakeLease = whole_quota
    ) -> None:
        self.policies = {policy.name: policy for policy in policies if policy.quota}
        self._clock = clock
        self._take_lease = take_lease
        self._standings: dict[tuple[str, str], Standing] = {}
        told = ", ".join(f'"{each.name}";q={each.quota};w={each.seconds}' for each in self.policies.values())
        self._policies_field = (b"ratelimit-policy", told.encode())

    def standing(self, client_id: str, name: str) -> Standing | None:
        """Where a client stands with the policy of this name; nothing where there is no limit."""
        policy = self.policies.get(name)
        if policy is None:
            return None
        standing = self._standings.get((client_id, name))
        if standing is None:
            if len(self._standings) >= MOST_KNOWN:
                self._standings.clear()
            standing = self._standings[client_id, name] = Standing(client_id, policy)
        return standing

    async def take(self, standing: Standing) -> int:
        """Counts a request, and gives the window in which it counts. Raises 429."""
        await self.require_left(standing)
        standing.left -= 1
        return standing.start

    async def require_left(self, standing: Standing) -> None:
        """Raises 429 where nothing is left, and counts nothing."""
        now, seconds = self._clock().timestamp(), standing.policy.seconds
        start = int(now) // seconds * seconds
        while standing.needs_lease(start):
            async with standing.renewing:
                if standing.needs_lease(start):
                    lease = await self._take_lease(standing.client_id, standing.policy, start)
                    kept = standing.left if standing.start == start else 0  # one may have been given back meanwhile
                    standing.start, standing.left, standing.beyond = start, kept + lease.granted, lease.beyond
        if standing.left <= 0:
            wait = str(standing.wait(now))
            raise Problem(
                "rate_limited",
                f"Wait {wait} seconds. GET /v1 tells the limits.",
                headers={"Retry-After": wait},
                extra={"violated-policies": [standing.policy.name]},
            )

    def give_back(self, standing: Standing, start: int) -> None:
        """Takes a request back that was counted in a window, if that is not over."""
        if standing.start == start:
            standing.left += 1

    def fields(self, standing: Standing) -> RawHeaders:
        return [self._policies_field, (b"ratelimit", standing.field_value(self._clock().timestamp()))]
