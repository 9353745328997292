"""Who can be given an account, and who may see it?"""

from datetime import timedelta

import httpx
import pytest

from pip_api.resources.accounts import accounts
from tests.ledger.test_entries import Ledger
from tests.plans import AVON, KENT, changed, made
from tests.service import PEOPLE, Record, Service, codes, refused
from tests.signing import a_keeper

PERSON = {"kind": "person", "name": "Sgt Green", "issuer": PEOPLE, "subject": "green", "place": f"force:{AVON}"}
PROGRAM = {"kind": "service", "name": "Mart", "client_id": "mart", "place": f"force:{AVON}"}


@pytest.fixture
async def warden(service: Service) -> httpx.AsyncClient:
    """Who looks after access everywhere."""
    return await service.caller("access_admin")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (PERSON | {"client_id": "x"}, ("forbidden", "#/client_id")),
        (PERSON | {"subject": None}, ("required", "#")),
        (PERSON | {"issuer": None}, ("required", "#")),
        (PROGRAM | {"client_id": None}, ("required", "#")),
        (PROGRAM | {"subject": "x"}, ("forbidden", "#/subject")),
        (PROGRAM | {"place": "force:atlantis"}, ("unknown_reference", "#/place")),
        (PROGRAM | {"place": "region:atlantis"}, ("unknown_reference", "#/place")),
        (PROGRAM | {"place": "kent"}, ("string_pattern_mismatch", "#/place")),
    ],
)
async def test_an_account_is_known_by_something(
    warden: httpx.AsyncClient, body: Record, fault: tuple[str, str]
) -> None:
    """ACC-001"""
    answer = await warden.post("/v1/accounts", json=body)
    refused(answer, 422, "validation_failed")
    assert fault in codes(answer)


async def test_nobody_is_known_twice(warden: httpx.AsyncClient) -> None:
    for body in (PERSON, PROGRAM):
        await made(warden, "/v1/accounts", **body)
        refused(await warden.post("/v1/accounts", json=body), 409, "duplicate_reference")
    await made(warden, "/v1/accounts", **PERSON | {"issuer": "https://other.test"})


async def test_a_name_that_is_taken_out_of_sight_is_refused_like_one_in_sight(
    service: Service, warden: httpx.AsyncClient
) -> None:
    here, there = f"force:{AVON}", f"force:{KENT}"
    for place in (here, there):
        await made(warden, "/v1/accounts", **PERSON | {"subject": place, "place": place})
        await made(warden, "/v1/accounts", **PROGRAM | {"client_id": place.replace(":", "-"), "place": place})
    caller = await service.caller("access_admin", here)
    for body, name in ((PERSON, "subject"), (PROGRAM, "client_id")):
        answers = []
        for taken in (here, there):
            sent = body | {name: taken if name == "subject" else taken.replace(":", "-"), "place": here}
            answers.append(await caller.post("/v1/accounts", json=sent, headers={"X-Request-Id": "the-same"}))
            refused(answers[-1], 409, "duplicate_reference")
        assert answers[0].content == answers[1].content


async def test_an_account_is_seen_by_whoever_looks_after_its_place(service: Service, warden: httpx.AsyncClient) -> None:
    here = await made(warden, "/v1/accounts", **PERSON)
    in_region = await made(warden, "/v1/accounts", **PERSON | {"subject": "b", "place": "region:south-west"})
    of_all = await made(warden, "/v1/accounts", **PERSON | {"subject": "c", "place": "national"})
    for place, seen in (
        ("national", [here, in_region, of_all]),
        ("region:south-west", [here, in_region]),
        (f"force:{AVON}", [here]),
        (f"force:{KENT}", []),
    ):
        caller = await service.caller("access_admin", place)
        listed = (await caller.get("/v1/accounts?subject=green,b,c")).json()["items"]
        assert [each["id"] for each in listed] == [each["id"] for each in seen], place
        for account in (here, in_region, of_all):
            status = 200 if account in seen else 404
            assert (await caller.get(f"/v1/accounts/{account['id']}")).status_code == status
            answer = await changed(caller, "/v1/accounts", account, name=f"Of {place}")
            assert answer.status_code == (200 if account in seen else 404)
            account["version"] += status == 200


async def test_a_disabled_account_may_do_nothing_until_it_is_let_in_again(
    service: Service, warden: httpx.AsyncClient
) -> None:
    caller = await service.caller("force_reader", f"force:{AVON}")
    account = (await warden.get("/v1/accounts", params={"client_id": service.name_of(caller)})).json()["items"][0]
    account = (await changed(warden, "/v1/accounts", account, disabled_at=service.clock().isoformat())).json()
    refused(await caller.get("/v1/pips"), 401, "invalid_token")
    await changed(await a_keeper(service), "/v1/accounts", account, disabled_at=None)
    assert (await caller.get("/v1/pips")).status_code == 200


