"""Is a caller told the truth about itself, and nothing of others?"""

from datetime import timedelta

import httpx
import pytest

from pip_api.access.permissions import EVERY_ACCOUNT, ROLES, SELF, is_personal
from pip_api.contract import OPERATIONS
from pip_api.resources.grants import grants
from tests.plans import AVON, DEVON, KENT, MEASURE, a_concern, a_plan, made
from tests.service import Record, Service, refused

ASK = "/v1/me/access"


async def test_a_caller_is_told_who_it_is_and_what_it_holds(service: Service) -> None:
    caller = await service.signed_in(("force_lead", f"force:{AVON}"), ("regional_triage", "region:south-west"))
    account = await service.account(service.name_of(caller))
    end = service.clock() + timedelta(days=1)
    held = {"account_id": str(account["id"]), "place": f"force:{KENT}", "reason": "x"}
    await service.create(grants, **held, role="force_reader", valid_to=end.isoformat())
    await service.create(grants, **held, role="force_lead", valid_from=end.isoformat())
    told = (await caller.get("/v1/me")).json()
    assert (told["id"], told["kind"], told["name"]) == (str(account["id"]), "person", service.name_of(caller))
    assert (told["token"]["issuer"], told["token"]["client_id"]) == ("https://id.test", "browser")
    assert (told["token"]["expires_at"], told["token"]["scope"]) == ("2026-11-21T12:15:00Z", None)
    assert [(each["role"], each["place"]) for each in told["grants"]] == [
        ("force_lead", f"force:{AVON}"), ("force_reader", f"force:{KENT}"), ("regional_triage", "region:south-west"),
    ]  # fmt: skip
    permissions = {each["permission"]: each for each in told["permissions"]}
    assert permissions["pip:write"]["forces"] == [AVON]
    assert {AVON, DEVON, KENT} <= set(permissions["pip:read"]["forces"])
    assert permissions["pip:read"]["regions"] == ["south-west"]
    assert not permissions["pip:read"]["national"]
    assert "grant:read" not in permissions


async def test_a_narrow_token_has_fewer_permissions_and_the_same_grants(service: Service) -> None:
    caller = await service.caller("force_lead", f"force:{AVON}", f"pip:read {SELF}")
    told = (await caller.get("/v1/me")).json()
    assert [each["permission"] for each in told["permissions"]] == ["pip:read", SELF]
    assert [each["role"] for each in told["grants"]] == ["force_lead"]
    assert told["token"]["scope"] == ["pip:read", SELF]


async def test_whoever_holds_nothing_is_told_so(service: Service) -> None:
    told = (await (await service.signed_in()).get("/v1/me")).json()
    assert told["grants"] == []
    assert [each["permission"] for each in told["permissions"]] == sorted(EVERY_ACCOUNT)


async def asked(caller: httpx.AsyncClient, action: str, resource: str) -> Record:
    answer = await caller.get(ASK, params={"action": action, "resource": resource})
    assert answer.status_code == 200, answer.text
    told: Record = answer.json()
    return told


async def test_a_caller_is_told_whether_it_may_and_why(service: Service, admin: httpx.AsyncClient) -> None:
    concern = await a_concern(admin)
    plan = await a_plan(admin, concern)
    on = f"force/{AVON}"
    lead = await service.caller("force_lead", on.replace("/", ":"))
    reader = await service.caller("force_reader", "region:south-west")
    given = f"By force_lead on force:{AVON}."
    granted = {"code": "granted", "needs": "pip:write", "on": on, "detail": given}
    missing = {"code": "missing_grant", "needs": "pip:write", "on": on}
    for thing in (f"pip/{plan['id']}", f"ref:{plan['ref']}", f"pip/ref:{plan['ref']}", on, f"concern/{concern['id']}"):
        assert await asked(lead, "pip:write", thing) == {"allowed": True, "because": [granted]}
        told = await asked(reader, "pip:write", thing)
        assert not told["allowed"]
        assert missing.items() <= told["because"][0].items()
        assert (await asked(reader, "pip:read", thing))["allowed"]
    assert not (await asked(admin, "grant:write", on))["allowed"]


async def test_reference_data_asks_for_a_national_grant(service: Service, admin: httpx.AsyncClient) -> None:
    regional = await service.caller("national_admin", "region:south-west")
    told = await asked(regional, "measure:write", "support_level/ref:level-3")
    assert (told["allowed"], told["because"][0]["on"]) == (False, "national")
    assert (await asked(admin, "measure:write", "support_level/ref:level-3"))["allowed"]


async def test_a_narrow_token_is_named_as_the_reason(service: Service) -> None:
    narrow = await service.caller("force_lead", f"force:{AVON}", f"pip:read {SELF}")
    told = await asked(narrow, "pip:write", f"force/{AVON}")
    assert (told["allowed"], told["because"][0]["code"]) == (False, "token_scope")
    assert (await asked(narrow, "pip:write", f"force/{KENT}"))["because"][0]["code"] == "missing_grant"


