"""Can a program's secrets and keys be made, changed and ended, without a moment in which it cannot work or somebody
else can?"""

from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import select

from pip_api.access.keys import load_signing_key
from pip_api.access.tokens import TokenIssuer
from pip_api.db.columns import to_json
from pip_api.db.scopes import EVERY_FORCE
from pip_api.db.statements import Statement
from pip_api.kernel.idempotency import IdempotencyKey
from pip_api.ledger.entries import LedgerEntry
from pip_api.resources.credentials import credentials
from pip_api.resources.grants import grants
from tests.access.ring import rsa_jwk
from tests.ledger.test_entries import Ledger
from tests.plans import AVON, changed
from tests.service import Record, Service, codes, refused
from tests.signing import OwnKey, a_keeper, asked, bearer, signed_in

PATH = "/v1/credentials"
OWN = "/v1/me/credential/rotation"
FORM: dict[str, str] = {}


@pytest.fixture
async def keeper(service: Service) -> httpx.AsyncClient:
    """Who looks after accounts."""
    return await a_keeper(service)


@pytest.fixture
async def mart(service: Service) -> tuple[str, str]:
    """The id and the first secret of a program."""
    return await service.new_client("data_submitter", f"force:{AVON}")


def in_days(service: Service, days: float) -> str:
    moment = service.clock() + timedelta(days=days)
    return to_json(moment).decode().strip('"')


async def issued(service: Service, keeper: httpx.AsyncClient, client_id: str, **body: object) -> Record:
    account = await service.account(client_id)
    wanted = {"account_id": str(account["id"]), "kind": "secret", "expires_at": in_days(service, 90)}
    answer = await keeper.post(PATH, json=wanted | body)
    assert answer.status_code == 201, answer.text
    assert answer.headers.get_list("cache-control") == ["no-store"]
    made: Record = answer.json()
    return made


async def credentials_of(service: Service, keeper: httpx.AsyncClient, client_id: str) -> list[Record]:
    account = await service.account(client_id)
    answer = await keeper.get(PATH, params={"account": str(account["id"])})
    assert answer.status_code == 200, answer.text
    items: list[Record] = answer.json()["items"]
    return items


async def status(service: Service, client_id: str, secret: str) -> int:
    answer = await asked(service, FORM, (client_id, secret))
    assert answer.status_code == 200 or answer.json()["error"] == "invalid_client"
    return answer.status_code


async def test_a_secret_is_shown_once_and_several_are_good_at_once(
    service: Service, keeper: httpx.AsyncClient, mart: tuple[str, str]
) -> None:
    name, first = mart
    made = await issued(service, keeper, name)
    secret = made["secret"]
    assert len(secret) >= 43
    assert [await status(service, name, each) for each in (first, secret)] == [200, 200]
    for path in ("", f"/{made['id']}", f"/{made['id']}/versions", f"/{made['id']}/versions/1"):
        answer = await keeper.get(f"{PATH}{path}")
        assert answer.status_code == 200
        assert secret not in answer.text
        assert "secret_hash" not in answer.text
    assert {each["id"] for each in await credentials_of(service, keeper, name)} >= {made["id"]}


async def test_a_secret_ends_when_it_says(service: Service, keeper: httpx.AsyncClient, mart: tuple[str, str]) -> None:
    name, _ = mart
    secret = (await issued(service, keeper, name, expires_at=in_days(service, 1)))["secret"]
    service.clock.forward(days=1, seconds=-1)
    assert await status(service, name, secret) == 200
    service.clock.forward(seconds=1)
    assert await status(service, name, secret) == 401


async def test_every_credential_has_an_end_within_a_year(
    service: Service, keeper: httpx.AsyncClient, mart: tuple[str, str]
) -> None:
    account = str((await service.account(mart[0]))["id"])
    body: Record = {"account_id": account, "kind": "secret"}
    for end, expected in (
        ({}, ("required", "#")),
        ({"expires_at": None}, ("datetime_type", "#/expires_at")),
        ({"expires_at": in_days(service, 366)}, ("rule_broken", "#/expires_at")),
        ({"expires_at": in_days(service, 0)}, ("rule_broken", "#/expires_at")),
    ):
        answer = await keeper.post(PATH, json=body | end)
        refused(answer, 422, "validation_failed")
        assert expected in codes(answer)
    assert (await keeper.post(PATH, json=body | {"expires_at": in_days(service, 365)})).status_code == 201


