"""Do those who audit find who did what, and nobody else?"""

import re
from pathlib import Path

import httpx
import pytest

import pip_api
from pip_api.contract import RESOURCES
from pip_api.insight import audit_events
from tests.plans import AVON, KENT, MEASURE, a_concern, changed, made, put
from tests.service import Record, Service, codes, refused

EVENTS = "/v1/audit-events"


@pytest.fixture
async def auditor(service: Service) -> httpx.AsyncClient:
    """Whoever audits all forces."""
    return await service.caller("auditor")


@pytest.fixture
async def own(service: Service) -> httpx.AsyncClient:
    """Whoever audits Avon and Somerset."""
    return await service.caller("auditor", f"force:{AVON}")


async def found(by: httpx.AsyncClient, **asked: str) -> list[Record]:
    answer = await by.get(EVENTS, params=asked)
    assert answer.status_code == 200, answer.text
    items: list[Record] = answer.json()["items"]
    return items


async def test_an_event_says_who_did_what_when_and_why(
    service: Service, lead: httpx.AsyncClient, own: httpx.AsyncClient, concern: Record
) -> None:
    answer = await lead.patch(
        f"/v1/concerns/{concern['id']}", json={"title": "Later"}, params={"reason": "Minute 4"},
        headers={"If-Match": '"v1"', "X-Request-Id": "board-of-november"},
    )  # fmt: skip
    (event,) = await found(own, action="concern.changed")
    assert event == event | {
        "at": service.clock().isoformat().replace("+00:00", "Z"),
        "kind": "change",
        "outcome": "success",
        "request_id": "board-of-november",
        "reason": "Minute 4",
        "overridden": False,
        "resource": {
            "type": "concern", "id": concern["id"], "ref": None, "force": AVON, "version_before": 1, "version_after": 2,
        },
    }  # fmt: skip
    assert (event["actor"]["name"], event["actor"]["client_id"]) == ("force-lead-1", "force-lead-1")
    assert event["patch"][0] == {"op": "replace", "path": "/title", "value": "Later"}
    one = (await own.get(f"{EVENTS}/{event['id']}")).json()
    assert one == event | {
        "before": {"/title": concern["title"], "/version": 1, "/updated_at": concern["updated_at"]},
        "state": answer.json(),
    }
    (first,) = await found(own, action="concern.created")
    created = (await own.get(f"{EVENTS}/{first['id']}")).json()
    assert (created["before"], created["state"], created["resource"]["version_before"]) == (None, concern, None)


async def test_an_event_names_the_credential_that_was_signed_in_with(
    service: Service, auditor: httpx.AsyncClient
) -> None:
    client_id, secret = await service.new_client("force_lead", f"force:{AVON}")
    asked = {"grant_type": "client_credentials"}
    token = (await service.http().post("/oauth2/token", data=asked, auth=(client_id, secret))).json()["access_token"]
    await a_concern(service.http(Authorization=f"Bearer {token}"))
    ended = await service.http().post("/oauth2/revoke", data={"token": token}, auth=(client_id, secret))
    assert ended.status_code == 200
    (made_here,) = await found(auditor, kind="credential", action="credential.created")
    credential = made_here["resource"]["id"]
    assert made_here["actor"]["credential_id"] is None  # the command line signs in with none
    used = await found(auditor, credential=credential)
    assert [each["action"] for each in used] == ["concern.created", "token.revoked"]
    assert {each["actor"]["credential_id"] for each in used} == {credential}
    await service.seal()
    proof = (await auditor.get(f"{EVENTS}/{used[0]['id']}/proof")).json()
    assert proof["envelope"]["credential_id"] == credential


async def test_a_force_is_audited_by_its_own_and_by_those_of_all(
    admin: httpx.AsyncClient, auditor: httpx.AsyncClient, own: httpx.AsyncClient, concern: Record
) -> None:
    elsewhere = await a_concern(admin, force_code=KENT)
    await made(admin, "/v1/measures", **MEASURE)
    events = await found(auditor, limit="500")
    forces = {event["resource"]["force"] for event in events}
    assert {AVON, KENT, None} <= forces
    assert {event["resource"]["force"] for event in await found(own, limit="500")} == {AVON}
    assert await found(own, force=KENT) == []
    assert {event["resource"]["id"] for event in await found(auditor, force=KENT)} == {elsewhere["id"]}
    for event in events:
        answer = await own.get(f"{EVENTS}/{event['id']}")
        assert answer.status_code == (200 if event["resource"]["force"] == AVON else 404)
        if answer.status_code == 404:
            missing = await own.get(f"{EVENTS}/01890000-0000-7000-8000-00000000ffff")
            assert answer.json()["detail"] == missing.json()["detail"]


async def test_nobody_else_reads_the_ledger(
    lead: httpx.AsyncClient, admin: httpx.AsyncClient, auditor: httpx.AsyncClient, concern: Record
) -> None:
    for caller in (lead, admin):
        refused(await caller.get(EVENTS), 403, "permission_denied")
    for path in (f"/v1/concerns/{concern['id']}", "/v1/pips", "/v1/triage"):
        refused(await auditor.get(path), 403, "permission_denied")
    denials = await found(auditor, kind="denied")
    assert [(event["action"], event["outcome"]) for event in denials] == [
        ("audit.denied", "refused"), ("audit.denied", "refused"), ("concern.denied", "refused"),
        ("pip.denied", "refused"), ("triage.denied", "refused"),
    ]  # fmt: skip


