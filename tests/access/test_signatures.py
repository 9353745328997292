"""Which keys may sign, and is this text signed by one of them?"""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pip_api.access.signatures import JWK, VerifyingKeys, keys_by_kid, require_cryptography_backend
from tests.access.ring import ABSENT, Ring, changed, ec_jwk, number, rsa_jwk
from tests.serving import ROOT, free_port


def kids(*jwks: JWK) -> frozenset[str]:
    return VerifyingKeys(keys_by_kid(jwks)).kids


def test_of_the_key_set_only_the_usable_keys_are_left(ring: Ring) -> None:
    assert kids(*ring.jwks()) == {"r1", "e1"}


@pytest.mark.parametrize("change", [{"use": ABSENT}, {"alg": ABSENT}, {"x5t": "dGVzdA"}])
def test_keys_need_not_say_what_follows(ring: Ring, change: dict[str, object]) -> None:
    good = [rsa_jwk("r1", ring.r1), ec_jwk("e1", ring.e1, "P-256")]
    assert kids(*(changed(key, change) for key in good)) == {"r1", "e1"}


BAD_MEMBERS: list[dict[str, object]] = [
    {"d": "AQAB"},
    {"kty": "oct"},
    {"kty": ["EC"]},
    {"kty": ABSENT},
    {"crv": "P-384"},
    {"crv": {"P-256": 1}},
    {"use": "enc"},
    {"use": None},
    {"alg": "HS256"},
    {"alg": "RS512"},
    {"kid": "../r1"},
    {"kid": 7},
    {"kid": ABSENT},
    {"e": "Aw"},
    {"e": "AAEAAQ"},
    {"e": ABSENT},
    {"e": 65537},
    {"n": ""},
    {"n": "é"},
    {"n": ABSENT},
    {"x": "AAAA"},
    {"x": "A" * 43},
    {"x": "_" * 43},
    {"x": "_" * 4300},
    {"y": None},
    {"y": ""},
]


@pytest.mark.parametrize("change", BAD_MEMBERS, ids=range(len(BAD_MEMBERS)))
def test_an_unusable_key_is_left_out_and_the_others_stay(ring: Ring, change: dict[str, object]) -> None:
    good = ec_jwk("good", ring.e1, "P-256")
    if not change.keys() & {"crv", "x", "y"}:
        assert kids(changed(rsa_jwk("bad", ring.r1), change), good) == {"good"}
    if not change.keys() & {"n", "e"}:
        assert kids(changed(ec_jwk("bad", ring.e1, "P-256"), change), good) == {"good"}


@pytest.mark.parametrize("member", ["x", "y", "n", "e"])
@pytest.mark.parametrize("end", ["=", " ", "!!!!"])
def test_a_key_must_be_written_strictly(ring: Ring, member: str, end: str) -> None:
    key = rsa_jwk("bad", ring.r1) if member in "ne" else ec_jwk("bad", ring.e1, "P-256")
    assert kids(key) == {"bad"}
    assert kids({**key, member: f"{key[member]}{end}"}) == frozenset()


def test_a_kid_of_two_keys_names_neither(ring: Ring) -> None:
    assert kids(rsa_jwk("k", ring.r1), ec_jwk("k", ring.e1, "P-256"), ec_jwk("e1", ring.e1, "P-256")) == {"e1"}


def test_a_key_under_another_name_than_its_own_is_left_out(ring: Ring) -> None:
    keys = {"r1": rsa_jwk("r2", ring.r1), "e1": ec_jwk("e1", ring.e1, "P-256")}
    assert VerifyingKeys(keys).kids == {"e1"}


def test_rsa_of_2047_bits_is_too_weak(ring: Ring) -> None:
    n = ring.r1.public_key().public_numbers().n
    assert n.bit_length() == 2048
    assert kids({**rsa_jwk("r1", ring.r1), "n": number(n >> 1 | 1)}) == frozenset()


# The library


