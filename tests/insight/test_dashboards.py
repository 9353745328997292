"""Does a dashboard show the few aspects that matter, what stands out first, and judgements beside figures?"""

import httpx
import pytest

from tests.plans import AVON, DEVON, MEASURE, a_concern, a_tree, changed, made
from tests.service import Record, Service, refused

PATH = f"/v1/forces/{AVON}/dashboard"
FIGURE = f"/v1/forces/{AVON}/measures/{{}}/figures/{{}}"


async def recorded(caller: httpx.AsyncClient, measure: str, period: str, value: float, **other: str) -> None:
    query = {"unit": other.pop("unit")} if "unit" in other else {}
    answer = await caller.put(FIGURE.format(measure, period), params=query, json={"value": value, **other})
    assert answer.is_success, answer.text


@pytest.fixture
async def tree(admin: httpx.AsyncClient, lead: httpx.AsyncClient) -> dict[str, Record]:
    """Two measures, and figures of a force and its places."""
    for code in ("calls", "answered"):
        await made(admin, "/v1/measures", **(MEASURE | {"code": code, "name": code.title(), "unit": "count"}))
    tree = await a_tree(lead)
    for month in range(1, 8):
        await recorded(lead, "calls", f"2026-{month:02}", 50 + month % 2)
    await recorded(lead, "calls", "2026-08", 50.5)
    await recorded(lead, "answered", "2026-08", 7)
    await recorded(lead, "answered", "2026-09", 9, narrative="A new rota.")
    for unit, value in (("north", 30), ("south", 20), ("north-response", 12)):
        await recorded(lead, "calls", "2026-08", value, unit=unit)
    return tree


async def read(caller: httpx.AsyncClient, path: str = PATH, **query: str) -> Record:
    answer = await caller.get(path, params=query)
    assert answer.status_code == 200, answer.text
    found: Record = answer.json()
    return found


async def test_what_a_role_sees_is_set_for_the_role(
    admin: httpx.AsyncClient, lead: httpx.AsyncClient, tree: dict[str, Record]
) -> None:
    ids = {}
    for ref in ("peel:prevention", "peel:good", "peel:adequate"):
        ids[ref] = (await lead.get(f"/v1/framework-items/{ref}")).json()["id"]
    sees: Record = {"title": "Response inspector", "measure_codes": ["calls", "answered"]}
    role = await made(lead, "/v1/job-roles", force_code=AVON, **sees, framework_item_ids=[ids["peel:prevention"]])
    grade = {"force_code": AVON, "framework_item_id": ids["peel:prevention"]}
    for day, kind, given in (
        ("2026-09-01", "inspection", "peel:adequate"),
        ("2026-08-01", "self_assessment", "peel:adequate"),
        ("2026-10-01", "self_assessment", "peel:good"),
    ):
        sent = {"graded_on": day, "kind": kind, "grade_item_id": ids[given]}
        await made(admin if kind == "inspection" else lead, "/v1/inspection-grades", **grade, **sent)
    found = await read(lead, job_role=role["id"])
    assert (found["unit"], found["job_role"]) == (None, {"id": role["id"], "title": "Response inspector"})
    assert [(each["code"], each["exception"]) for each in found["measures"]] == [
        ("answered", ["narrative"]),  # goes first: there is something to be told of it
        ("calls", []),
    ]
    calls = found["measures"][1]
    assert ([each["value"] for each in calls["figures"]][-2:], calls["change"], calls["target"]) == (
        [51, 50.5],
        -0.5,
        None,
    )
    assert {part["unit"]["code"]: part["figure"]["value"] for part in calls["parts"]} == {"north": 30, "south": 20}
    assert [part["figure"] for part in found["measures"][0]["parts"]] == [None, None]
    (item,) = found["items"]
    assert {each["kind"]: each["graded_on"] for each in item["grades"]} == {
        "inspection": "2026-09-01",
        "self_assessment": "2026-10-01",
    }
    north = await read(lead, job_role=role["id"], unit="north")
    assert (north["unit"]["kind"], [each["value"] for each in north["measures"][0]["figures"]]) == ("place", [30])
    assert {
        part["unit"]["code"]: part["figure"] and part["figure"]["value"] for part in north["measures"][0]["parts"]
    } == {
        "north-patrol": None,
        "north-response": 12,
    }
    assert (await read(lead, measure="calls", unit="post-7"))["measures"][0]["parts"] == []