async def test_a_key_is_checked_and_signs_in(
    service: Service, keeper: httpx.AsyncClient, mart: tuple[str, str]
) -> None:
    name, _ = mart
    account = str((await service.account(name))["id"])
    own = OwnKey()
    good = own.jwk
    wanted = {"account_id": account, "kind": "public_key", "expires_at": in_days(service, 30)}
    for wrong in (
        {},
        {"jwk": good | {"d": good["x"]}},
        {"jwk": good | {"crv": "P-384"}},
        {"jwk": good | {"x": "AAAA"}},
        {"jwk": {"kty": "oct", "k": "c2VjcmV0"}},
        {"jwk": {"kty": ["EC"]}},
        {"jwk": good | {"kid": "a kid"}},
        {"jwk": good, "kind": "secret"},
    ):
        answer = await keeper.post(PATH, json=wanted | wrong)
        refused(answer, 422, "validation_failed")
        assert codes(answer)[0][1] == "#/jwk", wrong
    made = await issued(service, keeper, name, kind="public_key", jwk=good | {"x5t": "ignored"})
    assert made["secret"] is None
    assert made["jwk"] == good
    assert (await bearer(service, await own.sign_in(service, name)).get("/v1/regions")).status_code == 200
    again = await keeper.post(PATH, json=wanted | {"jwk": good})
    assert codes(again) == [("rule_broken", "#/jwk")]  # a kid names one key


async def test_a_key_without_a_name_gets_its_thumbprint(
    service: Service, keeper: httpx.AsyncClient, mart: tuple[str, str]
) -> None:
    jwk = {name: value for name, value in OwnKey().jwk.items() if name in ("kty", "crv", "x", "y")}
    made = await issued(service, keeper, mart[0], kind="public_key", jwk=jwk)
    assert made["jwk"] == jwk | {"kid": made["jwk"]["kid"], "alg": "ES256", "use": "sig"}
    assert len(made["jwk"]["kid"]) == 43


async def test_a_key_of_rsa_has_3072_bits(service: Service, keeper: httpx.AsyncClient, mart: tuple[str, str]) -> None:
    account = str((await service.account(mart[0]))["id"])
    wanted = {"account_id": account, "kind": "public_key", "expires_at": in_days(service, 90)}
    for bits, expected in ((2048, 422), (3072, 201)):
        jwk = rsa_jwk("r1", rsa.generate_private_key(65537, bits))
        answer = await keeper.post(PATH, json=wanted | {"jwk": jwk})
        assert answer.status_code == expected, answer.text
        if expected == 422:
            (wrong,) = refused(answer, 422, "validation_failed")["errors"]
            assert (wrong["rule"], wrong["pointer"]) == ("CRD-003", "#/jwk")
            assert "RSA of 3072 bits" in wrong["detail"]


async def test_rotation_leaves_both_good_for_some_days(
    service: Service, keeper: httpx.AsyncClient, mart: tuple[str, str]
) -> None:
    name, first = mart
    (old,) = await credentials_of(service, keeper, name)
    answer = await keeper.post(f"{PATH}/{old['id']}/rotation", json={"old_ends_at": in_days(service, 30)})
    assert answer.status_code == 201, answer.text
    assert answer.headers.get_list("cache-control") == ["no-store"]
    second = answer.json()["secret"]
    assert answer.json()["id"] != old["id"]
    assert [await status(service, name, each) for each in (first, second)] == [200, 200]
    service.clock.forward(days=30)
    assert [await status(service, name, each) for each in (first, second)] == [401, 200]
    keeper = await service.again(keeper)
    for days in (31, -1):
        late = await keeper.post(f"{PATH}/{old['id']}/rotation", json={"old_ends_at": in_days(service, days)})
        assert codes(late) == [("rule_broken", "#/old_ends_at")]


async def test_a_rotation_needs_no_content(service: Service, keeper: httpx.AsyncClient, mart: tuple[str, str]) -> None:
    (old,) = await credentials_of(service, keeper, mart[0])
    path, key = f"{PATH}/{old['id']}/rotation", {"Idempotency-Key": "once"}
    refused(await keeper.post(path, headers={"Content-Type": "text/plain"}), 415, "unsupported_media_type")
    first = await keeper.post(path, headers=key)
    assert first.status_code == 201, first.text
    assert (await keeper.post(path, headers={"Content-Type": "application/json"})).status_code == 201
    refused(await keeper.post(PATH), 415, "unsupported_media_type")
    own = await signed_in(service, *mart)
    assert (await own.post(OWN)).status_code == 201


