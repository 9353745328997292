"""Does a provider that others wrote get on with the service? npm's `oidc-provider`, on loopback, as it comes."""

import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from pip_api.access.keys import SigningKey
from pip_api.settings import NamedIssuer, Settings
from tests.access.provider import Elapsed, a_reader
from tests.access.ring import number, rsa_jwk
from tests.service import Service, refused, running
from tests.serving import free_port

pytestmark = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)  # what is tried here knows no database

HERE = Path(__file__).parent
SECRET = "a-secret-that-only-this-test-knows"
AUDIENCE = "https://pip-api.test"


def ec_key() -> dict[str, object]:
    return dict(SigningKey(ec.generate_private_key(ec.SECP256R1())).private_jwk())


def rsa_key() -> dict[str, object]:
    private = rsa.generate_private_key(65537, 3_072)
    numbers = private.private_numbers()
    members = {
        "d": numbers.d,
        "p": numbers.p,
        "q": numbers.q,
        "dp": numbers.dmp1,
        "dq": numbers.dmq1,
        "qi": numbers.iqmp,
    }
    return rsa_jwk("an-rsa-key", private) | {name: number(value) for name, value in members.items()}


@dataclass
class OidcProvider:
    port: int
    client_id: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def up(self, *keys: dict[str, object]) -> Iterator[None]:
        """Runs with these keys, of which the first signs."""
        with subprocess.Popen(
            ["node", HERE / "provider.js", str(self.port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        ) as process:  # fmt: skip
            try:
                told = {"keys": keys, "client": {"id": self.client_id, "secret": SECRET}, "audience": AUDIENCE}
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(json.dumps(told))
                process.stdin.close()
                assert process.stdout.readline() == "ready\n"
                yield
            finally:
                process.kill()

    async def token(self) -> str:
        async with httpx.AsyncClient() as client:
            form = {"grant_type": "client_credentials", "scope": "region:read"}
            answer = await client.post(f"{self.url}/token", data=form, auth=(self.client_id, SECRET))
            assert answer.status_code == 200, answer.text
            return str(answer.json()["access_token"])


@pytest.fixture
def installed() -> None:
    missing = not (HERE / "node_modules").is_dir() or shutil.which("node") is None
    if missing and os.environ.get("CI") == "true":
        pytest.fail("CI needs Node, and tests/peers/node_modules, which `make test` installs.")
    if missing:
        pytest.skip("Node, or tests/peers/node_modules, is not on this machine")


@dataclass
class Meeting:
    service: Service
    provider: OidcProvider
    elapsed: Elapsed

    async def asks(self) -> httpx.Response:
        """An answer to a program that has just got a token from the provider."""
        return await self.with_token(await self.provider.token())

    async def with_token(self, token: str) -> httpx.Response:
        return await self.service.http(Authorization=f"Bearer {token}").get("/v1/regions")


@pytest.fixture
async def meeting(installed: None, settings: Settings) -> AsyncIterator[Meeting]:
    """The service, which believes a provider that is down."""
    port, elapsed = free_port(), Elapsed()
    named = NamedIssuer(issuer=f"http://127.0.0.1:{port}", audience=AUDIENCE)
    async with running(settings.model_copy(update={"issuers": [named]}), elapsed) as service:
        service.clock.time = datetime.now(UTC)
        client_id = await a_reader(service, named.issuer, client_id="peer")
        yield Meeting(service, OidcProvider(port, client_id), elapsed)


async def test_its_tokens_are_taken_and_its_keys_may_change(meeting: Meeting) -> None:
    first, second = ec_key(), ec_key()
    meeting.elapsed.seconds += 30
    with meeting.provider.up(first):
        old = await meeting.provider.token()
        assert (await meeting.with_token(old)).status_code == 200
    with meeting.provider.up(second, first):  # the keys are rotated: both are published for a while
        meeting.elapsed.seconds += 31
        assert (await meeting.asks()).status_code == 200
        assert (await meeting.with_token(old)).status_code == 200
        new = await meeting.provider.token()
    with meeting.provider.up(second):
        meeting.elapsed.seconds += 300
        meeting.service.clock.forward(seconds=5)
        assert (await meeting.with_token(new)).status_code == 200
        refused(await meeting.with_token(old), 401, "invalid_token")


async def test_it_signs_with_rsa_too(meeting: Meeting) -> None:
    meeting.elapsed.seconds += 30
    with meeting.provider.up(rsa_key()):
        assert (await meeting.asks()).status_code == 200


async def test_it_may_be_down(meeting: Meeting) -> None:
    anybody, key = meeting.service.http(), ec_key()
    with meeting.provider.up(key):
        token = await meeting.provider.token()
    refused(await meeting.with_token(token), 503, "temporarily_unavailable")
    refused(await anybody.get("/readyz"), 503, "not_ready")
    with meeting.provider.up(key):
        meeting.elapsed.seconds += 30
        assert (await anybody.get("/readyz")).status_code == 200
        assert (await meeting.with_token(token)).status_code == 200
    for minutes in (6, 60, 600):  # and then it is down for a while
        meeting.elapsed.seconds += minutes * 60
        meeting.service.clock.forward(seconds=5)
        assert (await meeting.with_token(token)).status_code == 200
    meeting.elapsed.seconds += 86_400
    meeting.service.clock.forward(seconds=5)
    refused(await meeting.with_token(token), 503, "temporarily_unavailable")


async def test_what_it_makes_for_others_is_refused(meeting: Meeting) -> None:
    key = ec_key()
    meeting.elapsed.seconds += 30
    with meeting.provider.up(key):
        token = await meeting.provider.token()
        header, claims, signature = token.split(".")
        another = OidcProvider(free_port(), meeting.provider.client_id)
        with another.up(key):  # the same key at another address is another issuer
            refused(await meeting.with_token(await another.token()), 401, "invalid_token")
        refused(await meeting.with_token(f"{header}.{claims}.{signature[::-1]}"), 401, "invalid_token")
        assert (await meeting.with_token(token)).status_code == 200
