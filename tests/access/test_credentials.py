"""Does a program prove who it is with what is good, and with nothing else, and is every try that fails the same?"""

import asyncio
import sqlite3
from contextlib import nullcontext

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from pip_api.access.credentials import usable_key
from pip_api.access.oauth import Proof
from pip_api.resources.credentials import credentials
from tests.access.ring import Ring, ec_jwk, rsa_jwk
from tests.db.test_guards import NEW_ID, connected
from tests.ledger.test_entries import Ledger
from tests.plans import AVON, KENT
from tests.service import Service
from tests.signing import ASSERTION_TYPE, OwnKey, a_keeper, asked, bearer, signed, signed_in

STRONG = rsa.generate_private_key(65537, 3072)


@pytest.fixture
async def mart(service: Service) -> tuple[str, str]:
    return await service.new_client("data_submitter", f"force:{AVON}")


@pytest.fixture
async def own(service: Service, mart: tuple[str, str]) -> OwnKey:
    """A registered key of the program."""
    own, keeper = OwnKey(), await a_keeper(service)
    account = await service.account(mart[0])
    wanted = {"account_id": str(account["id"]), "kind": "public_key", "jwk": own.jwk}
    answer = await keeper.post("/v1/credentials", json=wanted | {"expires_at": "2027-01-01T00:00:00Z"})
    assert answer.status_code == 201, answer.text
    return own


async def test_an_assertion_gets_a_token(service: Service, mart: tuple[str, str], own: OwnKey) -> None:
    issuer = service.services.settings.issuer
    for audience in (f"{issuer}/oauth2/token", issuer, [issuer]):
        answer = await own.sign_in(service, mart[0], aud=audience)
        assert (await bearer(service, answer).get("/v1/regions")).status_code == 200
    named = signed(own.assertion(service, mart[0])) | {"client_id": mart[0]}
    assert (await asked(service, named)).status_code == 200


async def test_an_assertion_that_is_not_good_gets_none(service: Service, mart: tuple[str, str], own: OwnKey) -> None:
    name, secret = mart
    now = int(service.clock().timestamp())
    good = own.assertion(service, name)
    for form, error in (
        (signed(own.assertion(service, name, aud="https://other.example")), "invalid_client"),
        (signed(own.assertion(service, name, iss="other")), "invalid_client"),
        (signed(own.assertion(service, name, exp=now + 301)), "invalid_client"),
        (signed(own.assertion(service, "nobody")), "invalid_client"),
        (signed(OwnKey().assertion(service, name)), "invalid_client"),
        (signed(OwnKey("other").assertion(service, name)), "invalid_client"),
        (signed("x"), "invalid_client"),
        (signed(good) | {"client_id": "other"}, "invalid_request"),
        (signed(good) | {"client_id": name, "client_secret": secret}, "invalid_request"),
        ({"client_assertion": good}, "invalid_request"),
        ({"client_assertion_type": ASSERTION_TYPE}, "invalid_request"),
        (signed(good) | {"client_assertion_type": "urn:other"}, "invalid_request"),
    ):
        answer = await asked(service, form)
        assert answer.json()["error"] == error, form
    assert (await asked(service, signed(good), mart)).json()["error"] == "invalid_request"
    assert (await asked(service, signed(good))).status_code == 200  # what was refused before it was looked at is unused


async def test_an_assertion_is_good_once_for_all_processes(
    service: Service, mart: tuple[str, str], own: OwnKey
) -> None:
    form = signed(own.assertion(service, mart[0], jti="only-once"))
    answers = await asyncio.gather(*(asked(service, form) for _ in range(8)))
    assert sorted(each.status_code for each in answers) == [200] + [401] * 7
    service.clock.forward(seconds=89)
    assert (await asked(service, form)).status_code == 401
    again = signed(own.assertion(service, mart[0], jti="only-once"))
    assert (await asked(service, again)).status_code == 401


async def test_every_failure_has_one_answer_and_the_same_statements(
    service: Service, mart: tuple[str, str], own: OwnKey, counted: list[str]
) -> None:
    name, secret = mart
    account, keeper = await service.account(name), await a_keeper(service)
    gone = []
    for end in ("2026-11-21T12:00:01Z", "2027-01-01T00:00:00Z"):
        wanted = {"account_id": str(account["id"]), "kind": "secret", "expires_at": end}
        gone.append((await keeper.post("/v1/credentials", json=wanted)).json())
    await keeper.delete(f"/v1/credentials/{gone[1]['id']}", headers={"If-Match": '"v1"'})
    service.clock.forward(seconds=1)
    tries: list[tuple[str, str]] = [("nobody", secret), (name, "wrong"), *((name, each["secret"]) for each in gone)]
    first = []
    for each in (("nobody-before", secret), *tries):  # the first of a name in a minute is noted, be it known or not
        counted.clear()
        await asked(service, {}, each)
        first.append(tuple(counted))
    assert first[1] == first[2] == first[0]
    assert len(first[1]) == 2
    seen = []
    for each in tries:
        counted.clear()
        answer = await asked(service, {}, each)
        seen.append((answer.status_code, answer.content, tuple(counted)))
    assert len(set(seen)) == 1
    assert len(seen[0][2]) == 1
    seen = []
    for own_key, client_id in ((own, "nobody"), (OwnKey(), name), (OwnKey("other"), name)):
        form = signed(own_key.assertion(service, client_id))
        await asked(service, form)
        counted.clear()
        answer = await asked(service, form)
        seen.append((answer.status_code, answer.content, tuple(counted)))
    assert len(set(seen)) == 1


