"""Who may grant what to whom, where, and until when?"""

from datetime import timedelta

import httpx
import pytest

from pip_api.access.permissions import ROLES
from pip_api.kernel.writing import changes, fresh, write
from pip_api.resources.accounts import accounts
from pip_api.resources.grants import grants
from tests.ledger.test_entries import Ledger
from tests.plans import AVON, DEVON, KENT, changed, made
from tests.service import PEOPLE, Record, Service, codes, refused

HERE = f"force:{AVON}"


@pytest.fixture
async def warden(service: Service) -> httpx.AsyncClient:
    """Who looks after access to Avon and Somerset, and holds its roles, but not those of the country."""
    return await service.signed_in(("access_admin", HERE), ("force_lead", HERE), ("force_reader", f"force:{KENT}"))


async def somebody(service: Service, kind: str = "person", place: str = HERE) -> Record:
    number = service.new_number()
    known = {"person": {"issuer": PEOPLE, "subject": f"p{number}"}, "service": {"client_id": f"c{number}"}}[kind]
    return await service.create(accounts, kind=kind, name=f"Somebody {number}", place=place, **known)


def grant(account: Record, role: str = "force_reader", place: str = HERE, **other: object) -> Record:
    return {"account_id": str(account["id"]), "role": role, "place": place, "reason": "Joins the team", **other}


async def denied(caller: httpx.AsyncClient, body: Record) -> list[str]:
    """The rules by which a grant is refused."""
    answer = await caller.post("/v1/grants", json=body)
    return [each["rule"] for each in refused(answer, 403, "grant_denied")["errors"]]


async def test_a_grant_says_who_gave_it_and_why(service: Service, warden: httpx.AsyncClient) -> None:
    person = await somebody(service)
    given = await made(warden, "/v1/grants", **grant(person))
    told = {name: given[name] for name in ("role", "place", "reason", "valid_to", "granted_by", "valid_from")}
    assert told == {
        "role": "force_reader",
        "place": HERE,
        "reason": "Joins the team",
        "valid_to": None,
        "granted_by": service.name_of(warden),
        "valid_from": "2026-11-21T12:00:00Z",
    }
    refused(await warden.post("/v1/grants", json=grant(person, granted_by="Somebody else")), 422, "validation_failed")
    (version,) = (await warden.get(f"/v1/grants/{given['id']}/versions")).json()["items"]
    assert (version["act"], version["actor"]["type"]) == ("grant.created", "person")


async def test_nobody_grants_to_themselves(service: Service, warden: httpx.AsyncClient) -> None:
    """GRA-001 and C28"""
    own = await service.account(service.name_of(warden))
    await service.change(accounts, own["id"], name="Of the force")
    national = await service.signed_in(("access_admin", "national"), ("force_reader", "national"))
    own = await service.account(service.name_of(national))
    assert await denied(national, grant(own)) == ["GRA-001"]
    listed = (await national.get("/v1/grants", params={"account": str(own["id"])})).json()["items"]
    (reading,) = [each for each in listed if each["role"] == "force_reader"]
    soon, later = [(service.clock() + timedelta(days=days)).isoformat() for days in (1, 2)]
    sooner = await changed(national, "/v1/grants", reading, valid_to=soon)
    assert sooner.status_code == 200  # one may give up what one has
    answer = await changed(national, "/v1/grants", sooner.json(), valid_to=later)
    assert codes(answer) == [("grant_denied", "#/account_id")]
    answer = await changed(national, "/v1/grants", sooner.json(), valid_to=None)
    refused(answer, 403, "grant_denied")


async def test_nobody_grants_beyond_their_own_place(service: Service, warden: httpx.AsyncClient) -> None:
    """GRA-002"""
    person = await somebody(service)
    for place in (f"force:{KENT}", f"force:{DEVON}", "region:south-west", "national"):
        assert await denied(warden, grant(person, place=place)) == ["GRA-002"], place
    every_force = [("access_admin", f"force:{each}") for each in (AVON, DEVON)]
    both = await service.signed_in(*every_force, ("force_reader", "national"))
    assert await denied(both, grant(person, place="region:south-west")) == ["GRA-002"]


