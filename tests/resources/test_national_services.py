"""Does a national service say on which grounds it is national, and by what its success is measured?"""

import httpx

from tests.plans import changed, made
from tests.service import Service, codes, refused

PATH = "/v1/national-services"
CRITERIA = dict.fromkeys(("reliability", "quality", "security", "timeliness", "availability", "performance"), "Said")
OPEN = dict.fromkeys(
    ("service_level", "cost", "funding", "charging_protocol", "users_engaged", "data_security"), "Explained"
)


async def test_one_ground_makes_a_service_national_and_all_criteria_are_said(admin: httpx.AsyncClient) -> None:
    service = await made(admin, PATH, title="Practice bank", success_criteria={"quality": "Reviewed by two"})
    assert service["national_provision"] is False
    answer = await changed(admin, PATH, service, higher_quality=True)
    missing = ("reliability", "security", "timeliness", "availability", "performance")
    assert codes(answer) == [
        *(("required", f"#/success_criteria/{name}") for name in missing),
        *(("required", f"#/{name}") for name in OPEN),
    ]
    answer = await changed(admin, PATH, service, higher_quality=True, success_criteria=CRITERIA, **OPEN)
    assert answer.json()["national_provision"] is True
    for ground in ("cost_efficiency", "national_security"):
        each = await made(admin, PATH, title="Another", success_criteria=CRITERIA, **OPEN, **{ground: True})
        assert each["national_provision"] is True
    answer = await changed(admin, PATH, answer.json(), evaluated_on="2026-11-22")
    assert codes(answer) == [("in_the_future", "#/evaluated_on")]


async def test_its_cost_and_its_governance_are_open_to_all(service: Service, admin: httpx.AsyncClient) -> None:
    said = {"cost": "2 million a year", "funding": "Grant", "charging_protocol": "None", "service_level": "99 per cent"}
    said |= {"tailoring": "Two days of a clerk in each force", "evaluated_on": "2026-06-01"}
    await made(admin, PATH, title="Practice bank", **said)
    reader = await service.caller("force_reader", "force:kent")
    (found,) = (await reader.get(PATH)).json()["items"]
    assert said.items() <= found.items()
    assert found["tailoring"].startswith("Two days")
    refused(await reader.post(PATH, json={"title": "Another"}), 403, "permission_denied")


async def test_services_to_be_evaluated_again_are_found(admin: httpx.AsyncClient) -> None:
    for title, day in (("Looked at", "2026-10-01"), ("Not of late", "2025-10-01")):
        await made(admin, PATH, title=title, evaluated_on=day)
    found = (await admin.get(PATH, params={"evaluated_before": "2025-11-21"})).json()["items"]
    assert [each["title"] for each in found] == ["Not of late"]
