"""Do places, teams and individuals make up a tree of one force, and are figures held for each of them?"""

import httpx
import pytest

from tests.exchange.files import counted, imported, send, written
from tests.plans import AVON, DEVON, MEASURE, ONE, a_tree, changed, made, put
from tests.service import Record, Service, codes, refused

CODE = str(MEASURE["code"])
PLACE = (AVON, CODE, "2026-10")


@pytest.fixture
async def tree(lead: httpx.AsyncClient) -> dict[str, Record]:
    return await a_tree(lead)


async def test_individual_in_team_in_place_in_force(lead: httpx.AsyncClient, tree: dict[str, Record]) -> None:
    north, team = tree["north"], tree["north-response"]
    individual = {"force_code": AVON, "code": "x", "title": "Post 7", "kind": "individual"}
    for parent, rule in ((None, "UNT-001"), (north["id"], "UNT-002")):
        answer = await lead.post("/v1/units", json=individual | {"parent_unit_id": parent})
        assert [each["rule"] for each in refused(answer, 422, "validation_failed")["errors"]] == [rule]
    place = {"force_code": AVON, "code": "x", "title": "A", "kind": "place", "parent_unit_id": north["id"]}
    assert refused(await lead.post("/v1/units", json=place), 422, "validation_failed")["errors"][0]["rule"] == "UNT-002"
    moved = await changed(lead, "/v1/units", team, parent_unit_id=None)
    assert moved.json()["parent_unit_id"] is None  # a team may be the force's own
    listed = await lead.get("/v1/units", params={"parent": north["id"]})
    assert [each["code"] for each in listed.json()["items"]] == ["north-patrol"]
    assert refused(await changed(lead, "/v1/units", north, kind="team"), 422, "validation_failed")


async def test_a_code_is_unique_in_its_force_alone(
    lead: httpx.AsyncClient, admin: httpx.AsyncClient, tree: dict[str, Record]
) -> None:
    same = {"code": "north", "title": "North", "kind": "place"}
    refused(await lead.post("/v1/units", json={"force_code": AVON, **same}), 409, "duplicate_reference")
    theirs = await made(admin, "/v1/units", force_code=DEVON, **same)
    team = {"force_code": AVON, "code": "t", "title": "T", "kind": "team", "parent_unit_id": theirs["id"]}
    assert codes(await admin.post("/v1/units", json=team)) == [("unknown_reference", "#/parent_unit_id")]
    tag = {"If-Match": '"v1"'}
    refused(await lead.delete(f"/v1/units/{tree['north']['id']}", headers=tag), 409, "in_use")


async def test_figures_of_a_unit_lie_apart_from_those_of_the_force(
    service: Service, admin: httpx.AsyncClient, lead: httpx.AsyncClient, tree: dict[str, Record]
) -> None:
    await made(admin, "/v1/measures", **MEASURE)
    path = ONE.format(*PLACE)
    await put(lead, PLACE, "61.4")
    mine = await lead.put(f"{path}?unit=north", json={"value": 70})
    assert (mine.status_code, mine.json()["unit_code"], mine.json()["revision"]) == (201, "north", 1)
    assert (await lead.put(f"{path}?unit=north", json={"value": 71})).json()["revision"] == 2
    whole = (await lead.get(path)).json()
    assert (whole["unit_code"], whole["value"], whole["revision"]) == (None, 61.4, 1)
    assert (await lead.get(f"{path}?unit=north")).json()["value"] == 71
    revisions = (await lead.get(f"{path}/revisions?unit=north")).json()["items"]
    assert [each["value"] for each in revisions] == [71, 70]
    refused(await lead.get(f"{path}?unit=south"), 404, "not_found")
    refused(await lead.put(f"{path}?unit=nowhere", json={"value": 1}), 404, "not_found")

    async def found(**query: str) -> list[float]:
        return [each["value"] for each in (await lead.get("/v1/figures", params=query)).json()["items"]]

    assert (await found(), await found(unit="north,south")) == ([61.4], [71])
    totals = "/v1/figures/totals"
    assert (await lead.get(totals)).json()["items"][0]["total"] == 61.4
    assert (await lead.get(totals, params={"unit": "north", "by": "measure"})).json()["items"][0]["total"] == 71
    auditor = await service.caller("auditor", f"force:{AVON}")
    events = (await auditor.get("/v1/audit-events?action=figure.recorded")).json()["items"]
    refs = {each["resource"]["ref"] for each in events}
    assert refs == {f"{AVON}/{CODE}/2026-10", f"{AVON}/north/{CODE}/2026-10"}


