"""What may nobody send beside a body? Addresses, queries, headers and tokens, tried at every operation."""

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import String, bindparam, func, select
from structlog.testing import capture_logs

from pip_api.db.statements import Statement
from pip_api.ledger.entries import LedgerEntry
from tests.http.test_edge import asked as asked_unread
from tests.matrix.asking import DOCUMENT, RULES, asked
from tests.matrix.table import expected
from tests.matrix.trying import Tried
from tests.plans import AVON, KENT
from tests.security.bodies import operation_of, permitted
from tests.service import Service, refused

ENTRIES = LedgerEntry.__table__  # type: ignore[attr-defined]
CHANGES = Statement(select(func.count().label("made")).where(ENTRIES.c.version.is_not(None)))
DENIED = Statement(
    select(ENTRIES.c.state).where(ENTRIES.c.kind == "denied", ENTRIES.c.actor_name == bindparam("name", type_=String()))
)
FOREIGN = [name for name, rule in RULES.items() if rule.method != "GET" and "other_region" in rule.positions]
LISTS = [name for name, rule in RULES.items() if rule.shape == "list"]
SIZES = ("1", "10000000", "not-a-length")
EVIL = "evil.test"


def addresses() -> Iterator[tuple[str, str]]:
    """Each method and address of the document that asks for a permission."""
    for rule in RULES.values():
        yield rule.method, rule.address.format(id="x", version="1", force=AVON, measure="x", period="2026-09")


async def test_c01_without_a_token_nothing_is_read_and_all_is_refused_alike(service: Service) -> None:
    seen = set()
    for method, path in addresses():
        for size in SIZES:
            headers = {"content_type": "application/json", "content_length": size, "x_request_id": "the-same-request"}
            answer = await asked_unread(service, method, path, **headers)  # fails when anybody reads the body
            assert answer[b":status"] == 401
            seen.add(tuple(answer.items()))
    assert len(seen) == 1


async def test_c05_thirty_seconds_are_allowed_for_clocks(service: Service) -> None:
    reader = await service.caller("force_reader", f"force:{AVON}")
    lifetime = service.services.settings.token_lifetime_seconds
    service.clock.forward(seconds=lifetime + 29)
    assert (await reader.get("/v1/regions")).status_code == 200
    service.clock.forward(seconds=2)
    refused(await reader.get("/v1/regions"), 401, "invalid_token")


async def test_c08_a_token_in_an_address_is_no_token_and_is_not_logged(service: Service) -> None:
    reader = await service.caller("force_reader", f"force:{AVON}")
    token = reader.headers["authorization"].removeprefix("Bearer ")
    with capture_logs() as told:
        for path in ("/v1/pips", "/v1/nothing", "/healthz"):
            answer = await service.http().get(f"{path}?access_token={token}")
            assert answer.status_code == (200 if path == "/healthz" else 401)
            assert token not in answer.text
    assert told
    assert token not in str(told)


@pytest.mark.parametrize("name", LISTS)
async def test_c40_a_query_is_understood_or_refused(tried: Tried, name: str) -> None:
    client = next(permitted(tried, RULES[name]))
    path = RULES[name].address
    known = {each["$ref"].rpartition("/")[2] for each in operation_of(RULES[name])["parameters"] if "$ref" in each}
    queries = ["unknown=1", "force_id=8", "as_of=x", "as_of=2026-03-29T01:30:00"]
    if "Limit" in known:
        queries += [f"limit={each}" for each in ("0", "-1", "1" + "0" * 20, "abc", "1e3", "\u0661", "", "1&limit=1")]
    if "Cursor" in known:
        queries += ["cursor=x", "cursor=" + "A" * 64, "cursor=%00"]
    for query in queries:
        answer = await client.get(f"{path}?{query}")
        assert answer.status_code == 400, (query, answer.text)


@pytest.mark.parametrize("name", LISTS)
async def test_c56_an_injection_in_a_query_finds_nothing(tried: Tried, name: str) -> None:
    client = next(permitted(tried, RULES[name]))
    parameters = {
        "sort",
        "fields",
        "expand",
        *(each.get("name", "") for each in operation_of(RULES[name])["parameters"]),
    }
    if RULES[name].filtered:
        parameters.add("force")
    every = {row.sign for row in tried.world.live.get(RULES[name].of, [])}
    for parameter in sorted(parameters - {""}):
        for text in ("' OR 1=1; --", "%00", "{{7*7}}", "${jndi:x}", "x'||(select 1)||'", "\\"):
            answer = await client.get(RULES[name].address, params={parameter: text})
            assert answer.status_code in (200, 400), (parameter, text, answer.text)
            if answer.status_code == 200:
                assert [sign for sign in every if sign in answer.text] == [], (parameter, text)


