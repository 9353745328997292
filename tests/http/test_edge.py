"""What happens to every request before a story hears of it, and to every answer before it leaves?"""

from typing import Any

import httpx
import pytest
from starlette.types import Message, Scope
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from pip_api.ledger import entries
from tests.plans import AVON, CONCERN, KENT, a_concern
from tests.service import Service, refused

NOBODY = "/v1/concerns/01890000-0000-7000-8000-000000000000"

MANNERS = {
    "cache-control": "private, no-cache",
    "vary": "Authorization, Accept, Accept-Datetime, Accept-Language, Accept-Encoding",
    "content-language": "en",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}


async def asked(service: Service, method: str, path: str, **headers: str) -> dict[bytes, Any]:
    """The answer to a request whose body nobody may read."""
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        "server": ("pip-api.test", 80),
        "client": ("127.0.0.1", 1),
    }
    answer: dict[bytes, Any] = {}

    async def receive() -> Message:
        raise AssertionError("the body was read")

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.update({b":status": message["status"], **dict(message["headers"])})

    await service.app(scope, receive, send)
    return answer


async def test_a_body_is_not_read_for_those_who_may_not_send_it(service: Service) -> None:
    reader = await service.caller("force_reader", f"force:{AVON}")
    size = {"content_type": "application/json", "content_length": "100000"}
    assert (await asked(service, "POST", "/v1/concerns", **size))[b":status"] == 401
    allowed = {"authorization": reader.headers["authorization"]}
    assert (await asked(service, "POST", "/v1/concerns", **size, **allowed))[b":status"] == 403
    contributor = await service.caller("force_contributor", f"force:{AVON}")
    allowed = {"authorization": contributor.headers["authorization"]}
    huge = size | {"content_length": "1048577"}
    assert (await asked(service, "POST", "/v1/concerns", **huge, **allowed))[b":status"] == 413


async def test_every_answer_has_its_manners(service: Service, admin: httpx.AsyncClient) -> None:
    for answer in (
        await admin.get("/v1/regions"),
        await admin.get("/v1/nothing"),
        await service.http().get("/v1/regions"),
        await service.http().get("/healthz"),
        await admin.post("/v1/concerns", json={}),
    ):
        assert len(answer.headers["x-request-id"]) == 36
        assert {name: answer.headers.get(name) for name in MANNERS} == MANNERS
        assert "strict-transport-security" not in answer.headers
        assert "server" not in answer.headers


async def test_the_caller_may_name_the_request(admin: httpx.AsyncClient) -> None:
    for name in ("mart-2026.11", "x" * 8, "A_b-c.d" * 18):
        answer = await admin.get(NOBODY, headers={"X-Request-Id": name})
        assert refused(answer, 404, "not_found")["instance"] == f"urn:request:{name}"
    for name in ("short", "x" * 129, "with blank", "<script>", "né-request"):
        answer = await admin.get(NOBODY, headers=[(b"X-Request-Id", name.encode())])
        assert len(refused(answer, 404, "not_found")["request_id"]) == 36


async def test_what_is_not_there_and_what_cannot_be_done(service: Service, admin: httpx.AsyncClient) -> None:
    for path in ("/v1/", "/v1/nothing", "/v1/concerns/", "/v1/concerns/x/y", "//v1/concerns", "/v1/../v1/regions/x/y"):
        refused(await admin.get(path), 404, "not_found")
    for path in ("/v1/pips/ref:x%00", "/v1/regions/%00", f"/v1/forces/{AVON}/measures/x%00/figures/2026-10"):
        refused(await admin.get(path), 404, "not_found")  # PostgreSQL has no text with a NUL
    refused(await service.http().get("/nothing"), 404, "not_found")
    for method, path, allow in (
        ("PUT", "/v1/concerns", "GET, HEAD, OPTIONS, POST"),
        ("DELETE", "/v1/concerns", "GET, HEAD, OPTIONS, POST"),
        ("TRACE", "/v1/concerns", "GET, HEAD, OPTIONS, POST"),
        ("POST", NOBODY, "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("PATCH", "/v1/progress-updates/x", "GET, HEAD, OPTIONS"),
        ("HEAD", "/v1/imports", "OPTIONS, POST"),
        ("DELETE", "/oauth2/token", "OPTIONS, POST"),
        ("FOO", "/healthz", "GET, HEAD, OPTIONS"),
    ):
        answer = await admin.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allow), path
        if method != "HEAD":
            refused(answer, 405, "method_not_allowed")


async def test_the_order_of_the_checks(service: Service, admin: httpx.AsyncClient) -> None:
    concern = await a_concern(admin)
    path, stale = f"/v1/concerns/{concern['id']}", {"If-Match": '"v9"'}
    bad: dict[str, Any] = {"json": {"titel": None}}
    anybody = service.http()
    reader = await service.caller("force_reader", f"force:{AVON}")
    stranger = await service.caller("force_lead", f"force:{KENT}")
    lead = await service.caller("force_lead", f"force:{AVON}")

    # no credentials: the same for every address, method and body
    for answer in (
        await anybody.post("/v1/concerns?nonsense=1", content=b"{"),
        await anybody.patch(path, **bad),
        await anybody.get("/v1/nothing"),
    ):
        refused(answer, 401, "missing_credentials")
    # a permission that is held nowhere: the same for every id and body
    for address in (path, NOBODY, "/v1/concerns/x"):
        answer = await reader.patch(f"{address}?nonsense=1", content=b"{")
        assert refused(answer, 403, "permission_denied")["required"] == ["concern:write"]
    # what cannot be seen is not there, whatever is sent to it
    refused(await stranger.patch(path, content=b"{", headers={"Content-Type": "text/plain"}), 404, "not_found")
    refused(await stranger.delete(path, headers=stale), 404, "not_found")
    # what can be seen, but not changed by this caller
    college = await service.caller("ppmg_member", f"force:{KENT}")
    refused(await college.patch(path, **bad), 404, "not_found")
    # preconditions before the body, and its syntax before its meaning
    refused(await lead.patch(path, **bad, headers=stale), 412, "version_mismatch")
    refused(await lead.patch(path, **bad), 428, "precondition_required")
    current = {"If-Match": '"v1"', "Content-Type": "application/json"}
    refused(await lead.patch(path, content=b"{", headers=current), 400, "malformed_json")
    refused(await lead.patch(path, **bad, headers=current), 422, "validation_failed")


async def test_a_failure_is_told_by_its_number_only(admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(entries, "record", fail)
    with capture_logs(processors=[merge_contextvars]) as said:
        answer = await admin.post("/v1/concerns", json=CONCERN)
    document = refused(answer, 500, "internal_error")
    assert "secret" not in answer.text
    failed, answered = said
    assert failed["request_id"] == answered["request_id"] == document["request_id"]
    assert str(failed["exc_info"]) == "the secret of the house"
