"""Does a list give exactly the rows that were asked for, or refuse what it does not understand?"""

from datetime import UTC, datetime

import httpx
import pytest

from pip_api.kernel.query import page_limit
from tests.plans import AVON, DEVON, KENT, a_concern, a_plan, an_action, changed
from tests.service import Record, Service, codes, refused

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


async def names(caller: httpx.AsyncClient, path: str, **query: str) -> list[str]:
    answer = await caller.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return [each["title"] for each in answer.json()["items"]]


@pytest.fixture
async def actions(admin: httpx.AsyncClient) -> dict[str, Record]:
    """Four actions of two forces, by their titles."""
    first, second = (
        await a_concern(admin, title="Calls", source="ppmg"),
        await a_concern(admin, title="Stops", source="force"),
    )
    theirs = await a_concern(admin, force_code=KENT, title="Files")
    plan, their_plan = await a_plan(admin, first, second), await a_plan(admin, theirs)
    made = [
        await an_action(admin, plan, title="Shifts", due_on="2026-12-01"),
        await an_action(admin, plan, title="Triage", concern_id=second["id"], due_on="2026-12-02"),
        await an_action(admin, plan, title="Handover", status="in_progress"),
        await an_action(admin, their_plan, title="Supervision", due_on="2026-12-03"),
    ]
    return {each["title"]: each for each in made}


async def test_a_filter_gives_what_it_says(admin: httpx.AsyncClient, actions: dict[str, Record]) -> None:
    shifts, triage, supervision = actions["Shifts"], actions["Triage"], actions["Supervision"]
    nobody = "01890000-0000-7000-8000-000000000000"
    for query, expected in (
        ({}, ["Handover", "Shifts", "Supervision", "Triage"]),
        ({"force": KENT}, ["Supervision"]),
        ({"force": f"{KENT},{AVON}"}, ["Handover", "Shifts", "Supervision", "Triage"]),
        ({"force": DEVON}, []),
        ({"force": "atlantis"}, []),
        ({"pip": supervision["pip_id"]}, ["Supervision"]),
        ({"pip": nobody}, []),
        ({"pip": f"{nobody},{shifts['pip_id']}", "concern": triage["concern_id"]}, ["Triage"]),
        ({"status": "in_progress"}, ["Handover"]),
        ({"status": "in_progress,completed", "force": KENT}, []),
        ({"task_number": "1.1"}, ["Shifts", "Supervision"]),
        ({"due_before": "2026-12-02"}, ["Shifts"]),
        ({"due_after": "2026-12-01"}, ["Supervision", "Triage"]),
        ({"due_after": "2026-12-01", "due_before": "2026-12-03"}, ["Triage"]),
    ):
        assert sorted(await names(admin, "/v1/actions", **query)) == expected, query


async def test_reference_data_is_filtered_by_its_own_columns(admin: httpx.AsyncClient) -> None:
    everything = (await admin.get("/v1/forces")).json()["items"]
    for name, column, value in (("region", "region_code", "south-west"), ("nation", "nation", "Northern Ireland")):
        found = (await admin.get("/v1/forces", params={name: value})).json()["items"]
        assert found == [each for each in everything if each[column] == value]
        assert found


async def test_figures_are_filtered_by_when_they_came(service: Service, admin: httpx.AsyncClient) -> None:
    measure = {"code": "answered", "name": "Answered", "unit": "percent", "cadence": "month"}
    await admin.post("/v1/measures", json=measure)
    for month in (10, 11):
        path = f"/v1/forces/{AVON}/measures/answered/figures/2026-{month}"
        assert (await admin.put(path, json={"value": 61})).status_code == 201
        service.clock.forward(minutes=5)
    for moment, count in (
        ("2026-11-21T11:59:59Z", 2),
        ("2026-11-21T12:00:00Z", 1),
        ("2026-11-21T14:04:59+02:00", 1),
        ("2026-11-21T12:05:00Z", 0),
    ):
        answer = await admin.get("/v1/figures", params={"recorded_after": moment})
        assert len(answer.json()["items"]) == count, moment


NOT_UNDERSTOOD: list[tuple[str, str, str | None]] = [
    ("forse=kent", "unknown_query_parameter", "forse"),
    ("Force=kent", "unknown_query_parameter", "Force"),
    ("force=kent&force=essex", "repeated_query_parameter", "force"),
    ("force=", "invalid_parameter", "force"),
    ("force=kent,", "invalid_parameter", "force"),
    ("force=%00", "invalid_parameter", "force"),
    ("force=%FF", "invalid_parameter", None),
    ("status=opne", "invalid_parameter", "status"),
    ("status=in_progress,", "invalid_parameter", "status"),
    ("pip=1", "invalid_parameter", "pip"),
    ("pip=ref:kent-2026-01", "invalid_parameter", "pip"),
    ("due_before=tomorrow", "invalid_parameter", "due_before"),
    ("due_before=20261201", "invalid_parameter", "due_before"),
    ("due_before=1790035200", "invalid_parameter", "due_before"),
    ("due_before=2026-02-30", "invalid_parameter", "due_before"),
    ("due_before=2026-12-01,2026-12-02", "invalid_parameter", "due_before"),
    ("include_withdrawn=yes", "invalid_parameter", "include_withdrawn"),
    ("limit=0", "invalid_parameter", "limit"),
    ("limit=-1", "invalid_parameter", "limit"),
    ("limit=abc", "invalid_parameter", "limit"),
    ("limit=%D9%A3", "invalid_parameter", "limit"),
    ("limit=501", "limit_too_large", "limit"),
    ("limit=999999999", "limit_too_large", "limit"),
    ("sort=colour", "invalid_parameter", "sort"),
    ("sort=--title", "invalid_parameter", "sort"),
    ("sort=title,", "invalid_parameter", "sort"),
    ("sort=title,-title", "invalid_parameter", "sort"),
    ("fields=id,titel", "invalid_parameter", "fields"),
    ("cursor=nonsense", "invalid_cursor", "cursor"),
    ("cursor=W10", "invalid_cursor", "cursor"),
]


