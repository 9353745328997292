"""Does what the law asks to be erased go from the past, by two people, and does nothing else change?"""

import sqlite3
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from pip_api.http.problems import Problem
from pip_api.ledger.envelope import body_of, canonical, digest_of
from pip_api.ledger.findings import Outcome
from pip_api.resources.redactions import redactions
from pip_api.settings import Settings
from tests.db.test_guards import connected, refusal
from tests.insight.test_bundles import Bundle, exported
from tests.ledger.test_entries import Ledger
from tests.ledger.test_sealing import kept
from tests.plans import AVON, KENT, a_concern, a_plan, an_action, changed, made, moved
from tests.service import Record, Service, codes, refused

WHY = {"legal_basis": "UK GDPR, article 17(1)(d)", "why": "Named by mistake"}


@pytest.fixture
async def asking(service: Service) -> httpx.AsyncClient:
    return await service.caller("redactor", f"force:{AVON}")


@pytest.fixture
async def approving(service: Service) -> httpx.AsyncClient:
    return await service.caller("redactor", f"force:{AVON}")


@pytest.fixture
async def named(service: Service, lead: httpx.AsyncClient) -> Record:
    """A concern whose first two versions name somebody, in its owner and in a reason."""
    concern = await a_concern(lead, owner="Sgt Brown")
    path, reason = f"/v1/concerns/{concern['id']}", {"reason": "Sgt Brown asked for it"}
    service.clock.forward(minutes=1)
    await lead.patch(path, json={"title": "Later"}, params=reason, headers={"If-Match": '"v1"'})
    service.clock.forward(minutes=1)
    answer = await lead.patch(path, json={"owner": "The owner"}, headers={"If-Match": '"v2"'})
    assert answer.status_code == 200
    newest: Record = answer.json()
    return newest


def about(row: Record, *members: str, noun: str = "concern", force: str = AVON) -> Record:
    return {"force_code": force, "noun": noun, "subject_id": row["id"], "members": list(members), **WHY}


async def later(service: Service, *callers: httpx.AsyncClient) -> None:
    """When no walk can be under way any more, and all is sealed."""
    await service.seal()
    service.clock.forward(hours=26)
    for caller in callers:
        await service.again(caller)


FIRST = {"If-Match": '"v1"'}
"""The ETag of what was asked for."""


async def versions(by: httpx.AsyncClient, row: Record, noun: str = "concerns") -> list[Record]:
    items: list[Record] = (await by.get(f"/v1/{noun}/{row['id']}/versions")).json()["items"]
    return items


async def test_two_people_strike_out_what_was_said(
    service: Service, lead: httpx.AsyncClient, asking: httpx.AsyncClient, approving: httpx.AsyncClient, named: Record
) -> None:
    first = (await lead.get(f"/v1/concerns/{named['id']}/versions/1")).json()["at"]
    before = await versions(lead, named)
    asked = await made(asking, "/v1/redactions", **about(named, "/owner", "reason"))
    assert (asked["status"], asked["approved_by"], asked["lapses_at"]) == ("asked", None, "2026-12-21T12:02:00Z")
    assert await versions(lead, named) == before
    await later(service, lead, approving)
    sealed = {row["entry_id"]: row for row in await kept(service, "ledger_leaf")}
    path = f"/v1/redactions/{asked['id']}/approve"
    refused(await approving.post(path), 428, "precondition_required")
    refused(await approving.post(path, headers={"If-Match": '"v2"'}), 412, "version_mismatch")
    answer = await approving.post(path, headers=FIRST)
    assert answer.status_code == 200, answer.text
    done = answer.json()
    newest, second, oldest = await versions(lead, named)
    assert newest == before[0]
    assert (done["status"], done["entries"]) == ("approved", [oldest["entry"], second["entry"]])
    assert asked["entries"] == done["entries"]
    assert done["approved_by_name"] != done["asked_by_name"]
    assert second == before[1] | {"reason": "[redacted]", "state": before[1]["state"] | {"owner": "[redacted]"}}
    whole = before[2]["state"] | {"owner": "[redacted]"}
    assert oldest == before[2] | {"state": whole, "patch": [{"op": "add", "path": "", "value": whole}]}
    then = (await lead.get(f"/v1/concerns/{named['id']}", params={"as_of": first})).json()
    assert then == whole
    told = (await lead.get(f"/v1/concerns/{named['id']}/diff?from=1")).json()
    assert {"op": "replace", "path": "/owner", "value": "The owner"} in told["patch"]
    assert (await lead.get(f"/v1/concerns/{named['id']}")).json() == named
    # The salts went, the digests and leaves stayed, and what is left is not what was digested.
    entries = {str(row["id"]): row for row in await kept(service, "ledger_entry")}
    for leaf in await kept(service, "ledger_leaf"):
        was, entry = sealed[leaf["entry_id"]], entries[str(leaf["entry_id"])]
        redacted = str(entry["id"]) in done["entries"]
        assert leaf == was | ({"salt": None} if redacted else {})
        made_again = digest_of(bytes.fromhex(was["salt"]), canonical(body_of(entry))).hex()
        assert (made_again == leaf["body_digest"]) is not redacted
        assert (entry["redacted_by"] is not None) is redacted
    redaction = entries[str(entries[done["entries"][0]]["redacted_by"])]
    assert (redaction["kind"], redaction["act"]) == ("redaction", "redaction.approved")
    assert redaction["state"]["entries"] == done["entries"]
    assert "Brown" not in str([entries[id] for id in done["entries"]])


