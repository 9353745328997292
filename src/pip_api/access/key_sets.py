"""With which keys does an issuer sign just now?

Keys of our own stand fast. Those of a named issuer are fetched: they change when they are rotated, a token may name any
kid, and the issuer may be down. So there is one fetch in 30 s at most, whatever comes in, and an issuer that is down
holds up nobody whose key is known.
"""

import asyncio
import re
from collections.abc import Callable, Iterator
from math import ceil, inf
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import httpx
import structlog

from pip_api.access.signatures import VerifyingKeys, keys_by_kid
from pip_api.http.metrics import Metrics
from pip_api.http.problems import Problem
from pip_api.http.strict_json import MalformedJson, read_json
from pip_api.settings import NamedIssuer, is_fetchable

COOLDOWN: Final = 30.0
FRESH: Final = 300.0
LEAST_FRESH, MOST_FRESH = 60.0, 3_600.0
STALE: Final = 86_400.0
CONNECT, TOTAL = 1.0, 2.0
"""All of these are seconds."""
MOST_BYTES: Final = 65_536

_MAX_AGE: Final = re.compile(r"(?:^|[\s,])max-age=\"?([0-9]{1,10})(?:[\s,\"]|$)", re.IGNORECASE)
_ASKED: Final = {"Accept": "application/json", "Accept-Encoding": "identity"}


class KeySet(Protocol):
    async def holding(self, kid: str) -> VerifyingKeys:
        """The keys, looked up anew if that may bring one of this name. Raises 503 when there are none to be had."""


class FixedKeys:
    def __init__(self, keys: VerifyingKeys) -> None:
        self._keys = keys

    async def holding(self, kid: str) -> VerifyingKeys:
        return self._keys


class _Unusable(Exception):
    """An answer of an issuer that is of no use; the text says why, without anything of the answer."""


