"""Is a request that is sent again answered again, and done once?"""

import asyncio
import json
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from pip_api.access.principals import Principal
from pip_api.app import forget_what_is_old
from pip_api.db.scopes import EVERY_FORCE
from pip_api.db.session import Session
from pip_api.db.statements import Statement
from pip_api.http.problems import Problem
from pip_api.kernel import idempotency
from pip_api.kernel.call import Permit
from pip_api.kernel.idempotency import key_in
from tests.exchange.files import send, written
from tests.plans import AVON, CONCERN, KENT, MEASURE, ONE, a_concern, made
from tests.service import Record, Service, refused

KEY = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
RETOLD = ("etag", "location", "content-type")


async def entries(caller: httpx.AsyncClient, row: Record) -> int:
    """How many times a row was written."""
    return len((await caller.get(f"/v1/concerns/{row['id']}/versions")).json()["items"])


async def test_the_same_request_again_has_the_same_answer(lead: httpx.AsyncClient) -> None:
    first = await lead.post("/v1/concerns", json=CONCERN, headers=KEY | {"X-Request-Id": "the-first-one"})
    again = await lead.post("/v1/concerns", json=CONCERN, headers=KEY)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert [again.headers[name] for name in RETOLD] == [first.headers[name] for name in RETOLD]
    assert first.headers["idempotency-key"] == again.headers["idempotency-key"] == KEY["Idempotency-Key"]
    assert "idempotency-replayed" not in first.headers
    assert (again.headers["idempotency-replayed"], again.headers["original-request-id"]) == ("true", "the-first-one")
    assert len((await lead.get("/v1/concerns")).json()["items"]) == 1


async def test_fifty_at_once_make_one(lead: httpx.AsyncClient) -> None:
    """P07: check-then-insert races, and a retry makes duplicates."""
    answers = await asyncio.gather(*(lead.post("/v1/concerns", json=CONCERN, headers=KEY) for _ in range(50)))
    assert {(each.status_code, each.content) for each in answers} == {(201, answers[0].content)}
    assert sorted("idempotency-replayed" in each.headers for each in answers) == [False] + [True] * 49
    (row,) = (await lead.get("/v1/concerns")).json()["items"]
    assert await entries(lead, row) == 1


