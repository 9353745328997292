"""Do judgements, reality tests and stories stand beside the figures of a measure?"""

import httpx
import pytest

from tests.plans import AVON, MEASURE, a_plan, made
from tests.service import Record, codes

JUDGED: Record = {
    "force_code": AVON,
    "measure_code": MEASURE["code"],
    "heading": "capacity",
    "judgement": "weak",
    "text": "Two desks are empty at night.",
    "assessor": "Supt Example",
    "assessed_on": "2026-11-01",
}
TOLD: Record = {
    "force_code": AVON,
    "title": "A night",
    "kind": "reality_test",
    "text": "Two desks.",
    "location": "Bristol",
}
TOLD |= {"told_on": "2026-11-02", "learning": "Leave follows demand", "measure_codes": [MEASURE["code"]]}


@pytest.fixture(autouse=True)
async def measure(admin: httpx.AsyncClient) -> None:
    await made(admin, "/v1/measures", **MEASURE)


async def test_a_measure_without_target_is_judged(lead: httpx.AsyncClient, concern: Record) -> None:
    plan = await a_plan(lead, concern)
    good = "A caller in danger speaks to somebody at once"
    made_so = await made(lead, "/v1/measure-assessments", **JUDGED, pip_id=plan["id"], what_good_looks_like=good)
    assert made_so["what_good_looks_like"] == good
    query = {"measure": MEASURE["code"], "heading": "capacity", "judgement": "weak", "pip": plan["id"]}
    found = (await lead.get("/v1/measure-assessments", params=query)).json()["items"]
    assert [each["id"] for each in found] == [made_so["id"]]
    answer = await lead.post("/v1/measure-assessments", json=JUDGED | {"assessed_on": "2026-11-22"})
    assert codes(answer) == [("in_the_future", "#/assessed_on")]
    answer = await lead.post("/v1/measure-assessments", json=JUDGED | {"measure_code": "nothing"})
    assert codes(answer) == [("unknown_reference", "#/measure_code")]


async def test_a_reality_test_says_where_and_what_is_learned(lead: httpx.AsyncClient) -> None:
    test = await made(lead, "/v1/stories", **TOLD)
    assert test["learning"] == "Leave follows demand"
    await made(lead, "/v1/stories", **(TOLD | {"kind": "recognition", "location": None, "title": "Well done"}))
    found = (await lead.get("/v1/stories", params={"kind": "recognition"})).json()["items"]
    assert [each["title"] for each in found] == ["Well done"]
    wrong = {"location": None, "told_on": "2026-11-22", "measure_codes": [MEASURE["code"]] * 2}
    assert codes(await lead.post("/v1/stories", json=TOLD | wrong)) == [
        ("in_the_future", "#/told_on"), ("required", "#/location"), ("duplicate", "#/measure_codes/1"),
    ]  # fmt: skip
