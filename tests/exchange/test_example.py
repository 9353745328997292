"""Is the demonstration loaded once, and does each answer about its plan say something worth reading?"""

import re
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import httpx

from pip_api.contract import OPERATIONS
from pip_api.exchange.example import load_example
from tests.plans import AVON, made
from tests.service import Service


async def loaded(service: Service) -> None:
    """Twice, by a clock that goes on, as clocks do: what is presented was there before."""
    start, ticks = service.clock.time, count()
    going = replace(service.services, clock=lambda: start - timedelta(minutes=1) + timedelta(milliseconds=next(ticks)))
    for _ in range(2):
        await load_example(going, OPERATIONS)


async def test_the_example_is_loaded_once_and_stands_in_triage(service: Service, admin: httpx.AsyncClient) -> None:
    await loaded(service)
    told = await admin.get("/v1/triage", params={"region": "south-west", "level": "3"})
    (item,) = told.json()["items"]
    (plan,) = item["plans"]
    assert (item["force"]["code"], item["level"]["since"]) == (AVON, "2026-06-01")
    assert (plan["ref"], plan["status"], plan["progress"]["brag"]) == ("avon-and-somerset-2026-01", "active", "amber")
    assert [len(each["measures"]) for each in plan["concerns"]] == [2, 1, 1]
    assert (plan["actions"]["total"], plan["actions"]["completed"]) == (3, 1)
    assert plan["actions"]["overdue_refs"] == ["2.1"]
    assert re.search(r'"value" ?: ?68\.7\b', told.text)
    assert "invented" in plan["title"]


async def test_each_report_of_its_plan_says_something(service: Service, admin: httpx.AsyncClient) -> None:
    await loaded(service)

    async def told(path: str) -> Any:
        answer = await admin.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    plan = "/v1/pips/avon-and-somerset-2026-01"
    found = await told(f"{plan}/readiness")
    short = {each["rule"]: each["result"] for each in found["results"] if each["result"] in ("fail", "warn")}
    assert short == {"PIP-GP-25": "fail"}  # as docs/plans.md says
    assert (await told(f"{plan}/smart"))["smart"]
    assert {each["status"] for each in (await told(f"{plan}/obligations"))["obligations"]} == {"done"}
    assert [each["band"] for each in (await told(f"{plan}/risk-register"))["risks"]] == ["high", "medium"]
    assert {each["status"] for each in (await told(f"{plan}/calendar"))["entries"]} == {"done", "late", "coming"}
    document = await told(f"{plan}/document")
    assert [name for name, part in document.items() if part == []] == ["known_concerns"]
    dashboard = await told(f"{plan}/dashboard")
    assert (dashboard["outputs"]["late"], dashboard["milestones"]["by_state"]["late"]) == (1, 1)
    (presented,) = (await told("/v1/presentations"))["items"]
    seen = await told(f"/v1/presentations/{presented['id']}/document")
    assert (seen["unaltered"], seen["document"]["pip"]["status"]) == (True, "submitted_to_ppmg")
    (role,) = (await told("/v1/job-roles"))["items"]
    force = await told(f"/v1/forces/{AVON}/dashboard?job_role={role['id']}")
    assert [len(each["parts"]) for each in force["measures"]] == [3, 3]
    assert [each["ref"] for each in force["items"]] == ["peel:understanding-demand"]


async def test_one_request_mends_what_its_plan_lacks(service: Service, admin: httpx.AsyncClient) -> None:
    await loaded(service)
    readiness = "/v1/pips/avon-and-somerset-2026-01/readiness"
    (failed,) = [each for each in (await admin.get(readiness)).json()["results"] if each["result"] == "fail"]
    assert failed["fix"] == {"method": "POST", "href": "/v1/mitigations"}
    (risk,) = (await admin.get("/v1/risks", params={"kind": "risk"})).json()["items"]
    await made(admin, "/v1/mitigations", risk_id=risk["id"], title="A list of officers who were trained before")
    assert (await admin.get(readiness)).json()["verdict"] == "ready"