async def test_two_processes_make_one(lead: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what one process knows of itself, the database alone keeps them apart."""
    monkeypatch.setattr(idempotency, "alone", lambda running, keyed: asyncio.timeout(None))
    monkeypatch.setattr("pip_api.kernel.performing.alone", lambda running, keyed: asyncio.timeout(None))
    answers = await asyncio.gather(*(lead.post("/v1/concerns", json=CONCERN, headers=KEY) for _ in range(6)))
    assert {(each.status_code, each.content) for each in answers} == {(201, answers[0].content)}
    assert len((await lead.get("/v1/concerns")).json()["items"]) == 1


async def test_a_refusal_leaves_the_key_free(lead: httpx.AsyncClient) -> None:
    """P09: a key is consumed only by an effect."""
    wrong = await lead.post("/v1/concerns", json=CONCERN | {"source": "nobody"}, headers=KEY)
    refused(wrong, 422, "validation_failed")
    assert "idempotency-key" not in wrong.headers
    mended = await lead.post("/v1/concerns", json=CONCERN, headers=KEY)
    assert mended.status_code == 201
    assert "idempotency-replayed" not in mended.headers


async def test_a_crash_leaves_the_key_free(lead: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:

        async def crash(*args: Any) -> None:
            raise RuntimeError("the process is killed between two statements")

        broken.setattr("pip_api.kernel.performing.keep", crash)
        refused(await lead.post("/v1/concerns", json=CONCERN, headers=KEY), 500, "internal_error")
    assert (await lead.get("/v1/concerns")).json()["items"] == []
    assert (await lead.post("/v1/concerns", json=CONCERN, headers=KEY)).status_code == 201


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"json": CONCERN | {"title": "Another"}}, ["body"]),
        ({"params": {"reason": "Another"}}, ["query"]),
        ({"json": CONCERN | {"title": "Another"}, "params": {"reason": "Another"}}, ["body", "query"]),
    ],
)
async def test_another_request_with_the_key_is_refused(
    lead: httpx.AsyncClient, change: dict[str, Any], differs: list[str]
) -> None:
    await lead.post("/v1/concerns", json=CONCERN, headers=KEY)
    answer = await lead.post("/v1/concerns", **({"json": CONCERN, "headers": KEY} | change))
    assert refused(answer, 422, "idempotency_key_reused")["differs"] == differs
    assert len((await lead.get("/v1/concerns")).json()["items"]) == 1


async def test_another_precondition_or_path_is_another_request(lead: httpx.AsyncClient, concern: Record) -> None:
    path, body = f"/v1/concerns/{concern['id']}", {"title": "Changed"}
    assert (await lead.patch(path, json=body, headers=KEY | {"If-Match": '"v1"'})).status_code == 200
    later = await lead.patch(path, json=body, headers=KEY | {"If-Match": '"v2"'})
    assert refused(later, 422, "idempotency_key_reused")["differs"] == ["if_match"]
    other = await a_concern(lead)
    elsewhere = await lead.patch(f"/v1/concerns/{other['id']}", json=body, headers=KEY | {"If-Match": '"v1"'})
    assert refused(elsewhere, 422, "idempotency_key_reused")["differs"] == ["path"]


async def test_blanks_and_order_make_no_other_request(lead: httpx.AsyncClient) -> None:
    kind = {"Content-Type": "application/json"}
    first = await lead.post("/v1/concerns", content=json.dumps(CONCERN), headers=KEY | kind)
    turned = json.dumps(dict(reversed(CONCERN.items())), indent=2)
    assert (await lead.post("/v1/concerns", content=turned, headers=KEY | kind)).content == first.content


async def test_a_replay_tells_what_was_then(lead: httpx.AsyncClient) -> None:
    """AIP-155 would allow the newer state; the first answer is what a sender that lost it needs."""
    first = await lead.post("/v1/concerns", json=CONCERN, headers=KEY)
    row = first.json()
    await lead.patch(f"/v1/concerns/{row['id']}", json={"title": "Changed", "version": 1})
    assert (await lead.post("/v1/concerns", json=CONCERN, headers=KEY)).json() == row
    assert await entries(lead, row) == 2


async def test_each_change_has_keys_of_its_own(lead: httpx.AsyncClient, concern: Record) -> None:
    path = f"/v1/concerns/{concern['id']}"
    assert (await lead.post("/v1/concerns", json=CONCERN, headers=KEY)).status_code == 201
    for _ in range(2):
        changed = await lead.patch(path, json={"title": "x"}, headers=KEY | {"If-Match": '"v1"'})
        assert (changed.status_code, changed.json()["version"]) == (200, 2)
    for _ in range(2):
        withdrawn = await lead.delete(path, headers=KEY | {"If-Match": '"v2"'})
        assert (withdrawn.status_code, withdrawn.content, withdrawn.headers["etag"]) == (204, b"", '"v3"')
    assert await entries(lead, concern) == 3


async def test_two_clients_with_one_key_do_not_meet(service: Service, lead: httpx.AsyncClient) -> None:
    other = await service.caller("force_lead", f"force:{KENT}")
    ours = await lead.post("/v1/concerns", json=CONCERN, headers=KEY)
    theirs = await other.post("/v1/concerns", json=CONCERN | {"force_code": KENT}, headers=KEY)
    assert (ours.json()["force_code"], theirs.json()["force_code"]) == (AVON, KENT)


async def test_a_figure_and_a_file_are_taken_once(service: Service, admin: httpx.AsyncClient) -> None:
    await made(admin, "/v1/measures", **MEASURE)
    lead = await service.caller("force_lead", f"force:{AVON}")
    one = ONE.format(AVON, MEASURE["code"], "2026-10")
    answers = [await lead.put(one, json={"value": 61}, headers=KEY) for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 201]
    lead.headers.update(KEY)
    row = {
        "force_code": AVON,
        "measure_code": MEASURE["code"],
        "period_start": "2026-09-01",
        "period_end": "2026-09-30",
        "value": "6",
        "unit": "percent",
    }
    first, again = [await send(lead, written([row])) for _ in range(2)]
    assert first.json()["counts"]["created"] == again.json()["counts"]["created"] == 1
    assert again.headers["idempotency-replayed"] == "true"
    assert refused(await send(lead, written([row | {"value": "7"}])), 422, "idempotency_key_reused")


async def test_what_may_no_longer_be_done_is_not_retold(
    lead: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Principal.require_for
    await lead.post("/v1/concerns", json=CONCERN, headers=KEY)

    def require_for(self: Principal, permission: str, force: str | None) -> None:
        real(self, permission, "kent" if (permission, force) == ("concern:write", AVON) else force)

    monkeypatch.setattr(Principal, "require_for", require_for)
    refused(await lead.post("/v1/concerns", json=CONCERN, headers=KEY), 403, "permission_denied")


async def test_nor_is_an_import(service: Service, admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    await made(admin, "/v1/measures", **MEASURE)
    lead = await service.caller("force_lead", f"force:{AVON}")
    lead.headers.update(KEY)
    row = {"force_code": AVON, "measure_code": str(MEASURE["code"]), "period_start": "2026-09-01"}
    file = written([row | {"period_end": "2026-09-30", "value": "6", "unit": "percent"}])
    assert (await send(lead, file)).status_code == 200

    def refuse(self: Principal, permission: str, force: str | None) -> None:
        if (permission, force) == ("figure:write", AVON):
            raise Problem("permission_denied", "No longer.")

    monkeypatch.setattr(Principal, "require_for", refuse)
    refused(await send(lead, file), 403, "permission_denied")


async def test_a_key_is_forgotten_after_seven_days(service: Service, lead: httpx.AsyncClient) -> None:
    first = await lead.post("/v1/concerns", json=CONCERN, headers=KEY)
    service.clock.forward(days=6, hours=23)
    lead = await service.again(lead)
    assert (await lead.post("/v1/concerns", json=CONCERN, headers=KEY)).content == first.content
    service.clock.forward(hours=1)
    lead = await service.again(lead)
    assert (await lead.post("/v1/concerns", json=CONCERN, headers=KEY)).json()["id"] != first.json()["id"]


async def test_old_answers_are_dropped(service: Service, lead: httpx.AsyncClient) -> None:
    await lead.post("/v1/concerns", json=CONCERN, headers=KEY)
    kept = Statement(select(func.count().label("rows")).select_from(idempotency.IdempotencyKey))
    for days, left in ((6, 1), (2, 0)):
        service.clock.forward(days=days)
        await forget_what_is_old(service.services)
        async with service.services.database.read(EVERY_FORCE) as session:
            assert await session.fetch(kept) == [{"rows": left}]


async def test_the_second_waits_for_the_first_and_then_gives_up(
    service: Service, lead: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    going, go = asyncio.Event(), asyncio.Event()
    real = idempotency.recall

    async def slowly(*args: Any) -> Any:
        going.set()
        await go.wait()
        return await real(*args)

    monkeypatch.setattr("pip_api.kernel.performing.recall", slowly)
    monkeypatch.setattr(idempotency, "LONGEST_WAIT", 0.2)
    first = asyncio.create_task(lead.post("/v1/concerns", json=CONCERN, headers=KEY))
    await going.wait()
    second = await lead.post("/v1/concerns", json=CONCERN, headers=KEY)
    refused(second, 409, "idempotency_in_progress")
    assert second.headers["retry-after"] == "1"
    go.set()
    assert (await first).status_code == 201


async def test_a_key_in_use_by_another_process_is_waited_for(
    service: Service, lead: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    if service.services.database.dialect.name == "sqlite":
        pytest.skip("on SQLite the second waits for the writer's turn")
    seen: list[str] = []
    real = Session.hold

    async def noting(self: Session, name: str) -> None:
        seen.append(name)
        await real(self, name)

    monkeypatch.setattr(Session, "hold", noting)
    await lead.post("/v1/concerns", json=CONCERN, headers=KEY)
    async with service.services.database.transaction() as other:
        await real(other, seen[0])
        answer = await lead.post("/v1/concerns", json=CONCERN, headers=KEY)
    refused(answer, 409, "idempotency_in_progress")


async def test_a_client_may_have_to_send_keys(service: Service) -> None:
    client = await service.caller("force_lead", f"force:{AVON}", needs_keys=True)
    refused(await client.post("/v1/concerns", json=CONCERN), 400, "idempotency_key_required")
    assert (await client.post("/v1/concerns", json=CONCERN, headers=KEY)).status_code == 201
    assert (await client.get("/v1/concerns")).status_code == 200
    assert (await client.post("/v1/concerns", params={"dry_run": "true"}, json=CONCERN)).status_code == 201


@pytest.mark.parametrize(
    ("header", "key"),
    [
        (None, None),
        ('"a"', "a"),
        ("a", "a"),
        (" a ", "a"),
        (r'"a\"b\\c"', r'a"b\c'),
        ("x" * 255, "x" * 255),
        ('"' + "~" * 255 + '"', "~" * 255),
    ],
)
def test_a_key_is_quoted_or_bare(header: str | None, key: str | None) -> None:
    assert key_in(header) == key


@pytest.mark.parametrize("header", ["", '""', "a b", '"a', 'a"', "é", "x" * 256, '"a", "b"', "\x7f", '"a\\b"'])
def test_anything_else_is_no_key(header: str) -> None:
    with pytest.raises(Problem) as refusal:
        key_in(header)
    assert (refusal.value.status, refusal.value.code) == (400, "idempotency_key_invalid")


def test_a_permit_is_plain_json() -> None:
    permit: Permit = ("pip:write", None)
    assert json.loads(json.dumps([permit])) == [["pip:write", None]]
