"""With which keys does a named issuer sign just now?

J03 to J08 and J11 are recorded cases of key sets; the others are in `test_issuers.py`.
"""

import asyncio
import gzip
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import pytest
from structlog.testing import capture_logs

from pip_api.access.key_sets import STALE, FetchedKeys, freshness, metadata_addresses, new_client
from pip_api.http.metrics import Metrics
from pip_api.http.problems import Problem
from tests.access.provider import KEYS, METADATA, Elapsed, Misbehave, Provider, provider
from tests.access.ring import Ring, base64url, ec_jwk, rsa_jwk
from tests.http.test_metrics import sample


@asynccontextmanager
async def fetched(
    idp: Provider, elapsed: Elapsed, patience: float = 2, **changes: object
) -> AsyncIterator[FetchedKeys]:
    async with new_client() as http:
        keys = FetchedKeys(idp.named(**changes), Metrics("0"), elapsed, patience)
        await keys.open(http)
        yield keys
        await keys.close()


async def kids(keys: FetchedKeys, wanted: str = "r1") -> frozenset[str]:
    return (await keys.holding(wanted)).kids


async def test_a_thousand_unknown_names_at_once_are_one_fetch(idp: Provider, elapsed: Elapsed) -> None:
    """J03"""
    async with fetched(idp, elapsed) as keys:
        names = map(str, count())
        await asyncio.gather(*(kids(keys, next(names)) for _ in range(1_000)))
        assert idp.fetches == 1  # that of the start, a moment ago
        elapsed.seconds += 30
        found = await asyncio.gather(*(kids(keys, next(names)) for _ in range(1_000)))
        assert set(found) == {frozenset({"r1", "e1"})}
        assert idp.fetches == 2
        elapsed.seconds += 29.9
        await kids(keys, "unknown")
        assert idp.fetches == 2


async def test_who_has_a_known_key_waits_for_nobody(idp: Provider, elapsed: Elapsed) -> None:
    """J03: a flood of unknown names, while the provider takes its time."""
    async with fetched(idp, elapsed, patience=0.5) as keys:
        idp.misbehaves = hang
        idp.met.clear()
        elapsed.seconds += 30
        unknown = asyncio.create_task(kids(keys, "unknown"))
        await idp.met.wait()
        assert await kids(keys) == {"r1", "e1"}
        assert not unknown.done()
        assert await unknown == {"r1", "e1"}