async def test_nobody_grants_a_role_that_does_more_than_they_may(service: Service, warden: httpx.AsyncClient) -> None:
    """GRA-003: every role, against what the lead of a force who looks after its access may do there."""
    own = ROLES["force_lead"] | ROLES["access_admin"]
    for role, held in ROLES.items():
        person = await somebody(service)
        if held <= own:
            await made(warden, "/v1/grants", **grant(person, role))
        else:
            answer = await warden.post("/v1/grants", json=grant(person, role))
            (wrong,) = refused(answer, 403, "grant_denied")["errors"]
            assert wrong["rule"] == "GRA-003", role
            assert wrong["detail"].endswith(f": {', '.join(sorted(held - own))}."), role
    regional = await service.signed_in(("access_admin", "region:south-west"), ("force_reader", HERE))
    person = await somebody(service)
    assert await denied(regional, grant(person, place="region:south-west")) == ["GRA-003"]
    await made(regional, "/v1/grants", **grant(person))


async def test_a_narrow_token_grants_no_more_than_it_may(service: Service) -> None:
    scope = "grant:read grant:write account:read region:read force:read measure:read support_level:read"
    caller = await service.signed_in(("access_admin", "national"), ("force_reader", "national"), scope=scope)
    assert await denied(caller, grant(await somebody(service))) == ["GRA-003"]


async def test_a_role_that_there_is_not_is_not_granted(service: Service, warden: httpx.AsyncClient) -> None:
    """GRA-004"""
    answer = await warden.post("/v1/grants", json=grant(await somebody(service), "emperor"))
    assert codes(answer) == [("unknown_reference", "#/role")]
    assert refused(answer, 422, "validation_failed")["errors"][0]["rule"] == "GRA-004"


@pytest.mark.parametrize("role", ["access_admin", "auditor"])
async def test_a_program_is_never_given_what_is_for_people(service: Service, role: str) -> None:
    """GRA-005"""
    warden = await service.signed_in(("access_admin", "national"), ("auditor", "national"))
    answer = await warden.post("/v1/grants", json=grant(await somebody(service, "service"), role))
    assert [each["rule"] for each in refused(answer, 422, "validation_failed")["errors"]] == ["GRA-005"]
    await made(warden, "/v1/grants", **grant(await somebody(service), role))


async def test_a_role_ends_after_it_begins(service: Service, warden: httpx.AsyncClient) -> None:
    """GRA-006"""
    begin, end = [(service.clock() + timedelta(days=days)).isoformat() for days in (2, 1)]
    for times in (
        {"valid_from": begin, "valid_to": end},
        {"valid_from": end, "valid_to": end},
        {"valid_to": "2026-11-20T12:00:00Z"},
    ):
        answer = await warden.post("/v1/grants", json=grant(await somebody(service), **times))
        assert codes(answer) == [("ends_before_start", "#/valid_to")]
    given = await made(warden, "/v1/grants", **grant(await somebody(service), valid_from=end))
    answer = await changed(warden, "/v1/grants", given, valid_to=service.clock().isoformat())
    assert codes(answer) == [("ends_before_start", "#/valid_to")]


async def test_nobody_who_is_disabled_is_given_a_role(service: Service, warden: httpx.AsyncClient) -> None:
    """GRA-007"""
    person = await somebody(service)
    given = await made(warden, "/v1/grants", **grant(person))
    await service.change(accounts, person["id"], disabled_at=service.clock().isoformat())
    answer = await warden.post("/v1/grants", json=grant(person))
    assert [each["rule"] for each in refused(answer, 422, "validation_failed")["errors"]] == ["GRA-007"]
    ended = await warden.delete(f"/v1/grants/{given['id']}", headers={"If-Match": '"v1"'})
    assert ended.status_code == 204


async def test_an_account_out_of_sight_is_like_none(service: Service, warden: httpx.AsyncClient) -> None:
    hidden = await somebody(service, place=f"force:{KENT}")
    nobody = {"id": "01890000-0000-7000-8000-000000000000"}
    answers = [
        await warden.post("/v1/grants", json=grant(each), headers={"X-Request-Id": "the-same-request"})
        for each in (hidden, nobody)
    ]
    assert codes(answers[0]) == [("unknown_reference", "#/account_id")]
    assert answers[0].content == answers[1].content


async def test_a_grant_is_seen_by_whoever_may_read_grants_at_its_place(service: Service) -> None:
    person = await somebody(service, place="national")
    national = await service.signed_in(("access_admin", "national"), ("force_reader", "national"))
    given = {
        place: await made(national, "/v1/grants", **grant(person, place=place))
        for place in ("national", "region:south-west", HERE, f"force:{KENT}")
    }
    for place, seen in (
        ("national", set(given)),
        ("region:south-west", {"region:south-west", HERE}),
        (HERE, {HERE}),
        (f"force:{DEVON}", set()),
    ):
        caller = await service.caller("access_admin", place)
        listed = (await caller.get("/v1/grants", params={"account": str(person["id"])})).json()["items"]
        assert {each["place"] for each in listed} == seen
        for at, row in given.items():
            for path in (f"/v1/grants/{row['id']}", f"/v1/grants/{row['id']}/versions"):
                assert (await caller.get(path)).status_code == (200 if at in seen else 404)


