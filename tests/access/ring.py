"""With what are tokens made and judged in the tests? Everything is signed with `cryptography` alone, without jose."""

import base64
import hmac
import json
import os
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from pip_api.access.signatures import JWK, VerifyingKeys, keys_by_kid, unverified
from pip_api.access.tokens import Claims, Clock, Terms, TokenVerifier

ISSUER = "https://id.example.test"
AUDIENCE = "pip-api"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
T = int(NOW.timestamp())
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

ABSENT = object()
CLAIMS = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "officer-7",
    "client_id": "console",
    "jti": "3f1c",
    "iat": T - 60,
    "exp": T + 840,
    "scope": "pips:read actions:write",
}

Sign = Callable[[bytes], bytes]


def base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(value: int, length: int | None = None) -> str:
    return base64url(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


def rsa_jwk(kid: str, key: rsa.RSAPrivateKey, use: str = "sig") -> dict[str, object]:
    numbers = key.public_key().public_numbers()
    return {"kty": "RSA", "kid": kid, "alg": "RS256", "use": use, "n": number(numbers.n), "e": number(numbers.e)}


def ec_jwk(kid: str, key: ec.EllipticCurvePrivateKey, crv: str) -> dict[str, object]:
    numbers, length = key.public_key().public_numbers(), (key.key_size + 7) // 8
    x, y = number(numbers.x, length), number(numbers.y, length)
    return {"kty": "EC", "kid": kid, "alg": "ES256", "use": "sig", "crv": crv, "x": x, "y": y}


def rs(key: rsa.RSAPrivateKey, digest: hashes.HashAlgorithm | None = None) -> Sign:
    return lambda text: key.sign(text, padding.PKCS1v15(), digest or hashes.SHA256())


def ps256(key: rsa.RSAPrivateKey) -> Sign:
    return lambda text: key.sign(text, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


def es_der(key: ec.EllipticCurvePrivateKey) -> Sign:
    return lambda text: key.sign(text, ec.ECDSA(hashes.SHA256()))


def es(key: ec.EllipticCurvePrivateKey, twin: bool = False) -> Sign:
    length = (key.key_size + 7) // 8

    def sign(text: bytes) -> bytes:
        r, s = decode_dss_signature(es_der(key)(text))
        if twin:
            s = P256_ORDER - s
        return r.to_bytes(length, "big") + s.to_bytes(length, "big")

    return sign


def hs256(secret: bytes) -> Sign:
    return lambda text: hmac.digest(secret, text, "sha256")


def nested(depth: int) -> bytes:
    return b'"x":' + b"[" * depth + b"]" * depth


def changed(base: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in {**base, **changes}.items() if value is not ABSENT}


def joined(header: bytes, claims: bytes, sign: Sign) -> str:
    signed = f"{base64url(header)}.{base64url(claims)}"
    return f"{signed}.{base64url(sign(signed.encode()))}"


def spliced(token: str, middle: str) -> str:
    """`middle` put into the signature, in front of its last eight characters."""
    return token[:-8] + middle + token[-8:]


@dataclass(frozen=True)
class Ring:
    r1: rsa.RSAPrivateKey
    e1: ec.EllipticCurvePrivateKey
    weak: rsa.RSAPrivateKey
    enc1: rsa.RSAPrivateKey
    p384: ec.EllipticCurvePrivateKey
    stranger: rsa.RSAPrivateKey
    sym: bytes

    def jwks(self) -> list[dict[str, object]]:
        return [
            rsa_jwk("r1", self.r1),
            ec_jwk("e1", self.e1, "P-256"),
            rsa_jwk("weak", self.weak),
            rsa_jwk("enc1", self.enc1, use="enc"),
            ec_jwk("p384", self.p384, "P-384"),
            {"kty": "oct", "kid": "sym", "alg": "HS256", "k": base64url(self.sym)},
        ]

    def public(self, encoding: serialization.Encoding) -> bytes:
        return self.r1.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)

    def token(self, by: Sign | None = None, header: Mapping[str, object] | None = None, **claims: object) -> str:
        """By r1 and valid, but for what is given."""
        written = changed({"alg": "RS256", "kid": "r1", "typ": "at+jwt"}, header or {})
        return joined(json.dumps(written).encode(), json.dumps(changed(CLAIMS, claims)).encode(), by or rs(self.r1))

    def es256(self, by: Sign | None = None, header: Mapping[str, object] | None = None, **claims: object) -> str:
        return self.token(by or es(self.e1), {"alg": "ES256", "kid": "e1", **(header or {})}, **claims)

    def raw_header(self, header: bytes) -> str:
        return joined(header, json.dumps(CLAIMS).encode(), rs(self.r1))

    def raw_claims(self, claims: bytes) -> str:
        return joined(b'{"alg":"RS256","kid":"r1","typ":"at+jwt"}', claims, rs(self.r1))

    def members(self, wanted: int) -> str:
        extra = {f"x{n}": 1 for n in range(wanted - len(CLAIMS))}
        return self.raw_claims(json.dumps(CLAIMS | extra).encode())

    def headed(self, **header: object) -> str:
        return self.token(header=header)

    def unsigned(self, algorithm: str) -> str:
        return self.token(lambda _: b"", {"alg": algorithm})

    def hmac(self, secret: bytes, kid: str = "r1") -> str:
        return self.token(hs256(secret), {"alg": "HS256", "kid": kid})

    def parts(self) -> tuple[str, str, str]:
        header, claims, signature = self.token().split(".")
        return header, claims, signature

    def swapped(self) -> str:
        header, _, signature = self.parts()
        return f"{header}.{self.token(sub='chief').split('.')[1]}.{signature}"

    def flipped(self) -> str:
        header, claims, signature = self.parts()
        first, *rest = unbase64(signature)
        return f"{header}.{claims}.{base64url(bytes([first ^ 1, *rest]))}"

    def noncanonical(self) -> str:
        token = self.token()
        # 256 bytes leave four unused bits in the last character.
        alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
        return token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]

    def standard_alphabet(self) -> str:
        tokens = (self.token(jti=f"{n}") for n in count())
        header, claims, signature = next(token for token in tokens if set("-_") & set(token.split(".")[2])).split(".")
        return f"{header}.{claims}.{signature.translate(str.maketrans('-_', '+/'))}"


def new_ring() -> Ring:
    return Ring(
        r1=rsa.generate_private_key(65537, 2048),
        e1=ec.generate_private_key(ec.SECP256R1()),
        weak=rsa.generate_private_key(65537, 1024),
        enc1=rsa.generate_private_key(65537, 2048),
        p384=ec.generate_private_key(ec.SECP384R1()),
        stranger=rsa.generate_private_key(65537, 2048),
        sym=os.urandom(32),
    )


class Judge:
    """A verifier with its keys, at a moment that stands still."""

    def __init__(self, jwks: Sequence[JWK], clock: Clock = lambda: NOW, **terms: Any) -> None:
        self.keys = VerifyingKeys(keys_by_kid(jwks))
        self._verifier = TokenVerifier(Terms(**{"issuer": ISSUER, "audience": AUDIENCE, **terms}), clock)

    def verify(self, token: str) -> Claims:
        return self._verifier.verify(unverified(token), self.keys)
