"""Does each process know how large the log is, and say when entries wait too long?"""

import asyncio

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from structlog.testing import capture_logs

from pip_api.access.keys import create_signing_key
from pip_api.app import create_app
from pip_api.ledger import heads, log_state
from pip_api.ledger.log_state import look
from pip_api.settings import Settings, StartRefused
from tests.http.test_metrics import METRICS, sample
from tests.plans import CONCERN, a_concern
from tests.service import Service, running


async def test_a_process_learns_what_others_sealed(
    settings: Settings, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_state, "_EVERY", 0.01)
    sealed = await service.seal()
    async with running(settings) as other:
        lead = await other.caller("national_admin")
        await look(other.services.database, other.services.log)
        answer = await lead.post("/v1/concerns", json=CONCERN)
        assert answer.headers["audit-tree-size"] == str(sealed)
        other.services.log.tree_size = 0
        async with asyncio.timeout(30):
            while other.services.log.tree_size == 0:  # noqa: ASYNC110  (it looks by itself each second)
                await asyncio.sleep(0.01)


async def test_readiness_warns_when_entries_wait_too_long(service: Service, lead: httpx.AsyncClient) -> None:
    async def told() -> object:
        await look(service.services.database, service.services.log)
        answer = await service.http().get("/readyz")
        assert answer.status_code == 200
        return answer.json()

    await service.seal()
    await a_concern(lead)
    service.clock.forward(seconds=10)
    assert await told() == {"status": "ready"}
    service.clock.forward(seconds=1)
    assert await told() == {"status": "ready", "warnings": ["An entry of the ledger has waited 11 s for its seal."]}
    await service.seal()
    assert await told() == {"status": "ready"}


async def test_what_waits_and_what_is_sealed_is_measured(settings: Settings) -> None:
    async with running(Settings(**(settings.model_dump() | {"metrics_token": METRICS}))) as service:
        admin = await service.caller("national_admin")
        sealed = await service.seal()
        await a_concern(admin)
        service.clock.forward(seconds=7)
        await look(service.services.database, service.services.log)
        page = (await service.http(Authorization=f"Bearer {METRICS}").get("/metrics")).text
        found = {name: sample(page, f"pip_api_{name}") for name in FIGURES}
        assert found == dict(zip(FIGURES, (7, 1, sealed, 7), strict=True))


FIGURES = ("seal_lag_seconds", "seal_queue", "log_tree_size", "log_head_age_seconds")


async def test_heads_are_good_after_the_key_was_replaced(settings: Settings, service: Service) -> None:
    await service.seal()
    folder = settings.sealing_key_file.parent
    earlier = folder / "earlier.pem"
    private = settings.sealing_key_file.read_bytes()
    public = load_pem_private_key(private, None).public_key()
    earlier.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    update = {"sealing_key_file": folder / "next.pem", "earlier_sealing_key_files": str(earlier)}
    without = update | {"earlier_sealing_key_files": None}
    with capture_logs() as told:
        async with running(settings.model_copy(update=without)):
            pass
    (warning,) = (each for each in told if each["log_level"] == "warning")
    assert warning["kid"] == service.services.log.keys[0]["kid"]
    assert "PIP_EARLIER_SEALING_KEY_FILES" in warning["event"]
    with capture_logs() as told:
        async with running(settings.model_copy(update=update)):
            pass
    assert [each for each in told if each["log_level"] == "warning"] == []
    async with running(settings.model_copy(update=update)) as replaced:
        lead = await replaced.caller("national_admin")
        await a_concern(lead)
        size = await replaced.seal()
        keys = heads.keys_of((await lead.get("/v1/audit-log/keys")).json())
        assert len(keys) == 2
        newest = (await lead.get("/v1/audit-log/checkpoint")).json()
        before = await lead.get(f"/v1/audit-log/checkpoint?tree_size={newest['tree_size'] - size}")
        for head in (newest, before.json()):
            heads.verify(head["head"], keys)
        with pytest.raises(heads.HeadRefused):
            heads.verify(newest["head"], heads.keys_of({"keys": list(service.services.log.keys)}))


def test_production_makes_no_sealing_key(settings: Settings) -> None:
    create_signing_key(settings.signing_key_file)
    absent = settings.sealing_key_file.with_name("absent.pem")
    production = settings.model_copy(update={"environment": "production", "sealing_key_file": absent})
    with pytest.raises(StartRefused, match="There is no signing key at"):
        create_app(production)
    assert not absent.exists()