async def test_a_file_may_name_units(
    admin: httpx.AsyncClient, lead: httpx.AsyncClient, tree: dict[str, Record]
) -> None:
    await made(admin, "/v1/measures", **MEASURE)
    row = {"force_code": AVON, "measure_code": CODE, "period_start": "2026-10-01", "period_end": "2026-10-31"}
    columns = (*row, "unit_code", "value")
    rows = [row | {"unit_code": unit, "value": value} for unit, value in (("", "9"), ("north", "4"), ("south", "5"))]
    assert (await imported(lead, written(rows, columns)))["counts"] == counted(created=3)
    assert (await imported(lead, written(rows, columns)))["counts"] == counted(unchanged=3)
    again = [rows[0], rows[1] | {"value": "6"}]
    assert (await imported(lead, written(again, columns)))["counts"] == counted(updated=1, unchanged=1)
    twice = refused(await send(lead, written([rows[1], rows[1]], columns)), 422, "import_failed")
    assert [each["rule"] for each in twice["problems"]] == ["FIG-006"]
    wrong = refused(await send(lead, written([rows[1] | {"unit_code": "nowhere"}], columns)), 422, "import_failed")
    assert [(each["rule"], each["column"]) for each in wrong["problems"]] == [("FIG-007", "unit_code")]
    values = {}
    for unit in ("", "?unit=north", "?unit=south"):
        values[unit] = (await lead.get(ONE.format(*PLACE) + unit)).json()["value"]
    assert list(values.values()) == [9, 6, 5]


async def test_figures_of_an_individual_are_for_those_who_lead_people(
    service: Service, admin: httpx.AsyncClient, lead: httpx.AsyncClient, tree: dict[str, Record]
) -> None:
    """Whoever reads people knows who is in a post: so nobody else is told the figures of the post."""
    await made(admin, "/v1/measures", **MEASURE)
    leader = await service.signed_in(("force_lead", f"force:{AVON}"), ("people_lead", f"force:{AVON}"))
    one = f"{ONE.format(*PLACE)}?unit=post-7"
    sent = await leader.put(one, json={"value": 43210.75})
    assert sent.status_code == 201, sent.text
    assert (await leader.put(f"{ONE.format(*PLACE)}?unit=north", json={"value": 5})).status_code == 201
    await service.seal()
    units = {"unit": "post-7,north"}
    roles = ("ppmg_member", "reviewer_home_office", "data_submitter", "force_reader")
    for caller in (admin, lead, *[await service.caller(role) for role in roles]):
        for path in ("/v1/figures", "/v1/figures/totals"):
            (only,) = (await caller.get(path, params=units)).json()["items"]
            assert only.get("value", only.get("total")) == 5
        refused(await caller.get(one), 404, "not_found")
        refused(await caller.get(one.replace("?", "/revisions?")), 404, "not_found")
    refused(await lead.put(one, json={"value": 1}), 403, "permission_denied")
    row = {"force_code": AVON, "measure_code": CODE, "period_start": "2026-10-01", "period_end": "2026-10-31"}
    row |= {"unit_code": "post-7", "value": "43210.75"}
    wrong = refused(await send(lead, written([row], tuple(row))), 422, "import_failed")
    assert [each["rule"] for each in wrong["problems"]] == ["FIG-007"]
    assert (await imported(leader, written([row], tuple(row))))["counts"] == counted(unchanged=1)
    assert [each["value"] for each in (await leader.get("/v1/figures", params=units)).json()["items"]] == [5, 43210.75]
    assert (await leader.get("/v1/figures/totals", params=units)).json()["items"][0]["total"] == 43215.75
    assert (await leader.get(one.replace("?", "/revisions?"))).json()["items"][0]["value"] == 43210.75
    auditor = await service.caller("auditor")
    event = sent.headers["audit-event"]
    (listed,) = (await auditor.get("/v1/audit-events?action=individual_figure.recorded")).json()["items"]
    assert (listed["id"], listed["resource"]["ref"], listed["withheld"]) == (event, None, "person:read")
    for path in (f"/v1/audit-events/{event}", f"/v1/audit-events/{event}/proof", "/v1/audit-log/export"):
        assert "43210.75" not in (await auditor.get(path)).text
