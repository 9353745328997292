"""Which keys does this service sign with, which others of its own does it verify, and what may be derived from them?"""

import hashlib
import json
import os
import stat
import tempfile
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pip_api.access import base64url
from pip_api.settings import Settings, StartRefused

_COORDINATE_BYTES = 32


class KeyUnusable(Exception):
    """The signing key cannot be used; the text is one sentence for whoever runs the service."""


class SigningKey:
    """An ES256 private key. Its `kid` is the RFC 7638 thumbprint, so that the same key has the same name everywhere."""

    __slots__ = ("_private", "_public", "kid")

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        if not isinstance(private.curve, ec.SECP256R1):
            raise KeyUnusable(f"A signing key must be on the curve P-256, not {private.curve.name}.")
        self._private = private
        self._public = public_jwk(private.public_key())
        self.kid = self._public["kid"]

    def public_jwk(self) -> dict[str, str]:
        return dict(self._public)

    def private_jwk(self) -> dict[str, str]:
        return {**self.public_jwk(), "d": base64url.written(self._scalar())}

    def sign(self, content: bytes) -> bytes:
        """An ES256 signature as JWS has it: r and s, 32 bytes each."""
        pair = decode_dss_signature(self._private.sign(content, ec.ECDSA(hashes.SHA256())))
        return b"".join(value.to_bytes(_COORDINATE_BYTES, "big") for value in pair)

    def secret(self, purpose: str) -> bytes:
        """32 bytes for one purpose. Another purpose or key gives unrelated bytes, and none leads back to the key."""
        derivation = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"pip_api:{purpose}".encode())
        return derivation.derive(self._scalar())

    def _scalar(self) -> bytes:
        return self._private.private_numbers().private_value.to_bytes(_COORDINATE_BYTES, "big")


def public_jwk(public: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """A public key of the curve P-256, named by its thumbprint."""
    numbers = public.public_numbers()
    x, y = (base64url.written(value.to_bytes(_COORDINATE_BYTES, "big")) for value in (numbers.x, numbers.y))
    point = {"crv": "P-256", "kty": "EC", "x": x, "y": y}
    return {**point, "kid": thumbprint(point), "alg": "ES256", "use": "sig"}


def signing_key(settings: Settings) -> SigningKey:
    """The key that signs tokens. Raises StartRefused."""
    return _key(settings, settings.signing_key_file)


def sealing_key(settings: Settings) -> SigningKey:
    """The key that signs heads of the ledger. Raises StartRefused."""
    return _key(settings, settings.sealing_key_file)


def _key(settings: Settings, path: Path) -> SigningKey:
    """Only in development is a key made."""
    try:
        if settings.environment == "development" and not path.exists():
            return create_signing_key(path)
        return load_signing_key(path)
    except KeyUnusable as error:
        raise StartRefused(str(error)) from error


def own_keys(key: SigningKey, files: str | None) -> dict[str, dict[str, str]]:
    """The public keys of what was signed here, by their kids, the one that signs first. Raises StartRefused."""
    try:
        others = [load_verifying_key(Path(file.strip())) for file in (files.split(",") if files else ())]
    except KeyUnusable as error:
        raise StartRefused(str(error)) from error
    return {each["kid"]: each for each in (key.public_jwk(), *others)}


def load_verifying_key(path: Path) -> dict[str, str]:
    """The public key that a file holds, as a JWK. Raises KeyUnusable.

    A private key is refused: what is only to be verified needs none, and one that signs no more is better destroyed.
    """
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise KeyUnusable(f"The verifying key at {path} cannot be read: {error.strerror}.") from error
    try:
        public = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        hint = "`openssl pkey -pubout` makes one of a private key"
        raise KeyUnusable(f"The file at {path} is not a public key in PEM format; {hint}.") from error
    if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
        raise KeyUnusable(f"The verifying key at {path} is not on the curve P-256, which ES256 needs.")
    return public_jwk(public)


def load_signing_key(path: Path) -> SigningKey:
    """Raises KeyUnusable when the file is missing, open to other users, or holds anything but a P-256 private key."""
    try:
        with path.open("rb") as file:
            # Asked of the open file, not of the path: the file that is checked is the file that is read.
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            pem = file.read()
    except FileNotFoundError as error:
        raise KeyUnusable(f"There is no signing key at {path}.") from error
    except OSError as error:
        raise KeyUnusable(f"The signing key at {path} cannot be read: {error.strerror}.") from error
    if mode & 0o077:
        raise KeyUnusable(
            f"The signing key at {path} is open to other users (mode {mode:04o}); run `chmod 600` on it and, "
            "if anyone else may have read it, replace it."
        )
    try:
        private = serialization.load_pem_private_key(pem, password=None)
    except TypeError as error:
        raise KeyUnusable(f"The signing key at {path} is protected by a password, which is not supported.") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyUnusable(f"The file at {path} is not a private key in PEM format.") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise KeyUnusable(f"The signing key at {path} is not an elliptic curve key, which ES256 needs.")
    return SigningKey(private)


def create_signing_key(path: Path) -> SigningKey:
    """Make a key (mode 0600) unless one stands there already: two processes that start at once get the same key.

    Raises KeyUnusable when it cannot be written, or when what stands there cannot be used.
    """
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _place(path, pem)
    except OSError as error:
        raise KeyUnusable(f"A signing key cannot be written to {path}: {error.strerror}.") from error
    return load_signing_key(path)


def _place(path: Path, pem: bytes) -> None:
    # Written whole under another name (O_EXCL), then linked, which never overwrites. Opening `path` itself with O_EXCL
    # would let the process that lost read half a key, and a crash in between would leave an empty one for good.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(descriptor)
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def thumbprint(members: dict[str, str]) -> str:
    """The name of a key that follows from what it is (RFC 7638); `members` are those that a key of its kind needs."""
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True)
    return base64url.written(hashlib.sha256(canonical.encode()).digest())
