"""Is there a text that is accepted although nobody issued it?"""

import json
import string
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from random import Random

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from pip_api.access.token_text import TokenRefused
from tests.access.ring import AUDIENCE, CLAIMS, ISSUER, Judge, Ring, T, base64url, es, unbase64
from tests.soak import examples

ALPHABET = string.ascii_letters + string.digits + "-_"
STRANGE = [*string.printable, "\0", "é", "\ud800", "\u2028"]
Mutation = Callable[[Random, str, str], str]


def flip(random: Random, token: str, donor: str) -> str:
    at = random.randrange(len(token))
    return token[:at] + chr(ord(token[at]) ^ (1 << random.randrange(7))) + token[at + 1 :]


def retype(random: Random, token: str, donor: str) -> str:
    """Another letter of the same alphabet: the frame stays in order, and the signature is looked at."""
    at = random.randrange(len(token))
    return token[:at] + random.choice(ALPHABET) + token[at + 1 :]


def put(random: Random, token: str, donor: str) -> str:
    at = random.randrange(len(token))
    return f"{token[:at]}{random.choice(STRANGE)}{token[at:]}"


def cut(random: Random, token: str, donor: str) -> str:
    start, end = sorted(random.choices(range(len(token) + 1), k=2))
    return token[:start] + token[end:]


def splice(random: Random, token: str, donor: str) -> str:
    start, end = sorted(random.choices(range(len(token) + 1), k=2))
    return token[:start] + donor[end:]


def swap(random: Random, token: str, donor: str) -> str:
    parts, theirs = token.split("."), donor.split(".")
    which = random.randrange(3)
    return ".".join([*parts[:which], theirs[which], *parts[which + 1 :]]) if len(parts) == len(theirs) == 3 else donor


def recase(random: Random, token: str, donor: str) -> str:
    start, end = sorted(random.choices(range(len(token) + 1), k=2))
    return token[:start] + token[start:end].swapcase() + token[end:]


def encode_again(random: Random, token: str, donor: str) -> str:
    """The same JSON in other bytes, under the old signature."""
    parts = token.split(".")
    which = random.randrange(2)
    with suppress(ValueError, IndexError, RecursionError):
        parts[which] = base64url(json.dumps(json.loads(unbase64(parts[which])), indent=random.randrange(4)).encode())
    return ".".join(parts)


def flip_deep(random: Random, token: str, donor: str) -> str:
    """One bit of what a part says, in good base64url."""
    parts = token.split(".")
    which = random.randrange(len(parts))
    with suppress(ValueError):
        inside = bytearray(unbase64(parts[which]))
        if inside:
            inside[random.randrange(len(inside))] ^= 1 << random.randrange(8)
            parts[which] = base64url(bytes(inside))
    return ".".join(parts)


def claim_more(random: Random, token: str, donor: str) -> str:
    """Other claims under the old signature."""
    header, _, signature, *_ = [*token.split("."), "", ""]
    claims = CLAIMS | {
        random.choice([*CLAIMS, "nbf", "cnf"]): random.choice(["chief", T + 60, None, True, [ISSUER], {}])
    }
    return f"{header}.{base64url(json.dumps(claims).encode())}.{signature}"


MUTATIONS: list[Mutation] = [flip, retype, put, cut, splice, swap, recase, encode_again, flip_deep, claim_more]


def independently_good(ring: Ring, token: str) -> bool:
    """Whether `cryptography` alone finds the signature good."""
    header, claims, signature = token.split(".")
    text, sent = f"{header}.{claims}".encode(), unbase64(signature)
    try:
        if json.loads(unbase64(header))["alg"] == "RS256":
            ring.r1.public_key().verify(sent, text, padding.PKCS1v15(), hashes.SHA256())
        else:
            r, s = int.from_bytes(sent[:32], "big"), int.from_bytes(sent[32:], "big")
            ring.e1.public_key().verify(encode_dss_signature(r, s), text, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def test_a_mutated_token_is_accepted_only_if_it_is_an_issued_one(ring: Ring, verifier: Judge) -> None:
    issued = [ring.token(), ring.token(jti="2", sub="chief"), ring.es256(), ring.es256(jti="2", sub="chief")]
    accepted, reasons = 0, set[str]()
    for number in range(examples(20_000, 1_000_000)):
        random = Random(number)
        text = random.choice(issued)
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            text = random.choice(MUTATIONS)(random, text, random.choice(issued)) or "."
        try:
            verifier.verify(text)
        except TokenRefused as refused:  # and nothing else, whatever the text
            reasons.add(refused.reason)
            assert text not in issued, number
            continue
        accepted += 1
        assert text in issued, number
        assert independently_good(ring, text), number
    assert accepted > 0  # some mutations change nothing
    assert {
        "signature",
        "kid-unknown",
        "b64-alphabet",
        "b64-noncanonical",
        "segments",
        "json-utf8",
    } <= reasons


@given(text=st.text(st.characters(exclude_categories=())) | st.from_regex(r"[\w.=-]*\.[\w.=-]*\.[\w.=-]*"))
@settings(max_examples=200, deadline=None)
def test_any_text_is_refused_and_nothing_else_happens(verifier: Judge, text: str) -> None:
    with pytest.raises(TokenRefused):
        verifier.verify(text)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=20)
    | st.sampled_from([ISSUER, AUDIENCE, "at+jwt", "e1", "ES256", T, T + 60, 253_402_300_799.999999]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@given(
    header=st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "x"]), JSON, max_size=2),
    claims=st.dictionaries(st.sampled_from([*CLAIMS, "nbf", "x"]), JSON, max_size=3),
)
@settings(max_examples=300, deadline=None)
def test_whatever_a_good_key_signs_is_accepted_or_refused(
    ring: Ring, verifier: Judge, header: dict[str, object], claims: dict[str, object]
) -> None:
    token = ring.token(es(ring.e1), {"alg": "ES256", "kid": "e1", **header}, **claims)
    try:
        accepted = verifier.verify(token)
    except TokenRefused:
        return
    assert accepted.subject.isprintable()
    assert timedelta() < accepted.expires_at - accepted.issued_at <= timedelta(hours=1)
