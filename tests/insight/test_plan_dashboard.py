"""Does a plan show what it does apart from what comes of it, and what is late?"""

import httpx
import pytest

from tests.insight.test_dashboards import read, recorded
from tests.plans import MEASURE, a_concern, a_plan, an_action, changed, made
from tests.service import Service


@pytest.fixture
async def figures(admin: httpx.AsyncClient, lead: httpx.AsyncClient) -> None:
    for code in ("calls", "answered"):
        await made(admin, "/v1/measures", **(MEASURE | {"code": code, "name": code.title(), "unit": "count"}))
        for month in range(1, 9):
            await recorded(lead, code, f"2026-{month:02}", month)


async def test_a_plan_shows_outputs_apart_from_outcomes(
    service: Service, lead: httpx.AsyncClient, figures: None
) -> None:
    concern = await a_concern(lead, measure_codes=["calls"])
    plan = await a_plan(lead, concern)
    outputs = {"intended_outputs": ["A new rota", "Nine desks"]}
    await an_action(lead, plan, **outputs, status="completed", completed_on="2026-11-01", measure_codes=["answered"])
    await an_action(lead, plan, **outputs, due_on="2026-11-01")
    await an_action(lead, plan, intended_outputs=["x"], status="cancelled")
    for title, due, done in (
        ("Rota agreed", "2026-10-01", "2026-09-30"),
        ("Rota begins", "2026-10-10", "2026-10-20"),
        ("Rota judged", "2026-11-01", None),
        ("Rota lasts", "2027-01-01", None),
    ):
        await made(lead, "/v1/milestones", pip_id=plan["id"], title=title, due_on=due, done_on=done)
    path = f"/v1/pips/{plan['id']}/dashboard"
    found = await read(lead, path)
    told = found["outputs"]
    assert (told["by_status"], told["late"]) == ({"completed": 1, "not_started": 1, "cancelled": 1}, 1)
    assert (told["intended"], told["of_completed"]) == (4, 2)
    assert [(each["task_number"], each["late"]) for each in told["actions"]] == [
        ("1.1", False),
        ("1.2", True),
        ("1.3", False),
    ]
    assert found["finance"] == {
        "budget": 0, "spent": 0, "forecast": 0, "saved": 0, "cashable": 0, "without_budget": ["1.1", "1.2"],
        "over_budget": [],
    }  # fmt: skip
    outcomes = found["outcomes"]
    assert outcomes["resolved"] == 0
    assert [each["code"] for each in outcomes["concerns"][0]["measures"]] == ["calls"]
    assert len(outcomes["concerns"][0]["measures"][0]["figures"]) == 8
    assert [each["code"] for each in outcomes["followed"]] == ["answered"]
    assert found["milestones"]["by_state"] == {"met": 1, "met_late": 1, "late": 1, "to_come": 1}
    assert [each["state"] for each in found["milestones"]["items"]] == ["met", "met_late", "late", "to_come"]
    assert found["evidence"]["measures_without_judgement"] == ["calls", "answered"]
    before = service.clock.time.isoformat()
    service.clock.forward(seconds=60)
    assert (await changed(lead, "/v1/concerns", concern, status="resolved")).status_code == 200
    assert (await read(lead, path))["outcomes"]["resolved"] == 1
    assert (await read(lead, path, as_of=before))["outcomes"]["resolved"] == 0


async def test_money_is_followed_beside_delivery(lead: httpx.AsyncClient) -> None:
    plan = await a_plan(lead, await a_concern(lead), governance="Programme board, monthly, with finance.")
    saving = {
        "benefit": "Four hours a shift",
        "benefit_used_for": "Patrol on the front line",
        "delivery_model": "regional",
    }
    one = await an_action(
        lead, plan, budget=100.10, spent=40, forecast=99.9, benefit_amount=12.5, benefit_cashable=True, **saving
    )
    assert saving.items() <= one.items()
    assert (one["benefit_amount"], one["benefit_cashable"], one["budget"], one["forecast"]) == (12.5, True, 100.1, 99.9)
    await an_action(lead, plan, budget=10, spent=10.2, benefit_amount=5, benefit_cashable=False)
    await an_action(lead, plan)
    await an_action(lead, plan, budget=1000, status="cancelled")
    found = await read(lead, f"/v1/pips/{plan['id']}/dashboard")
    assert found["finance"] == {
        "budget": 110.1, "spent": 50.2, "forecast": 99.9, "saved": 17.5, "cashable": 12.5,
        "without_budget": ["1.3"], "over_budget": ["1.2"],
    }  # fmt: skip
    assert found["outputs"]["by_status"] == {"not_started": 3, "cancelled": 1}
