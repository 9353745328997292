"""Can anybody check the tokens that are issued here, also while the key that signs them changes?"""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from sqlalchemy import func, select

from pip_api.access import spent
from pip_api.access.keys import create_signing_key
from pip_api.access.permissions import PERMISSIONS
from pip_api.access.spent import RevokedToken
from pip_api.app import create_app
from pip_api.db.statements import Statement
from pip_api.resources.accounts import accounts
from pip_api.resources.grants import grants
from pip_api.settings import Settings, StartRefused
from tests.access.ring import Judge
from tests.ledger.test_entries import Ledger
from tests.plans import AVON
from tests.service import Record, Service, refused, running
from tests.signing import asked, signed_in

METADATA, KEYS = "/.well-known/oauth-authorization-server", "/.well-known/jwks.json"


async def told(service: Service, path: str) -> Record:
    answer = await service.http().get(path)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=300"
    document: Record = answer.json()
    return document


async def test_the_metadata_names_what_there_is(service: Service) -> None:
    metadata = await told(service, METADATA)
    issuer = service.services.settings.issuer
    assert metadata["issuer"] == issuer
    assert metadata["scopes_supported"] == sorted(PERMISSIONS)
    assert metadata["grant_types_supported"] == ["client_credentials"]
    routes = {route.path for route in service.app.routes if hasattr(route, "path")}
    named = {value.removeprefix(issuer) for name, value in metadata.items() if name.endswith(("_endpoint", "_uri"))}
    assert {"/oauth2/token", "/oauth2/revoke", KEYS} <= named <= routes
    assert metadata["token_endpoint_auth_signing_alg_values_supported"] == ["ES256", "RS256"]


async def test_the_host_of_a_request_is_never_told(service: Service) -> None:
    answer = await service.http(Host="evil.test").get(METADATA)
    assert answer.status_code == 200
    assert "evil.test" not in answer.text


async def test_a_token_can_be_checked_with_what_is_published(service: Service) -> None:
    caller = await service.caller("force_reader", f"force:{AVON}")
    published = (await told(service, KEYS))["keys"]
    assert all(set(each) == {"kty", "crv", "x", "y", "kid", "alg", "use"} for each in published)
    settings = service.services.settings
    checks = Judge(published, service.clock, issuer=settings.issuer, audience=settings.audience)
    bearer = caller.headers["authorization"].removeprefix("Bearer ")
    assert checks.verify(bearer).client_id == "force-reader-1"


async def test_the_key_changes_without_a_token_being_refused(settings: Settings, tmp_path: Path) -> None:
    """First the key to come is published, then it signs, and in the end the key before is left out."""
    old, new = settings.signing_key_file, tmp_path / "next.pem"
    kids = [create_signing_key(file).kid for file in (old, new)]
    before = settings.model_copy(update={"verifying_key_files": _public(new, tmp_path)})
    during = settings.model_copy(
        update={"signing_key_file": new, "verifying_key_files": f"{_public(old, tmp_path)}, {_public(new, tmp_path)}"}
    )
    after = settings.model_copy(update={"signing_key_file": new})

    async def status(service: Service, bearer: str) -> httpx.Response:
        return await service.http(Authorization=bearer).get("/v1/regions")

    async with running(before) as service:
        early = (await service.caller("force_reader", f"force:{AVON}")).headers["authorization"]
        assert [each["kid"] for each in (await told(service, KEYS))["keys"]] == kids
    async with running(during) as service:
        late = (await service.caller("force_lead", f"force:{AVON}")).headers["authorization"]
        assert [each["kid"] for each in (await told(service, KEYS))["keys"]] == kids[::-1]
        assert [(await status(service, each)).status_code for each in (early, late)] == [200, 200]
        service.clock.forward(seconds=settings.token_lifetime_seconds + 30)
        refused(await status(service, early), 401, "invalid_token")
    async with running(before) as service:  # a process that is not yet restarted
        assert (await status(service, late)).status_code == 200
    async with running(after) as service:
        refused(await status(service, early), 401, "invalid_token")
        assert (await status(service, late)).status_code == 200


