"""Which of the media types that there are does a caller want its answer in?"""

import httpx
import pytest

from pip_api.http.acceptance import preferred
from tests.plans import AVON, CONCERN, KENT
from tests.service import Record, Service, refused

OFFERS = ("application/json", "text/csv")


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (None, "application/json"),
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("APPLICATION/JSON", "application/json"),
        ("application/json; charset=utf-8", "application/json"),
        ("text/csv, application/json", "application/json"),
        ("text/*", "text/csv"),
        ("text/csv;q=0.9, application/json;q=0.8", "text/csv"),
        ("text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", "application/json"),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", "application/json"),
        ("*/*, application/json;q=0", "text/csv"),
        ("application/json;q=0", None),
        ("*/*;q=0", None),
        ("text/html", None),
        ("application/problem+json", None),
        ("nonsense", None),
        ("text/csv," * 1_000, None),
    ],
)
def test_the_best_of_what_there_is(accept: str | None, wanted: str | None) -> None:
    assert preferred(OFFERS, accept) == wanted


async def test_what_cannot_be_given_is_refused_with_what_can(
    lead: httpx.AsyncClient, admin: httpx.AsyncClient, concern: Record
) -> None:
    html = {"Accept": "text/html"}
    for answer in (
        await lead.get(f"/v1/concerns/{concern['id']}", headers=html),
        await lead.get(f"/v1/concerns/{concern['id']}", headers=html | {"If-None-Match": '"v1"'}),
        await lead.get("/v1/concerns", headers=html),
        await lead.post("/v1/concerns", json=CONCERN, headers=html),
        await lead.patch(f"/v1/concerns/{concern['id']}", json={"title": "x"}, headers=html | {"If-Match": '"v1"'}),
    ):
        assert refused(answer, 406, "not_acceptable")["available"] == ["application/json"]
    assert len((await lead.get("/v1/concerns")).json()["items"]) == 1
    assert (await lead.get(f"/v1/concerns/{concern['id']}")).json()["version"] == 1
    answer = await admin.get("/v1/triage", headers=html)
    assert refused(answer, 406, "not_acceptable")["available"] == ["application/json", "text/csv"]


async def test_a_file_is_not_taken_when_its_account_cannot_be_given(admin: httpx.AsyncClient) -> None:
    rows, headers = b"code,name,unit,cadence\ncalls,Calls,count,month\n", {"Content-Type": "text/csv"}
    answer = await admin.post("/v1/imports?kind=measures", content=rows, headers=headers | {"Accept": "text/csv"})
    refused(answer, 406, "not_acceptable")
    refused(await admin.get("/v1/measures/calls"), 404, "not_found")


async def test_a_refusal_is_a_problem_document_whatever_is_accepted(lead: httpx.AsyncClient) -> None:
    for accept in ("text/csv", "application/json", "nonsense"):
        refused(await lead.get("/v1/concerns/none", headers={"Accept": accept}), 404, "not_found")


async def test_an_answer_without_content_suits_everybody(lead: httpx.AsyncClient, concern: Record) -> None:
    headers = {"Accept": "text/html", "If-Match": '"v1"'}
    assert (await lead.delete(f"/v1/concerns/{concern['id']}", headers=headers)).status_code == 204


async def test_its_turn_is_after_visibility_permission_and_the_type_that_was_sent(
    service: Service, lead: httpx.AsyncClient, concern: Record
) -> None:
    html, path = {"Accept": "text/html"}, f"/v1/concerns/{concern['id']}"
    stranger = await service.caller("force_lead", f"force:{KENT}")
    reader = await service.caller("force_reader", f"force:{AVON}")
    refused(await service.http().get(path, headers=html), 401, "missing_credentials")
    refused(await stranger.get(path, headers=html), 404, "not_found")
    refused(await stranger.patch(path, json={}, headers=html), 404, "not_found")
    refused(await reader.patch(path, json={}, headers=html), 403, "permission_denied")
    text = html | {"Content-Type": "text/plain"}
    refused(await lead.patch(path, content=b"x", headers=text), 415, "unsupported_media_type")
    refused(await lead.patch(path, json={}, headers=html), 406, "not_acceptable")  # before 428