async def test_what_is_left_is_proved_all_the_same(
    tmp_path: Path, service: Service, asking: httpx.AsyncClient, approving: httpx.AsyncClient, named: Record
) -> None:
    asked = await made(asking, "/v1/redactions", **about(named, "/owner"))
    await later(service, approving)
    done = (await approving.post(f"/v1/redactions/{asked['id']}/approve", headers=FIRST)).json()
    await service.seal()
    auditor = await service.caller("auditor")
    bundle = await exported(tmp_path, auditor)
    assert faults(bundle) == []
    assert b"Brown" not in bundle.content
    told = {each["envelope"]["id"]: each for each in bundle.of_type("entry")}
    proof = (await auditor.get(f"/v1/audit-events/{done['entries'][0]}/proof")).json()
    assert (proof["body"], proof["salt"]) == (None, None)
    assert proof["redacted_by"] == told[done["entries"][0]]["redacted_by"]
    silent = bundle.content.replace(proof["redacted_by"].encode(), named["id"].encode(), 1)
    assert ("V2", Outcome.TAMPERING) in faults(bundle, silent)


def faults(bundle: Bundle, content: bytes | None = None) -> list[tuple[str, Outcome]]:
    """What is wrong with a bundle, but for the days (V12) that the clock was turned before it was sealed."""
    found = bundle.report(content).findings
    return [(each.check, each.outcome) for each in found if each.check != "V12"]


async def test_it_takes_two_people_and_no_program(
    service: Service, lead: httpx.AsyncClient, asking: httpx.AsyncClient, approving: httpx.AsyncClient, named: Record
) -> None:
    refused(await lead.post("/v1/redactions", json=about(named, "/owner")), 403, "permission_denied")
    asked = await made(asking, "/v1/redactions", **about(named, "/owner"))
    await later(service, asking, approving)
    path = f"/v1/redactions/{asked['id']}/approve"
    assert "second person" in refused(await asking.post(path, headers=FIRST), 403, "permission_denied")["detail"]
    elsewhere = await service.caller("redactor", f"force:{KENT}")
    refused(await elsewhere.post(path, headers=FIRST), 404, "not_found")
    assert (await approving.post(path, params={"dry_run": "true"}, headers=FIRST)).status_code == 200
    assert (await approving.post(path, headers=FIRST)).status_code == 200
    refused(await approving.post(path, headers={"If-Match": '"v2"'}), 409, "already_done")
    with pytest.raises(Problem) as told:
        await service.new_client("redactor", f"force:{AVON}")
    assert told.value.code == "validation_failed"
    with pytest.raises(Problem, match="Only a person"):
        await service.create(redactions, **about(named, "/owner"))


async def test_what_the_newest_version_says_is_changed_first(
    service: Service, lead: httpx.AsyncClient, asking: httpx.AsyncClient, named: Record
) -> None:
    answer = await asking.post("/v1/redactions", json=about(named, "/title"))
    assert "/title" in refused(answer, 409, "still_current")["detail"]
    assert (await changed(lead, "/v1/concerns", named, title="Something else")).status_code == 200
    assert (await asking.post("/v1/redactions", json=about(named, "/title"))).status_code == 201
    answer = await asking.post("/v1/redactions", json=about(named, "/evidence"))
    refused(answer, 409, "already_done")


