"""Is a caller answered in the form that was preferred?"""

import httpx
import pytest

from tests.plans import AVON, CONCERN, MEASURE, ONE, made
from tests.service import Record, codes, refused


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_the_row_may_be_left_out(lead: httpx.AsyncClient, concern: Record, method: str) -> None:
    minimal = {"Prefer": "return=minimal", "If-Match": '"v1"'}
    path = "/v1/concerns" + (f"/{concern['id']}" if method == "PATCH" else "")
    answer = await lead.request(method, path, json=CONCERN if method == "POST" else {"title": "x"}, headers=minimal)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["preference-applied"] == "return=minimal"
    made_now = await lead.get(answer.headers.get("location", path))
    assert made_now.headers["etag"] == answer.headers["etag"]


async def test_a_figure_too(admin: httpx.AsyncClient) -> None:
    await made(admin, "/v1/measures", **MEASURE)
    one = ONE.format(AVON, MEASURE["code"], "2026-10")
    for _ in range(2):
        answer = await admin.put(one, json={"value": 61}, headers={"Prefer": "return=minimal"})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (204, b"", '"v1"')


async def test_the_row_may_be_asked_for(lead: httpx.AsyncClient) -> None:
    answer = await lead.post("/v1/concerns", json=CONCERN, headers={"Prefer": "return=representation"})
    assert (answer.status_code, answer.headers["preference-applied"]) == (201, "return=representation")
    assert answer.json()["title"] == CONCERN["title"]


async def test_what_is_not_understood_is_not_applied(lead: httpx.AsyncClient) -> None:
    for header in ("return=everything", "respond-async", "handling=strict", ""):
        answer = await lead.post("/v1/concerns", json=CONCERN, headers={"Prefer": header})
        assert (answer.status_code, "preference-applied" in answer.headers) == (201, False), header


async def test_unknown_members_are_ignored_with_a_warning(lead: httpx.AsyncClient) -> None:
    """For migrations: only what nobody knows is let pass, and it is told."""
    other = await made(lead, "/v1/concerns", **CONCERN)
    effect = {"concern_id": other["id"], "how": "The same officers.", "since": "2026"}
    body = CONCERN | {"colour": "red", "affects": [effect], "a/b~c": 1}
    refused(await lead.post("/v1/concerns", json=body), 422, "validation_failed")
    answer = await lead.post("/v1/concerns", json=body, headers={"Prefer": "handling=lenient"})
    assert (answer.status_code, answer.headers["preference-applied"]) == (201, "handling=lenient")
    document = answer.json()
    assert [(each["code"], each["severity"], each["pointer"]) for each in document.pop("warnings")] == [
        ("unknown_field", "warning", "#/colour"),
        ("unknown_field", "warning", "#/affects/0/since"),
        ("unknown_field", "warning", "#/a~1b~0c"),
    ]
    assert (await lead.get(f"/v1/concerns/{document['id']}")).json() == document


async def test_everything_else_is_refused_all_the_same(lead: httpx.AsyncClient) -> None:
    lenient = {"Prefer": "handling=lenient"}
    wrong = await lead.post("/v1/concerns", json=CONCERN | {"colour": "red", "source": "nobody"}, headers=lenient)
    assert codes(wrong) == [("enum", "#/source")]
    fixed = await lead.post("/v1/concerns", json=CONCERN | {"version": 7}, headers=lenient)
    assert codes(fixed) == [("read_only", "#/version")]
    refused(await lead.get("/v1/concerns?colour=red", headers=lenient), 400, "unknown_query_parameter")


async def test_what_was_ignored_is_told_whatever_else_is_preferred(lead: httpx.AsyncClient) -> None:
    both = {"Prefer": "return=minimal, handling=lenient"}
    answer = await lead.post("/v1/concerns", json=CONCERN | {"colour": "red"}, headers=both)
    assert (answer.status_code, len(answer.json()["warnings"])) == (201, 1)
    assert answer.headers["preference-applied"] == "handling=lenient"
    assert (await lead.post("/v1/concerns", json=CONCERN, headers=both)).status_code == 204
