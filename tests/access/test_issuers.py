"""Whose token is this, and is it good? Tokens of two providers and of the service itself, over HTTP.

J01, J02, J04, J09 and J10 are recorded cases of key sets; the others are in `test_key_sets.py`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from structlog.testing import capture_logs

from pip_api.access.issuers import Issuers
from pip_api.access.signatures import VerifyingKeys
from pip_api.access.token_text import TokenRefused
from pip_api.access.tokens import Terms
from pip_api.http.metrics import Metrics
from pip_api.settings import NamedIssuer, Settings, StartRefused, load
from tests.access.provider import Elapsed, Provider, a_reader, provider
from tests.access.ring import ABSENT, NOW, Ring, T, base64url, ec_jwk, es
from tests.plans import AVON
from tests.service import Service, refused, running

METRICS = "a-token-for-prometheus"


@asynccontextmanager
async def believing(settings: Settings, elapsed: Elapsed, *named: NamedIssuer) -> AsyncIterator[Service]:
    """The service, started with named issuers."""
    async with running(settings.model_copy(update={"issuers": list(named)}), elapsed) as service:
        yield service


async def asked(service: Service, token: str) -> httpx.Response:
    return await service.http(Authorization=f"Bearer {token}").get("/v1/regions")


async def test_a_program_may_come_with_a_token_of_a_named_issuer(
    settings: Settings, elapsed: Elapsed, idp: Provider, ring: Ring
) -> None:
    async with believing(settings, elapsed, idp.named()) as service:
        reader = await a_reader(service, idp.url, client_id="peer")
        said: dict[str, Any] = {"client_id": reader, "sub": reader, "scope": ABSENT}
        for token in (ring.token(iss=idp.url, **said), ring.es256(iss=idp.url, **said)):
            assert (await asked(service, token)).status_code == 200
        refused(await asked(service, ring.es256(iss=idp.url + "/", **said)), 401, "invalid_token")
        refused(await asked(service, ring.es256(iss=service.services.settings.issuer, **said)), 401, "invalid_token")
        own = await service.caller("force_reader", f"force:{AVON}")
        assert (await own.get("/v1/regions")).status_code == 200
    async with running(settings) as service:  # and to a service that does not believe it
        refused(await asked(service, ring.es256(iss=idp.url, **said)), 401, "invalid_token")


async def test_a_person_may_come_with_a_token_of_a_named_issuer(
    settings: Settings, elapsed: Elapsed, idp: Provider, ring: Ring
) -> None:
    async with provider(idp.jwks) as other, believing(settings, elapsed, idp.named(), other.named()) as service:
        await a_reader(service, idp.url, subject="officer-7")
        assert (await asked(service, ring.es256(iss=idp.url, scope=ABSENT))).status_code == 200
        for token in (ring.es256(iss=idp.url, sub="officer-8"), ring.es256(iss=other.url)):
            refused(await asked(service, token), 403, "unknown_subject")


async def test_a_start_while_the_provider_is_down(
    settings: Settings, elapsed: Elapsed, idp: Provider, ring: Ring
) -> None:
    """J01 and J02"""
    await idp.down()
    async with believing(settings, elapsed, idp.named()) as service:
        reader = await a_reader(service, idp.url, client_id="peer")
        token = ring.es256(iss=idp.url, client_id=reader, sub=reader, scope=ABSENT)
        answer = await asked(service, token)
        refused(answer, 503, "temporarily_unavailable")
        assert 1 <= int(answer.headers["retry-after"]) <= 30
        ready = await service.http().get("/readyz")
        refused(ready, 503, "not_ready")
        assert int(ready.headers["retry-after"]) > 0
        assert (await service.http().get("/healthz")).status_code == 200
        own = await service.caller("force_reader", f"force:{AVON}")
        assert (await own.get("/v1/regions")).status_code == 200
        await idp.up()
        refused(await asked(service, token), 503, "temporarily_unavailable")
        elapsed.seconds += 30
        assert (await asked(service, token)).status_code == 200
        assert (await service.http().get("/readyz")).status_code == 200
        assert idp.fetches == 1


async def test_whether_it_is_ready_is_looked_at_when_nobody_else_asks(
    settings: Settings, elapsed: Elapsed, idp: Provider
) -> None:
    await idp.down()
    async with believing(settings, elapsed, idp.named()) as service:
        await idp.up()
        refused(await service.http().get("/readyz"), 503, "not_ready")
        elapsed.seconds += 30
        assert (await service.http().get("/readyz")).status_code == 200


async def test_a_flood_of_unknown_names_is_one_request(elapsed: Elapsed, idp: Provider, ring: Ring) -> None:
    """J03"""
    issuers = believed(elapsed, idp.named())
    await issuers.open()
    elapsed.seconds += 30
    _, claims, signature = ring.es256(iss=idp.url).split(".")
    for number in range(10_000):
        header = base64url(b'{"alg":"ES256","typ":"at+jwt","kid":"k%d"}' % number)
        with pytest.raises(TokenRefused, match="kid-unknown"):
            await issuers.verify(f"{header}.{claims}.{signature}")
    assert idp.fetches == 2
    await issuers.close()


async def test_a_flood_of_unknown_names_is_refused(
    settings: Settings, elapsed: Elapsed, idp: Provider, ring: Ring
) -> None:
    """C12"""
    async with believing(settings, elapsed, idp.named()) as service:
        elapsed.seconds += 30
        for number in range(50):
            refused(await asked(service, ring.es256(header={"kid": f"k{number}"}, iss=idp.url)), 401, "invalid_token")
        reader = await a_reader(service, idp.url, client_id="peer")
        assert (
            await asked(service, ring.es256(iss=idp.url, client_id=reader, sub=reader, scope=ABSENT))
        ).status_code == 200
        assert idp.fetches == 2


async def test_a_rotated_key_is_taken_on_first_use(
    settings: Settings, elapsed: Elapsed, idp: Provider, ring: Ring
) -> None:
    """J04"""
    async with believing(settings, elapsed, idp.named()) as service:
        reader = await a_reader(service, idp.url, client_id="peer")
        new = ec.generate_private_key(ec.SECP256R1())
        idp.jwks = [*idp.jwks, ec_jwk("e2", new, "P-256")]
        elapsed.seconds += 31
        token = ring.token(
            es(new), {"alg": "ES256", "kid": "e2"}, iss=idp.url, client_id=reader, sub=reader, scope=ABSENT
        )
        assert (await asked(service, token)).status_code == 200
        assert idp.fetches == 2


def believed(elapsed: Elapsed, *named: NamedIssuer) -> Issuers:
    return Issuers(Terms("us", "us"), VerifyingKeys({}), named, lambda: NOW, Metrics("0"), elapsed)


async def test_each_issuer_has_only_its_own_keys(elapsed: Elapsed, idp: Provider, ring: Ring) -> None:
    """J09"""
    other_key = ec.generate_private_key(ec.SECP256R1())
    async with provider([ec_jwk("e1", other_key, "P-256")]) as other:
        issuers = believed(elapsed, idp.named(), other.named())
        await issuers.open()
        ours, theirs = ring.es256(iss=idp.url), ring.es256(es(other_key), iss=other.url)
        assert (await issuers.verify(ours)).issuer == idp.url
        assert (await issuers.verify(theirs)).issuer == other.url
        for token in (ring.es256(iss=other.url), ring.es256(es(other_key), iss=idp.url)):
            with pytest.raises(TokenRefused, match="signature"):
                await issuers.verify(token)
        await issuers.close()


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_clock_that_is_set_changes_nothing(
    settings: Settings, elapsed: Elapsed, idp: Provider, ring: Ring, hours: int
) -> None:
    """J10"""
    async with believing(settings, elapsed, idp.named()) as service:
        service.clock.forward(hours=hours)
        reader = await a_reader(service, idp.url, client_id="peer")
        now = T + hours * 3_600
        for number in range(20):
            said: dict[str, Any] = {"iat": now - 60, "exp": now + 600, "jti": f"{number}", "scope": ABSENT}
            assert (
                await asked(service, ring.es256(iss=idp.url, client_id=reader, sub=reader, **said))
            ).status_code == 200
        assert idp.fetches == 1
        elapsed.seconds += 300
        again = ring.es256(iss=idp.url, client_id=reader, sub=reader, **said | {"jti": "x"})
        assert (await asked(service, again)).status_code == 200
        assert idp.fetches == 2


async def test_terms_are_those_of_the_issuer(elapsed: Elapsed, idp: Provider, ring: Ring) -> None:
    named = idp.named(audience="police", max_lifetime_seconds=120, allow_jwt_typ=True)
    issuers = believed(elapsed, named)
    await issuers.open()
    good: dict[str, Any] = {"iss": idp.url, "aud": "police", "iat": T, "exp": T + 120}
    as_jwt = {"typ": "JWT"}
    assert (await issuers.verify(ring.es256(**good))).client_id == "console"
    assert (await issuers.verify(ring.es256(header=as_jwt, **good))).client_id == "console"
    for reason, token in {
        "aud": ring.es256(**good | {"aud": "pip-api"}),
        "lifetime": ring.es256(**good | {"exp": T + 121}),
        "nonce": ring.es256(header=as_jwt, **good, nonce="n"),
        "typ": ring.es256(header={"typ": "logout+jwt"}, **good),
        "iss": ring.es256(**good | {"iss": ["us", idp.url]}),
    }.items():
        with pytest.raises(TokenRefused) as refusal:
            await issuers.verify(token)
        assert refusal.value.reason == reason
    await issuers.close()


async def test_refusals_are_counted_and_told_by_their_reason_only(
    settings: Settings, elapsed: Elapsed, idp: Provider, ring: Ring
) -> None:
    counting = Settings(**(settings.model_dump() | {"metrics_token": METRICS}))
    async with believing(counting, elapsed, idp.named()) as service:
        secret = ring.token(header={"kid": "a-name-nobody-has"}, iss=idp.url, sub="someone-by-name")
        with capture_logs() as said:
            for token in (secret, secret, ring.token(iss="https://elsewhere.test"), "x.y"):
                refused(await asked(service, token), 401, "invalid_token")
            refused(await service.http(Authorization="eDp5").get("/v1/regions"), 401, "invalid_token")
        reasons = [each["reason"] for each in said if each["event"] == "token refused"]
        assert reasons == ["kid-unknown", "kid-unknown", "iss", "segments", "scheme"]
        with capture_logs() as later:
            await asked(service, ring.token(iss=idp.url, exp=T - 31, jti="the-very-token"))
            await asked(service, ring.token(iss=idp.url, exp=T - 31, jti="\n", sub="chief\nadmin"))
        first, second = (each for each in later if each["event"] == "token refused")
        assert (first["reason"], first["subject"], len(first["token"])) == ("exp", "officer-7", 16)
        assert set(second) == {"event", "log_level", "reason"}
        assert "the-very-token" not in str(later)
        assert "nobody-has" not in str(said)
        assert "someone" not in str(said)
        page = (await service.http(Authorization=f"Bearer {METRICS}").get("/metrics")).text
        assert 'pip_api_tokens_refused_total{reason="kid-unknown"} 2.0' in page
        assert f'pip_api_issuer_key_fetches_total{{issuer="{idp.url}",outcome="loaded"}} 1.0' in page
        assert f'pip_api_issuer_keys_age_seconds{{issuer="{idp.url}"}} 0.0' in page


async def test_the_service_stops_while_keys_are_fetched(
    settings: Settings, elapsed: Elapsed, idp: Provider, ring: Ring
) -> None:
    async with believing(settings, elapsed, idp.named()) as service:

        async def hang(writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(60)

        idp.misbehaves = hang
        idp.met.clear()
        elapsed.seconds += 30
        asking = asyncio.create_task(asked(service, ring.token(header={"kid": "new"}, iss=idp.url)))
        await idp.met.wait()
        asking.cancel()


# Settings


def test_weak_keys_are_told_of_at_the_start(elapsed: Elapsed) -> None:
    def named(bits: int) -> NamedIssuer:
        return NamedIssuer(issuer=f"https://{bits}.test", audience="a", min_rsa_bits=bits)

    with capture_logs() as said:
        believed(elapsed, named(3_072), named(2_048))
    assert [(each["log_level"], each["issuer"]) for each in said] == [("warning", "https://2048.test")]


GOOD = '{"issuer": "https://id.test", "audience": "pip-api"'


def test_issuers_are_read_from_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_ISSUERS", f'[{GOOD}}}, {{"issuer": "http://localhost:3000/t/", "audience": "b"}}]')
    first, second = load().issuers
    assert first == NamedIssuer(issuer="https://id.test", audience="pip-api")
    assert (first.min_rsa_bits, first.max_lifetime_seconds, first.allow_jwt_typ) == (3_072, 3_600, False)
    assert second.issuer == "http://localhost:3000/t/"
    monkeypatch.setenv("PIP_ISSUERS", "[]")
    assert load().issuers == []


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("{", "must be a JSON list of objects"),
        ("{}", "valid list"),
        ("[1]", "0: "),
        ('[{"issuer": "https://id.test"}]', "0.audience: Field required"),
        ('[{"audience": "a"}]', "0.issuer: Field required"),
        (f'[{GOOD}, "jwks": "https://id.test/keys"}}]', "0.jwks: Extra"),
        (f'[{GOOD}, "min_rsa_bits": 2047}}]', "0.min_rsa_bits: .*2048"),
        (f'[{GOOD}, "max_lifetime_seconds": 43201}}]', "0.max_lifetime_seconds: .*43200"),
        (f'[{GOOD}, "jwks_uri": "http://id.test/keys"}}]', "0.jwks_uri: must be an https address"),
        ('[{"issuer": "http://id.test", "audience": "a"}]', "0.issuer: must be an https address"),
        ('[{"issuer": "https://u:p@id.test", "audience": "a"}]', "0.issuer: must be an https address"),
        ('[{"issuer": "https://id.test?x", "audience": "a"}]', "0.issuer: an issuer has no query"),
        ('[{"issuer": "https://id.test#x", "audience": "a"}]', "0.issuer: must be an https address"),
        ('[{"issuer": "https://id.test:x", "audience": "a"}]', "0.issuer: must be an https address"),
        ('[{"issuer": "https://", "audience": "a"}]', "0.issuer: must be an https address"),
        ('[{"issuer": "Entra", "audience": "a"}]', "0.issuer: must be an https address"),
        (f"[{GOOD}}}, {GOOD}}}]", "PIP_ISSUERS names an issuer twice"),
        ('[{"issuer": "https://pip-api.invalid", "audience": "a"}]', "or names PIP_ISSUER"),
    ],
)
def test_what_is_wrong_with_issuers_is_said_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, value: str, wrong: str
) -> None:
    monkeypatch.setenv("PIP_ISSUERS", value)
    with pytest.raises(StartRefused, match=wrong) as refusal:
        load()
    assert "PIP_ISSUERS" in str(refusal.value)
    assert str(refusal.value).count("\n") == 0