async def test_what_nobody_can_change_any_more_gets_a_version_without_it(
    service: Service, lead: httpx.AsyncClient, asking: httpx.AsyncClient, approving: httpx.AsyncClient, named: Record
) -> None:
    plan = await a_plan(lead, named)
    report = {"pip_id": plan["id"], "reported_on": "2026-11-01", "reported_by": "Sgt Brown", "narrative": "He said so."}
    update = await made(lead, "/v1/progress-updates", **report)
    gone = await a_concern(lead, owner="Sgt Brown", affects=[{"concern_id": named["id"], "how": "As Brown says"}])
    held = {"force_code": AVON, "kind": "board", "title": "Board", "held_on": "2026-11-02"}
    decided = {"text": "Brown will", "owner": "Sgt Brown", "due_on": "2026-12-01"}
    met = await made(lead, "/v1/meetings", **held, decisions=[decided])
    for path, row in (("concerns", gone), ("meetings", met)):
        await lead.delete(f"/v1/{path}/{row['id']}", headers={"If-Match": '"v1"'})
    first = await made(asking, "/v1/redactions", **about(update, "/reported_by", "/narrative", noun="progress_update"))
    second = await made(asking, "/v1/redactions", **about(gone, "/owner", "/affects"))
    third = await made(asking, "/v1/redactions", **about(met, "/decisions", noun="meeting"))
    await later(service, lead, approving)
    for asked in (first, second, third):
        answer = await approving.post(f"/v1/redactions/{asked['id']}/approve", headers=FIRST)
        assert answer.status_code == 200, answer.text
    now = (await lead.get(f"/v1/progress-updates/{update['id']}")).json()
    assert (now["reported_by"], now["narrative"], now["version"]) == ("[redacted]", "[redacted]", 2)
    assert (now["pip_id"], now["reported_on"]) == (plan["id"], "2026-11-01")
    told = await versions(lead, gone)
    assert [each["act"] for each in told] == ["concern.redacted", "concern.withdrawn", "concern.created"]
    for each in told:
        assert each["state"]["owner"] == "[redacted]"
        assert each["state"]["affects"] == [{"concern_id": named["id"], "kind": "affects", "how": "[redacted]"}]
    (met,) = (await lead.get("/v1/meetings", params={"include_withdrawn": "true"})).json()["items"]
    assert met["decisions"] == [{"text": "[redacted]", "owner": "[redacted]", "due_on": "2026-12-01"}]
    refused(await lead.get(f"/v1/concerns/{gone['id']}"), 410, "withdrawn")


async def test_what_is_said_in_a_plan_that_has_ended_is_struck_out_too(
    service: Service, lead: httpx.AsyncClient, asking: httpx.AsyncClient, approving: httpx.AsyncClient, named: Record
) -> None:
    plan = await a_plan(lead, named, lead="Sgt Brown")
    action = await an_action(lead, plan, lead="Sgt Brown")
    await moved(service, plan, "shared_for_review", "withdrawn")
    both = (("pips", plan, "pip"), ("actions", action, "action"))
    asked = [await made(asking, "/v1/redactions", **about(row, "/lead", noun=noun)) for _, row, noun in both]
    await later(service, lead, approving)
    for each in asked:
        answer = await approving.post(f"/v1/redactions/{each['id']}/approve", headers=FIRST)
        assert answer.status_code == 200, answer.text
    for path, row, _ in both:
        assert (await lead.get(f"/v1/{path}/{row['id']}")).json()["lead"] == "[redacted]"


async def test_what_was_written_lately_waits(
    service: Service, asking: httpx.AsyncClient, approving: httpx.AsyncClient, named: Record
) -> None:
    """Walks that began before may still show it."""
    asked = await made(asking, "/v1/redactions", **about(named, "/owner"))
    answer = await approving.post(f"/v1/redactions/{asked['id']}/approve", headers=FIRST)
    assert refused(answer, 409, "too_soon")["possible_at"] == "2026-11-22T13:01:00Z"
    service.clock.forward(hours=26)
    refused(
        await (await service.again(approving)).post(f"/v1/redactions/{asked['id']}/approve", headers=FIRST),
        409,
        "too_soon",
    )
    await service.seal()
    assert (await approving.post(f"/v1/redactions/{asked['id']}/approve", headers=FIRST)).status_code == 200