@pytest.mark.parametrize("name", [name for name in LISTS if "Cursor" in str(operation_of(RULES[name])["parameters"])])
async def test_c20_a_cursor_that_was_changed_or_is_of_another_is_none(tried: Tried, name: str) -> None:
    path, clients = RULES[name].address, [*permitted(tried, RULES[name])]
    cursors = {
        client: (await client.get(path, params={"limit": 1})).json()["page"]["next_cursor"] for client in clients
    }
    client, cursor = next((client, cursor) for client, cursor in cursors.items() if cursor)
    for place in (0, len(cursor) // 2, len(cursor) - 2):
        changed = cursor[:place] + ("B" if cursor[place] == "A" else "A") + cursor[place + 1 :]
        assert (await client.get(path, params={"limit": 1, "cursor": changed})).status_code == 400, place
    assert (await client.get(path, params={"limit": 1, "cursor": cursor})).status_code == 200
    for other in clients:
        if other is not client:
            assert (await other.get(path, params={"limit": 1, "cursor": cursor})).status_code == 400


@pytest.mark.parametrize("name", FOREIGN)
async def test_c16_c17_what_is_tried_on_another_force_changes_nothing(tried: Tried, name: str) -> None:
    rule = RULES[name]
    caller, client = next(
        (caller, client)
        for caller, client in tried.clients.items()
        if caller.holds(rule) and not caller.reaches(KENT) and not (caller.person and rule.people)
    )
    async with tried.service.unguarded() as session:
        before = await session.fetch(CHANGES)
    answer = await asked(client, tried.world, rule, "other_region", rehearsed=False)
    assert answer.status_code == expected(rule, RULES[rule.sees], caller, "other_region")
    async with tried.service.unguarded() as session:
        assert await session.fetch(CHANGES) == before
        noted = {entry["state"]["operation"] for entry in await session.fetch(DENIED, name=caller.name)}
    assert answer.status_code == 422 or name in noted


async def test_c45_no_method_is_there_that_the_document_does_not_name(tried: Tried) -> None:
    client = next(permitted(tried, RULES["listPips"]))
    for path, methods in DOCUMENT["paths"].items():
        address = path.format(
            id="x", version="1", force=AVON, measure="x", period="2026-09", name="not-found", log="2026"
        )
        allow = {method.upper() for method in methods} | {"OPTIONS"} | ({"HEAD"} if "get" in methods else set())
        for method in {"TRACE", "CONNECT", "FOO", "PUT", "DELETE", "PATCH", "POST", "GET"} - allow:
            answer = await client.request(method, address)
            refused(answer, 405, "method_not_allowed")
            assert set(answer.headers["allow"].split(", ")) == allow, address


async def test_c46_c51_c52_what_a_request_says_of_its_way_is_not_believed(tried: Tried) -> None:
    ways = {
        "Host": EVIL, "Origin": f"https://{EVIL}", "X-Forwarded-Host": EVIL, "X-Forwarded-For": "203.0.113.9",
        "X-Real-IP": "203.0.113.9", "Forwarded": f"for=203.0.113.9;host={EVIL}", "X-Forwarded-Proto": EVIL,
        "X-Original-URL": f"/{EVIL}", "X-HTTP-Method-Override": "DELETE",
    }  # fmt: skip
    with capture_logs() as told:
        for name in ("listPips", "getPip", "getTriage", "listPipVersions"):
            rule = RULES[name]
            client = next(permitted(tried, rule))
            plain = await asked(client, tried.world, rule, rule.positions[0])
            client.headers.update(ways)
            answer = await asked(client, tried.world, rule, rule.positions[0])
            for way in ways:
                del client.headers[way]
            assert (answer.status_code, answer.content) == (200, plain.content)
            assert "access-control-allow-origin" not in answer.headers
            assert EVIL not in str(answer.headers)
        for path in ("/v1", "/.well-known/oauth-authorization-server", "/openapi.json", "/v1/nothing"):
            answer = await tried.service.http(**ways).get(path)
            assert EVIL not in answer.text + str(answer.headers)
    assert "203.0.113.9" not in str(told)


async def test_c58_no_line_of_the_log_can_be_forged(tried: Tried) -> None:
    client = next(permitted(tried, RULES["listPips"]))
    forged = '%0d%0a{"event":"forged"}%0a'
    with capture_logs() as told:
        await client.get(f"/v1/{forged}")
        await client.get(f"/v1/pips/{forged}")
        await client.get("/v1/pips", headers={"X-Request-Id": "x\r\nforged-request"})
    assert len([each for each in told if each["event"] == "answered"]) == 3
    lines = [json.dumps(each, default=str) for each in told]
    assert all("\n" not in line and json.loads(line)["event"] != "forged" for line in lines)