async def test_what_is_not_understood_is_refused(admin: httpx.AsyncClient) -> None:
    for query, code, parameter in NOT_UNDERSTOOD:
        answer = await admin.get(f"/v1/actions?{query}")
        assert answer.status_code == 400, (query, answer.text)
        assert codes(answer) == ([(code, parameter)] if parameter else []), query


async def test_a_refusal_says_what_is_possible(admin: httpx.AsyncClient) -> None:
    answer = await admin.get("/v1/actions?statsu=open&limit=&pip=1")
    document = refused(answer, 400, "unknown_query_parameter")
    assert codes(answer) == [("unknown_query_parameter", "statsu"), ("invalid_parameter", "limit")]
    allowed = document["errors"][0]["allowed"]
    assert document["errors"][0]["suggestion"] == "status"
    assert {"status", "due_before", "cursor", "limit", "sort", "fields", "include_withdrawn"} <= set(allowed)
    for name in allowed:  # what is said to be possible is
        assert (await admin.get(f"/v1/actions?{name}=1")).json().get("code") != "unknown_query_parameter"
    status = refused(await admin.get("/v1/actions?status=open"), 400, "invalid_parameter")["errors"][0]
    assert status["allowed"] == ["not_started", "in_progress", "completed", "cancelled"]
    sort = (await admin.get("/v1/actions?sort=due")).json()["errors"][0]
    assert (sort["suggestion"], "due_on" in sort["allowed"]) == ("due_on", True)
    assert refused(await admin.get("/v1/actions?limit=501"), 400, "limit_too_large")["max"] == 500


async def test_the_name_of_an_unknown_parameter_is_echoed_only_when_it_is_a_name(admin: httpx.AsyncClient) -> None:
    answer = await admin.get("/v1/actions?%3Cscript%3E=1")
    refused(answer, 400, "unknown_query_parameter")
    assert "script" not in answer.text


async def test_other_reads_take_no_parameters_of_lists(admin: httpx.AsyncClient) -> None:
    region = (await admin.get("/v1/regions/south-west")).json()
    for path in (f"/v1/regions/{region['id']}?limit=1", "/v1/regions/south-west/versions?sort=name"):
        refused(await admin.get(path), 400, "unknown_query_parameter")


async def test_writes_take_no_unknown_parameter(admin: httpx.AsyncClient) -> None:
    body = {"code": "x", "name": "X", "unit": "count", "cadence": "month"}
    refused(await admin.post("/v1/measures?dry_rum=true", json=body), 400, "unknown_query_parameter")
    assert (await admin.get("/v1/measures?code=x")).json()["items"] == []


async def test_what_was_applied_is_echoed(admin: httpx.AsyncClient, actions: dict[str, Record]) -> None:
    answer = (await admin.get("/v1/actions?force=kent&status=not_started&sort=-due_on&limit=1&fields=id")).json()
    assert answer["applied"] == {"force": "kent", "status": "not_started", "sort": "-due_on,-id"}
    self = "/v1/actions?force=kent&status=not_started&sort=-due_on&limit=1&fields=id"
    assert answer["links"] == {"self": self, "first": self}
    assert answer["page"] == {"limit": 1, "has_more": False, "next_cursor": None}
    plain = (await admin.get("/v1/actions")).json()
    assert plain["links"] == {"self": "/v1/actions", "first": "/v1/actions"}
    assert (plain["applied"], plain["page"]["limit"]) == ({"sort": "id"}, 50)


async def test_rows_come_in_the_order_asked_for(admin: httpx.AsyncClient, actions: dict[str, Record]) -> None:
    for sort, expected in (
        ("title", ["Handover", "Shifts", "Supervision", "Triage"]),
        ("-title", ["Triage", "Supervision", "Shifts", "Handover"]),
        ("due_on", ["Shifts", "Triage", "Supervision", "Handover"]),
        ("-due_on", ["Handover", "Supervision", "Triage", "Shifts"]),
        ("task_number,-title", ["Supervision", "Shifts", "Handover", "Triage"]),
    ):
        assert await names(admin, "/v1/actions", sort=sort) == expected, sort
    service_order = ["Shifts", "Triage", "Handover", "Supervision"]
    assert await names(admin, "/v1/actions") == await names(admin, "/v1/actions", sort="created_at") == service_order


async def test_a_changed_row_is_found_by_its_new_values_only(
    admin: httpx.AsyncClient, actions: dict[str, Record]
) -> None:
    await changed(admin, "/v1/actions", actions["Handover"], status="completed", completed_on="2026-11-20")
    assert await names(admin, "/v1/actions", status="in_progress") == []
    assert await names(admin, "/v1/actions", status="completed") == ["Handover"]


@pytest.mark.parametrize(("text", "limit"), [(None, 50), ("1", 1), ("007", 7), ("500", 500)])
def test_a_page_has_as_many_items_as_asked_for(text: str | None, limit: int) -> None:
    assert page_limit(text) == limit
