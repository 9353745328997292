"""Can anybody check the tokens that are issued here, also while the key that signs them changes?"""

from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import serialization

from pip_api.access.keys import create_signing_key
from pip_api.access.permissions import PERMISSIONS
from pip_api.app import create_app
from pip_api.settings import Settings, StartRefused
from tests.access.ring import Judge
from tests.plans import AVON
from tests.service import Record, Service, refused, running

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
    assert {"/oauth2/token", KEYS} <= named <= routes


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