async def test_one_who_gives_up_takes_the_fetch_from_nobody(idp: Provider, elapsed: Elapsed, ring: Ring) -> None:
    async with fetched(idp, elapsed) as keys:
        idp.jwks = [*idp.jwks, ec_jwk("e2", ring.e1, "P-256")]
        elapsed.seconds += 30
        first, second = (asyncio.create_task(kids(keys, "e2")) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert "e2" in await second
        assert idp.fetches == 2


async def test_a_new_key_is_known_on_first_use(idp: Provider, elapsed: Elapsed, ring: Ring) -> None:
    """J04"""
    async with fetched(idp, elapsed) as keys:
        elapsed.seconds += 31
        idp.jwks = [ec_jwk("e2", ring.e1, "P-256")]
        assert await kids(keys, "e2") == {"e2"}
        assert idp.fetches == 2


async def test_a_withdrawn_key_is_gone_within_five_minutes(idp: Provider, elapsed: Elapsed) -> None:
    """J05"""
    async with fetched(idp, elapsed) as keys:
        idp.jwks = idp.jwks[1:]
        elapsed.seconds += 299
        assert await kids(keys) == {"r1", "e1"}
        elapsed.seconds += 1
        assert await kids(keys) == {"e1"}
        assert idp.fetches == 2


def answering(head: str, body: bytes = b"") -> Misbehave:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()

    return answer


async def hang(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def reset_within(writer: asyncio.StreamWriter) -> None:
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n{"keys":')
    await writer.drain()
    writer.transport.abort()


async def ten_megabytes(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(160):
        writer.write(b"10000\r\n" + b" " * 65_536 + b"\r\n")
        await writer.drain()
    raise AssertionError("all of it was read")


async def endless_header(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in range(160):
        writer.write(b"x" * 65_536)
        await writer.drain()
    raise AssertionError("all of it was read")


async def no_http(writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    await writer.drain()


BOMB = gzip.compress(b" " * 10_000_000)
BAD: dict[str, Misbehave] = {
    "500": answering("500 Internal Server Error"),
    "302": answering("302 Found\r\nLocation: {elsewhere}"),
    "204": answering("204 No Content"),
    "no keys": answering("200 OK", b'{"keys":[]}'),
    "no usable key": answering("200 OK", b'{"keys":[{"kty":"oct","kid":"a","k":"AAAA"},7,null,"r1"]}'),
    "keys are an object": answering("200 OK", b'{"keys":{"r1":{}}}'),
    "a list": answering("200 OK", b"[]"),
    "no body": answering("200 OK"),
    "HTML": answering("200 OK\r\nContent-Type: text/html", b"<!doctype html><title>Sign in</title>"),
    "not UTF-8": answering("200 OK", b'{"keys":"\xff"}'),
    "deep": answering("200 OK", b'{"keys":' + b"[" * 20_000),
    "a member twice": answering("200 OK", b'{"keys":[],"keys":[]}'),
    "gzip bomb": answering("200 OK\r\nContent-Encoding: gzip", BOMB),
    "bomb within a bomb": answering("200 OK\r\nContent-Encoding: gzip, gzip", gzip.compress(BOMB)),
    "bomb of chunks": answering("200 OK\r\nTransfer-Encoding: gzip", BOMB),
    "10 MB": ten_megabytes,
    "endless header": endless_header,
    "no HTTP": no_http,
    "drip": drip,
    "silence": hang,
    "reset": reset,
    "reset within": reset_within,
}


@pytest.mark.parametrize("how", BAD)
async def test_a_bad_answer_takes_no_key_away(idp: Provider, elapsed: Elapsed, how: str) -> None:
    """J06"""
    async with provider([]) as elsewhere, fetched(idp, elapsed, patience=0.3) as keys:
        idp.misbehaves = BAD[how]
        if how == "302":
            idp.misbehaves = answering(f"302 Found\r\nLocation: {elsewhere.url}{KEYS}")
        elapsed.seconds += 300
        tracemalloc.start()
        with capture_logs() as said:
            assert await kids(keys) == {"r1", "e1"}
            await kids(keys, "unknown")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 1_000_000
        assert idp.fetches == 2
        assert elsewhere.asked == []
        assert [each["issuer"] for each in said] == [idp.url]
        idp.misbehaves = None
        elapsed.seconds += 30
        assert await kids(keys, "r1") == {"r1", "e1"}


async def test_an_issuer_that_is_down_holds_nobody_up(idp: Provider, elapsed: Elapsed) -> None:
    async with fetched(idp, elapsed, patience=0.2) as keys:
        idp.misbehaves = hang
        elapsed.seconds += 300
        await kids(keys)  # the first one waits, since nothing is known of the trouble
        elapsed.seconds += 30
        idp.met.clear()
        known = asyncio.create_task(kids(keys))
        await asyncio.sleep(0)
        assert known.done()
        await idp.met.wait()  # it is tried in the background


async def test_bad_keys_are_left_out_and_the_others_work(idp: Provider, elapsed: Elapsed, ring: Ring) -> None:
    """J07"""
    good = ec_jwk("good", ring.e1, "P-256")
    idp.jwks = [
        rsa_jwk("private", ring.r1) | {"d": "AQAB"},
        {"kty": "oct", "kid": "sym", "alg": "HS256", "k": base64url(ring.sym)},
        rsa_jwk("twice", ring.r1),
        ec_jwk("twice", ring.e1, "P-256"),
        rsa_jwk("weak", ring.weak),
        rsa_jwk("exponent", ring.r1) | {"e": "Aw"},
        rsa_jwk("even", ring.r1) | {"e": "AQAA"},
        ec_jwk("p384", ring.p384, "P-384"),
        rsa_jwk("enc1", ring.enc1, use="enc"),
        good,
    ]
    async with fetched(idp, elapsed) as keys:
        assert await kids(keys) == {"good"}


async def test_weak_keys_need_a_setting(idp: Provider, elapsed: Elapsed, ring: Ring) -> None:
    async with fetched(idp, elapsed, min_rsa_bits=3_072) as keys:
        assert await kids(keys) == {"e1"}
    async with fetched(idp, elapsed, min_rsa_bits=2_048) as keys:
        assert await kids(keys) == {"e1", "r1"}


async def test_old_keys_serve_for_a_day(idp: Provider, elapsed: Elapsed) -> None:
    """J08"""
    async with fetched(idp, elapsed) as keys:
        await idp.down()
        for _ in range(3):
            elapsed.seconds += STALE / 3
            assert await kids(keys) == {"r1", "e1"}
        elapsed.seconds += 1
        for wanted in ("r1", "unknown"):
            with pytest.raises(Problem) as refusal:
                await kids(keys, wanted)
            assert refusal.value.status == 503
            assert 1 <= int(refusal.value.headers["Retry-After"]) <= 30
        await idp.up()
        elapsed.seconds += 30
        with pytest.raises(Problem):
            await kids(keys)  # it was known to be down, so nobody waits for it
        await keys.try_again()  # which is on its way
        assert await kids(keys) == {"r1", "e1"}


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("", 300),
        ("max-age=5", 60),
        ("max-age=31536000", 3_600),
        ("max-age=99999999999999999999", 300),
        ("public, max-age=900, must-revalidate", 900),
        ('public,MAX-AGE="900"', 900),
        ("s-maxage=900", 300),
        ("max-age=-1", 300),
        ("max-age=1e9", 300),
        ("no-store", 300),
    ],
)
async def test_how_long_keys_are_fresh(idp: Provider, elapsed: Elapsed, said: str, seconds: float) -> None:
    """J11"""
    assert freshness(said) == seconds
    idp.headers = f"Cache-Control: {said}\r\n"
    async with fetched(idp, elapsed) as keys:
        elapsed.seconds += seconds - 1
        await kids(keys)
        assert idp.fetches == 1
        elapsed.seconds += 1
        await kids(keys)
        assert idp.fetches == 2


# Where the keys are


@pytest.mark.parametrize(
    ("issuer", "openid", "oauth"),
    [
        ("https://a.test", "https://a.test{}", "https://a.test{}"),
        ("https://a.test/", "https://a.test{}", "https://a.test{}"),
        ("https://a.test/t/v2", "https://a.test/t/v2{}", "https://a.test{}/t/v2"),
        ("https://a.test:8443/t/", "https://a.test:8443/t{}", "https://a.test:8443{}/t"),
    ],
)
def test_where_metadata_are(issuer: str, openid: str, oauth: str) -> None:
    assert list(metadata_addresses(issuer)) == [
        openid.format("/.well-known/openid-configuration"),
        oauth.format("/.well-known/oauth-authorization-server"),
    ]


async def test_keys_are_found_by_the_metadata_and_looked_for_again_when_they_are_gone(
    idp: Provider, elapsed: Elapsed
) -> None:
    async with fetched(idp, elapsed, jwks_uri=None) as keys:
        assert await kids(keys) == {"r1", "e1"}
        elapsed.seconds += 300
        await kids(keys)
        assert idp.asked == [METADATA, KEYS, KEYS]
        idp.misbehaves = BAD["500"]
        elapsed.seconds += 300
        await kids(keys)
        idp.misbehaves = None
        elapsed.seconds += 30
        await kids(keys, "unknown")
        assert idp.asked[3:] == [KEYS, METADATA, KEYS]


async def test_metadata_may_be_where_rfc_8414_says(idp: Provider, elapsed: Elapsed, ring: Ring) -> None:
    oauth = "/.well-known/oauth-authorization-server"
    answered = idp._answer
    idp._answer = lambda path: answered({oauth: METADATA, METADATA: "/nothing"}.get(path, path))  # type: ignore[method-assign]
    async with fetched(idp, elapsed, jwks_uri=None) as keys:
        assert await kids(keys) == {"r1", "e1"}
        assert idp.asked == [METADATA, oauth, KEYS]


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://other.test"},
        {"issuer": None},
        {"jwks_uri": None},
        {"jwks_uri": ["https://a.test/keys"]},
        {"jwks_uri": "http://a.test/keys"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "https://user@a.test/keys"},
        {"jwks_uri": "https://a.test:port/keys"},
    ],
)
async def test_metadata_that_are_not_to_be_believed(
    idp: Provider, elapsed: Elapsed, metadata: dict[str, object]
) -> None:
    idp.metadata = metadata
    async with fetched(idp, elapsed, jwks_uri=None) as keys:
        assert not keys.loaded
        with pytest.raises(Problem):
            await kids(keys)
        assert idp.asked == [METADATA]


async def test_what_was_fetched_is_counted(idp: Provider, elapsed: Elapsed) -> None:
    metrics = Metrics("0")
    keys = FetchedKeys(idp.named(), metrics, elapsed)
    fetches = 'pip_api_issuer_key_fetches_total{issuer="%s",outcome="%s"}'

    def told() -> tuple[float, float, float]:
        """The age of the keys, and how often they were had and not."""
        page = metrics.page().decode()
        age = sample(page, f'pip_api_issuer_keys_age_seconds{{issuer="{idp.url}"}}')
        return age, sample(page, fetches % (idp.url, "loaded")), sample(page, fetches % (idp.url, "failed"))

    assert told() == (float("inf"), 0, 0)
    async with new_client() as http:
        await keys.open(http)
        elapsed.seconds += 7
        assert told() == (7, 1, 0)
        await idp.down()
        elapsed.seconds += 300
        await keys.holding("r1")
        assert told() == (307, 1, 1)
        await keys.close()
