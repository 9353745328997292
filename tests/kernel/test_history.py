"""What is told of the past of a row: versions, what differs between two moments, and what happened meanwhile?"""

import copy
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pip_api.kernel.changes import difference, since
from pip_api.resources.pips import pips
from tests.plans import AVON, CONCERN, KENT, MEASURE, a_concern, a_plan, an_action, changed, made
from tests.service import Record, Service, codes, refused


def applied(state: Record | None, patch: list[Record]) -> Record | None:
    """A state after a JSON Patch of objects."""
    document: Record = {"": state}
    for each in patch:
        *way, last = each["path"].split("/") if each["path"] else ("",)
        place = document
        for part in way:
            place = place[part]
        if each["op"] == "remove":
            del place[last]
        else:
            place[last] = each["value"]
    whole: Record | None = document[""]
    return whole


# Somebody else was quicker


async def test_a_late_change_is_told_who_changed_what(service: Service, lead: httpx.AsyncClient) -> None:
    """P12: nobody has to guess what happened."""
    concern = await a_concern(lead)
    for n, change in enumerate(({"owner": "Supt Hill"}, {"title": "Calls wait"}, {"owner": "Supt Dale"})):
        service.clock.forward(minutes=1)
        await lead.patch(f"/v1/concerns/{concern['id']}", json=change, headers={"If-Match": f'"v{n + 1}"'})
    late = await changed(lead, "/v1/concerns", concern, owner="Supt Moor", status="resolved")
    document = refused(late, 412, "version_mismatch")
    assert late.headers["etag"] == document["current_etag"] == '"v4"'
    assert (document["expected_version"], document["current_version"]) == (1, 4)
    actor = {"type": "service", "name": "force-lead-1", "client_id": "force-lead-1"}
    assert document["changed"] == [
        {"version": 4, "at": "2026-11-21T12:03:00Z", "actor": actor, "fields": ["/owner"]},
        {"version": 3, "at": "2026-11-21T12:02:00Z", "actor": actor, "fields": ["/title"]},
        {"version": 2, "at": "2026-11-21T12:01:00Z", "actor": actor, "fields": ["/owner"]},
    ]
    assert document["overlap"] == ["/owner"]
    current = (await lead.get(f"/v1/concerns/{concern['id']}")).json()
    assert applied(concern, document["patch_from_yours"]) == current


async def test_so_is_a_late_withdrawal_and_one_by_the_body(lead: httpx.AsyncClient, concern: Record) -> None:
    path = f"/v1/concerns/{concern['id']}"
    await changed(lead, "/v1/concerns", concern, owner="Supt Hill")
    withdrawal = await lead.delete(path, headers={"If-Match": '"v1"'})
    by_body = await lead.patch(path, json={"title": "x", "version": 1})
    for answer in (withdrawal, by_body):
        document = refused(answer, 412, "version_mismatch")
        assert [each["fields"] for each in document["changed"]] == [["/owner"]]
        assert document["overlap"] == []


async def test_a_tag_of_no_version_is_told_nothing_more(lead: httpx.AsyncClient, concern: Record) -> None:
    for tag in ('"v99"', '"x"'):
        answer = await lead.patch(f"/v1/concerns/{concern['id']}", json={"title": "x"}, headers={"If-Match": tag})
        assert "changed" not in refused(answer, 412, "version_mismatch")


async def test_a_very_late_change_is_told_the_latest_hundred(lead: httpx.AsyncClient, concern: Record) -> None:
    row = concern
    for n in range(102):
        row = (await changed(lead, "/v1/concerns", row, owner=f"Owner {n}")).json()
    document = refused(await changed(lead, "/v1/concerns", concern, title="x"), 412, "version_mismatch")
    assert [each["version"] for each in document["changed"]] == list(range(103, 3, -1))
    assert "patch_from_yours" not in document


