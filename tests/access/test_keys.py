import base64
import hashlib
import hmac
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from jose import jws

from pip_api.access.keys import KeyUnusable, SigningKey, create_signing_key, load_signing_key, load_verifying_key

# The key of RFC 7515, appendix A.3.
RFC_7515_D = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"
RFC_7515_X = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
RFC_7515_Y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"


def unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def names_in(directory: Path) -> list[str]:
    return [entry.name for entry in directory.iterdir()]


@pytest.fixture
def known() -> SigningKey:
    return SigningKey(ec.derive_private_key(int.from_bytes(unbase64(RFC_7515_D), "big"), ec.SECP256R1()))


def write_pem(path: Path, key: PrivateKeyTypes, password: bytes | None = None) -> Path:
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption))
    path.chmod(0o600)
    return path


def test_a_known_key_has_its_known_jwk_and_thumbprint(known: SigningKey) -> None:
    assert known.kid == "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"
    assert known.public_jwk() == {
        "kty": "EC",
        "crv": "P-256",
        "x": RFC_7515_X,
        "y": RFC_7515_Y,
        "kid": known.kid,
        "alg": "ES256",
        "use": "sig",
    }
    assert known.private_jwk() == {**known.public_jwk(), "d": RFC_7515_D}


def test_numbers_with_leading_zeros_keep_their_length() -> None:
    short = SigningKey(ec.derive_private_key(1, ec.SECP256R1())).private_jwk()
    assert unbase64(short["d"]) == bytes(31) + b"\x01"
    assert len(unbase64(short["x"])) == len(unbase64(short["y"])) == 32


def test_a_secret_is_hkdf_sha256_of_the_private_number_for_its_purpose(known: SigningKey) -> None:
    extracted = hmac.digest(bytes(32), unbase64(RFC_7515_D), hashlib.sha256)
    assert known.secret("cursors") == hmac.digest(extracted, b"pip_api:cursors\x01", hashlib.sha256)


def test_secrets_differ_by_purpose_and_by_key(known: SigningKey) -> None:
    other = SigningKey(ec.generate_private_key(ec.SECP256R1()))
    secrets = {key.secret(purpose) for key in (known, other) for purpose in ("cursors", "seals", "")}
    assert len(secrets) == 6
    assert known.secret("cursors") == known.secret("cursors")


def write_public_pem(path: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> Path:
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    path.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, info))
    return path


def test_a_public_key_has_the_name_that_it_had_when_it_signed(tmp_path: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    loaded = load_verifying_key(write_public_pem(tmp_path / "public.pem", private))
    assert loaded == SigningKey(private).public_jwk()


def test_only_a_public_key_on_p_256_is_a_verifying_key(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    with pytest.raises(KeyUnusable, match="cannot be read: No such file or directory"):
        load_verifying_key(path)
    for wrong in (ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)):
        with pytest.raises(KeyUnusable, match="is not on the curve P-256"):
            load_verifying_key(write_public_pem(path, wrong))
    with pytest.raises(KeyUnusable, match="is not a public key in PEM format; `openssl pkey -pubout` makes one"):
        load_verifying_key(write_pem(path, ec.generate_private_key(ec.SECP256R1())))


def test_a_created_key_is_private_and_loads_again(tmp_path: Path) -> None:
    path = tmp_path / "var" / "keys" / "signing.pem"
    created = create_signing_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----\n")
    assert load_signing_key(path).private_jwk() == created.private_jwk()
    assert names_in(path.parent) == ["signing.pem"]


def test_creating_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "signing.pem"
    first = create_signing_key(path)
    assert create_signing_key(path).kid == first.kid
    assert names_in(tmp_path) == ["signing.pem"]


def test_all_who_start_at_once_get_the_one_key(tmp_path: Path) -> None:
    starters = 16
    path = tmp_path / "var" / "signing.pem"
    together = Barrier(starters)

    def start() -> str:
        together.wait()
        return create_signing_key(path).kid

    with ThreadPoolExecutor(starters) as pool:
        kids = {started.result() for started in [pool.submit(start) for _ in range(starters)]}
    assert kids == {load_signing_key(path).kid}
    assert names_in(path.parent) == ["signing.pem"]


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(KeyUnusable, match="No space left on device"):
        create_signing_key(tmp_path / "signing.pem")
    assert names_in(tmp_path) == []


def test_a_key_cannot_be_created_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")
    with pytest.raises(KeyUnusable, match="cannot be written"):
        create_signing_key(tmp_path / "var" / "signing.pem")


def test_a_bad_key_in_the_way_is_refused_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "signing.pem"
    path.touch(mode=0o600)
    with pytest.raises(KeyUnusable, match="not a private key in PEM format"):
        create_signing_key(path)
    assert path.read_bytes() == b""


def test_a_missing_key_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(KeyUnusable, match=r"There is no signing key at .*signing\.pem\.$"):
        load_signing_key(tmp_path / "signing.pem")


def test_a_directory_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(KeyUnusable, match="cannot be read: Is a directory"):
        load_signing_key(tmp_path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o601])
def test_a_key_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "signing.pem"
    create_signing_key(path)
    path.chmod(mode)
    with pytest.raises(KeyUnusable, match=f"open to other users \\(mode {mode:04o}\\)"):
        load_signing_key(path)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_of_its_owner_alone_is_accepted(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "signing.pem"
    created = create_signing_key(path)
    path.chmod(mode)
    assert load_signing_key(path).kid == created.kid


@pytest.mark.parametrize("content", [b"", b"secret", b"\x30\x81\x00", b"-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_what_is_not_pem_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "signing.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyUnusable, match="not a private key in PEM format"):
        load_signing_key(path)


def test_a_public_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "signing.pem"
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    path.write_bytes(public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    path.chmod(0o600)
    with pytest.raises(KeyUnusable, match="not a private key"):
        load_signing_key(path)


def test_another_curve_is_refused(tmp_path: Path) -> None:
    path = write_pem(tmp_path / "signing.pem", ec.generate_private_key(ec.SECP384R1()))
    with pytest.raises(KeyUnusable, match=r"on the curve P-256, not secp384r1\.$"):
        load_signing_key(path)


def test_an_rsa_key_is_refused(tmp_path: Path) -> None:
    path = write_pem(tmp_path / "signing.pem", rsa.generate_private_key(65537, 2048))
    with pytest.raises(KeyUnusable, match="not an elliptic curve key"):
        load_signing_key(path)


def test_a_key_with_a_password_is_refused(tmp_path: Path) -> None:
    path = write_pem(tmp_path / "signing.pem", ec.generate_private_key(ec.SECP256R1()), b"correct horse")
    with pytest.raises(KeyUnusable, match="protected by a password"):
        load_signing_key(path)


def test_the_key_is_not_shown_by_its_repr(known: SigningKey) -> None:
    assert RFC_7515_D not in repr(known)


@pytest.mark.parametrize("content", [b"", b"a.b", bytes(10_000)])
def test_a_signature_has_the_form_of_jws(known: SigningKey, content: bytes) -> None:
    signature = known.sign(content)
    assert len(signature) == 64
    header, payload = (base64.urlsafe_b64encode(part).rstrip(b"=") for part in (b'{"alg":"ES256"}', content))
    text = b".".join((header, payload, base64.urlsafe_b64encode(known.sign(header + b"." + payload)).rstrip(b"=")))
    assert jws.verify(text, known.public_jwk(), "ES256") == content
