"""Does a force keep the strategies and plans that support its framework?"""

import httpx

from tests.plans import AVON, changed, made
from tests.resources.test_tags import item
from tests.service import codes

PATH = "/v1/supporting-plans"


async def test_a_strategy_supports_items_for_its_years(lead: httpx.AsyncClient) -> None:
    ids = [await item(lead, f"lancashire-12x12:{code}") for code in ("priority-3", "m7")]
    plan = await made(
        lead, PATH, force_code=AVON, title="Domestic abuse plan", owner="Head of public protection",
        starts_on="2026-04-01", ends_on="2027-03-31", framework_item_ids=ids,
    )  # fmt: skip
    assert plan["kind"] == "plan"
    found = (await lead.get(PATH, params={"ends_after": "2026-12-31", "expand": "framework_items"})).json()["items"]
    assert [each["code"] for each in found[0]["framework_items"]["items"]] == ["priority-3", "m7"]
    wrong = {"force_code": AVON, "title": "x", "starts_on": "2026-04-02", "ends_on": "2026-04-01"}
    answer = await lead.post(PATH, json=wrong | {"framework_item_ids": [ids[0], ids[0]]})
    assert codes(answer) == [("date_before_start", "#/ends_on"), ("duplicate", "#/framework_item_ids/1")]


async def test_what_a_statement_commits_to_is_checked(lead: httpx.AsyncClient) -> None:
    about = {"force_code": AVON, "title": "Force management statement", "kind": "statement"}
    said = {"text": "Ninety per cent of calls in time"}
    plan = await made(lead, PATH, **about, starts_on="2026-04-01", commitments=[said])
    assert plan["commitments"] == [said | {"checked_on": None, "finding": ""}]
    checked = said | {"checked_on": "2026-11-01", "finding": "Eighty-five"}
    answer = await changed(lead, PATH, plan, commitments=[checked])
    assert answer.json()["commitments"] == [checked]
    for wrong, fault in (({"checked_on": None}, "required"), ({"checked_on": "2026-11-22"}, "in_the_future")):
        answer = await lead.post(PATH, json=about | {"commitments": [checked | wrong]})
        assert codes(answer) == [(fault, "#/commitments/0/checked_on")]