async def test_a_program_changes_its_own_secret_and_no_other(
    service: Service, keeper: httpx.AsyncClient, mart: tuple[str, str]
) -> None:
    name, first = mart
    other, _ = await service.new_client("data_submitter", f"force:{AVON}")
    program = await signed_in(service, name, first)
    (foreign,) = await credentials_of(service, keeper, other)
    refused(await program.post(f"{PATH}/{foreign['id']}/rotation", json={}), 403, "permission_denied")
    refused(await program.get(PATH), 403, "permission_denied")
    refused(await program.post(PATH, json={}), 403, "permission_denied")
    answer = await program.post(OWN, json={"old_ends_at": in_days(service, 1 / 24)})
    assert answer.status_code == 201, answer.text
    service.clock.forward(hours=1)
    assert [await status(service, name, each) for each in (first, answer.json()["secret"])] == [401, 200]
    after = await signed_in(service, name, answer.json()["secret"])
    assert (await after.post(OWN, json={})).status_code == 201
    settings, key = service.services.settings, load_signing_key(service.services.settings.signing_key_file)
    issuer = TokenIssuer(key, settings.issuer, settings.audience, 900, service.clock, service.services.new_id)
    without = service.http(Authorization=f"Bearer {issuer.issue(name, name, None)}")
    refused(await without.post(OWN, json={}), 404, "not_found")
    stranger = service.http(Authorization=f"Bearer {issuer.issue(name, name, None, UUID(foreign['id']))}")
    refused(await stranger.post(OWN, json={}), 404, "not_found")


async def test_whoever_stole_a_secret_neither_throws_its_owner_out_nor_makes_it_last(
    service: Service, keeper: httpx.AsyncClient, mart: tuple[str, str]
) -> None:
    """CRD-005 and CRD-008; and what was made is seen in the ledger."""
    name, _ = mart
    stolen = (await issued(service, keeper, name, expires_at=in_days(service, 20)))["secret"]
    service.clock.forward(days=10)
    thief = await signed_in(service, name, stolen)
    for sent, at in (
        ({"old_ends_at": in_days(service, 0.99 / 24)}, "#/old_ends_at"),
        ({"expires_at": in_days(service, 20.01)}, "#/expires_at"),
    ):
        assert codes(await thief.post(OWN, json=sent)) == [("rule_broken", at)]
    ledger = Ledger(service)
    await ledger.news()
    answer = await thief.post(OWN, json={})
    assert answer.json()["expires_at"] == in_days(service, 20)
    entries = await ledger.news()
    assert {(each["kind"], each["client_id"]) for each in entries} == {("credential", name)}
    assert entries[0]["act"] == "credential.created"


async def test_a_key_is_followed_by_a_key(service: Service, keeper: httpx.AsyncClient, mart: tuple[str, str]) -> None:
    name, _ = mart
    first, second = OwnKey("first"), OwnKey("second")
    await issued(service, keeper, name, kind="public_key", jwk=first.jwk)
    program = bearer(service, await first.sign_in(service, name))
    refused(await program.post(OWN, json={}), 422, "validation_failed")
    answer = await program.post(OWN, json={"jwk": second.jwk})
    assert answer.status_code == 201, answer.text
    for own in (first, second):
        assert (await own.sign_in(service, name)).status_code == 200
    service.clock.forward(days=7)
    assert [(await own.sign_in(service, name)).status_code for own in (first, second)] == [401, 200]


async def test_a_revoked_credential_ends_at_once_with_its_tokens(
    service: Service, keeper: httpx.AsyncClient, mart: tuple[str, str]
) -> None:
    name, first = mart
    (old,) = await credentials_of(service, keeper, name)
    second = (await issued(service, keeper, name))["secret"]
    leaked, good = await signed_in(service, name, first), await signed_in(service, name, second)
    assert [(await each.get("/v1/regions")).status_code for each in (leaked, good)] == [200, 200]
    answer = await keeper.delete(f"{PATH}/{old['id']}", headers={"If-Match": f'"v{old["version"]}"'})
    assert answer.status_code == 204
    refused(await leaked.get("/v1/regions"), 401, "invalid_token")
    assert (await good.get("/v1/regions")).status_code == 200
    assert [await status(service, name, each) for each in (first, second)] == [401, 200]


async def test_nothing_of_a_secret_is_kept_under_a_key_or_in_a_dry_run(
    service: Service, keeper: httpx.AsyncClient, mart: tuple[str, str]
) -> None:
    account = str((await service.account(mart[0]))["id"])
    body = {"account_id": account, "kind": "secret", "expires_at": in_days(service, 30)}
    rehearsed = await keeper.post(f"{PATH}?dry_run=true", json=body)
    assert (rehearsed.status_code, rehearsed.json()["secret"]) == (201, None)
    made = await keeper.post(PATH, json=body, headers={"Idempotency-Key": '"once"'})
    secret = made.json()["secret"]
    assert await status(service, mart[0], secret) == 200
    again = await keeper.post(PATH, json=body, headers={"Idempotency-Key": '"once"'})
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == made.json() | {"secret": None}
    assert secret not in await everything(service)