async def test_an_account_ends_on_the_day_that_was_said(service: Service, warden: httpx.AsyncClient) -> None:
    caller = await service.signed_in(("force_reader", f"force:{AVON}"))
    account = (await warden.get("/v1/accounts", params={"subject": service.name_of(caller)})).json()["items"][0]
    service.clock.forward(seconds=600)
    end = service.clock().isoformat()
    service.clock.forward(seconds=-599)
    await changed(warden, "/v1/accounts", account, disabled_at=end)
    assert (await caller.get("/v1/pips")).status_code == 200
    service.clock.forward(seconds=598)
    assert (await caller.get("/v1/pips")).status_code == 200
    service.clock.forward(seconds=1)
    refused(await caller.get("/v1/pips"), 401, "invalid_token")


async def test_tokens_of_before_are_refused_and_later_ones_are_not(service: Service, warden: httpx.AsyncClient) -> None:
    caller = await service.signed_in(("force_reader", f"force:{AVON}"))
    account = (await warden.get("/v1/accounts", params={"subject": service.name_of(caller)})).json()["items"][0]
    service.clock.forward(seconds=10)
    await changed(warden, "/v1/accounts", account, not_before=service.clock().isoformat())
    refused(await caller.get("/v1/pips"), 401, "invalid_token")
    await service.again(caller)
    assert (await caller.get("/v1/pips")).status_code == 200


async def test_elsewhere_a_disabled_account_is_out_within_seconds(service: Service) -> None:
    """Another process changed it, so this one learns of it when it looks again."""
    caller = await service.signed_in(("force_reader", f"force:{AVON}"))
    assert (await caller.get("/v1/pips")).status_code == 200
    account = await service.account(service.name_of(caller))
    await service.change(accounts, account["id"], disabled_at=service.clock().isoformat())
    service.clock.forward(seconds=service.services.settings.access_memory_seconds)
    refused(await caller.get("/v1/pips"), 401, "invalid_token")


async def test_nobody_lets_in_who_holds_more_than_they(service: Service, warden: httpx.AsyncClient) -> None:
    """ACC-003: also by putting the end off, and also with tokens of before."""
    subject = await service.person(("force_lead", f"force:{AVON}"))
    account = await service.account(subject)
    soon, later = [(service.clock() + timedelta(days=days)).isoformat() for days in (1, 2)]
    await service.change(accounts, account["id"], disabled_at=soon, not_before=soon)
    account = {"id": str(account["id"]), "version": 2}
    keeper = await service.signed_in(("access_admin", f"force:{AVON}"), ("force_lead", f"force:{AVON}"))
    refused(await changed(keeper, "/v1/accounts", account, disabled_at=None), 404, "not_found")  # it is a national one
    keeper = await service.signed_in(("access_admin", "national"), ("force_lead", f"force:{AVON}"))
    now = service.clock().isoformat()
    for patch in ({"disabled_at": None}, {"disabled_at": later}, {"not_before": None}, {"not_before": now}):
        answer = await changed(warden, "/v1/accounts", account, **patch)
        assert [each["rule"] for each in refused(answer, 403, "grant_denied")["errors"]] == ["ACC-003"], patch
        rehearsed = await keeper.patch(
            f"/v1/accounts/{account['id']}", params={"dry_run": "true"}, json=patch, headers={"If-Match": '"v2"'}
        )
        assert rehearsed.status_code == 200, patch
    for patch in ({"disabled_at": now}, {"name": "Somebody"}, {"not_before": later}):
        answer = await changed(warden, "/v1/accounts", account, **patch)
        assert answer.status_code == 200  # to end access, nobody has to hold it
        account["version"] += 1


async def test_a_refusal_to_let_somebody_in_is_noted(service: Service, warden: httpx.AsyncClient) -> None:
    account, ledger = await service.account(await service.person(("force_lead", f"force:{AVON}"))), Ledger(service)
    await service.change(accounts, account["id"], disabled_at=service.clock().isoformat())
    await ledger.news()
    row = {"id": str(account["id"]), "version": 2}
    refused(await changed(warden, "/v1/accounts", row, disabled_at=None), 403, "grant_denied")
    (entry,) = await ledger.news()
    assert (entry["kind"], entry["act"], str(entry["subject_id"])) == ("denied", "account.denied", row["id"])


async def test_nobody_puts_off_an_end_of_their_own(service: Service) -> None:
    """ACC-002"""
    keeper = await a_keeper(service)
    own = await service.account(service.name_of(keeper))
    end = (service.clock() + timedelta(days=1)).isoformat()
    await service.change(accounts, own["id"], disabled_at=end)
    answer = await changed(keeper, "/v1/accounts", {"id": own["id"], "version": 2}, disabled_at=None)
    assert [each["rule"] for each in refused(answer, 403, "grant_denied")["errors"]] == ["ACC-002"]