async def test_reading_the_ledger_is_noted_each_time(auditor: httpx.AsyncClient) -> None:
    assert await found(auditor, kind="read") == []
    (first,) = await found(auditor, kind="read")
    _, second = await found(auditor, kind="read")
    assert (second["action"], second["actor"]["client_id"]) == ("audit.read", first["actor"]["client_id"])
    await auditor.get(f"{EVENTS}/{first['id']}")
    *_, last = await found(auditor, kind="read")
    one = (await auditor.get(f"{EVENTS}/{last['id']}")).json()
    assert (one["resource"]["id"], one["state"]) == (first["id"], {"operation": "getAuditEvent", "query": {}})


async def test_events_are_found_by_what_is_known_of_them(
    service: Service, lead: httpx.AsyncClient, admin: httpx.AsyncClient, auditor: httpx.AsyncClient, concern: Record
) -> None:
    service.clock.forward(minutes=5)
    later = service.clock().isoformat()
    await changed(lead, "/v1/concerns", concern, title="Later")
    await made(admin, "/v1/measures", **MEASURE)
    service.clock.forward(minutes=5)
    await put(lead, (AVON, str(MEASURE["code"]), "2026-10"), "61")
    everything = await found(auditor, limit="500")
    (event,) = [each for each in everything if each["action"] == "concern.changed"]
    for asked, wanted in (
        ({"actor": event["actor"]["id"]}, lambda each: each["actor"] == event["actor"]),
        ({"client": "force-lead-1"}, lambda each: each["actor"]["client_id"] == "force-lead-1"),
        ({"resource": "measure,figure"}, lambda each: each["resource"]["type"] in ("measure", "figure")),
        ({"resource_id": concern["id"]}, lambda each: each["resource"]["id"] == concern["id"]),
        ({"action": "concern.changed"}, lambda each: each["action"] == "concern.changed"),
        ({"kind": "credential,denied"}, lambda each: each["kind"] in ("credential", "denied")),
        ({"request": event["request_id"]}, lambda each: each["request_id"] == event["request_id"]),
        ({"from": later}, lambda each: each["at"] >= event["at"]),
        ({"to": later}, lambda each: each["at"] < event["at"]),
        ({"force": AVON, "from": later}, lambda each: each["resource"]["force"] == AVON and each["at"] >= event["at"]),
    ):
        expected = [each["id"] for each in everything if wanted(each)]
        assert expected, asked
        shown = await found(auditor, limit="500", **asked)
        assert [each["id"] for each in shown if each["kind"] != "read"] == expected, asked
    newest = await found(auditor, sort="-at", limit="1")
    assert newest[0]["action"] == "audit.read"
    assert set((await found(auditor, fields="id,at", limit="1"))[0]) == {"id", "at"}
    for name, wrong, like in (
        ("kind", "nonsens", None), ("resource", "pips", "pip"), ("action", "pip.change", "pip.changed"),
    ):  # fmt: skip
        answer = await auditor.get(EVENTS, params={name: wrong})
        assert codes(answer) == [("invalid_parameter", name)]
        (error,) = answer.json()["errors"]
        assert (error.get("suggestion"), wrong in error["detail"]) == (like, True)
        assert (like or "change") in error["allowed"]
    assert codes(await auditor.get(EVENTS, params={"fields": "state"})) == [("invalid_parameter", "fields")]


def test_the_actions_that_can_be_asked_for_are_those_that_are_written() -> None:
    known = {*audit_events.actions(RESOURCES)}
    source = "".join(path.read_text() for path in Path(pip_api.__file__).parent.rglob("*.py"))
    whole = {*re.findall(r'\b(?:act=|ACT: Final = |figure, |of_individual else )"([a-z_]+\.[a-z_]+)"', source)}
    assert len(whole) == 6
    assert whole <= known
    done = {*re.findall(r'(?:write|noted)\(\w+, call, "([a-z_]+)"', source)}
    assert done == {"created", "changed", "withdrawn", "redacted", "approved", "moved"}
    assert {"pip.moved", *(f"redaction.{each}" for each in done - {"moved"})} <= known
    assert {f"pip.{each}" for each in ("denied", "read", "exported")} <= known


async def test_what_an_import_did_is_found_by_its_id(admin: httpx.AsyncClient, auditor: httpx.AsyncClient) -> None:
    rows = "code,name,unit,cadence\ncalls,Calls,count,month\nstops,Stops,count,month\n"
    sent = {"params": {"kind": "measures"}, "content": rows, "headers": {"Content-Type": "text/csv"}}
    report = (await admin.post("/v1/imports", **sent)).json()  # type: ignore[arg-type]
    await made(admin, "/v1/measures", **MEASURE)
    events = await found(auditor, **{"import": report["id"]})
    assert sorted(event["action"] for event in events) == ["import.completed", "measure.created", "measure.created"]
    assert await found(auditor, **{"import": "01890000-0000-7000-8000-00000000ffff"}) == []


@pytest.mark.parametrize("order", ["at", "-at"])
async def test_a_walk_shows_each_event_once_whatever_is_noted_meanwhile(
    service: Service, lead: httpx.AsyncClient, auditor: httpx.AsyncClient, order: str
) -> None:
    for _ in range(4):
        await a_concern(lead)
        service.clock.forward(seconds=1)
    there = [event["id"] for event in await found(auditor, limit="500")]
    address: str | None = f"{EVENTS}?limit=7&sort={order}"
    walked: list[Record] = []
    while address is not None:
        page = (await auditor.get(address)).json()
        walked += page["items"]
        address = page["links"].get("next")
        await a_concern(lead)
    # And the reading of what was there, which was noted before the walk began.
    assert sorted(event["id"] for event in walked if event["kind"] != "read") == sorted(there)
    assert len([event for event in walked if event["kind"] == "read"]) == 1
    places = [(event["at"], event["seq"]) for event in walked]
    assert places == sorted(places, reverse=order == "-at")
