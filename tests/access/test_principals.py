"""Which rows does a caller reach?"""

import httpx
import pytest

from pip_api.resources.grants import grants
from tests.plans import AVON, CONCERN, DEVON, KENT, a_concern, a_plan, an_action
from tests.service import Record, Service, refused

SAME = {"X-Request-Id": "the-same-request"}
NOBODY = "01890000-0000-7000-8000-000000000000"


@pytest.fixture
async def concerns(admin: httpx.AsyncClient) -> dict[str, Record]:
    """A concern of each of three forces; the first two are of one region."""
    return {force: await a_concern(admin, force_code=force) for force in (AVON, DEVON, KENT)}


async def seen(caller: httpx.AsyncClient, path: str = "/v1/concerns") -> list[str]:
    answer = await caller.get(path)
    assert answer.status_code == 200, answer.text
    return sorted(each["force_code"] for each in answer.json()["items"])


async def test_each_sees_what_it_is_granted(service: Service, concerns: dict[str, Record]) -> None:
    for role, place, forces in (
        ("force_reader", f"force:{AVON}", [AVON]),
        ("force_lead", f"force:{KENT}", [KENT]),
        ("regional_triage", "region:south-west", [AVON, DEVON]),
        ("ppmg_member", "national", [AVON, DEVON, KENT]),
        ("force_reader", "force:essex", []),
        ("regional_triage", "region:wales", []),
    ):
        caller = await service.caller(role, place)
        assert await seen(caller) == forces
        assert await seen(caller, f"/v1/concerns?force={AVON},{KENT}") == [each for each in forces if each != DEVON]
        for force, concern in concerns.items():
            status = 200 if force in forces else 404
            for path in (f"/v1/concerns/{concern['id']}", f"/v1/concerns/{concern['id']}/versions"):
                assert (await caller.get(path)).status_code == status


async def test_another_forces_row_is_like_no_row(service: Service, admin: httpx.AsyncClient) -> None:
    concern = await a_concern(admin, force_code=KENT)
    plan = await a_plan(admin, concern)
    action = await an_action(admin, plan)
    stranger = await service.caller("force_lead", f"force:{AVON}")
    await admin.delete(f"/v1/actions/{action['id']}", headers={"If-Match": '"v1"'})
    for noun, row in (("concerns", concern), ("pips", plan), ("actions", action)):
        for method, suffix in (("GET", ""), ("GET", "/versions"), ("PATCH", ""), ("DELETE", "")):
            body = {"json": {"title": "x"}} if method == "PATCH" else {}
            hidden, missing = [
                await stranger.request(method, f"/v1/{noun}/{id}{suffix}", headers=SAME, **body)  # type: ignore[arg-type]
                for id in (row["id"], NOBODY)
            ]
            refused(hidden, 404, "not_found")
            assert (hidden.content, hidden.headers) == (missing.content, missing.headers)
    by_ref = [await stranger.get(f"/v1/pips/ref:{ref}", headers=SAME) for ref in (plan["ref"], "kent-2026-99")]
    assert by_ref[0].content == by_ref[1].content
    status = [await stranger.get(f"/v1/pips/{id}/status", headers=SAME) for id in (plan["id"], NOBODY)]
    assert refused(status[0], 404, "not_found")
    assert status[0].content == status[1].content


async def test_a_figure_of_another_force_is_like_none(service: Service, admin: httpx.AsyncClient) -> None:
    await admin.post("/v1/measures", json={"code": "calls", "name": "Calls", "unit": "count", "cadence": "month"})
    path = "/v1/forces/{}/measures/calls/figures/2026-10"
    assert (await admin.put(path.format(KENT), json={"value": 1})).status_code == 201
    stranger = await service.caller("data_submitter", f"force:{AVON}")
    for method in ("GET", "PUT"):
        body = {"json": {"value": 2}} if method == "PUT" else {}
        hidden, missing = [
            await stranger.request(method, path.format(force), headers=SAME, **body)  # type: ignore[arg-type]
            for force in (KENT, "atlantis")
        ]
        refused(hidden, 404, "not_found")
        assert hidden.content == missing.content
    assert (await stranger.get("/v1/figures")).json()["items"] == []
    assert (await stranger.get("/v1/figures/totals")).json()["items"] == []