class FetchedKeys:
    """The keys of a named issuer. `monotonic` counts seconds: a clock that is set must not make keys fresh, or old."""

    def __init__(
        self, named: NamedIssuer, metrics: Metrics, monotonic: Callable[[], float], patience: float = TOTAL
    ) -> None:
        self._named = named
        self._metrics = metrics
        self._monotonic = monotonic
        self._patience = patience
        self._http: httpx.AsyncClient | None = None
        self._jwks_uri = named.jwks_uri
        self._keys = VerifyingKeys({})
        self._had_at = -inf
        self._fresh_until = -inf
        self._next_try = -inf
        self._failing = False
        self._flight: asyncio.Task[None] | None = None
        metrics.watch_keys(named.issuer, lambda: monotonic() - self._had_at)

    @property
    def loaded(self) -> bool:
        """Whether they were ever had."""
        return self._had_at > -inf

    async def open(self, http: httpx.AsyncClient) -> None:
        """Fetches for the first time. An issuer that is down does not keep the service from starting."""
        self._http = http
        await self.try_again()

    async def close(self) -> None:
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.gather(self._flight, return_exceptions=True)

    async def try_again(self) -> None:
        """Fetches, unless that was tried a moment ago."""
        await self._landed(self._depart())

    async def holding(self, kid: str) -> VerifyingKeys:
        known = kid in self._keys.kids
        if not known:
            await self._landed(self._depart())
        elif self._monotonic() >= self._fresh_until:
            flight = self._depart()
            if not self._failing:  # an issuer that is down must not hold up those whose key is known
                await self._landed(flight)
        if self._monotonic() - self._had_at > STALE:
            wait = max(1, ceil(self._next_try - self._monotonic()))
            detail = "The keys of the token's issuer cannot be had just now."
            raise Problem("temporarily_unavailable", detail, headers={"Retry-After": str(wait)})
        return self._keys

    def _depart(self) -> asyncio.Task[None] | None:
        """The fetch that is under way, or a new one if the last began long enough ago."""
        if self._flight is None and self._monotonic() >= self._next_try:
            # Counted before it goes out, and whatever it brings.
            self._next_try = self._monotonic() + COOLDOWN
            self._flight = asyncio.create_task(self._fetch())
        return self._flight

    async def _landed(self, flight: asyncio.Task[None] | None) -> None:
        if flight is not None:
            await asyncio.shield(flight)  # others wait for it too, when this caller is gone

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(self._patience):
                keys, fresh = await self._fetched()
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, TimeoutError, MalformedJson, _Unusable) as error:
            self._failing = True
            self._jwks_uri = self._named.jwks_uri  # it may have moved
            self._metrics.keys_fetched(self._named.issuer, "failed")
            reason = str(error) if isinstance(error, _Unusable) else type(error).__name__
            structlog.get_logger().warning(
                "the keys of an issuer cannot be had", issuer=self._named.issuer, reason=reason
            )
        else:
            self._keys, self._failing = keys, False
            self._had_at = self._monotonic()
            self._fresh_until = self._had_at + fresh
            self._metrics.keys_fetched(self._named.issuer, "loaded")
        finally:
            self._flight = None

    async def _fetched(self) -> tuple[VerifyingKeys, float]:
        if self._jwks_uri is None:
            self._jwks_uri = await self._discovered()
        answer, document = await self._get(self._jwks_uri)
        listed = document.get("keys")
        if not isinstance(listed, list):
            raise _Unusable("the answer is no key set")
        keys = VerifyingKeys(keys_by_kid(each for each in listed if isinstance(each, dict)), self._named.min_rsa_bits)
        if not keys.kids:
            raise _Unusable("the set has no usable key")
        return keys, freshness(answer.headers.get("cache-control", ""))

    async def _discovered(self) -> str:
        """Where the metadata say that the keys are (OpenID Connect Discovery 1.0, or RFC 8414)."""
        for address in metadata_addresses(self._named.issuer):
            try:
                _, document = await self._get(address)
            except _Unusable:
                continue
            # Metadata that say another name belong to another issuer (RFC 8414, 3.3).
            if document.get("issuer") != self._named.issuer:
                raise _Unusable("the metadata are of another issuer")
            jwks_uri = document.get("jwks_uri")
            if not isinstance(jwks_uri, str) or not is_fetchable(jwks_uri):
                raise _Unusable("the metadata have no usable jwks_uri")
            return jwks_uri
        raise _Unusable("there are no metadata")

    async def _get(self, address: str) -> tuple[httpx.Response, dict[str, Any]]:
        if self._http is None:
            raise _Unusable("the service is not started")
        async with self._http.stream("GET", address, headers=_ASKED) as answer:
            if answer.status_code != 200:
                raise _Unusable(f"the answer has status {answer.status_code}")
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise _Unusable("the answer is compressed")
            body = bytearray()
            async for chunk in answer.aiter_raw():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise _Unusable("the answer is too long")
        document = read_json(bytes(body))
        if not isinstance(document, dict):
            raise _Unusable("the answer is no JSON object")
        return answer, document


def metadata_addresses(issuer: str) -> Iterator[str]:
    """OpenID puts its path behind that of the issuer, RFC 8414 before it."""
    yield issuer.removesuffix("/") + "/.well-known/openid-configuration"
    parts = urlsplit(issuer)
    path = "/.well-known/oauth-authorization-server" + parts.path.removesuffix("/")
    yield parts._replace(path=path).geturl()


def freshness(cache_control: str) -> float:
    """Seconds that a key set is used without asking again."""
    said = _MAX_AGE.search(cache_control)
    return min(max(float(said[1]), LEAST_FRESH), MOST_FRESH) if said else FRESH


def new_client() -> httpx.AsyncClient:
    """A client that goes nowhere but where it is sent."""
    return httpx.AsyncClient(timeout=httpx.Timeout(TOTAL, connect=CONNECT), follow_redirects=False)
