import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from jose import jws

from pip_api.access.keys import SigningKey
from pip_api.ledger.heads import COSIGNATURE, Head, HeadRefused, KeysRefused, keys_of, log_of, sign, verify
from pip_api.ledger.tree import EMPTY_ROOT, leaf_hash

KEY, OTHER = (SigningKey(ec.derive_private_key(number, ec.SECP256R1())) for number in (7, 8))
KEYS = keys_of({"keys": [KEY.public_jwk(), OTHER.public_jwk()]})
HEAD = Head("2026", 3, leaf_hash(b"root"), datetime(2026, 11, 21, 12, 0, tzinfo=UTC))
PAYLOAD = {
    "log_id": "2026",
    "root_hash": HEAD.root.hex(),
    "timestamp": "2026-11-21T12:00:00.000000Z",
    "tree_size": 3,
}
HEADER = {"alg": "ES256", "kid": KEY.kid, "typ": "pip-sth+jws"}


def base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def text_of(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def signed(header: bytes = text_of(HEADER), payload: bytes = text_of(PAYLOAD), key: SigningKey = KEY) -> str:
    content = f"{base64url(header)}.{base64url(payload)}"
    return f"{content}.{base64url(key.sign(content.encode()))}"


def test_a_head_comes_back_as_it_was_signed() -> None:
    assert verify(sign(HEAD, KEY), KEYS) == HEAD
    assert verify(signed(), KEYS) == HEAD
    local = replace(HEAD, at=HEAD.at.astimezone(timezone(timedelta(hours=1))))
    assert verify(sign(local, OTHER), KEYS) == HEAD
    empty = replace(HEAD, tree_size=0, root=EMPTY_ROOT)
    assert verify(sign(empty, KEY), KEYS) == empty


def test_a_peer_reads_it() -> None:
    assert json.loads(jws.verify(sign(HEAD, KEY), KEY.public_jwk(), "ES256")) == PAYLOAD


def test_a_head_of_a_peer_is_read() -> None:
    header = {"typ": "pip-sth+jws", "kid": KEY.kid}
    assert verify(jws.sign(dict(sorted(PAYLOAD.items())), KEY.private_jwk(), header, "ES256"), KEYS) == HEAD


def test_a_cosignature_is_no_head_and_a_head_no_cosignature() -> None:
    cosignature = sign(HEAD, OTHER, COSIGNATURE)
    assert verify(cosignature, KEYS, COSIGNATURE) == HEAD
    with pytest.raises(HeadRefused, match="typ"):
        verify(cosignature, KEYS)
    with pytest.raises(HeadRefused, match="typ"):
        verify(sign(HEAD, OTHER), KEYS, COSIGNATURE)


def test_a_log_is_that_of_the_year_in_utc() -> None:
    assert log_of(datetime(2026, 12, 31, 23, 59, tzinfo=UTC)) == "2026"
    assert log_of(datetime(2027, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))) == "2026"


