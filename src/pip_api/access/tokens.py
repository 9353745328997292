"""Who is asking? Access tokens (RFC 9068) made, verified and remembered for a moment."""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from pip_api.access.keys import SigningKey
from pip_api.access.signatures import JWK, Signer, VerifyingKeys
from pip_api.access.token_text import LONGEST_TOKEN, TokenRefused

Clock = Callable[[], datetime]

_NAME_CHARACTERS: Final = 255
_AUDIENCES: Final = 8
_YEAR_10000: Final = 253_402_300_800
_LONGEST_LIFETIME_SECONDS: Final = 12 * 3600

_SCOPE: Final = re.compile(r"[!#-\[\]-~]+(?: [!#-\[\]-~]+)*")
_KINDS: Final = frozenset({"at+jwt", "application/at+jwt"})


@dataclass(frozen=True, slots=True)
class Claims:
    subject: str
    client_id: str
    jti: str
    issued_at: datetime
    expires_at: datetime
    scope: frozenset[str] | None


class TokenIssuer:
    def __init__(
        self,
        key: SigningKey,
        issuer: str,
        audience: str,
        lifetime_seconds: int,
        clock: Clock,
        new_id: Callable[[], UUID | str],
    ) -> None:
        if not 0 < lifetime_seconds <= _LONGEST_LIFETIME_SECONDS:
            raise ValueError(f"A token may live for 1 to {_LONGEST_LIFETIME_SECONDS} seconds, not {lifetime_seconds}.")
        self._signer = Signer(key, "at+jwt")
        self._issuer = issuer
        self._audience = audience
        self._lifetime_seconds = lifetime_seconds
        self._clock = clock
        self._new_id = new_id

    def issue(self, subject: str, client_id: str, scope: str | None) -> str:
        """Raises ValueError for what no verifier of ours would accept."""
        if not (_is_name(subject) and _is_name(client_id)):
            raise ValueError(f"A subject and a client id are 1 to {_NAME_CHARACTERS} printable characters.")
        if scope is not None and not _SCOPE.fullmatch(scope):
            raise ValueError("A scope is one or more words with one space between them.")
        now = int(self._clock().timestamp())
        claims: dict[str, str | int] = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": subject,
            "client_id": client_id,
            "jti": str(self._new_id()),
            "iat": now,
            "exp": now + self._lifetime_seconds,
        }
        if scope is not None:
            claims["scope"] = scope
        token = self._signer.sign(claims)
        if len(token) > LONGEST_TOKEN:
            raise ValueError(f"The token would be longer than {LONGEST_TOKEN} characters.")
        return token


class TokenVerifier:
    """Accepts the access tokens of one issuer for one audience, by that issuer's keys. Unusable keys are left out."""

    def __init__(
        self,
        keys: Mapping[str, JWK],
        issuer: str,
        audience: str,
        clock: Clock,
        leeway_seconds: int = 30,
        max_lifetime_seconds: int = 3600,
    ) -> None:
        if not 0 < max_lifetime_seconds <= _LONGEST_LIFETIME_SECONDS:
            raise ValueError(f"The longest lifetime is 1 to {_LONGEST_LIFETIME_SECONDS} s, not {max_lifetime_seconds}.")
        self._keys = VerifyingKeys(keys)
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._leeway = leeway_seconds
        self._max_lifetime = max_lifetime_seconds

    @property
    def kids(self) -> frozenset[str]:
        """The keys that were usable."""
        return self._keys.kids

    def verify(self, token: str) -> Claims:
        """Raises TokenRefused, and nothing else, whatever the text."""
        return self._checked_claims(self._keys.claims(token, _KINDS))

    def _checked_claims(self, claims: dict[str, Any]) -> Claims:
        if claims.get("iss") != self._issuer:
            raise TokenRefused("iss")
        if not self._is_for_us(claims.get("aud")):
            raise TokenRefused("aud")
        for name in ("sub", "client_id", "jti"):
            if not _is_name(claims.get(name)):
                raise TokenRefused(name)
        issued, expires = self._checked_times(claims)
        return Claims(
            subject=claims["sub"],
            client_id=claims["client_id"],
            jti=claims["jti"],
            issued_at=datetime.fromtimestamp(issued, UTC),
            expires_at=datetime.fromtimestamp(expires, UTC),
            scope=_scope(claims),
        )

    def _is_for_us(self, audience: object) -> bool:
        if not isinstance(audience, list):
            return audience == self._audience
        return (
            len(audience) <= _AUDIENCES
            and all(isinstance(member, str) for member in audience)
            and self._audience in audience
        )

    def _checked_times(self, claims: dict[str, Any]) -> tuple[float, float]:
        expires, issued = _moment(claims, "exp"), _moment(claims, "iat")
        now = self._clock().timestamp()
        if now >= expires + self._leeway:
            raise TokenRefused("exp")
        if now < issued - self._leeway:
            raise TokenRefused("iat-future")
        if "nbf" in claims and now < _moment(claims, "nbf") - self._leeway:
            raise TokenRefused("nbf")
        if not 0 < expires - issued <= self._max_lifetime:
            raise TokenRefused("lifetime")
        return issued, expires


class VerifiedTokens:
    """Tokens verified a moment ago: verifying costs some 70 us, remembering 1 us.

    Whatever withdraws a token early takes effect within `seconds`, or at once after `forget`.
    """

    def __init__(self, verifier: TokenVerifier, clock: Clock, seconds: float = 5, size: int = 10_000) -> None:
        self._verifier = verifier
        self._clock = clock
        self._span = timedelta(seconds=seconds)
        self._size = size
        self._remembered: OrderedDict[bytes, tuple[Claims, datetime, datetime]] = OrderedDict()

    def verify(self, token: str) -> Claims:
        """Raises TokenRefused. Refusals are not remembered: anyone can make them, and they would push out the rest."""
        digest = sha256(token.encode("utf-8", "surrogatepass")).digest()
        now = self._clock()
        found = self._remembered.get(digest)
        # Both ends, since a clock that steps back would otherwise stretch the moment.
        if found is not None and found[1] <= now < found[2]:
            return found[0]
        self._remembered.pop(digest, None)
        claims = self._verifier.verify(token)
        if len(self._remembered) >= self._size:
            self._remembered.popitem(last=False)
        self._remembered[digest] = (claims, now, min(now + self._span, claims.expires_at))
        return claims

    def forget(self) -> None:
        self._remembered.clear()


def _is_name(value: object) -> bool:
    # Printable leaves out controls, lone surrogates and characters that turn the reading direction: names go into logs.
    return isinstance(value, str) and 0 < len(value) <= _NAME_CHARACTERS and value.isprintable()


def _moment(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TokenRefused(f"{name}-type")
    if not 0 < value < _YEAR_10000:
        raise TokenRefused(f"{name}-range")
    return value


def _scope(claims: dict[str, Any]) -> frozenset[str] | None:
    if "scope" not in claims:
        return None
    scope = claims["scope"]
    if not isinstance(scope, str) or not _SCOPE.fullmatch(scope):
        raise TokenRefused("scope")
    return frozenset(scope.split(" "))