async def test_figures_are_balanced_with_what_people_judge_and_tell(
    lead: httpx.AsyncClient, tree: dict[str, Record]
) -> None:
    about = {"force_code": AVON, "measure_code": "calls", "assessor": "Superintendent", "text": "As found."}
    for heading, day, judgement in (
        ("capacity", "2026-08-01", "weak"),
        ("capacity", "2026-10-01", "adequate"),
        ("commitment", "2026-09-01", "strong"),
    ):
        said = {"heading": heading, "assessed_on": day, "judgement": judgement, "what_good_looks_like": "Nobody waits."}
        await made(lead, "/v1/measure-assessments", **about, **said)
    story = {
        "force_code": AVON,
        "title": "A night",
        "kind": "reality_test",
        "location": "North",
        "text": "Two desks empty.",
    }
    await made(lead, "/v1/stories", **story, told_on="2026-10-03", measure_codes=["calls"])
    await made(lead, "/v1/stories", **story, told_on="2026-10-04", measure_codes=[])
    await a_concern(lead, measure_codes=["calls", "answered"])
    found = await read(lead)  # the measures that open concerns rest on
    calls = next(each for each in found["measures"] if each["code"] == "calls")
    assert {each["heading"]: each["judgement"] for each in calls["assessments"]} == {
        "capacity": "adequate",
        "commitment": "strong",
    }
    assert [(each["title"], each["location"]) for each in calls["stories"]] == [("A night", "North")]
    assert found["evidence"] == {
        "figures": 10, "assessments": 2, "stories": 1, "measures_without_judgement": ["answered"],
    }  # fmt: skip


async def test_who_sees_which_dashboard(service: Service, lead: httpx.AsyncClient, tree: dict[str, Record]) -> None:
    stranger = await service.caller("force_lead", f"force:{DEVON}")
    refused(await stranger.get(PATH), 404, "not_found")
    refused(await lead.get(PATH, params={"unit": "nowhere"}), 404, "not_found")
    refused(await lead.get(PATH, params={"job_role": tree["north"]["id"]}), 404, "not_found")
    refused(await lead.get(PATH, params={"job_role": "sergeant"}), 400, "invalid_parameter")
    triage = await service.caller("regional_triage", "region:south-west")
    assert (await read(triage, measure="calls"))["measures"][0]["code"] == "calls"


async def counted_by(admin: httpx.AsyncClient, **measures: str) -> None:
    """Items of the Lancashire framework are counted by measures."""
    for code, measure in measures.items():
        item = (await admin.get(f"/v1/framework-items/lancashire-12x12:{code}")).json()
        assert (await changed(admin, "/v1/framework-items", item, measure_code=measure)).status_code == 200


async def test_what_is_reported_by_exception_only_is_told_when_it_stands_out(
    admin: httpx.AsyncClient, lead: httpx.AsyncClient, tree: dict[str, Record]
) -> None:
    await counted_by(admin, d6="calls", m3="answered")
    found = await read(lead, measure="calls,answered")
    assert ([each["code"] for each in found["measures"]], found["left_out"]) == (["answered"], ["calls"])
    test: Record = {"title": "A night", "kind": "reality_test", "location": "North", "text": "Two desks were empty."}
    await made(lead, "/v1/stories", force_code=AVON, **test, told_on="2026-10-03", measure_codes=["calls"])
    await recorded(lead, "calls", "2026-09", 99)
    found = await read(lead, measure="calls,answered")
    calls = next(each for each in found["measures"] if each["code"] == "calls")
    assert (calls["exception"], found["left_out"]) == (["highest_so_far"], [])
    assert [(each["ref"], each["by_exception"]) for each in calls["items"]] == [("lancashire-12x12:d6", True)]
    assert [each["kind"] for each in calls["stories"]] == ["reality_test"], "what was seen stands beside the exception"


