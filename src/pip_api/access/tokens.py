"""Who is asking? Access tokens (RFC 9068) made, verified and remembered for a moment.

The only module that imports jose. Of jose 3.5.0 only the signature is used, with a key already chosen and built and one
permitted algorithm: its own reading of frames, headers, claims and key sets is lenient, or fails with other exceptions.
"""

import re
import sys
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from jose import JOSEError, JWSError, jwk, jws

from pip_api.access.keys import SigningKey
from pip_api.access.token_text import LONGEST_TOKEN, TokenRefused, decoded, json_object, opened

if TYPE_CHECKING:
    from jose.backends.base import Key

Clock = Callable[[], datetime]
JWK = Mapping[str, object]

ALGORITHMS: Final = {"ES256": ("EC", "P-256"), "RS256": ("RSA", None)}

_KEY_MEMBERS: Final = {"EC": ("crv", "x", "y"), "RSA": ("n", "e")}
_RSA_BITS: Final = 2048
_RSA_EXPONENT: Final = "AQAB"  # 65537
_CRYPTOGRAPHY_BACKEND: Final = "jose.backends.cryptography_backend"

_HEADER_DEPTH: Final = 2
_CLAIMS_DEPTH: Final = 6
_NAME_CHARACTERS: Final = 255
_AUDIENCES: Final = 8
_YEAR_10000: Final = 253_402_300_800
_LONGEST_LIFETIME_SECONDS: Final = 12 * 3600

_KID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SCOPE: Final = re.compile(r"[!#-\[\]-~]+(?: [!#-\[\]-~]+)*")
_ACCESS_TOKEN_TYPES: Final = frozenset({"at+jwt", "application/at+jwt"})
_FORBIDDEN_HEADERS: Final = frozenset(
    {"crit", "b64", "zip", "enc", "jku", "jwk", "x5u", "x5c", "p2s", "p2c", "epk", "apu", "apv"}
)


@dataclass(frozen=True, slots=True)
class Claims:
    subject: str
    client_id: str
    jti: str
    issued_at: datetime
    expires_at: datetime
    scope: frozenset[str] | None


def require_cryptography_backend() -> None:
    """Raises RuntimeError if the pure Python `ecdsa` or `rsa` could be at work: slow, and they leak through timing."""
    for algorithm in ALGORITHMS:
        key_class = jwk.get_key(algorithm)
        if key_class is None or key_class.__module__ != _CRYPTOGRAPHY_BACKEND:
            raise RuntimeError(f"python-jose does not use the cryptography package for {algorithm}.")
    for package in ("ecdsa", "rsa"):
        if package in sys.modules:
            raise RuntimeError(f"The package {package} must not be imported in this process.")


def keys_by_kid(jwks: Iterable[JWK]) -> dict[str, JWK]:
    """A key set as TokenVerifier wants it. A kid that names two keys names neither."""
    named = [(kid, key) for key in jwks if isinstance(kid := key.get("kid"), str)]
    uses = Counter(kid for kid, _ in named)
    return {kid: key for kid, key in named if uses[kid] == 1}


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
        self._key = jwk.construct(key.private_jwk(), "ES256")
        self._header = {"typ": "at+jwt", "kid": key.kid}
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
        token = jws.sign(claims, self._key, headers=self._header, algorithm="ES256")
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
        self._keys = {kid: built for kid, key in keys.items() if (built := _usable(kid, key)) is not None}
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._leeway = leeway_seconds
        self._max_lifetime = max_lifetime_seconds

    @property
    def kids(self) -> frozenset[str]:
        """The keys that were usable."""
        return frozenset(self._keys)

    def verify(self, token: str) -> Claims:
        """Raises TokenRefused, and nothing else, whatever the text."""
        header_bytes, claims_bytes = opened(token)
        algorithm, kid = _checked_header(json_object(header_bytes, _HEADER_DEPTH))
        if kid not in self._keys:
            raise TokenRefused("kid-unknown")
        key_algorithm, key = self._keys[kid]
        if algorithm != key_algorithm:
            raise TokenRefused("alg-key")
        try:
            jws.verify(token, key, [key_algorithm])
        except JWSError as error:
            raise TokenRefused("signature") from error
        return self._checked_claims(json_object(claims_bytes, _CLAIMS_DEPTH))

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


def _usable(kid: str, key: JWK) -> tuple[str, "Key"] | None:
    kind = (key.get("kty"), key.get("crv"))
    algorithm = next((name for name, wanted in ALGORITHMS.items() if wanted == kind), None)
    if algorithm is None or not _KID.fullmatch(kid) or key.get("kid", kid) != kid:
        return None
    # A private key that was published is anybody's key.
    if "d" in key or key.get("use", "sig") != "sig" or key.get("alg", algorithm) != algorithm:
        return None
    kty = ALGORITHMS[algorithm][0]
    members = {name: key.get(name) for name in _KEY_MEMBERS[kty]}
    if not all(isinstance(value, str) for value in members.values()):
        return None
    try:
        built = jwk.construct({"kty": kty, **members}, algorithm)
        written = built.to_dict()
    except (JOSEError, ValueError, OverflowError):
        return None
    # jose reads base64url leniently: what it understood must be what was written.
    if any(written[name] != value for name, value in members.items()):
        return None
    if kty == "RSA" and (written["e"] != _RSA_EXPONENT or _bits(written["n"]) < _RSA_BITS):
        return None
    return algorithm, built


def _bits(number: str) -> int:
    return int.from_bytes(decoded(number), "big").bit_length()


def _checked_header(header: dict[str, Any]) -> tuple[str, str]:
    if not _FORBIDDEN_HEADERS.isdisjoint(header):
        raise TokenRefused("header-forbidden")
    algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise TokenRefused("alg")
    if not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise TokenRefused("kid")
    if not isinstance(kind, str) or kind.lower() not in _ACCESS_TOKEN_TYPES:
        raise TokenRefused("typ")
    return algorithm, kid


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
