"""Does `pip-api verify` accept what the service exports, and nothing that was changed on the way?"""

import json
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from pip_api.insight import bundles
from pip_api.ledger.findings import Outcome, Report
from pip_api.ledger.verification import verify_bundle
from tests.plans import AVON, KENT, MEASURE, a_concern, a_plan, an_action, changed, made, put
from tests.resources.test_forces import FORCE
from tests.service import Record, Service, refused, running

EXPORT = "/v1/audit-log/export"


class Bundle:
    """A bundle with the keys that were published with it."""

    def __init__(self, folder: Path, content: bytes, keys: bytes) -> None:
        self.content = content
        self.lines: list[Record] = [json.loads(each) for each in content.splitlines()]
        self._folder = folder
        (folder / "keys.json").write_bytes(keys)

    def of_type(self, kind: str) -> list[Record]:
        return [each for each in self.lines if each["type"] == kind]

    def report(self, content: bytes | None = None, since: str | None = None) -> Report:
        (self._folder / "bundle.ndjson").write_bytes(self.content if content is None else content)
        kept = self._folder / "kept.head"
        kept.write_text(since or "")
        return verify_bundle(
            self._folder / "bundle.ndjson",
            self._folder / "keys.json",
            since=kept if since else None,
            bound=timedelta(seconds=10) if self.lines[0]["every_head"] else None,
        )


async def exported(folder: Path, caller: httpx.AsyncClient, **asked: object) -> Bundle:
    answer = await caller.get(EXPORT, params={name: str(value) for name, value in asked.items()})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert "content-length" not in answer.headers
    return Bundle(folder, answer.content, (await caller.get("/v1/audit-log/keys")).content)


@pytest.fixture
async def busy(service: Service, admin: httpx.AsyncClient) -> Service:
    """A service in which two forces have worked, in several rounds of the sealer."""
    await made(admin, "/v1/measures", **(MEASURE | {"target": 61.4}))
    for force in (AVON, KENT):
        await service.seal()
        concern = await a_concern(admin, force_code=force, measure_codes=[MEASURE["code"]])
        plan = await a_plan(admin, concern, lead="Chief Insp \U0001f3fb Öz")
        action = await an_action(admin, plan, due_on="2026-11-01")
        await service.seal()
        await changed(admin, "/v1/actions", action, status="in_progress")
        await put(admin, (force, str(MEASURE["code"]), "2026-10"), "61.40")
    await service.seal()
    return service


async def test_a_full_bundle_is_accepted_and_no_bit_of_it_can_be_turned(tmp_path: Path, busy: Service) -> None:
    bundle = await exported(tmp_path, await busy.caller("auditor"))
    opening = bundle.lines[0]
    assert (opening["full"], opening["every_head"]) == (True, True)
    assert len(bundle.of_type("entry")) == opening["logs"][0]["tree_size"]
    assert len(bundle.of_type("head")) == 5
    report = bundle.report()
    assert report.outcome is Outcome.GOOD, report
    content = bytearray(bundle.content)
    start = content.index(b'"title":"Calls are not attended')
    content[start + 12] ^= 1
    assert bundle.report(bytes(content)).outcome is Outcome.TAMPERING
    last_line = bundle.content.splitlines(keepends=True)
    assert bundle.report(b"".join(last_line[:-1])).outcome is Outcome.INCOMPLETE


async def test_a_force_has_a_bundle_of_its_own_entries(tmp_path: Path, busy: Service) -> None:
    bundle = await exported(tmp_path, await busy.caller("auditor", f"force:{AVON}"))
    entries = bundle.of_type("entry")
    assert (bundle.lines[0]["full"], len(bundle.of_type("head"))) == (False, 1)
    assert {each["envelope"]["force_code"] for each in entries} == {AVON}
    assert [each["envelope"]["act"] for each in entries] == [
        "concern.created", "pip.created", "action.created", "action.changed", "figure.recorded",
    ]  # fmt: skip
    assert KENT not in bundle.content.decode()
    assert bundle.report().outcome is Outcome.GOOD
    for name in ("leaf", "salt"):
        spoilt = bundle.content.replace(entries[0][name].encode(), entries[1][name].encode())
        assert bundle.report(spoilt).outcome is Outcome.TAMPERING


