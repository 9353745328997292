"""Which life has support for a plan, and what must be said of it?"""

import httpx

from tests.plans import AVON, made, rules_broken, sees_through
from tests.service import Record

PATH = "/v1/support-measures"


async def test_support_of_others_is_asked_for_agreed_begun_and_ended(lead: httpx.AsyncClient, whole: Record) -> None:
    measure = await made(
        lead, PATH, pip_id=whole["id"], title="Visit", kind="peer_support", origin="external",
        provider_force_code="kent", discussion="Two forces were compared.", discussed_on="2026-10-12",
    )  # fmt: skip
    assert measure["status"] == "considered"
    for status, name in (
        ("asked", "asked_on"),
        ("agreed", "answered_on"),
        ("under_way", "started_on"),
        ("ended", "ended_on"),
    ):
        headers = {"If-Match": f'"v{measure["version"]}"'}
        answer = await lead.patch(f"{PATH}/{measure['id']}", json={"status": status}, headers=headers)
        assert [each["pointer"] for each in answer.json()["errors"]] == [f"#/{name}"]
        measure = await sees_through(lead, measure, PATH, status=status, **{name: "2026-11-01"})
    found = (await lead.get(PATH, params={"provider_force": "kent", "status": "ended"})).json()["items"]
    assert [each["id"] for each in found] == [measure["id"]]


async def test_each_kind_of_support_keeps_what_was_asked_and_what_it_brought(
    lead: httpx.AsyncClient, whole: Record
) -> None:
    chosen = {"discussion": "What Kent did was looked at.", "discussed_on": "2026-10-12", "discussed_with": "College"}
    asked: Record = {"origin": "external", "asked_on": "2026-10-20", "topic": "Control rooms"}
    agreed = asked | {"status": "agreed", "answered_on": "2026-10-27"}
    ended = agreed | {"status": "ended", "started_on": "2026-11-10", "ended_on": "2026-11-10"}
    event = ended | {"attending_force_codes": ["kent", "surrey"], "outcome": "Two forces share their model."}
    kinds: dict[str, Record] = {
        "knowledge_sharing_event": event,
        "peer_networking": agreed | {"provider_force_code": "kent"},
        "epip": agreed | {"question": "What works against abandoned calls?", "answer": "A call back."},
        "college_resource": asked | {"status": "asked"},
        "own_force": {"origin": "internal", "status": "considered"},
    }
    for kind, body in kinds.items():
        sent = {"pip_id": whole["id"], "title": kind, "kind": kind, **chosen, **body}
        row = await made(lead, PATH, **sent)
        assert {name: (await lead.get(f"{PATH}/{row['id']}")).json()[name] for name in sent} == sent
    found = (await lead.get(PATH, params={"pip": whole["id"], "origin": "external", "status": "agreed"})).json()
    assert {each["kind"] for each in found["items"]} == {"peer_networking", "epip"}


async def test_the_rules_of_support_are_named(lead: httpx.AsyncClient, whole: Record, foreign_action: Record) -> None:
    about = {"pip_id": whole["id"], "title": "x", "kind": "epip"}
    mine, concern = about | {"origin": "internal"}, whole["concern_ids"][0]
    other, days = foreign_action["concern_id"], {"asked_on": "2026-11-02", "answered_on": "2026-11-01"}
    wrong: list[tuple[Record, tuple[str, str]]] = [
        (mine | {"concern_ids": [other]}, ("SUP-001", "#/concern_ids/0")),
        (mine | {"intensive": True}, ("SUP-002", "#/intensive_reason")),
        (about | {"origin": "external", "status": "refused", "asked_on": "2026-11-01"}, ("SUP-004", "#/answered_on")),
        (mine | {"status": "under_way"}, ("SUP-005", "#/started_on")),
        (mine | {"status": "ended", "started_on": "2026-11-01"}, ("SUP-006", "#/ended_on")),
        (about | {"origin": "external", "status": "agreed", **days}, ("SUP-007", "#/answered_on")),
        (mine | {"discussed_on": "2026-11-22"}, ("SUP-008", "#/discussed_on")),
        (about | {"origin": "external", "provider_force_code": AVON}, ("SUP-009", "#/provider_force_code")),
        (mine | {"provider_force_code": "kent"}, ("SUP-010", "#/origin")),
        (mine | {"attending_force_codes": ["kent", "kent"]}, ("SUP-011", "#/attending_force_codes/1")),
        (mine | {"concern_ids": [concern, concern]}, ("SUP-012", "#/concern_ids/1")),
    ]
    for body, told in wrong:
        assert await rules_broken(lead, PATH, **body) == [told]
    await made(lead, PATH, **mine, status="under_way", started_on="2026-11-01")  # nobody has to be asked
