"""Which keys may sign, and is this text signed by one of them?

The only module that imports jose. Of jose 3.5.0 only the signature is used, with a key already chosen and built and one
permitted algorithm: its own reading of frames, headers, claims and key sets is lenient, or fails with other exceptions.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from jose import JOSEError, JWSError, jwk, jws

from pip_api.access.keys import SigningKey
from pip_api.access.token_text import TokenRefused, decoded, json_object, opened

if TYPE_CHECKING:
    from jose.backends.base import Key

JWK = Mapping[str, object]

ALGORITHMS: Final = {"ES256": ("EC", "P-256"), "RS256": ("RSA", None)}
LEAST_RSA_BITS: Final = 2048

_KEY_MEMBERS: Final = {"EC": ("crv", "x", "y"), "RSA": ("n", "e")}
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


@dataclass(frozen=True, slots=True)
class Unverified:
    """A text read as strictly as it can be before anything in it is believed: enough to choose the keys to ask."""

    text: str
    algorithm: str
    kid: str
    kind: str | None
    """Its `typ`, in lower case."""
    claims: Mapping[str, Any]


def unverified(token: str) -> Unverified:
    """Raises TokenRefused, and nothing else, whatever the text."""
    header_bytes, claims_bytes = opened(token)
    header = json_object(header_bytes, _HEADER_DEPTH)
    if not _FORBIDDEN_HEADERS.isdisjoint(header):
        raise TokenRefused("header-forbidden")
    algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise TokenRefused("alg")
    if not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise TokenRefused("kid")
    if not isinstance(kind, str | None):
        raise TokenRefused("typ")
    return Unverified(token, algorithm, kid, kind and kind.lower(), json_object(claims_bytes, _CLAIMS_DEPTH))


class VerifyingKeys:
    """Public keys by their kids, each for one algorithm. Unusable ones are left out."""

    def __init__(self, keys: Mapping[str, JWK], least_rsa_bits: int = LEAST_RSA_BITS) -> None:
        built = {kid: _usable(kid, key, least_rsa_bits) for kid, key in keys.items()}
        self._keys = {kid: key for kid, key in built.items() if key is not None}

    @property
    def kids(self) -> frozenset[str]:
        """The keys that were usable."""
        return frozenset(self._keys)

    def verified(self, token: Unverified, kinds: frozenset[str | None]) -> Mapping[str, Any]:
        """The claims of a text that one of the keys signed, not yet judged. `kinds` are the types that it may say it
        is, None for saying nothing. Raises TokenRefused, and nothing else, whatever the text.
        """
        if token.kind not in kinds:
            raise TokenRefused("typ")
        algorithm, key = self._keys.get(token.kid, (None, None))
        if algorithm != token.algorithm:
            # Another key is asked, for nothing: so the time that a refusal takes does not tell which kids there are.
            key = next((each for its, each in self._keys.values() if its == token.algorithm), None)
        signed = key is not None and _signed(token, key)
        if algorithm != token.algorithm:
            raise TokenRefused("kid-unknown" if algorithm is None else "alg-key")
        if not signed:
            raise TokenRefused("signature")
        return token.claims


def _signed(token: Unverified, key: "Key") -> bool:
    try:
        jws.verify(token.text, key, [token.algorithm])
    except JWSError:
        return False
    return True


def _usable(kid: str, key: JWK, least_rsa_bits: int) -> tuple[str, "Key"] | None:
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
    if kty == "RSA" and (written["e"] != _RSA_EXPONENT or _bits(written["n"]) < least_rsa_bits):
        return None
    return algorithm, built


def _bits(number: str) -> int:
    return int.from_bytes(decoded(number), "big").bit_length()