def jose_imports(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (module for module in modules if module.partition(".")[0] == "jose")


def test_only_one_module_imports_jose_and_of_it_only_signatures() -> None:
    sources = ROOT / "src" / "pip_api"
    found = {str(path.relative_to(sources)): set(jose_imports(path)) for path in sources.rglob("*.py")}
    assert {path: modules for path, modules in found.items() if modules} == {
        "access/signatures.py": {
            "jose.JOSEError",
            "jose.JWSError",
            "jose.jwk",
            "jose.jws",
            "jose.backends.base.Key",  # for the type checker only
        }
    }


IN_A_NEW_PROCESS = """
import sys
from datetime import UTC, datetime
from cryptography.hazmat.primitives.asymmetric import ec
from pip_api.access.keys import SigningKey
from pip_api.access.signatures import VerifyingKeys, require_cryptography_backend, unverified
from pip_api.access.token_text import TokenRefused
from pip_api.access.tokens import Terms, TokenIssuer, TokenVerifier

require_cryptography_backend()
key, clock = SigningKey(ec.generate_private_key(ec.SECP256R1())), lambda: datetime.now(UTC)
keys = VerifyingKeys({key.kid: key.public_jwk(), "r1": RSA_JWK})
verifier = TokenVerifier(Terms("iss", "aud"), clock)
assert keys.kids == {key.kid, "r1"}
token = TokenIssuer(key, "iss", "aud", 60, clock, lambda: "1").issue("subject", "client", None)
assert verifier.verify(unverified(token), keys).subject == "subject"
try:
    verifier.verify(unverified(token[:-86] + "A" * 86), keys)
except TokenRefused as refused:
    assert refused.reason == "signature"
require_cryptography_backend()
print(sorted({"ecdsa", "rsa", "jose.jwt", "jose.jwe"} & set(sys.modules)))
"""


def test_the_pure_python_packages_are_never_imported(ring: Ring) -> None:
    script = IN_A_NEW_PROCESS.replace("RSA_JWK", repr(rsa_jwk("r1", ring.r1)))
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (ran.stdout, ran.stderr, ran.returncode) == ("[]\n", "", 0)


STARTED = """
import asyncio
import sys
import httpx
from pip_api.app import create_app
from pip_api.db.migrate import migrate
from pip_api.settings import load

async def main():
    settings = load()
    migrate(settings)
    app = create_app(settings)
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://it") as caller:
        assert (await caller.get("/readyz")).status_code == 503, "an issuer is down"
        made = app.state.door.issuer.issue("nobody", "nobody", None)
        for token, status in ((made, 403), (made[:-86] + "A" * 86, 401)):
            answer = await caller.get("/v1/regions", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == status, answer.text

asyncio.run(main())
print(sorted({"ecdsa", "rsa", "jose.jwt", "jose.jwe"} & set(sys.modules)))
"""


def test_nor_are_they_by_the_service_as_a_whole(tmp_path: Path) -> None:
    named = [{"issuer": f"http://127.0.0.1:{free_port()}", "audience": "pip-api"}]
    environment = {
        "PIP_DATABASE_URL": f"sqlite:///{tmp_path}/pip.db",
        "PIP_SIGNING_KEY_FILE": f"{tmp_path}/key.pem",
        "PIP_SEALING_KEY_FILE": f"{tmp_path}/sealing.pem",
        "PIP_ISSUERS": json.dumps(named),
    }
    ran = subprocess.run(
        [sys.executable, "-c", STARTED], capture_output=True, text=True, env={**os.environ, **environment}, check=False
    )
    assert (ran.stdout.splitlines()[-1:], ran.returncode) == (["[]"], 0), ran.stderr


@pytest.mark.parametrize("package", ["ecdsa", "rsa"])
def test_start_up_fails_when_a_pure_python_package_is_imported(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, ModuleType(package))
    with pytest.raises(RuntimeError, match=f"{package} must not be imported"):
        require_cryptography_backend()


class ElsewhereKey:
    pass


@pytest.mark.parametrize("key_class", [None, ElsewhereKey])
def test_start_up_fails_with_another_backend(monkeypatch: pytest.MonkeyPatch, key_class: Any) -> None:
    monkeypatch.setattr("pip_api.access.signatures.jwk.get_key", lambda _: key_class)
    with pytest.raises(RuntimeError, match="does not use the cryptography package"):
        require_cryptography_backend()