BAD: dict[str, Callable[[], str]] = {
    "none": lambda: signed(text_of(HEADER | {"alg": "none"})),
    "another algorithm": lambda: signed(text_of(HEADER | {"alg": "ES384"})),
    "another type": lambda: signed(text_of(HEADER | {"typ": "JWT"})),
    "no type": lambda: signed(text_of({"alg": "ES256", "kid": KEY.kid})),
    "one more in the header": lambda: signed(text_of(HEADER | {"jku": "https://evil.test"})),
    "critical": lambda: signed(text_of(HEADER | {"crit": ["b64"], "b64": False})),
    "header with a space": lambda: signed(json.dumps(HEADER, sort_keys=True).encode()),
    "no kid": lambda: signed(text_of({"alg": "ES256", "typ": "pip-sth+jws"})),
    "kid of no text": lambda: signed(text_of(HEADER | {"kid": 1})),
    "unknown kid": lambda: signed(text_of(HEADER | {"kid": "x"})),
    "key of another": lambda: signed(key=OTHER),
    "kid of another": lambda: signed(text_of(HEADER | {"kid": OTHER.kid})),
    "payload with a space": lambda: signed(payload=json.dumps(PAYLOAD).encode()),
    "one more in the payload": lambda: signed(payload=text_of(PAYLOAD | {"x": 1})),
    "one less in the payload": lambda: signed(payload=text_of({"log_id": "2026"})),
    "log that is no year": lambda: signed(payload=text_of(PAYLOAD | {"log_id": "2026-a"})),
    "size as text": lambda: signed(payload=text_of(PAYLOAD | {"tree_size": "3"})),
    "size true": lambda: signed(payload=text_of(PAYLOAD | {"tree_size": True})),
    "size below none": lambda: signed(payload=text_of(PAYLOAD | {"tree_size": -1})),
    "empty with another root": lambda: signed(payload=text_of(PAYLOAD | {"tree_size": 0})),
    "root in capitals": lambda: signed(payload=text_of(PAYLOAD | {"root_hash": HEAD.root.hex().upper()})),
    "short root": lambda: signed(payload=text_of(PAYLOAD | {"root_hash": "ab"})),
    "moment with an offset": lambda: signed(
        payload=text_of(PAYLOAD | {"timestamp": "2026-11-21T12:00:00.000000+00:00"})
    ),
    "moment that is none": lambda: signed(payload=text_of(PAYLOAD | {"timestamp": "2026-13-21T12:00:00.000000Z"})),
    "moment in other digits": lambda: signed(payload=text_of(PAYLOAD | {"timestamp": "202६-11-21T12:00:00.000000Z"})),
    "twice the size": lambda: signed(payload=text_of(PAYLOAD)[:-1] + b',"tree_size":3}'),
    "no object": lambda: signed(payload=b"[]"),
    "not json": lambda: signed(payload=b"{"),
    "deep": lambda: signed(payload=b'{"a":' * 5000 + b"1" + b"}" * 5000),
    "not utf-8": lambda: signed(payload=b"\xff"),
    "two parts": lambda: signed().rpartition(".")[0],
    "four parts": lambda: signed() + ".",
    "padded": lambda: signed() + "=",
    "space before": lambda: " " + signed(),
    "line end": lambda: signed() + "\n",
    "nothing": lambda: "",
    "not ascii": lambda: "é" + signed(),
    "short signature": lambda: signed()[:-2],
    "no signature": lambda: signed().rpartition(".")[0] + ".",
    "zeros": lambda: signed().rpartition(".")[0] + "." + "A" * 86,
    "long": lambda: "A" * 9000,
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_head_is_refused(case: str) -> None:
    with pytest.raises(HeadRefused):
        verify(BAD[case](), KEYS)


@given(st.integers(0, 10_000), st.integers(1, 127))
def test_no_character_can_be_changed(place: int, by: int) -> None:
    text = signed()
    place %= len(text)
    with pytest.raises(HeadRefused):
        verify(text[:place] + chr(ord(text[place]) ^ by) + text[place + 1 :], KEYS)


@given(st.text(max_size=60))
def test_no_text_is_an_accident(text: str) -> None:
    with pytest.raises(HeadRefused):
        verify(text, KEYS)


PUBLIC = KEY.public_jwk()


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"keys": {}},
        {"keys": [1]},
        {"keys": [{}]},
        {"keys": [PUBLIC, PUBLIC]},
        {"keys": [KEY.private_jwk()]},
        {"keys": [PUBLIC | {"kid": 1}]},
        {"keys": [PUBLIC | {"kty": "RSA"}]},
        {"keys": [PUBLIC | {"crv": "P-384"}]},
        {"keys": [PUBLIC | {"alg": "RS256"}]},
        {"keys": [PUBLIC | {"use": "enc"}]},
        {"keys": [PUBLIC | {"x": PUBLIC["y"]}]},
        {"keys": [PUBLIC | {"x": PUBLIC["x"][:-2]}]},
        {"keys": [PUBLIC | {"x": 1}]},
        {"keys": [PUBLIC | {"x": "%"}]},
        {"keys": [{name: value for name, value in PUBLIC.items() if name != "y"}]},
    ],
)
def test_only_public_keys_for_es256_are_taken(document: Any) -> None:
    with pytest.raises(KeysRefused):
        keys_of(document)


def test_no_keys_are_a_set_of_keys() -> None:
    assert keys_of({"keys": []}) == {}