def _public(file: Path, folder: Path) -> str:
    private = serialization.load_pem_private_key(file.read_bytes(), None)
    written = folder / f"{file.stem}.public.pem"
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    written.write_bytes(private.public_key().public_bytes(serialization.Encoding.PEM, info))
    return str(written)


def test_a_verifying_key_that_is_none_stops_the_start(tmp_path: Path, key_file: Path) -> None:
    create_signing_key(key_file)
    settings = Settings(
        database_url=f"sqlite:///{tmp_path}/pip.db", signing_key_file=key_file, verifying_key_files=str(key_file)
    )
    with pytest.raises(StartRefused, match="is not a public key in PEM format"):
        create_app(settings)


# Tokens that end before their time


async def revoke(service: Service, token: str, client: tuple[str, str], **form: str) -> httpx.Response:
    answer = await service.http().post("/oauth2/revoke", data={"token": token, **form}, auth=client)
    assert answer.status_code == 503 or answer.headers["cache-control"] == "no-store"
    return answer


def token_of(caller: httpx.AsyncClient) -> str:
    return caller.headers["authorization"].removeprefix("Bearer ")


async def test_a_revoked_token_ends_at_once_here_and_within_seconds_elsewhere(settings: Settings) -> None:
    async with running(settings) as here, running(settings) as there:
        client = await here.new_client("force_reader", f"force:{AVON}")
        caller, other = await signed_in(here, *client), await signed_in(here, *client)
        remote = there.http(Authorization=caller.headers["authorization"])
        for each in (caller, other, remote):
            assert (await each.get("/v1/regions")).status_code == 200
        for _ in range(2):  # once more is no fault
            answer = await revoke(here, token_of(caller), client, token_type_hint="access_token")
            assert (answer.status_code, answer.content) == (200, b"")
        refused(await caller.get("/v1/regions"), 401, "invalid_token")
        assert (await other.get("/v1/regions")).status_code == 200
        there.clock.forward(seconds=settings.access_memory_seconds)
        refused(await remote.get("/v1/regions"), 401, "invalid_token")


async def test_ending_a_token_lets_the_others_be_remembered(service: Service) -> None:
    client = await service.new_client("force_reader", f"force:{AVON}")
    ended, other = await signed_in(service, *client), await signed_in(service, *client)
    for each in (ended, other):
        assert (await each.get("/v1/regions")).status_code == 200
    grant = await service.grant_of(client[0])  # ended as another process would
    service.clock.forward(seconds=1)
    await service.change(grants, grant["id"], valid_to=service.clock().isoformat())
    for _ in range(2):
        assert (await revoke(service, token_of(ended), client)).status_code == 200
        assert (await other.get("/v1/regions")).status_code == 200  # asked anew it would be 403
    refused(await ended.get("/v1/regions"), 401, "invalid_token")


async def test_a_client_ends_so_many_tokens_a_minute(settings: Settings) -> None:
    async with running(settings.model_copy(update={"token_limit_requests": 2})) as service:
        client = await service.new_client("force_reader", f"force:{AVON}")
        tokens = [token_of(await signed_in(service, *client)) for _ in range(2)]
        assert [(await revoke(service, each, client)).status_code for each in tokens] == [200, 200]
        refused(
            await service.http().post("/oauth2/revoke", data={"token": tokens[0]}, auth=client), 429, "rate_limited"
        )
        service.clock.forward(minutes=1)
        assert (await revoke(service, tokens[0], client)).status_code == 200


async def test_a_revocation_is_an_entry(service: Service) -> None:
    client = await service.new_client("force_reader", f"force:{AVON}")
    caller, ledger = await signed_in(service, *client), Ledger(service)
    await ledger.news()
    for _ in range(2):
        await revoke(service, token_of(caller), client)
    (entry,) = await ledger.news()
    assert (entry["kind"], entry["act"], entry["client_id"]) == ("credential", "token.revoked", client[0])
    assert token_of(caller) not in repr(entry)