_EVERYTHING = [
    Statement(select(*(table.c[name] for name in names)))
    for table, names in (
        (IdempotencyKey.__table__, ["body"]),  # type: ignore[attr-defined]
        (LedgerEntry.__table__, ["state", "patch"]),  # type: ignore[attr-defined]
        (credentials.table, [each.name for each in credentials.table.c]),
    )
]


async def everything(service: Service) -> str:
    """All that the database holds of answers, entries and credentials, as text."""
    held = []
    async with service.services.database.read(EVERY_FORCE) as session:
        for statement in _EVERYTHING:
            held += await session.fetch(statement)
    return repr(held)


async def test_an_account_has_ten_good_credentials_at_most(
    service: Service, keeper: httpx.AsyncClient, mart: tuple[str, str]
) -> None:
    for _ in range(9):
        await issued(service, keeper, mart[0], expires_at=in_days(service, 1))
    account = str((await service.account(mart[0]))["id"])
    body = {"account_id": account, "kind": "secret", "expires_at": in_days(service, 30)}
    assert codes(await keeper.post(PATH, json=body)) == [("rule_broken", "#/account_id")]
    service.clock.forward(days=1)
    assert (await (await a_keeper(service)).post(PATH, json=body)).status_code == 201


async def test_nobody_makes_a_credential_of_a_program_that_holds_more_than_they(
    service: Service, mart: tuple[str, str]
) -> None:
    """CRD-006: whoever has a credential of a program is the program. What it holds from tomorrow on counts too."""
    account, ledger = await service.account(mart[0]), Ledger(service)
    warden = await service.signed_in(("access_admin", "national"), ("data_submitter", f"force:{AVON}"))
    (old,) = await credentials_of(service, warden, mart[0])
    rotation = f"{PATH}/{old['id']}/rotation"
    assert (await warden.post(f"{rotation}?dry_run=true", json={})).status_code == 201
    grant = {"account_id": str(account["id"]), "reason": "x", "valid_from": in_days(service, 1)}
    coming = await service.create(grants, **grant, role="force_lead", place=f"force:{AVON}")
    body = {"account_id": str(account["id"]), "kind": "secret", "expires_at": in_days(service, 30)}
    await ledger.news()
    for path, sent in ((PATH, body), (rotation, {})):
        answer = await warden.post(path, json=sent)
        assert [each["rule"] for each in refused(answer, 403, "grant_denied")["errors"]] == ["CRD-006"]
        (entry,) = await ledger.news()
        assert (entry["kind"], entry["act"], entry["force_code"]) == ("denied", "credential.denied", AVON)
    own = await signed_in(service, *mart)
    assert (await own.post(OWN, json={})).status_code == 201  # it is the program already
    await service.change(grants, coming["id"], valid_to=in_days(service, 2))
    service.clock.forward(days=2)
    warden = await service.again(warden)
    assert (await warden.post(PATH, json=body)).status_code == 201  # that role is over
    newest = (await credentials_of(service, warden, mart[0]))[0]
    await service.create(grants, **{**grant, "valid_from": None}, role="force_lead", place=f"force:{AVON}")
    ended = await warden.delete(f"{PATH}/{newest['id']}", headers={"If-Match": f'"v{newest["version"]}"'})
    assert ended.status_code == 204  # to end one, nobody has to hold anything


async def test_a_program_that_is_not_let_in_is_given_no_credential(
    service: Service, keeper: httpx.AsyncClient, mart: tuple[str, str]
) -> None:
    """CRD-007"""
    (old,) = await credentials_of(service, keeper, mart[0])
    account = (await keeper.get("/v1/accounts", params={"client_id": mart[0]})).json()["items"][0]
    assert (await changed(keeper, "/v1/accounts", account, disabled_at=in_days(service, 0))).status_code == 200
    body = {"account_id": account["id"], "kind": "secret", "expires_at": in_days(service, 30)}
    for path, sent in ((PATH, body), (f"{PATH}/{old['id']}/rotation", {})):
        answer = await keeper.post(path, json=sent)
        assert [each["rule"] for each in refused(answer, 422, "validation_failed")["errors"]] == ["CRD-007"]
    ended = await keeper.delete(f"{PATH}/{old['id']}", headers={"If-Match": '"v1"'})
    assert ended.status_code == 204