async def test_only_exceptions_are_told_when_asked(lead: httpx.AsyncClient, tree: dict[str, Record]) -> None:
    found = await read(lead, measure="calls,answered", exceptions="true")
    assert ([each["code"] for each in found["measures"]], found["left_out"]) == (["answered"], ["calls"])
    assert found["evidence"]["measures_without_judgement"] == ["answered"]
    refused(await lead.get(PATH, params={"exceptions": "some"}), 400, "invalid_parameter")


async def test_a_framework_is_read_as_one_view_across_services(
    admin: httpx.AsyncClient, lead: httpx.AsyncClient, tree: dict[str, Record]
) -> None:
    await counted_by(admin, m2="calls", m10="answered", d1="calls")
    found = await read(lead, framework="lancashire-12x12")
    items = {each["code"]: each["items"] for each in found["measures"]}
    assert {code: [each["ref"] for each in of] for code, of in items.items()} == {
        "calls": ["lancashire-12x12:d1", "lancashire-12x12:m2"], "answered": ["lancashire-12x12:m10"],
    }  # fmt: skip
    services = {
        each["item_code"] for of in items.values() for item in of for each in item["mappings"]
        if each["relation"] == "service"
    }  # fmt: skip
    assert services == {"i-serve:response", "i-serve:engagement"}
    assert {item["parent_code"] for of in items.values() for item in of} == {"priority-1", "priority-4"}
    refused(await lead.get(PATH, params={"framework": "none"}), 404, "not_found")
    lancashire = (await admin.get("/v1/frameworks/lancashire-12x12")).json()
    await changed(admin, "/v1/frameworks", lancashire, status="retired")
    assert {len(each["items"]) for each in (await read(lead, measure="calls"))["measures"]} == {0}


async def test_an_individual_sees_the_aspects_of_the_role(
    service: Service, lead: httpx.AsyncClient, tree: dict[str, Record]
) -> None:
    leader = await service.signed_in(("force_lead", f"force:{AVON}"), ("people_lead", f"force:{AVON}"))
    await recorded(leader, "answered", "2026-09", 3, unit="post-7")
    role = await made(lead, "/v1/job-roles", force_code=AVON, title="Sergeant", measure_codes=["answered", "calls"])
    found = await read(leader, job_role=role["id"], unit="post-7")
    assert (found["unit"]["kind"], found["job_role"]["title"]) == ("individual", "Sergeant")
    assert {each["code"]: [figure["value"] for figure in each["figures"]] for each in found["measures"]} == {
        "answered": [3], "calls": [],
    }  # fmt: skip
    unseen = await read(lead, job_role=role["id"], unit="post-7")
    assert [each["figures"] for each in unseen["measures"]] == [[], []]


async def test_a_measure_that_there_is_not_is_named(lead: httpx.AsyncClient, tree: dict[str, Record]) -> None:
    told = refused(await lead.get(PATH, params={"measure": "calls,nope"}), 400, "invalid_parameter")
    assert told["detail"].endswith(": nope.")


async def test_a_story_need_not_say_where(lead: httpx.AsyncClient, tree: dict[str, Record]) -> None:
    story = {"force_code": AVON, "title": "A night", "text": "x", "told_on": "2026-10-03", "measure_codes": ["calls"]}
    await made(lead, "/v1/stories", **story, kind="story")
    (calls,) = (await read(lead, measure="calls"))["measures"]
    assert [each["location"] for each in calls["stories"]] == [None]
    shapes = (await lead.get("/openapi.json")).json()["components"]["schemas"]
    assert shapes["StoryShown"]["properties"]["location"]["type"] == ["string", "null"]