async def test_a_grant_counts_for_the_next_request_and_ends_with_it(
    service: Service, warden: httpx.AsyncClient
) -> None:
    caller = await service.signed_in()
    account = await service.account(service.name_of(caller))
    admin = await service.signed_in(("access_admin", "national"), ("force_reader", "national"))
    refused(await caller.get("/v1/pips"), 403, "permission_denied")
    given = await made(admin, "/v1/grants", **grant(account))
    assert (await caller.get("/v1/pips")).status_code == 200
    assert (await admin.delete(f"/v1/grants/{given['id']}", headers={"If-Match": '"v1"'})).status_code == 204
    refused(await caller.get("/v1/pips"), 403, "permission_denied")
    given = await made(admin, "/v1/grants", **grant(account))
    service.clock.forward(seconds=1)
    await changed(admin, "/v1/grants", given, valid_to=service.clock().isoformat())
    refused(await caller.get("/v1/pips"), 403, "permission_denied")


async def test_whoever_may_grant_there_may_end_what_they_do_not_hold(
    service: Service, warden: httpx.AsyncClient
) -> None:
    person, admin = await somebody(service), await service.signed_in(("access_admin", HERE))
    given = await made(warden, "/v1/grants", **grant(person))
    service.clock.forward(seconds=1)
    ended = await changed(admin, "/v1/grants", given, valid_to=service.clock().isoformat())
    assert ended.status_code == 200
    refused(await changed(admin, "/v1/grants", ended.json(), valid_to=None), 403, "grant_denied")


async def test_a_program_that_was_given_access_behind_our_back_gives_none(service: Service) -> None:
    """Also if a row says so: only people grant."""
    program = await somebody(service, "service", "national")
    async with service.at_the_command_line() as call:
        body = {"account_id": program["id"], "role": "access_admin", "place": "national", "reason": "x"}
        row = fresh(grants, call, body | {"valid_from": call.now, "granted_by": "x"})
        await write(grants, call, "created", row, changes(grants, row, None))
    token = service.app.state.door.issuer.issue(program["client_id"], program["client_id"], None)
    caller = service.http(Authorization=f"Bearer {token}")
    assert (await caller.get("/v1/regions")).status_code == 200
    for path in ("/v1/grants", "/v1/accounts"):
        refused(await caller.get(path), 403, "permission_denied")
    answer = await caller.post("/v1/grants", json=grant(await somebody(service)))
    refused(answer, 403, "permission_denied")


async def test_a_refused_grant_is_in_the_ledger(service: Service, warden: httpx.AsyncClient) -> None:
    """C28"""
    person, ledger = await somebody(service), Ledger(service)
    await ledger.news()
    await denied(warden, grant(person, "regional_triage"))
    (entry,) = await ledger.news()
    assert (entry["kind"], entry["act"], entry["actor_name"]) == ("denied", "grant.denied", service.name_of(warden))
    assert entry["force_code"] == AVON


async def test_a_refusal_to_prolong_a_grant_is_in_the_ledger(service: Service, warden: httpx.AsyncClient) -> None:
    """C28: to oneself, and of what is more than one holds."""
    own, other, ledger = await service.account(service.name_of(warden)), await somebody(service), Ledger(service)
    await service.change(accounts, own["id"], name="Of the force")
    soon, later = [(service.clock() + timedelta(days=days)).isoformat() for days in (1, 2)]
    for account, role, rule in ((own, "force_reader", "GRA-001"), (other, "regional_triage", "GRA-003")):
        given = await service.create(grants, **grant(account, role, valid_to=soon))
        for end in (later, None):
            await ledger.news()
            answer = await changed(warden, "/v1/grants", {"id": given["id"], "version": 1}, valid_to=end)
            assert [each["rule"] for each in refused(answer, 403, "grant_denied")["errors"]] == [rule]
            if end == later:  # the next one of its kind in the same minute is only counted
                entry, *_ = await ledger.news()
                assert (entry["kind"], entry["act"]) == ("denied", "grant.denied")
                assert (entry["subject_id"], entry["force_code"]) == (given["id"], AVON)
        service.clock.forward(minutes=1)
