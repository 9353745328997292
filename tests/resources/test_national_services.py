"""Does a national service say on which grounds it is national, and by what its success is measured?"""

import httpx

from tests.plans import changed, made
from tests.service import Service, codes, refused

PATH = "/v1/national-services"
CRITERIA = dict.fromkeys(("reliability", "quality", "security", "timeliness", "availability", "performance"), "Said")


async def test_one_ground_makes_a_service_national_and_all_criteria_are_said(admin: httpx.AsyncClient) -> None:
    service = await made(admin, PATH, title="Practice bank", success_criteria={"quality": "Reviewed by two"})
    assert service["national_provision"] is False
    answer = await changed(admin, PATH, service, higher_quality=True)
    missing = ("reliability", "security", "timeliness", "availability", "performance")
    assert codes(answer) == [("required", f"#/success_criteria/{name}") for name in missing]
    answer = await changed(admin, PATH, service, higher_quality=True, success_criteria=CRITERIA, cost="Explained")
    assert answer.json()["national_provision"] is True
    answer = await changed(admin, PATH, answer.json(), evaluated_on="2026-11-22")
    assert codes(answer) == [("in_the_future", "#/evaluated_on")]


async def test_its_cost_and_its_governance_are_open_to_all(service: Service, admin: httpx.AsyncClient) -> None:
    said = {"cost": "2 million a year", "funding": "Grant", "charging_protocol": "None", "service_level": "99 per cent"}
    await made(admin, PATH, title="Practice bank", **said)
    reader = await service.caller("force_reader", "force:kent")
    (found,) = (await reader.get(PATH)).json()["items"]
    assert said.items() <= found.items()
    refused(await reader.post(PATH, json={"title": "Another"}), 403, "permission_denied")