async def test_what_was_written_after_it_was_asked_for_stays(
    service: Service, lead: httpx.AsyncClient, asking: httpx.AsyncClient, approving: httpx.AsyncClient, named: Record
) -> None:
    """Whoever approves has read which entries go, and the database lets nobody add to them."""
    asked = await made(asking, "/v1/redactions", **about(named, "/owner", "reason"))
    again, reason = dict(named), {"reason": "Sgt Brown was asked"}
    for owner in ("Sgt Brown", "Nobody", "Somebody"):
        path, current = f"/v1/concerns/{named['id']}", {"If-Match": f'"v{again["version"]}"'}
        again = (await lead.patch(path, json={"owner": owner}, headers=current, params=reason)).json()
    await later(service, lead, asking, approving)
    path = f"/v1/redactions/{asked['id']}"
    done = (await approving.post(f"{path}/approve", headers=FIRST)).json()
    assert (done["status"], done["entries"]) == ("approved", asked["entries"])
    told = {each["version"]: (each["state"]["owner"], each["reason"]) for each in await versions(lead, named)}
    assert told[2] == ("[redacted]", "[redacted]")
    assert (told[4], told[6]) == (("Sgt Brown", reason["reason"]), ("Somebody", reason["reason"]))
    rest = await made(asking, "/v1/redactions", **about(named, "/owner"))
    for change in ("entries = '[]'", "members = '[]'", "lapses_at = updated_at", "subject_id = id"):
        told_so = refusal(
            service.services.settings,
            f"UPDATE redaction SET {change}, version = version + 1 WHERE id = '{rest['id']}'",
        )
        assert "an update must raise the version by one" in told_so, change


async def test_what_says_it_again_and_was_withdrawn_is_asked_for_again(
    service: Service, lead: httpx.AsyncClient, asking: httpx.AsyncClient, approving: httpx.AsyncClient, named: Record
) -> None:
    asked = await made(asking, "/v1/redactions", **about(named, "/owner"))
    other = await made(asking, "/v1/redactions", **about(await _owned(lead), "/owner"))
    last = (await changed(lead, "/v1/concerns", named, owner="Sgt Brown")).json()
    for row in (last, {"id": other["subject_id"], "version": 2}):
        gone = await lead.delete(f"/v1/concerns/{row['id']}", headers={"If-Match": f'"v{row["version"]}"'})
        assert gone.status_code == 204
    await later(service, lead, asking, approving)
    answer = await approving.post(f"/v1/redactions/{asked['id']}/approve", headers=FIRST)
    assert "/owner" in refused(answer, 409, "still_current")["detail"]
    # What was withdrawn meanwhile, and says something else, is left as it is.
    answer = await approving.post(f"/v1/redactions/{other['id']}/approve", headers=FIRST)
    assert answer.status_code == 200, answer.text
    told = await versions(lead, {"id": other["subject_id"]})
    assert [each["state"]["owner"] for each in told] == ["Nobody", "Nobody", "[redacted]"]
    both = await made(asking, "/v1/redactions", **about(named, "/owner"))
    assert (await approving.post(f"/v1/redactions/{both['id']}/approve", headers=FIRST)).status_code == 200
    assert {each["state"]["owner"] for each in await versions(lead, named)} == {"[redacted]"}


async def _owned(lead: httpx.AsyncClient) -> Record:
    """A concern that once named somebody."""
    concern = await a_concern(lead, owner="Sgt Brown")
    now: Record = (await changed(lead, "/v1/concerns", concern, owner="Nobody")).json()
    return now


async def test_what_was_asked_for_can_be_withdrawn_and_lapses(
    service: Service, lead: httpx.AsyncClient, asking: httpx.AsyncClient, approving: httpx.AsyncClient, named: Record
) -> None:
    one, two, three = [await made(asking, "/v1/redactions", **about(named, "/owner")) for _ in range(3)]
    path = f"/v1/redactions/{one['id']}"
    refused(await asking.delete(path), 428, "precondition_required")
    refused(await lead.delete(path, headers=FIRST), 403, "permission_denied")
    assert (await asking.delete(path, headers=FIRST)).status_code == 204
    refused(await approving.post(f"{path}/approve", headers={"If-Match": '"v2"'}), 410, "withdrawn")
    await later(service, asking, approving)
    path = f"/v1/redactions/{two['id']}"
    assert (await approving.post(f"{path}/approve", headers=FIRST)).status_code == 200
    refused(await asking.delete(path, headers={"If-Match": '"v2"'}), 409, "already_done")
    service.clock.forward(days=29)
    await service.again(approving)
    answer = await approving.post(f"/v1/redactions/{three['id']}/approve", headers=FIRST)
    assert refused(answer, 409, "lapsed")["lapsed_at"] == three["lapses_at"]