async def test_writing_is_narrower_than_reading(
    service: Service, admin: httpx.AsyncClient, concerns: dict[str, Record]
) -> None:
    concern = concerns[AVON]
    path, current = f"/v1/concerns/{concern['id']}", {"If-Match": '"v1"'}
    # function level: the permission is held nowhere
    for role, place in (("force_reader", f"force:{AVON}"), ("regional_triage", "region:south-west")):
        caller = await service.caller(role, place)
        for answer in (
            await caller.post("/v1/concerns", json=CONCERN),
            await caller.patch(path, json={"title": "x"}, headers=current),
            await caller.delete(path, headers=current),
        ):
            assert refused(answer, 403, "permission_denied")["required"] == ["concern:write"]
    # object level: seen through one grant, written through another, elsewhere
    both = await two_grants(service, ("force_lead", f"force:{KENT}"), ("regional_triage", "region:south-west"))
    assert await seen(both) == [AVON, DEVON, KENT]
    for answer in (
        await both.post("/v1/concerns", json=CONCERN),
        await both.patch(path, json={"title": "x"}, headers=current),
        await both.delete(path, headers=current),
    ):
        assert refused(answer, 403, "permission_denied")["required"] == ["concern:write"]
    assert (await both.post("/v1/concerns", json=CONCERN | {"force_code": KENT})).status_code == 201
    assert (await admin.get(path)).json() == concern


async def test_a_narrow_token_writes_no_more_than_a_whole_one(service: Service, concerns: dict[str, Record]) -> None:
    """Below a parent that is seen, the permission counts where the parent is, also without that to read the child."""
    lead = await service.caller("force_lead", f"force:{AVON}")
    plan = await a_plan(lead, concerns[AVON])
    action = {"pip_id": plan["id"], "concern_id": concerns[AVON]["id"], "title": "x"}
    scope = "pip:read concern:read action:write"
    both = await two_grants(service, ("force_contributor", f"force:{KENT}"), ("force_reader", f"force:{AVON}"), scope)
    refused(await both.post("/v1/actions", json=action), 403, "permission_denied")
    narrow = await service.caller("force_lead", f"force:{AVON}", scope)
    assert (await narrow.post("/v1/actions", json=action)).status_code == 201


async def two_grants(
    service: Service, first: tuple[str, str], second: tuple[str, str], scope: str | None = None
) -> httpx.AsyncClient:
    """A client that holds two roles in two places."""
    caller = await service.caller(*first, scope)
    account = await service.account(service.name_of(caller))
    await service.create(grants, account_id=str(account["id"]), role=second[0], place=second[1], reason="a second")
    return caller


async def test_reference_data_is_changed_nationally_only(service: Service, admin: httpx.AsyncClient) -> None:
    regional = await service.caller("national_admin", "region:south-west")
    body = {"code": "x", "name": "X", "unit": "count", "cadence": "month"}
    assert refused(await regional.post("/v1/measures", json=body), 403, "permission_denied")
    region = (await regional.get("/v1/regions/south-west")).json()
    answer = await regional.patch(f"/v1/regions/{region['id']}", json={"name": "x"}, headers={"If-Match": '"v1"'})
    refused(answer, 403, "permission_denied")
    assert (await admin.post("/v1/measures", json=body)).status_code == 201
    assert (await regional.post("/v1/concerns", json=CONCERN)).status_code == 201


async def test_without_a_grant_that_reaches_it_a_list_is_empty_and_never_all(service: Service) -> None:
    admin = await service.caller("national_admin")
    await a_concern(admin)
    nowhere = await service.caller("regional_triage", "region:northern-ireland")
    for path in ("concerns", "pips", "actions", "progress-updates", "support-level-assignments", "figures"):
        assert (await nowhere.get(f"/v1/{path}?limit=500")).json()["items"] == []