async def test_what_is_out_of_sight_is_answered_like_what_is_not_there(
    service: Service, admin: httpx.AsyncClient
) -> None:
    plan = await a_plan(admin, await a_concern(admin, force_code=KENT))
    lead = await service.caller("force_lead", f"force:{AVON}")
    nothing = "01890000-0000-7000-8000-000000000000"
    for hidden, missing in ((f"pip/{plan['id']}", f"pip/{nothing}"), (f"ref:{plan['ref']}", "ref:kent-2026-99")):
        told = []
        for thing in (hidden, missing):
            headers = {"X-Request-Id": "the-same-request"}
            answer = await lead.get(ASK, params={"action": "pip:write", "resource": thing}, headers=headers)
            assert answer.json()["because"][0]["code"] == "not_found"
            told.append((answer.text.replace(thing, "it"), answer.headers.get("etag")))
        assert told[0] == told[1]
    assert (await asked(lead, "pip:write", "force/atlantis"))["because"][0]["code"] == "not_found"


async def test_whoever_can_never_do_it_is_told_the_permission_whatever_the_thing(
    service: Service, admin: httpx.AsyncClient
) -> None:
    """As the request itself, which is refused before anything is looked up."""
    plan = await a_plan(admin, await a_concern(admin))
    submitter = await service.caller("data_submitter", f"force:{AVON}")
    narrow = await service.caller("force_lead", f"force:{AVON}", f"concern:read {SELF}")
    for caller, code in ((submitter, "missing_grant"), (narrow, "token_scope")):
        for thing in (f"pip/{plan['ref']}", f"pip/{plan['id']}", "ref:kent-2026-99"):
            (told,) = (await asked(caller, "pip:read", thing))["because"]
            assert (told["code"], told["needs"], told["on"]) == (code, "pip:read", "anywhere"), thing
        refusal = refused(await caller.get(f"/v1/pips/{plan['id']}"), 403, "permission_denied")
        assert refusal["required"] == ["pip:read"]


async def test_a_region_is_a_place_and_a_measure_is_nowhere(service: Service, admin: httpx.AsyncClient) -> None:
    """But what is done to a region or a force itself is national, as for all that everybody shares."""
    await made(admin, "/v1/measures", **MEASURE)
    regional = await service.signed_in(("regional_triage", "region:south-west"), ("national_admin", f"force:{AVON}"))
    measure = f"measure/{MEASURE['code']}"
    for action, thing, allowed, on in (
        ("triage:read", "region:south-west", True, "region/south-west"),
        ("triage:read", "region/south-west", True, "region/south-west"),
        ("triage:read", "region:south-east", False, "region/south-east"),
        ("triage:read", f"force:{DEVON}", True, f"force/{DEVON}"),
        ("triage:read", "national", False, "national"),
        ("figure:write", "region:south-west", False, "region/south-west"),
        ("measure:read", measure, True, "anywhere"),
        ("measure:write", measure, False, "national"),
        ("region:read", "region:south-west", True, "anywhere"),
        ("region:write", "region/south-west", False, "national"),
        ("force:write", f"force/{AVON}", False, "national"),
    ):
        told = await asked(regional, action, thing)
        assert (told["allowed"], told["because"][0]["on"]) == (allowed, on), (action, thing)
    for action, thing in (("measure:write", measure), ("region:write", "region:wales"), ("pip:read", "national")):
        assert (await asked(admin, action, thing))["allowed"]
    for thing in ("region:atlantis", "measure/atlantis"):
        assert (await asked(regional, "measure:read", thing))["because"][0]["code"] == "not_found"
    auditor = await service.caller("auditor", "region:south-west")
    assert (await asked(auditor, "audit:read", "region:south-west"))["allowed"]
    assert (await asked(auditor, "measure:read", measure))["because"][0]["code"] == "missing_grant"


async def test_a_permission_that_there_is_not_is_named(lead: httpx.AsyncClient) -> None:
    answer = await lead.get(ASK, params={"action": "pip:wriet", "resource": f"force/{AVON}"})
    (wrong,) = refused(answer, 400, "invalid_parameter")["errors"]
    assert (wrong["parameter"], wrong["suggestion"]) == ("action", "pip:write")
    assert wrong["detail"] == "There is no permission 'pip:wriet' here."


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"action": "pip:write"},
        {"resource": f"force/{AVON}"},
        {"action": SELF, "resource": f"force/{AVON}"},
        {"action": "pip:conquer", "resource": f"force/{AVON}"},
        {"action": "pip:write", "resource": "dragon/1"},
        {"action": "pip:write", "resource": "pip"},
    ],
)
async def test_what_cannot_be_asked_is_refused(lead: httpx.AsyncClient, query: dict[str, str]) -> None:
    refused(await lead.get(ASK, params=query), 400, "invalid_parameter")


async def test_what_is_told_is_what_happens(service: Service, admin: httpx.AsyncClient) -> None:
    """For every role: the answer on a plan's permissions is what the requests themselves meet."""
    plan = await a_plan(admin, await a_concern(admin))
    doing = {each.permission: each for each in OPERATIONS if each.path == "/v1/pips/{id}" and each.method != "GET"}
    assert set(doing) == {"pip:write"}
    for role, held in ROLES.items():
        nation = () if any(map(is_personal, held)) else ("national",)
        for place in (*nation, f"force:{AVON}", f"force:{KENT}"):
            caller = await service.caller(role, place)
            told = await asked(caller, "pip:write", f"pip/{plan['id']}")
            answer = await caller.patch(
                f"/v1/pips/{plan['id']}?dry_run=true", json={"title": "x"}, headers={"If-Match": '"v1"'}
            )
            assert told["allowed"] == (answer.status_code == 200), (role, place, answer.text)
