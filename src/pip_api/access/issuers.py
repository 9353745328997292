"""Whose token is this, and is it good? The issuers that are believed, each with its own terms and keys."""

import asyncio
from collections.abc import Callable, Iterable

import httpx
import structlog

from pip_api.access.key_sets import FetchedKeys, FixedKeys, KeySet, new_client
from pip_api.access.signatures import VerifyingKeys, unverified
from pip_api.access.token_text import TokenRefused
from pip_api.access.tokens import Claims, Clock, Terms, TokenVerifier
from pip_api.http.metrics import Metrics
from pip_api.settings import NamedIssuer

STRONG_RSA_BITS = 3_072
"""128 bits of strength, which ASVS 5.0 asks for (11.2.3)."""


class Issuers:
    """The service itself, whose keys are at hand, and the issuers that the settings name."""

    def __init__(
        self,
        own: Terms,
        keys: VerifyingKeys,
        named: Iterable[NamedIssuer],
        clock: Clock,
        metrics: Metrics,
        monotonic: Callable[[], float],
    ) -> None:
        self._fetched = {each.issuer: FetchedKeys(each, metrics, monotonic) for each in named}
        self._believed: dict[str, tuple[TokenVerifier, KeySet]] = {
            each.issuer: (TokenVerifier(terms_of(each), clock), self._fetched[each.issuer]) for each in named
        }
        self._believed[own.issuer] = TokenVerifier(own, clock), FixedKeys(keys)
        self._http: httpx.AsyncClient | None = None
        for each in named:
            if each.min_rsa_bits < STRONG_RSA_BITS:
                structlog.get_logger().warning(
                    "an issuer may sign with weak keys", issuer=each.issuer, min_rsa_bits=each.min_rsa_bits
                )

    async def open(self) -> None:
        if self._fetched:
            self._http = http = new_client()
            await asyncio.gather(*(each.open(http) for each in self._fetched.values()))

    async def close(self) -> None:
        await asyncio.gather(*(each.close() for each in self._fetched.values()))
        if self._http is not None:
            await self._http.aclose()

    async def never_loaded(self) -> list[str]:
        """The named issuers whose keys were never had. Looks for them again: it may be that nobody else asks."""
        await asyncio.gather(*(each.try_again() for each in self._fetched.values() if not each.loaded))
        return [name for name, each in self._fetched.items() if not each.loaded]

    async def verify(self, token: str) -> Claims:
        """Raises TokenRefused whatever the text, and 503 when the keys of its issuer are not to be had."""
        read = unverified(token)
        issuer = read.claims.get("iss")  # not believed: it only says by whose keys and terms to judge
        if not isinstance(issuer, str) or issuer not in self._believed:
            raise TokenRefused("iss")
        verifier, keys = self._believed[issuer]
        return verifier.verify(read, await keys.holding(read.kid))


def terms_of(named: NamedIssuer) -> Terms:
    return Terms(
        named.issuer,
        named.audience,
        longest_lifetime_seconds=named.max_lifetime_seconds,
        allow_jwt_typ=named.allow_jwt_typ,
    )