async def test_the_auditor_of_its_force_sees_what_befell_a_program(service: Service, mart: tuple[str, str]) -> None:
    """Its failed sign-ins and the tokens that it ended; of names that nobody has only the nation's does."""
    caller = await signed_in(service, *mart)
    await asked(service, {}, (mart[0], "wrong"))
    await asked(service, {}, ("nobody", "wrong"))
    token = caller.headers["authorization"].removeprefix("Bearer ")
    assert (await service.http().post("/oauth2/revoke", data={"token": token}, auth=mart)).status_code == 200
    for place, refused in ((f"force:{AVON}", [mart[0]]), (f"force:{KENT}", []), ("national", [mart[0], None])):
        auditor = await service.caller("auditor", place)
        for action, named in (("sign_in.refused", refused), ("token.revoked", refused[:1])):
            answer = await auditor.get("/v1/audit-events", params={"action": action})
            assert answer.status_code == 200, answer.text
            told = {each["resource"]["ref"] for each in answer.json()["items"]}
            assert told == set(named), (place, action)


async def test_a_failed_sign_in_is_an_entry_and_says_no_secret(service: Service, mart: tuple[str, str]) -> None:
    ledger = Ledger(service)
    await ledger.news()
    await asked(service, {}, (mart[0], "a-guess-of-mine"))
    (entry,) = await ledger.news()
    assert (entry["kind"], entry["act"], entry["subject_ref"]) == ("denied", "sign_in.refused", mart[0])
    assert "a-guess-of-mine" not in repr(entry)
    await asked(service, {}, ("somebody-else", "a-guess-of-mine"))
    (entry,) = await ledger.news()
    assert (entry["subject_id"], entry["subject_ref"]) == (None, None)


async def test_a_change_of_credentials_is_an_entry_without_the_secret(service: Service, mart: tuple[str, str]) -> None:
    keeper, account = await a_keeper(service), await service.account(mart[0])
    ledger = Ledger(service)
    await ledger.news()
    wanted = {"account_id": str(account["id"]), "kind": "secret", "expires_at": "2027-01-01T00:00:00Z"}
    made = (await keeper.post("/v1/credentials?reason=Handover", json=wanted)).json()
    await keeper.post(f"/v1/credentials/{made['id']}/rotation", json={})
    await keeper.delete(f"/v1/credentials/{made['id']}", headers={"If-Match": '"v2"'})
    entries = await ledger.news()
    acts = ["credential.created", "credential.created", "credential.changed", "credential.withdrawn"]
    assert [(each["kind"], each["act"]) for each in entries] == [("credential", act) for act in acts]
    assert made["secret"] not in repr(entries)
    assert "secret_hash" not in repr(entries)


def test_a_secret_and_an_assertion_are_not_shown() -> None:
    assert "hush" not in repr(Proof("mart", "hush", "hush"))


def test_a_public_key_is_kept_in_one_form_and_a_bad_one_not_at_all(ring: Ring) -> None:
    weak, p384, strong = (
        rsa_jwk("w", ring.r1),
        ec_jwk("p", ring.p384, "P-384"),
        rsa_jwk("r1", STRONG),
    )
    assert usable_key(strong) == strong
    assert usable_key({**strong, "n": 7}) is None
    assert usable_key(weak) is None
    assert usable_key(p384) is None
    assert usable_key({**strong, "alg": "ES256"}) is None
    assert usable_key({**ec_jwk("e1", ring.e1, "P-256"), "use": "enc"}) is None
    nameless = {name: value for name, value in strong.items() if name != "kid"}
    kept = usable_key(nameless)
    assert kept is not None
    assert kept == strong | {"kid": kept["kid"]}
    assert isinstance(ring.e1, ec.EllipticCurvePrivateKey)


async def test_the_database_keeps_a_credential_where_its_account_is(service: Service, mart: tuple[str, str]) -> None:
    """A copy of one for the same place lacks nothing but its entry, which the commit asks for."""
    settings = service.services.settings
    postgresql = settings.database_url.startswith("postgresql")
    columns = credentials.table.c.keys()
    for place in (f"force:{AVON}", "national"):
        new = {"id": f"CAST({NEW_ID} AS uuid)" if postgresql else NEW_ID, "place": f"'{place}'"}
        copied = ", ".join(new.get(each, each) for each in columns)
        copy = f"INSERT INTO credential ({', '.join(columns)}) SELECT {copied} FROM credential LIMIT 1"
        refusing = pytest.raises((psycopg.Error, sqlite3.Error), match=r"_account_id_place_fkey|FOREIGN KEY")
        with connected(settings) as connection, refusing if place == "national" else nullcontext():
            assert connection.execute(copy).rowcount == 1
            connection.rollback()