async def test_a_bundle_is_held_against_a_head_that_was_kept(tmp_path: Path, busy: Service) -> None:
    own, every = await busy.caller("auditor", f"force:{AVON}"), await busy.caller("auditor")
    heads = (await exported(tmp_path, every)).of_type("head")
    kept = (await own.get("/v1/audit-log/checkpoint")).json()
    assert kept["head"] == heads[-1]["head"]
    await a_concern(await busy.caller("national_admin"))
    await busy.seal()
    for caller in (own, every):
        for since in (None, kept["tree_size"]):
            asked = {} if since is None else {"since": since}
            bundle = await exported(tmp_path, caller, **asked)
            wanted = Outcome.GOOD if since or caller is every else Outcome.INCOMPLETE
            assert bundle.report(since=kept["head"]).outcome is wanted
    earlier = await exported(tmp_path, own, tree_size=kept["tree_size"])
    assert earlier.lines[0]["logs"] == [{"log_id": "2026", "tree_size": kept["tree_size"]}]
    assert earlier.report().outcome is Outcome.GOOD
    newest = (await own.get("/v1/audit-log/checkpoint")).json()["tree_size"]
    none = refused(await own.get(f"{EXPORT}?since=1"), 404, "not_found")["detail"]
    assert none.startswith(f"No head of the log of 2026 has 1 entries; the newest has {newest}. Use the tree_size")
    assert refused(await own.get(f"{EXPORT}?log_id=2025"), 404, "not_found")["detail"] == "There is no log of 2025."
    too_late = {"since": newest, "tree_size": kept["tree_size"]}
    told = refused(await own.get(EXPORT, params=too_late), 400, "invalid_parameter")["detail"]
    assert f"from 1 to {kept['tree_size']}" in told


async def test_a_kept_head_leads_on_in_its_own_log_when_the_year_is_over(tmp_path: Path, busy: Service) -> None:
    kept = (await (await busy.caller("auditor")).get("/v1/audit-log/checkpoint")).json()
    await a_concern(await busy.caller("national_admin"))
    await busy.seal()
    busy.clock.forward(days=60)
    every, own = await busy.caller("auditor"), await busy.caller("auditor", f"force:{AVON}")
    await a_concern(await busy.caller("national_admin"))
    await busy.seal()
    for caller in (every, own):
        told = refused(await caller.get(f"{EXPORT}?since={kept['tree_size']}"), 404, "not_found")["detail"]
        assert told.startswith("No head of the log of 2027 has")
        bundle = await exported(tmp_path, caller, since=kept["tree_size"], log_id=kept["log_id"])
        report = bundle.report(since=kept["head"])
        assert (report.outcome, report.of("V6")) == (Outcome.GOOD, "good")
        newest = await exported(tmp_path, caller)
        assert newest.lines[0]["logs"][0]["log_id"] == "2027"
        assert newest.lines[0]["other_logs"] == ["2026"]
        assert newest.report().outcome is Outcome.GOOD


async def test_a_span_of_time_is_a_bundle_too(tmp_path: Path, busy: Service) -> None:
    busy.clock.forward(minutes=10)
    moment = busy.clock()
    admin, every = await busy.caller("national_admin"), await busy.caller("auditor")
    await a_concern(admin)
    await busy.seal()
    bundle = await exported(tmp_path, every, **{"from": moment.isoformat().replace("+00:00", "Z")})
    acts = [each["envelope"]["act"] for each in bundle.of_type("entry")]
    assert acts[-1] == "concern.created"
    assert bundle.lines[0]["full"] is False
    assert bundle.report().outcome is Outcome.GOOD
    before = await exported(tmp_path, every, to=moment.isoformat().replace("+00:00", "Z"))
    assert len(before.of_type("entry")) + len(acts) == before.lines[0]["logs"][0]["tree_size"]
    refused(await every.get(f"{EXPORT}?from=yesterday"), 400, "invalid_parameter")


