"""Is this really the client? Assertions that a client signs with a key of its own (RFC 7523, `private_key_jwt`)."""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec

from pip_api.access import base64url
from pip_api.access.claims import is_for, is_name, moment
from pip_api.access.keys import public_jwk
from pip_api.access.signatures import JWK, VerifyingKeys, unverified
from pip_api.access.token_text import TokenRefused

TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_SECONDS: Final = 300
LEEWAY_SECONDS: Final = 30
_KINDS: Final = frozenset({None, "jwt", "client-authentication+jwt"})  # an access token is none: at+jwt is not here


@dataclass(frozen=True, slots=True)
class Assertion:
    client_id: str
    kid: str
    """The key that signed it."""
    jti: str
    kept_until: datetime
    """After this it is refused for its age, and need not be remembered."""


def claimed_client(text: str) -> str:
    """Whose assertion it says it is: enough to look for the keys, and not believed. Raises TokenRefused."""
    subject = unverified(text).claims.get("sub")
    if not is_name(subject):
        raise TokenRefused("sub")
    return str(subject)


def verified(
    text: str, client_id: str, keys: Mapping[str, JWK], audiences: Collection[str], now: datetime
) -> Assertion:
    """The assertion of a client with these keys for one of these audiences. Raises TokenRefused, and nothing else.

    Whether it was used before is not asked here. A client without keys is as much work as one with them.
    """
    read = unverified(text)
    asked = {read.kid: keys[read.kid]} if read.kid in keys else _DECOYS[read.algorithm]  # one key, good or not
    claims = VerifyingKeys(asked).verified(read, _KINDS)
    for name in ("iss", "sub"):
        if claims.get(name) != client_id:
            raise TokenRefused(name)
    if not any(is_for(claims.get("aud"), audience) for audience in audiences):
        raise TokenRefused("aud")
    if not is_name(claims.get("jti")):
        raise TokenRefused("jti")
    expires = _checked_times(claims, now.timestamp())
    return Assertion(client_id, read.kid, claims["jti"], datetime.fromtimestamp(expires + LEEWAY_SECONDS, UTC))


def _checked_times(claims: Mapping[str, Any], now: float) -> float:
    expires = moment(claims, "exp")
    if now >= expires + LEEWAY_SECONDS:
        raise TokenRefused("exp")
    if expires > now + LONGEST_SECONDS + LEEWAY_SECONDS:
        raise TokenRefused("lifetime")
    if "nbf" in claims and now < moment(claims, "nbf") - LEEWAY_SECONDS:
        raise TokenRefused("nbf")
    if "iat" in claims:
        issued = moment(claims, "iat")
        if now < issued - LEEWAY_SECONDS:
            raise TokenRefused("iat-future")
        if not 0 < expires - issued <= LONGEST_SECONDS:
            raise TokenRefused("lifetime")
    return expires


def _decoys() -> dict[str, dict[str, JWK]]:
    """For each algorithm a key that nobody can sign with, under a name that nobody knows: an unknown client's assertion
    is held against it, so that the time of a refusal does not tell which clients there are."""
    point = public_jwk(ec.generate_private_key(ec.SECP256R1()).public_key())
    modulus = secrets.randbits(3072) | 1 << 3071 | 1
    number = {"kty": "RSA", "n": base64url.written(modulus.to_bytes(384, "big")), "e": "AQAB"}
    made = (("ES256", point), ("RS256", number))
    return {name: {kid: {**key, "kid": kid}} for name, key in made for kid in [secrets.token_urlsafe(32)]}


_DECOYS: Final = _decoys()
