"""Does a client prove who it is by signing? Every assertion here is made with `cryptography` alone."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from pip_api.access.assertions import Assertion, claimed_client, verified
from pip_api.access.token_text import TokenRefused
from tests.access.ring import ABSENT, Sign, changed, ec_jwk, es, hs256, joined, rs, rsa_jwk

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
T = int(NOW.timestamp())
AUDIENCES = ("https://pip-api.example", "https://pip-api.example/oauth2/token")
CLAIMS = {"iss": "mart", "sub": "mart", "aud": AUDIENCES[1], "jti": "a-1", "iat": T, "exp": T + 60}
P256 = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)
WEAK = rsa.generate_private_key(65537, 1024)
KEYS: Mapping[str, Mapping[str, object]] = {
    "e1": ec_jwk("e1", P256, "P-256"),
    "r1": rsa_jwk("r1", RSA),
    "weak": rsa_jwk("weak", WEAK),
}


def made(header: Mapping[str, object] | None = None, by: Sign | None = None, **claims: object) -> str:
    head = changed({"alg": "ES256", "kid": "e1", "typ": "JWT"}, header or {})
    return joined(json.dumps(head).encode(), json.dumps(changed(CLAIMS, claims)).encode(), by or es(P256))


def judged(text: str, keys: Mapping[str, Mapping[str, object]] = KEYS) -> Assertion:
    return verified(text, "mart", keys, AUDIENCES, NOW)


@pytest.mark.parametrize(
    "text",
    [
        made(),
        made({"typ": ABSENT}),
        made({"typ": "client-authentication+jwt"}),
        made({"alg": "RS256", "kid": "r1"}, rs(RSA)),
        made(aud=AUDIENCES[0]),
        made(aud=["https://other.example", AUDIENCES[0]]),
        made(iat=ABSENT),
        made(iat=T + 29, exp=T + 329),
        made(exp=T + 300),
        made(iat=T - 300, exp=T - 29),
        made(nbf=T + 29),
    ],
)
def test_a_good_assertion_is_accepted_and_says_until_when_it_has_to_be_remembered(text: str) -> None:
    assert claimed_client(text) == "mart"
    accepted = judged(text)
    assert (accepted.client_id, accepted.jti) == ("mart", "a-1")
    assert NOW < accepted.kept_until <= NOW + timedelta(seconds=360)
    with pytest.raises(TokenRefused, match="exp"):
        verified(text, "mart", KEYS, AUDIENCES, accepted.kept_until)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (made({"typ": "at+jwt"}), "typ"),
        (made({"typ": 1}), "typ"),
        (made({"alg": "none"}, lambda _: b"x"), "alg"),
        (made({"alg": "HS256"}, hs256(b"secret")), "alg"),
        (made({"alg": "RS256"}, rs(RSA)), "alg-key"),
        (made({"kid": "r1"}), "alg-key"),
        (made({"kid": "other"}), "kid-unknown"),
        (made({"kid": ABSENT}), "kid"),
        (made({"alg": "RS256", "kid": "weak"}, rs(WEAK)), "kid-unknown"),
        (made({"jwk": ec_jwk("e1", P256, "P-256")}), "header-forbidden"),
        (made({"crit": ["exp"]}), "header-forbidden"),
        (made(by=es(ec.generate_private_key(ec.SECP256R1()))), "signature"),
        (made(iss="other"), "iss"),
        (made(iss=ABSENT), "iss"),
        (made(sub="other"), "sub"),
        (made(sub=["mart"]), "sub"),
        (made(aud="https://other.example"), "aud"),
        (made(aud=ABSENT), "aud"),
        (made(aud=[AUDIENCES[0], 1]), "aud"),
        (made(aud=[AUDIENCES[0]] * 9), "aud"),
        (made(jti=ABSENT), "jti"),
        (made(jti=""), "jti"),
        (made(jti=7), "jti"),
        (made(jti="x" * 256), "jti"),
        (made(exp=ABSENT), "exp-type"),
        (made(exp=str(T + 60)), "exp-type"),
        (made(exp=True), "exp-type"),
        (made(exp=T - 30), "exp"),
        (made(exp=T + 331, iat=ABSENT), "lifetime"),
        (made(exp=T + 301), "lifetime"),
        (made(exp=T - 20, iat=T - 10), "lifetime"),
        (made(iat=T + 31), "iat-future"),
        (made(iat=None), "iat-type"),
        (made(nbf=T + 31), "nbf"),
    ],
)
def test_another_is_refused(text: str, reason: str) -> None:
    with pytest.raises(TokenRefused) as refused:
        judged(text)
    assert refused.value.reason == reason


def test_whoever_has_no_key_is_refused_for_an_unknown_one() -> None:
    for text in (made(), made({"alg": "RS256", "kid": "r1"}, rs(RSA))):
        with pytest.raises(TokenRefused, match="kid-unknown"):
            judged(text, {})


GOOD = made()


@given(text=st.text() | st.builds(lambda at, by: GOOD[:at] + by + GOOD[at + 1 :], st.integers(0, 300), st.characters()))
def test_any_text_is_refused_and_nothing_else_happens(text: str) -> None:
    if text == GOOD:
        return
    with pytest.raises(TokenRefused):
        judged(text)
    with suppress(TokenRefused):
        claimed_client(text)
