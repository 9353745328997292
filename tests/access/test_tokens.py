"""Who is asking? Every token here is made without jose: what it accepts, another implementation signed."""

import json
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from jose import jws

from pip_api.access.keys import SigningKey
from pip_api.access.token_text import TokenRefused
from pip_api.access.tokens import Claims, Terms, TokenIssuer
from tests.access.jwt_cases import CASES, MORE_CASES, Case
from tests.access.ring import (
    ABSENT,
    AUDIENCE,
    ISSUER,
    NOW,
    Judge,
    Ring,
    T,
    es,
    rs,
    rsa_jwk,
    unbase64,
)


def ids(cases: list[Case]) -> list[str]:
    return [f"{case.id} {case.name}" for case in cases]


@pytest.mark.parametrize("case", CASES + MORE_CASES, ids=ids(CASES + MORE_CASES))
def test_case(case: Case, ring: Ring, verifier: Judge) -> None:
    token = case.make(ring)
    if case.reason is None:
        assert verifier.verify(token).client_id == "console"
    else:
        with pytest.raises(TokenRefused) as refused:
            verifier.verify(token)
        assert refused.value.reason == case.reason


def test_the_cases_are_the_recorded_ones(data: Path) -> None:
    recorded = json.loads((data / "jwt_cases.json").read_text())["cases"]
    ours = [(case.id, case.name, "401" if case.reason else "200", case.reason) for case in CASES]
    theirs = [(case["id"], case["name"], case["expected"], case["H"].partition(":")[2] or None) for case in recorded]
    assert ours == theirs


def test_the_longest_token_is_read_and_one_character_more_is_not(ring: Ring, verifier: Judge) -> None:
    def of_length(wanted: int) -> str:
        return next(token for n in count(5500) if len(token := ring.es256(x="x" * n)) >= wanted)

    longest = of_length(8190)
    assert 8190 <= len(longest) <= 8192
    assert verifier.verify(longest).subject == "officer-7"
    with pytest.raises(TokenRefused, match="too-long"):
        verifier.verify(of_length(8193))


def test_claims_are_read_as_they_stand(ring: Ring, verifier: Judge) -> None:
    assert verifier.verify(ring.es256()) == Claims(
        issuer=ISSUER,
        subject="officer-7",
        client_id="console",
        jti="3f1c",
        issued_at=NOW - timedelta(seconds=60),
        expires_at=NOW + timedelta(seconds=840),
        scope=frozenset({"pips:read", "actions:write"}),
    )
    assert verifier.verify(ring.es256(scope=ABSENT)).scope is None


