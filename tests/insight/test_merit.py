"""Are the forces found that others may learn from, and the products that may be given up?"""

import httpx
import pytest

from tests.plans import AVON, DEVON, KENT, MEASURE, changed, made, put
from tests.service import Record, Service, refused

LEADERS, USE = f"/v1/measures/{MEASURE['code']}/leaders", f"/v1/forces/{AVON}/product-use"


@pytest.fixture
async def measure(admin: httpx.AsyncClient) -> Record:
    measure = await made(admin, "/v1/measures", **MEASURE, direction="increase", target=90)
    for force, period, value in (
        (AVON, "2026-09", "70"),
        (DEVON, "2026-09", "99"),
        (DEVON, "2026-09", "91.5"),
        (KENT, "2026-09", "95"),
        (AVON, "2026-10", "98"),
    ):
        await put(admin, (force, MEASURE["code"], period), value)
    return measure


async def test_the_best_of_the_last_full_period_come_first(admin: httpx.AsyncClient, measure: Record) -> None:
    told = (await admin.get(LEADERS, params={"places": 2})).json()
    assert (told["period"], told["compared"], told["target"]) == ("2026-09", 3, 90)
    assert [(each["force_code"], each["value"], each["meets_target"]) for each in told["items"]] == [
        (KENT, 95, True), (DEVON, 91.5, True),
    ]  # fmt: skip
    await changed(admin, "/v1/measures", measure, direction=None)
    told = (await admin.get(LEADERS)).json()
    assert (told["direction"], told["items"], told["compared"]) == (None, [], 3)


async def test_only_forces_in_reach_are_compared(service: Service, measure: Record) -> None:
    region = await service.caller("regional_triage", "region:south-west")
    assert [each["force_code"] for each in (await region.get(LEADERS)).json()["items"]] == [AVON]
    own = await service.caller("force_reader", f"force:{KENT}")
    told = (await own.get(LEADERS)).json()
    assert (told["compared"], told["items"][0]["force_code"]) == (1, KENT)
    refused(await own.get("/v1/measures/none/leaders"), 404, "not_found")
    refused(await own.get(LEADERS, params={"places": "0"}), 400, "invalid_parameter")


async def test_hardly_used_products_are_found(service: Service, lead: httpx.AsyncClient) -> None:
    for product in (
        {"title": "Weekly", "uses": 80, "used_on": "2026-11-20"},
        {"title": "Yearly", "uses": 80, "used_on": "2026-02-01"},
        {"title": "Never"},
        {"title": "Gone", "retired_on": "2026-11-01", "retired_reason": "Nobody read it"},
    ):
        await made(lead, "/v1/performance-products", force_code=AVON, **product)
    told = (await lead.get(USE)).json()
    assert told["products"] == 3
    assert [(each["title"], each["why"]) for each in told["little_used"]] == [
        ("Never", ["never_used"]), ("Yearly", ["not_of_late"]),
    ]  # fmt: skip
    told = (await lead.get(USE, params={"fewer_than": 100, "unused_days": 365})).json()
    assert [each["title"] for each in told["little_used"]] == ["Never", "Yearly", "Weekly"]
    refused(await lead.get(USE, params={"fewer_than": "few"}), 400, "invalid_parameter")
    theirs = await service.caller("force_lead", f"force:{KENT}")
    refused(await theirs.get(USE), 404, "not_found")
