import json
import struct
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pip_api.db.columns import from_json, to_json
from pip_api.ledger.envelope import (
    BODY,
    ENVELOPE,
    body_of,
    canonical,
    digest_of,
    envelope_of,
    is_moment,
    seal,
    sealable,
)
from pip_api.ledger.tree import leaf_hash

ID = UUID("01937b2c-0000-7000-8000-000000000001")
SALT = bytes(range(32))
ENTRY: dict[str, Any] = {
    "seq": 7,
    "id": ID,
    "at": datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
    "kind": "change",
    "act": "measure.changed",
    "noun": "measure",
    "subject_id": ID,
    "subject_ref": "101-abandoned",
    "version": 2,
    "force_code": None,
    "actor_type": "person",
    "actor_id": ID,
    "actor_name": "Insp Green",
    "client_id": "console",
    "credential_id": None,
    "request_id": "r-1",
    "reason": None,
    "overridden": False,
    "state": {"target": Decimal("61.40"), "code": "101-abandoned"},
    "patch": [{"op": "replace", "path": "/target", "value": Decimal("61.40")}],
}

# RFC 8785, appendix B.
DOUBLES = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}


@pytest.mark.parametrize("bits", DOUBLES)
def test_numbers_have_the_form_of_the_standard(bits: str) -> None:
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical(number).decode() == DOUBLES[bits]


@pytest.mark.parametrize("bits", ["7fffffffffffffff", "7ff0000000000000"])
def test_what_is_no_number_has_no_form(bits: str) -> None:
    with pytest.raises(ValueError, match="not representable"):
        canonical(struct.unpack(">d", bytes.fromhex(bits))[0])


def test_members_are_sorted_as_the_standard_says() -> None:
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\x80", "\u00f6"]
    assert list(json.loads(canonical(dict.fromkeys(names)))) == [
        "\r", "1", "\x80", "\u00f6", "\u20ac", "\U0001f600", "\ufb33",
    ]  # fmt: skip


def test_text_has_the_form_of_the_standard() -> None:
    assert canonical('\u20ac$\x0f\nA\'B"\\\\"/') == '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'.encode()
    with pytest.raises(ValueError, match="codepoints"):
        canonical("\ud800")


def test_a_leaf_is_made_of_the_envelope_and_the_envelope_of_the_digest() -> None:
    body = b"".join(
        (
            b'{"actor_name":"Insp Green","patch":[{"op":"replace","path":"/target","value":"61.40"}],"reason":null,',
            b'"state":{"code":"101-abandoned","target":"61.40"},"subject_ref":"101-abandoned"}',
        )
    )
    digest = sha256(SALT + body).hexdigest()
    envelope = (
        f'{{"act":"measure.changed","actor_id":"{ID}","actor_type":"person","at":"2026-11-21T12:00:00.000000Z",'
        f'"body_digest":"{digest}","client_id":"console","credential_id":null,"force_code":null,"id":"{ID}","kind":"change",'
        f'"noun":"measure","overridden":false,"request_id":"r-1","subject_id":"{ID}","version":2}}'
    )
    sealed = seal(ENTRY, SALT)
    assert sealed.salt == SALT
    assert sealed.body_digest.hex() == digest
    assert sealed.leaf == sha256(b"\x00" + envelope.encode()).digest()


@pytest.mark.parametrize("name", sorted({*ENVELOPE, *BODY} - {"body_digest"}))
def test_each_member_counts(name: str) -> None:
    assert seal(ENTRY | {name: "other"}, SALT).leaf != seal(ENTRY, SALT).leaf


def test_envelope_and_body_have_the_members_that_they_are_said_to_have() -> None:
    assert set(envelope_of(ENTRY, bytes(32))) == set(ENVELOPE)
    assert set(body_of(ENTRY)) == set(BODY)
    assert set(ENTRY) == ({*ENVELOPE, *BODY} - {"body_digest"}) | {"seq"}


def test_without_the_salt_the_digest_is_another() -> None:
    assert digest_of(SALT, b"{}") != digest_of(bytes(32), b"{}")
    with pytest.raises(ValueError, match="32 bytes"):
        digest_of(SALT[:31], b"{}")


@pytest.mark.parametrize(
    ("value", "sealed"),
    [
        (Decimal("61.40"), "61.40"),
        (Decimal("61"), 61),
        (Decimal("1E+3"), 1000),
        (Decimal("1E+16"), "10000000000000000"),
        (Decimal("1E-7"), "0.0000001"),
        (2**53 - 1, 2**53 - 1),
        (2**53, "9007199254740992"),
        (-(2**53), "-9007199254740992"),
        (True, True),
        (date(2026, 11, 21), "2026-11-21"),
        (datetime(2026, 11, 21, 13, 0, 0, 5, timezone(timedelta(hours=1))), "2026-11-21T12:00:00.000005Z"),
        (ID, str(ID)),
        (({"a": [None]},), [{"a": [None]}]),
    ],
)
def test_values_are_sealed_alike_from_either_database(value: Any, sealed: Any) -> None:
    assert sealable(value) == sealed
    assert type(sealable(value)) is type(sealed)


@pytest.mark.parametrize("value", [1.5, b"x", {1}, [1.0], {"a": {"b": 2.0}}])
def test_what_has_no_exact_text_is_not_sealed(value: Any) -> None:
    with pytest.raises(ValueError, match="cannot be sealed"):
        sealable(value)


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=3)
    | st.integers(-(2**63), 2**63 - 1)
    | st.uuids()
    | st.dates()
)
def test_a_value_of_a_row_is_sealed_as_the_same_value_of_a_state(value: Any) -> None:
    assert sealable(value) == sealable(from_json(to_json(value)))


def test_a_leaf_is_that_of_the_tree() -> None:
    digest = digest_of(SALT, canonical(body_of(ENTRY)))
    assert seal(ENTRY, SALT).leaf == leaf_hash(canonical(envelope_of(ENTRY, digest)))


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("2026-11-21T12:00:00.000000Z", True),
        ("2026-11-21T12:00:00Z", False),
        ("2026-11-21T12:00:00.000000+00:00", False),
        ("2026-02-30T12:00:00.000000Z", False),
        ("2026-11-21 12:00:00.000000Z", False),
        (1, False),
    ],
)
def test_a_moment_has_one_form(text: Any, is_one: bool) -> None:
    assert is_moment(text) is is_one