def test_a_refusal_takes_one_signature_whatever_is_wrong(
    ring: Ring, verifier: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that its time does not tell which kids there are, or how far a guess got."""
    asked: list[str] = []
    verify = jws.verify

    def counting(token: str, *more: Any) -> bytes:
        asked.append(token)
        return bytes(verify(token, *more))

    monkeypatch.setattr("pip_api.access.signatures.jws.verify", counting)
    wrong = {
        "kid-unknown": ring.es256(header={"kid": "e9"}),
        "alg-key": ring.es256(header={"kid": "r1"}),
        "signature": ring.es256(es(ec.generate_private_key(ec.SECP256R1()))),
        "exp": ring.es256(exp=T - 31),
        "aud": ring.es256(aud="payroll"),
    }
    for reason, token in wrong.items():
        with pytest.raises(TokenRefused, match=reason):
            verifier.verify(token)
    assert asked == list(wrong.values())


def test_two_issuers_may_use_the_same_kid(ring: Ring) -> None:
    theirs = Judge([rsa_jwk("r1", ring.stranger)], issuer="https://other.example.test")
    assert theirs.verify(ring.token(rs(ring.stranger), iss="https://other.example.test")).subject == "officer-7"
    for token in (ring.token(), ring.token(iss="https://other.example.test")):
        with pytest.raises(TokenRefused, match="signature"):
            theirs.verify(token)


def test_leeway_and_longest_lifetime_can_be_set(ring: Ring) -> None:
    strict = Judge(ring.jwks(), leeway_seconds=0, longest_lifetime_seconds=600)
    assert strict.verify(ring.es256(iat=T, exp=T + 600)).subject == "officer-7"
    with pytest.raises(TokenRefused, match="exp"):
        strict.verify(ring.es256(exp=T))
    with pytest.raises(TokenRefused, match="lifetime"):
        strict.verify(ring.es256(iat=T, exp=T + 601))


@pytest.mark.parametrize("seconds", [0, -1, 12 * 3600 + 1])
def test_no_lifetime_above_twelve_hours_can_be_set(seconds: int, issuing_key: SigningKey) -> None:
    with pytest.raises(ValueError, match="43200"):
        Terms(ISSUER, AUDIENCE, longest_lifetime_seconds=seconds)
    with pytest.raises(ValueError, match="43200"):
        TokenIssuer(issuing_key, ISSUER, AUDIENCE, seconds, lambda: NOW, lambda: "1")


@pytest.fixture
def issuer(issuing_key: SigningKey) -> TokenIssuer:
    numbers = count(1)
    return TokenIssuer(issuing_key, ISSUER, AUDIENCE, 900, lambda: NOW, lambda: f"id-{next(numbers)}")


@pytest.fixture
def own_verifier(issuing_key: SigningKey) -> Judge:
    return Judge([issuing_key.public_jwk()])


def test_an_issued_token_says_what_rfc_9068_asks(issuer: TokenIssuer, issuing_key: SigningKey) -> None:
    header, claims, signature = issuer.issue("officer-7", "console", "pips:read").split(".")
    assert json.loads(unbase64(header)) == {"alg": "ES256", "kid": issuing_key.kid, "typ": "at+jwt"}
    assert json.loads(unbase64(claims)) == {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "officer-7",
        "client_id": "console",
        "jti": "id-1",
        "iat": T,
        "exp": T + 900,
        "scope": "pips:read",
    }
    assert len(unbase64(signature)) == 64


def test_an_issued_token_is_accepted(issuer: TokenIssuer, own_verifier: Judge) -> None:
    first = own_verifier.verify(issuer.issue("officer-7", "console", "pips:read actions:write"))
    assert first.scope == frozenset({"pips:read", "actions:write"})
    assert first.expires_at - first.issued_at == timedelta(seconds=900)
    second = own_verifier.verify(issuer.issue("Zoë", "console", None))
    assert (second.subject, second.jti, second.scope) == ("Zoë", "id-2", None)


@pytest.mark.parametrize(
    ("subject", "client_id", "scope"),
    [("", "c", None), ("s\n", "c", None), ("s", "", None), ("s", "c" * 256, None), ("s", "c", ""), ("s", "c", "a  b")],
)
def test_what_would_be_refused_is_not_issued(
    issuer: TokenIssuer, subject: str, client_id: str, scope: str | None
) -> None:
    with pytest.raises(ValueError, match=r"printable|scope"):
        issuer.issue(subject, client_id, scope)


def test_a_token_that_is_too_long_is_not_issued(issuer: TokenIssuer) -> None:
    with pytest.raises(ValueError, match="longer than 8192"):
        issuer.issue("officer-7", "console", "x" * 8000)


@given(subject=st.text(), client_id=st.text(), scope=st.none() | st.text())
@settings(max_examples=100, deadline=None)
def test_whatever_is_issued_is_accepted(
    issuing_key: SigningKey, subject: str, client_id: str, scope: str | None
) -> None:
    verifier = Judge([issuing_key.public_jwk()])
    try:
        token = TokenIssuer(issuing_key, ISSUER, AUDIENCE, 900, lambda: NOW, lambda: "1").issue(
            subject, client_id, scope
        )
    except ValueError:
        return
    claims = verifier.verify(token)
    assert (claims.subject, claims.client_id) == (subject, client_id)
    assert claims.scope == (None if scope is None else set(scope.split(" ")))
