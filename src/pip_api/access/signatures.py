"""Which keys may sign, and is this text signed by one of them?

The only module that imports jose. Of jose 3.5.0 only the signature is used, with a key already chosen and built and one
permitted algorithm: its own reading of frames, headers, claims and key sets is lenient, or fails with other exceptions.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from jose import JOSEError, JWSError, jwk, jws

from pip_api.access.keys import SigningKey
from pip_api.access.token_text import TokenRefused, decoded, json_object, opened

if TYPE_CHECKING:
    from jose.backends.base import Key

JWK = Mapping[str, object]

ALGORITHMS: Final = {"ES256": ("EC", "P-256"), "RS256": ("RSA", None)}

_KEY_MEMBERS: Final = {"EC": ("crv", "x", "y"), "RSA": ("n", "e")}
_RSA_BITS: Final = 2048
_RSA_EXPONENT: Final = "AQAB"  # 65537
_CRYPTOGRAPHY_BACKEND: Final = "jose.backends.cryptography_backend"

_HEADER_DEPTH: Final = 2
_CLAIMS_DEPTH: Final = 6
_KID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_FORBIDDEN_HEADERS: Final = frozenset(
    {"crit", "b64", "zip", "enc", "jku", "jwk", "x5u", "x5c", "p2s", "p2c", "epk", "apu", "apv"}
)


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


class Signer:
    """Signs with one key of our own."""

    def __init__(self, key: SigningKey, kind: str) -> None:
        self._key = jwk.construct(key.private_jwk(), "ES256")
        self._header = {"typ": kind, "kid": key.kid}

    def sign(self, claims: Mapping[str, Any]) -> str:
        return jws.sign(claims, self._key, headers=self._header, algorithm="ES256")


class VerifyingKeys:
    """Public keys by their kids, each for one algorithm. Unusable ones are left out."""

    def __init__(self, keys: Mapping[str, JWK]) -> None:
        self._keys = {kid: built for kid, key in keys.items() if (built := _usable(kid, key)) is not None}

    @property
    def kids(self) -> frozenset[str]:
        """The keys that were usable."""
        return frozenset(self._keys)

    def claims(self, token: str, kinds: frozenset[str | None]) -> dict[str, Any]:
        """The claims of a text that one of the keys signed, not yet judged. `kinds` are the types that it may say it
        is, None for saying nothing. Raises TokenRefused, and nothing else, whatever the text.
        """
        header_bytes, claims_bytes = opened(token)
        algorithm, kid = _checked_header(json_object(header_bytes, _HEADER_DEPTH), kinds)
        if kid not in self._keys:
            raise TokenRefused("kid-unknown")
        key_algorithm, key = self._keys[kid]
        if algorithm != key_algorithm:
            raise TokenRefused("alg-key")
        try:
            jws.verify(token, key, [key_algorithm])
        except JWSError as error:
            raise TokenRefused("signature") from error
        return json_object(claims_bytes, _CLAIMS_DEPTH)


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


def _checked_header(header: dict[str, Any], kinds: frozenset[str | None]) -> tuple[str, str]:
    if not _FORBIDDEN_HEADERS.isdisjoint(header):
        raise TokenRefused("header-forbidden")
    algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise TokenRefused("alg")
    if not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise TokenRefused("kid")
    if not isinstance(kind, str | None) or (kind and kind.lower()) not in kinds:
        raise TokenRefused("typ")
    return algorithm, kid
