"""What is accepted of a concern, and what is refused?"""

from datetime import UTC, datetime
from uuid import uuid4

import httpx

from tests.plans import AVON, CONCERN, DEVON, MEASURE, a_concern, changed, made
from tests.service import Record, Service, codes, refused

PATH = "/v1/concerns"


async def test_a_concern_rests_on_measures_and_affects_others(
    admin: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    await made(admin, "/v1/measures", **MEASURE)
    first = await a_concern(lead, measure_codes=["answered-in-time"])
    effect = {"concern_id": first["id"], "kind": "is_root_cause_of", "how": "Shifts do not match the calls."}
    shown = {"evidence": "Quarterly return, page 4", "owner": "ACC", "measure_codes": ["answered-in-time"]}
    about = shown | {"starts_on": "2026-10-05", "ends_on": "2027-03-31", "affects": [effect]}
    second = await a_concern(lead, title="Demand is poorly understood", **about)
    sent = CONCERN | about | {"title": "Demand is poorly understood"}
    assert {name: second[name] for name in sent} == sent
    read = (await lead.get(f"{PATH}/{second['id']}")).json()
    assert read == second


NOT_A_CONCERN: list[tuple[Record, str, str]] = [
    ({"identified_on": "2026-11-22"}, "in_the_future", "#/identified_on"),
    ({"identified_on": "2026-1-1"}, "date_parsing", "#/identified_on"),
    ({"measure_codes": ["gossip"]}, "unknown_reference", "#/measure_codes/0"),
    ({"affects": [{"concern_id": str(uuid4()), "how": "x"}]}, "unknown_reference", "#/affects/0/concern_id"),
    ({"affects": [{"concern_id": "C1", "how": "x"}]}, "uuid_parsing", "#/affects/0/concern_id"),
    ({"source": "gossip"}, "enum", "#/source"),
    ({"title": "t" * 201}, "string_too_long", "#/title"),
    ({"owner": ""}, "string_too_short", "#/owner"),
]


async def test_what_is_not_a_concern_is_refused(lead: httpx.AsyncClient) -> None:
    for other, code, pointer in NOT_A_CONCERN:
        answer = await lead.post(PATH, json=CONCERN | other)
        refused(answer, 422, "validation_failed")
        assert codes(answer) == [(code, pointer)], other


async def test_the_rules_of_a_concern_are_named(lead: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    await made(admin, "/v1/measures", **MEASURE)
    concern, other = await a_concern(lead), await a_concern(lead, title="Calls are abandoned")

    async def rules(**patch: object) -> list[tuple[str, str]]:
        document = refused(await changed(lead, PATH, concern, **patch), 422, "validation_failed")
        return [(each["rule"], each["pointer"]) for each in document["errors"]]

    itself, once = ({"concern_id": each["id"], "how": "x"} for each in (concern, other))
    assert await rules(affects=[once, itself]) == [("CON-001", "#/affects/1/concern_id")]
    assert await rules(affects=[once, once]) == [("CON-002", "#/affects/1/concern_id")]
    assert await rules(identified_on="2027-01-01") == [("CON-003", "#/identified_on")]
    assert await rules(measure_codes=["answered-in-time"] * 2) == [("CON-004", "#/measure_codes/1")]


async def test_today_is_the_day_in_london(service: Service) -> None:
    service.clock.time = datetime(2026, 7, 1, 22, 59, tzinfo=UTC)
    lead = await service.caller("force_lead", f"force:{AVON}")
    refused(await lead.post(PATH, json=CONCERN | {"identified_on": "2026-07-02"}), 422, "validation_failed")
    service.clock.forward(minutes=1)
    await a_concern(lead, identified_on="2026-07-02")


async def test_a_concern_affects_concerns_of_its_own_force_only(lead: httpx.AsyncClient, service: Service) -> None:
    neighbour = await service.caller("force_lead", f"force:{DEVON}")
    theirs = await a_concern(neighbour, force_code=DEVON)
    answer = await lead.post(PATH, json=CONCERN | {"affects": [{"concern_id": theirs["id"], "how": "x"}]})
    refused(answer, 422, "validation_failed")
    assert codes(answer) == [("unknown_reference", "#/affects/0/concern_id")]


async def test_the_inspectorate_notes_concerns_and_a_force_cannot_for_another(
    service: Service, lead: httpx.AsyncClient
) -> None:
    inspector = await service.caller("reviewer_hmicfrs")
    found = await a_concern(inspector, source="inspectorate", identified_by="HMICFRS")
    assert (await lead.get(f"{PATH}/{found['id']}")).status_code == 200
    answer = await lead.post(PATH, json=CONCERN | {"force_code": DEVON})
    refused(answer, 422, "validation_failed")
    assert codes(answer) == [("unknown_reference", "#/force_code")]


async def test_concerns_are_found(lead: httpx.AsyncClient) -> None:
    await a_concern(lead, source="ppmg")
    late = await a_concern(lead, identified_on="2026-11-01", source="force", status="resolved")
    for query in ({"status": "resolved"}, {"source": "force"}, {"identified_after": "2026-10-01"}):
        items = (await lead.get(PATH, params=query)).json()["items"]
        assert [each["id"] for each in items] == [late["id"]], query
    assert (await lead.get(PATH, params={"force": DEVON})).json()["items"] == []


async def test_a_concern_is_resolved_for_whoever_identified_it(service: Service, lead: httpx.AsyncClient) -> None:
    """Else a force could mute what PPMG or the inspectorate found in it."""
    speaking = {"ppmg": "ppmg_member", "inspectorate": "reviewer_hmicfrs", "force": "force_lead"}
    callers = {source: await service.caller(role) for source, role in speaking.items() if source != "force"}
    callers["force"] = lead
    for source in speaking:
        concern = await a_concern(lead, source=source)
        wrong = refused(await changed(lead, "/v1/concerns", concern, source="other"), 422, "validation_failed")
        assert [(each["code"], each["pointer"]) for each in wrong["errors"]] == [("read_only", "#/source")]
        if source != "force":
            gone = await lead.delete(f"/v1/concerns/{concern['id']}", headers={"If-Match": '"v1"'})
            refused(gone, 403, "permission_denied")
            changed_by_force = await changed(lead, "/v1/concerns", concern, status="resolved")
            assert [each["rule"] for each in refused(changed_by_force, 422, "validation_failed")["errors"]] == [
                "CON-006"
            ]
            resolved_already = await lead.post("/v1/concerns", json=CONCERN | {"source": source, "status": "resolved"})
            assert codes(resolved_already) == [("permission_denied", "#/status")]
        resolved = await changed(callers[source], "/v1/concerns", concern, status="resolved")
        assert (resolved.status_code, resolved.json()["status"]) == (200, "resolved")