async def test_who_may_override_need_not_know_the_version(lead: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    concern = await a_concern(lead)
    path, whatever = f"/v1/concerns/{concern['id']}", {"If-Match": "*"}
    denied = refused(await lead.patch(path, json={"title": "x"}, headers=whatever), 403, "permission_denied")
    assert denied["required"] == ["version:override"]
    answer = await admin.patch(path, json={"title": "Overridden"}, headers=whatever)
    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    versions = (await lead.get(f"{path}/versions")).json()["items"]
    assert [each["overridden"] for each in versions] == [True, False]
    assert (await admin.delete(path, headers=whatever)).status_code == 204


STATES = st.lists(st.fixed_dictionaries({"a": st.integers(0, 2), "b": st.text(max_size=1)}), min_size=1, max_size=6)


@given(states=STATES, seen=st.integers(1, 6))
def test_the_patch_leads_from_what_was_seen_to_what_is(states: list[Record], seen: int) -> None:
    told: list[Record] = [{"version": n, "at": n, "actor": {}, "state": each} for n, each in enumerate(states, 1)]
    shown = list(reversed(told[seen - 1 :]))
    document = since(shown, seen, ["a"])
    if shown:
        assert applied(dict(shown[-1]["state"]), document["patch_from_yours"]) == states[-1]
        assert document["overlap"] == (["/a"] if shown[-1]["state"]["a"] != states[-1]["a"] else [])
    assert len(document["changed"]) == max(len(shown) - 1, 0)


# One version


async def test_each_version_is_read_by_its_number(lead: httpx.AsyncClient, concern: Record) -> None:
    path = f"/v1/concerns/{concern['id']}"
    await changed(lead, "/v1/concerns", concern, owner="Supt Hill")
    await lead.delete(path, headers={"If-Match": '"v2"'})
    listed = (await lead.get(f"{path}/versions")).json()["items"]
    for each in listed:
        one = await lead.get(f"{path}/versions/{each['version']}")
        assert (one.json(), one.headers["etag"]) == (each, f'"v{each["version"]}"')
    held = await lead.get(f"{path}/versions/1", headers={"If-None-Match": '"v1"'})
    assert (held.status_code, held.content) == (304, b"")
    for number in ("0", "4", "x", "-1", "01x", "99999999999"):
        refused(await lead.get(f"{path}/versions/{number}"), 404, "not_found")


async def test_the_past_of_others_is_hidden(service: Service, lead: httpx.AsyncClient, concern: Record) -> None:
    other = await service.caller("force_lead", f"force:{KENT}")
    for path in ("versions", "versions/1", "diff?from=1"):
        hidden = await other.get(f"/v1/concerns/{concern['id']}/{path}")
        refused(hidden, 404, "not_found")


# Two moments


async def test_a_plan_is_compared_with_what_it_was(service: Service, lead: httpx.AsyncClient) -> None:
    concern = await a_concern(lead)
    plan = await a_plan(lead, concern)
    first, second = [await an_action(lead, plan) for _ in range(2)]
    start = service.clock().isoformat()
    service.clock.forward(days=1)
    lead = await service.again(lead)
    await changed(lead, "/v1/pips", plan, title="Answer every call", lead="Supt Hill")
    await changed(lead, "/v1/actions", first, status="in_progress")
    await lead.delete(f"/v1/actions/{second['id']}", headers={"If-Match": '"v1"'})
    third = await an_action(lead, plan)
    answer = await lead.get(f"/v1/pips/{plan['id']}/diff", params={"from": start})
    document = answer.json()
    assert [(each["kind"], each["text"]) for each in document["summary"]] == [
        ("pip.changed", f"Pip {plan['ref']} has another title: Answer every call, and not Answer calls in time."),
        ("pip.changed", f"Pip {plan['ref']} has another lead: Supt Hill, and not none."),
        ("action.changed", "Action 1.1 has another status: in_progress, and not not_started."),
        ("action.withdrawn", "Action 1.2 was withdrawn."),
        ("action.added", "Action 1.3 was added."),
    ]
    assert document["counts"] == {
        "pip.changed": 2,
        "action.changed": 1,
        "action.withdrawn": 1,
        "action.added": 1,
    }
    none: Record = {each.plural: {} for each in pips.children}
    then = plan | none | {"actions": {each["id"]: each for each in (first, second)}}
    now = (await lead.get(f"/v1/pips/{plan['id']}")).json()
    listed = (await lead.get(f"/v1/actions?pip={plan['id']}")).json()["items"]
    now |= none | {"actions": {each["id"]: each for each in listed}}
    assert third["id"] in now["actions"]
    assert applied(then, document["patch"]) == now


async def test_versions_are_compared_too(service: Service, lead: httpx.AsyncClient, concern: Record) -> None:
    path, row = f"/v1/concerns/{concern['id']}", concern
    for n in range(3):
        service.clock.forward(minutes=1)
        row = (await changed(lead, "/v1/concerns", row, owner=f"Owner {n}")).json()
    middle = (await lead.get(f"{path}/diff?from=2&to=3")).json()
    texts = [each["text"] for each in middle["summary"]]
    assert texts == [f"Concern {CONCERN['title']} has another owner: Owner 1, and not Owner 0."]
    whole = (await lead.get(f"{path}/diff?from=1")).json()
    assert applied(dict(concern), whole["patch"]) == row
    same = (await lead.get(f"{path}/diff?from=4")).json()
    assert (same["patch"], same["summary"], same["counts"]) == ([], [], {})


async def test_versions_of_one_instant_are_told_apart(
    service: Service, lead: httpx.AsyncClient, concern: Record
) -> None:
    """Two machines whose clocks differ, or one that is quick: the later version is never of an earlier moment."""
    row = concern
    service.clock.forward(seconds=1)  # what the caller holds is not older than the clock that is put back
    for owner in ("First", "Second"):
        row = (await changed(lead, "/v1/concerns", row, owner=owner)).json()
    told = (await lead.get(f"/v1/concerns/{concern['id']}/diff?from=2&to=3")).json()
    assert [each["value"] for each in told["patch"] if each["path"] == "/owner"] == ["Second"]
    assert len(told["summary"]) == 1
    service.clock.forward(seconds=-1)  # what a machine ahead wrote is not left out because this one is behind
    assert (await lead.get(f"/v1/concerns/{concern['id']}/diff?from=2")).json() == told
    backwards = await lead.get(f"/v1/concerns/{concern['id']}/diff?from=3&to=2")
    assert codes(backwards) == [("invalid_parameter", "from")]


async def test_a_late_change_that_cannot_be_read_is_late_first(lead: httpx.AsyncClient, concern: Record) -> None:
    path = f"/v1/concerns/{concern['id']}"
    await changed(lead, "/v1/concerns", concern, owner="Supt Hill")
    headers = {"If-Match": '"v1"', "Content-Type": "application/merge-patch+json"}
    late = refused(await lead.patch(path, content="{", headers=headers), 412, "version_mismatch")
    assert (late["expected_version"], late["overlap"]) == (1, [])


async def test_from_before_the_beginning_everything_is_new(service: Service, lead: httpx.AsyncClient) -> None:
    before = service.clock().isoformat()
    service.clock.forward(minutes=1)
    concern = await a_concern(lead)
    told = (await lead.get(f"/v1/concerns/{concern['id']}/diff", params={"from": before})).json()
    assert told["patch"] == [{"op": "add", "path": "", "value": concern}]
    assert told["counts"] == {"concern.added": 1}


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("", "from"),
        ("from=9", "from"),
        ("from=0", "from"),
        ("from=tomorrow", "from"),
        ("from=2027-01-01T00:00:00Z", "from"),
        ("from=1&to=9", "to"),
        ("from=2&to=1", "from"),
    ],
)
async def test_what_cannot_be_compared_is_refused(
    service: Service, lead: httpx.AsyncClient, concern: Record, query: str, parameter: str
) -> None:
    service.clock.forward(minutes=1)
    await changed(lead, "/v1/concerns", concern, title="Second")
    answer = await lead.get(f"/v1/concerns/{concern['id']}/diff?{query}")
    refused(answer, 400, "invalid_parameter")
    assert codes(answer) == [("invalid_parameter", parameter)]


async def test_a_caller_is_told_of_what_may_be_read(service: Service, admin: httpx.AsyncClient) -> None:
    await made(admin, "/v1/measures", **MEASURE)
    plan = await a_plan(admin, await a_concern(admin))
    await an_action(admin, plan)
    reader = await service.caller("force_reader", f"force:{AVON}", scope="pip:read")
    told = (await reader.get(f"/v1/pips/{plan['id']}/diff?from=1")).json()
    assert told["patch"] == []


LEAVES = st.integers(0, 2) | st.none()
TREES: st.SearchStrategy[Any] = st.recursive(
    LEAVES, lambda inner: st.dictionaries(st.sampled_from("abc"), inner), max_leaves=8
)


@given(before=st.dictionaries(st.sampled_from("abc"), TREES), after=st.dictionaries(st.sampled_from("abc"), TREES))
def test_a_difference_leads_from_one_to_the_other(before: Record, after: Record) -> None:
    assert applied(copy.deepcopy(before), difference(before, after)) == after
    assert difference(after, after) == []