async def test_a_log_in_many_windows_is_exported_whole(
    tmp_path: Path, busy: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    every, own = await busy.caller("auditor"), await busy.caller("auditor", f"force:{AVON}")
    monkeypatch.setattr(bundles, "WINDOW", 7)
    for caller in (every, own):
        bundle = await exported(tmp_path, caller)
        assert bundle.report().outcome is Outcome.GOOD


async def test_a_force_that_came_a_moment_ago_is_in_a_full_bundle(
    tmp_path: Path, busy: Service, admin: httpx.AsyncClient
) -> None:
    """What the service remembers of the auditor's grants for some seconds is older than the force."""
    every = await busy.caller("auditor")
    assert (await exported(tmp_path, every, rows="true")).report().outcome is Outcome.GOOD
    async with running(busy.services.settings) as other:
        admin = other.http(**admin.headers)
        await made(admin, "/v1/forces", **FORCE)
        await a_concern(admin, force_code=FORCE["code"])
    await busy.seal()
    bundle = await exported(tmp_path, every, rows="true")
    assert FORCE["code"] in {each["envelope"]["force_code"] for each in bundle.of_type("entry")}
    assert bundle.lines[0]["exported_by"]["name"] == busy.name_of(every)
    report = bundle.report()
    assert report.outcome is Outcome.GOOD, report


async def test_words_of_single_people_are_for_those_who_lead_them(tmp_path: Path, service: Service) -> None:
    """Whoever audits sees that something was written of somebody, by whom and when, and can prove it: not what."""
    leads = ("people_lead", f"force:{AVON}")
    leader = await service.signed_in(leads)
    somebody = await made(leader, "/v1/people", force_code=AVON, name="Robin Example")
    talk = {"person_id": somebody["id"], "kind": "coaching", "held_on": "2026-11-10"}
    held = await made(leader, "/v1/conversations", **talk, with_whom="Inspector", summary="Sleeps badly.")
    reason = {"reason": "Robin asked for it"}
    sent = {"agreed": "Shorter nights.", "version": held["version"]}
    patch = {"Content-Type": "application/merge-patch+json", "If-Match": '"v1"'}
    answer = await leader.patch(f"/v1/conversations/{held['id']}", params=reason, json=sent, headers=patch)
    assert answer.status_code == 200, answer.text
    event = answer.headers["audit-event"]
    await service.seal()
    every = await service.caller("auditor")
    for caller in (every, await service.caller("auditor", f"force:{AVON}")):
        listed = (await caller.get("/v1/audit-events", params={"resource": "person,conversation"})).text
        one = await caller.get(f"/v1/audit-events/{event}")
        proof = await caller.get(f"/v1/audit-events/{event}/proof")
        bundle = await exported(tmp_path, caller, rows="true")
        for text in (listed, one.text, proof.text, bundle.content.decode()):
            assert not any(word in text for word in ("Robin", "Sleeps", "Shorter", "nights"))
        told = one.json()
        assert (told["withheld"], told["action"]) == ("conversation:read", "conversation.changed")
        assert (told["reason"], told["patch"], told["before"], told["state"]) == (None, [], None, {})
        assert told["actor"]["name"] == service.name_of(leader)
        assert (proof.json()["body"], proof.json()["salt"]) == (None, None)
        assert proof.json()["withheld"] == "conversation:read"
        assert not {"person", "conversation"} & set(bundle.lines[0]["states"])
        report = bundle.report()
        assert (report.outcome, report.withheld) == (Outcome.GOOD, 3), report
    hidden = bundle.content.replace(b'"noun":"person"', b'"noun":"concern"')
    assert bundle.report(hidden).of("V2") == "tampering"  # nothing else can be kept back so
    both = await service.signed_in(leads, ("auditor", f"force:{AVON}"))
    assert (await both.get(f"/v1/audit-events/{event}")).json()["state"]["agreed"] == "Shorter nights."
    whole = await exported(tmp_path, both, rows="true")
    assert {"person", "conversation"} <= set(whole.lines[0]["states"])
    assert "Sleeps badly." in whole.content.decode()
    assert (whole.report().outcome, whole.report().withheld) == (Outcome.GOOD, 0)


async def test_an_export_is_noted(busy: Service, tmp_path: Path) -> None:
    every = await busy.caller("auditor")
    await exported(tmp_path, every)
    read_only = busy.services.settings.model_copy(update={"read_only": True})
    async with running(read_only) as other:  # what cannot be noted is not done
        refused(await other.http(**every.headers).get(EXPORT), 503, "read_only_mode")
    (noted,) = (await every.get("/v1/audit-events?kind=export")).json()["items"]
    assert noted["action"] == "audit.exported"