async def test_only_a_client_ends_its_own_tokens(service: Service) -> None:
    client, other = [await service.new_client("force_reader", f"force:{AVON}") for _ in range(2)]
    caller = await signed_in(service, *client)
    token = token_of(caller)
    for given, by, expected in (
        (token, (client[0], "wrong"), (401, "invalid_client")),
        (token, other, (400, "invalid_grant")),
        ("", client, (400, "invalid_request")),
    ):
        answer = await revoke(service, given, by)
        assert (answer.status_code, answer.json()["error"]) == expected
    for bad in ("x", token[:-1], "x" * 9_000):
        assert (await revoke(service, bad, client)).status_code == 200
    assert (await caller.get("/v1/regions")).status_code == 200


async def test_tokens_of_before_a_moment_end_with_it(service: Service) -> None:
    client = await service.new_client("force_reader", f"force:{AVON}")
    caller = await signed_in(service, *client)
    service.clock.forward(seconds=10)
    account = await service.account(client[0])
    await service.change(accounts, account["id"], not_before=service.clock().isoformat())
    refused(await caller.get("/v1/regions"), 401, "invalid_token")
    assert (await (await signed_in(service, *client)).get("/v1/regions")).status_code == 200


async def test_what_is_over_is_cleared_up(service: Service) -> None:
    service.clock.time = datetime.now(UTC) - timedelta(days=1)  # over by the clock of the database too
    client = await service.new_client("force_reader", f"force:{AVON}")
    await revoke(service, token_of(await signed_in(service, *client)), client)
    count = Statement(select(func.count().label("rows")).select_from(RevokedToken))
    for minutes, left in ((20, 1), (2, 0)):
        service.clock.forward(minutes=minutes)
        async with service.services.database.transaction() as session:
            await spent.forget_old(session, service.clock())
            assert await session.fetch(count) == [{"rows": left}]


async def test_in_read_only_mode_tokens_are_given_and_none_is_ended(settings: Settings) -> None:
    async with running(settings) as service:
        client = await service.new_client("force_reader", f"force:{AVON}")
    async with running(settings.model_copy(update={"read_only": True})) as service:
        caller = await signed_in(service, *client)
        refused(await revoke(service, token_of(caller), client), 503, "read_only_mode")
        assert (await caller.get("/v1/regions")).status_code == 200


# Limits


async def test_who_does_not_fail_is_not_counted_however_many_come_at_once(settings: Settings) -> None:
    async with running(settings.model_copy(update={"token_limit_requests": 3})) as service:
        clients = [await service.new_client("force_reader", f"force:{AVON}") for _ in range(6)]
        answers = await asyncio.gather(*(asked(service, {}, client) for client in clients))
        assert [each.status_code for each in answers] == [200] * 6
        wrong = await asyncio.gather(*(asked(service, {}, (name, "wrong")) for name, _ in clients))
        assert sorted(each.status_code for each in wrong) == [401] * 3 + [429] * 3
        for name in (clients[0][0], "nobody"):
            refused(await asked(service, {}, (name, "wrong")), 429, "rate_limited")


async def test_who_fails_too_often_is_not_looked_at(settings: Settings) -> None:
    async with running(settings.model_copy(update={"token_limit_requests": 3})) as service:
        client = await service.new_client("force_reader", f"force:{AVON}")
        for _ in range(5):
            assert (await asked(service, {}, (client[0], "wrong"))).status_code in (401, 429)
        answer = await service.http().post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=client)
        refused(answer, 429, "rate_limited")
        assert int(answer.headers["retry-after"]) > 0
        service.clock.forward(minutes=1)
        assert [(await asked(service, {}, client)).status_code for _ in range(3)] == [200] * 3
        refused(await asked(service, {}, client), 429, "rate_limited")  # it has tokens enough
        other = await service.new_client("force_reader", f"force:{AVON}")
        assert (await asked(service, {}, other)).status_code == 200