async def test_what_cannot_be_redacted_is_refused(
    asking: httpx.AsyncClient, admin: httpx.AsyncClient, named: Record
) -> None:
    for members, places in (
        (["/status"], ["#/members/0"]),
        (["/owner", "/measure_codes", "owner", "/id"], ["#/members/1", "#/members/2", "#/members/3"]),
        ([], ["#/members"]),
    ):
        answer = await asking.post("/v1/redactions", json=about(named, *members))
        assert [place for _, place in codes(answer)] == places, answer.text
    foreign = await a_concern(admin, force_code=KENT)
    for id in (foreign["id"], "01890000-0000-7000-8000-00000000ffff"):
        answer = await asking.post("/v1/redactions", json=about({"id": id}, "/owner"))
        assert codes(answer) == [("unknown_reference", "#/subject_id")]


async def test_the_database_lets_nothing_else_be_changed(
    settings: Settings, service: Service, asking: httpx.AsyncClient, approving: httpx.AsyncClient, named: Record
) -> None:
    ledger = Ledger(service)
    asked = await made(asking, "/v1/redactions", **about(named, "/owner"))
    await later(service, approving)
    assert (await approving.post(f"/v1/redactions/{asked['id']}/approve", headers=FIRST)).status_code == 200
    entries = {str(row["id"]): row for row in await ledger.news()}
    done = (await approving.get(f"/v1/redactions/{asked['id']}")).json()
    redacted = done["entries"][0]
    redaction = entries[redacted]["redacted_by"]
    other = next(id for id, row in entries.items() if row["subject_id"] and id not in done["entries"])
    pg = settings.database_url.startswith("postgresql")
    strike = "jsonb_set({}, '{{{}}}', '{}')" if pg else "json_set({}, '$.{}', json('{}'))"
    title = f"redacted_by = '{redaction}', state = " + strike.format("state", "title", '"[redacted]"')
    accepted = [title, f"redacted_by = '{redaction}', state = state"]
    wrong = [
        "redacted_by = redacted_by, act = 'x'",
        "redacted_by = NULL",
        f"redacted_by = '{other}'",
        "reason = 'x'",
        "actor_name = '[redacted]'",
        "state = " + strike.format("state", "title", '"Another"'),
        "state = " + strike.format("state", "version", '"[redacted]"'),
        "state = " + strike.format("state", "new", '"[redacted]"'),
        "state = " + strike.format("state", "affects", '"[redacted]"'),
        "state = '{}'",
        "patch = '[]'",
    ]
    for change in wrong:
        told = refusal(settings, f"UPDATE ledger_entry SET {change} WHERE id = '{redacted}'")
        assert "update is refused" in told, change
        if "redacted_by" not in change:
            told = refusal(
                settings, f"UPDATE ledger_entry SET {change}, redacted_by = '{redaction}' WHERE id = '{other}'"
            )
            assert "update is refused" in told, change
    assert "update is refused" in refusal(settings, f"UPDATE ledger_entry SET {title} WHERE id = '{other}'")
    for change in accepted:
        assert refusal(settings, f"UPDATE ledger_entry SET {change} WHERE id = '{redacted}'") == "accepted"
    for change, told in {
        "salt = NULL": "accepted",
        "salt = 'x'": "update is refused",
        "salt = NULL, leaf_hash = 'x'": "update is refused",
    }.items():
        assert told in refusal(settings, f"UPDATE ledger_leaf SET {change} WHERE entry_id = '{redacted}'")
        assert "update is refused" in refusal(settings, f"UPDATE ledger_leaf SET {change} WHERE entry_id = '{other}'")
    with connected(settings) as connection, pytest.raises((psycopg.Error, sqlite3.Error)):
        one(
            connection, f"UPDATE redaction SET approved_by = asked_by, version = version + 1 WHERE id = '{asked['id']}'"
        )


def one(connection: Any, statement: str) -> None:
    connection.execute(statement)
    connection.commit()
