"""Is it known how much a performance product is used, and why one was retired?"""

import httpx

from tests.plans import AVON, changed, made
from tests.service import codes

PATH = "/v1/performance-products"


async def test_a_product_is_used_and_retired_for_a_reason(lead: httpx.AsyncClient) -> None:
    product = await made(lead, PATH, force_code=AVON, title="Daily sheet", uses=3, used_on="2026-11-01")
    answer = await changed(lead, PATH, product, retired_on="2026-12-01")
    assert codes(answer) == [("required", "#/retired_reason")]
    answer = await changed(lead, PATH, product, retired_on="2026-12-01", retired_reason="Nobody reads it")
    assert answer.json()["retired_reason"] == "Nobody reads it"
    for wrong, fault in (
        ({"uses": 1}, ("required", "#/used_on")),
        ({"uses": 1, "used_on": "2026-11-22"}, ("in_the_future", "#/used_on")),
        ({"retired_reason": "Old"}, ("required", "#/retired_on")),
    ):
        answer = await lead.post(PATH, json={"force_code": AVON, "title": "x"} | wrong)
        assert codes(answer) == [fault], wrong
