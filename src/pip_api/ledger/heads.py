"""Who vouches for the tree of a log, and for which one?

A head is a compact JWS (ES256) over the canonical form of a log's id, its size and root, and the moment. A witness that
has seen a head signs the same four members with its own key and under another type. One text is one head: what could be
written or read in two ways is refused.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from pip_api.access import base64url
from pip_api.access.token_text import TokenRefused, decoded, json_object, opened
from pip_api.ledger.envelope import canonical, is_moment, moment
from pip_api.ledger.tree import EMPTY_ROOT

if TYPE_CHECKING:  # who verifies needs no settings of a service
    from pip_api.access.keys import SigningKey

Keys = Mapping[str, ec.EllipticCurvePublicKey]
Kind = Literal["pip-sth+jws", "pip-cosignature+jws"]
HEAD: Final[Kind] = "pip-sth+jws"
COSIGNATURE: Final[Kind] = "pip-cosignature+jws"

_LOG: Final = re.compile(r"[0-9]{4}")
_ROOT: Final = re.compile(r"[0-9a-f]{64}")
_COORDINATE_BYTES: Final = 32


class HeadRefused(Exception):
    """A text is no head, or none that a known key has signed; the exception says why, in a few words."""


class KeyMissing(HeadRefused):
    """A text names a key that is not among those known; whether it is the head that it says cannot be said."""

    def __init__(self, kid: str, says: "Head") -> None:
        shown = kid if kid.isprintable() else ascii(kid)
        super().__init__(f"it names the key {shown[:64]}, which is not among those that were given")
        self.kid = kid
        self.says = says


class KeysRefused(Exception):
    """A set of keys cannot be used; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class Head:
    log_id: str
    tree_size: int
    root: bytes
    at: datetime


def log_of(at: datetime) -> str:
    """The log that an entry of a moment belongs to: that of its year in UTC."""
    return f"{at.astimezone(UTC).year:04}"


def end_of(log_id: str) -> datetime:
    """The first moment after a log."""
    return datetime(int(log_id) + 1, 1, 1, tzinfo=UTC)


def sign(head: Head, key: "SigningKey", kind: Kind = HEAD) -> str:
    content = f"{base64url.written(_header(kind, key.kid))}.{base64url.written(_payload(head))}"
    return f"{content}.{base64url.written(key.sign(content.encode()))}"


def verify(text: str, keys: Keys, kind: Kind = HEAD) -> Head:
    """The head that a text is, signed by a key of these. Raises HeadRefused, and KeyMissing where it names another."""
    try:
        header, payload, signature = _parts(text)
        members, found = (json_object(part, depth=1) for part in (header, payload))
    except TokenRefused as refused:
        raise HeadRefused(f"it is not a strict JWS: {refused.reason}") from refused
    for name, wanted in (("alg", "ES256"), ("typ", kind)):
        if members.get(name) != wanted:
            raise HeadRefused(f"its {name} is not {wanted}")
    kid = members.get("kid")
    if not isinstance(kid, str) or header != _header(kind, kid):
        raise HeadRefused("its header is not in its one form")
    key = keys.get(kid)
    if key is None:
        raise KeyMissing(kid, _head(found, payload))
    try:
        r, s = (int.from_bytes(half, "big") for half in (signature[:_COORDINATE_BYTES], signature[_COORDINATE_BYTES:]))
        key.verify(encode_dss_signature(r, s), text.rpartition(".")[0].encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise HeadRefused("its signature is not that of the key") from error
    return _head(found, payload)


def key_of(text: str) -> str | None:
    """The kid that a head names, whether it is known or not."""
    try:
        kid = json_object(opened(text)[0], depth=1).get("kid")
    except TokenRefused:
        return None
    return kid if isinstance(kid, str) else None


def is_jws(text: str) -> bool:
    """Whether a text has the parts of a JWS with ES256, whatever they are worth."""
    try:
        for part in _parts(text)[:2]:
            json_object(part, depth=1)
    except TokenRefused:
        return False
    return True


def _parts(text: str) -> tuple[bytes, bytes, bytes]:
    """Header, payload and signature. Raises TokenRefused."""
    header, payload = opened(text)
    signature = decoded(text.rpartition(".")[2])
    if len(signature) != 2 * _COORDINATE_BYTES:
        raise TokenRefused("signature-size")
    return header, payload, signature


def keys_of(document: Any) -> Keys:
    """The keys of a JWKS by kid. Raises KeysRefused when one is not a public ES256 key with a kid of its own."""
    given = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise KeysRefused("The keys are not a JWKS: an object with a list of keys.")
    names = Counter(str(each.get("kid")) for each in given)
    return {_kid(each, names): _public_key(each) for each in given}


def _kid(jwk: Mapping[str, Any], names: Counter[str]) -> str:
    kid = jwk.get("kid")
    if not isinstance(kid, str) or names[kid] > 1:
        raise KeysRefused("Each key needs a kid of its own.")
    return kid


def _public_key(jwk: Mapping[str, Any]) -> ec.EllipticCurvePublicKey:
    kid = jwk["kid"]
    if "d" in jwk:
        raise KeysRefused(f"The key {kid} is a private key.")
    if (jwk.get("kty"), jwk.get("crv"), jwk.get("alg", "ES256"), jwk.get("use", "sig")) != (
        "EC",
        "P-256",
        "ES256",
        "sig",
    ):
        raise KeysRefused(f"The key {kid} is not for ES256.")
    try:
        point = [decoded(jwk[name]) for name in ("x", "y")]
        if any(len(each) != _COORDINATE_BYTES for each in point):
            raise KeysRefused(f"The key {kid} has a coordinate that has not 32 bytes.")
        x, y = (int.from_bytes(each, "big") for each in point)
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except (KeyError, TypeError, ValueError, TokenRefused) as error:
        raise KeysRefused(f"The key {kid} is not a point of P-256.") from error


def _header(kind: Kind, kid: str) -> bytes:
    return canonical({"alg": "ES256", "kid": kid, "typ": kind})


def _payload(head: Head) -> bytes:
    return canonical(
        {
            "log_id": head.log_id,
            "root_hash": head.root.hex(),
            "timestamp": moment(head.at),
            "tree_size": head.tree_size,
        }
    )


def _head(members: Mapping[str, Any], payload: bytes) -> Head:
    log_id, root, at = (members.get(name) for name in ("log_id", "root_hash", "timestamp"))
    size = members.get("tree_size")
    if not (_is(_LOG, log_id) and _is(_ROOT, root) and is_moment(at) and type(size) is int and size >= 0):
        raise HeadRefused("it does not have the members of a head")
    head = Head(str(log_id), size, bytes.fromhex(str(root)), datetime.fromisoformat(str(at)))
    if _payload(head) != payload:
        raise HeadRefused("it is not in its one form")
    if head.tree_size == 0 and head.root != EMPTY_ROOT:
        raise HeadRefused("an empty log has another root")
    return head


def _is(form: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and form.fullmatch(value) is not None
