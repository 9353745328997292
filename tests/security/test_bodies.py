"""What may nobody put into a body? Each is tried in every member of every body of the document, as a dry run."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.matrix.asking import RULES, asked, body_of
from tests.matrix.trying import Tried
from tests.security.bodies import free_text, permitted, sent, shown, types, with_body

EACH = pytest.mark.parametrize("name", with_body())
NOT_NUMBERS = ("NaN", "Infinity", "-Infinity", "1e400", '"NaN"', '"Infinity"', "1E+1000000", "9" * 41)
EDGES = (2**31, 2**53 + 1, 2**63, 10**39, -1, 0, -(2**63) - 1, -(10**39) + 1)
INJECTIONS = (
    "' OR 1=1; --", "'; DROP TABLE ledger_entry; --", "%00", "{{7*7}}", "${jndi:ldap://127.0.0.1/x}", "$(reboot)",
    "<script>alert(1)</script>", "\\\\u0000", "%s%n", "../../etc/passwd", "=cmd()", "\u202eright to left",
)  # fmt: skip


def first(tried: Tried, name: str) -> Any:
    return next(permitted(tried, RULES[name]))


async def send(tried: Tried, name: str, body: dict[str, Any] | bytes) -> Any:
    rule = RULES[name]
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await asked(first(tried, name), tried.world, rule, rule.positions[0], content=content)


def body(tried: Tried, name: str) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(body_of(tried.world, RULES[name], RULES[name].positions[0]))
    return whole


@EACH
async def test_c23_c25_what_can_only_be_read_cannot_be_written(tried: Tried, name: str) -> None:
    only_read = sorted(shown(RULES[name]).keys() - sent(RULES[name]).keys() - {"version"})
    answer = await send(tried, name, body(tried, name) | dict.fromkeys(only_read, "x"))
    assert answer.status_code == 422, answer.text
    named = {each.get("pointer") for each in answer.json()["errors"]}
    assert {f"#/{member}" for member in only_read} <= named


@EACH
async def test_c26_no_member_is_let_in_by_another_door(tried: Tried, name: str) -> None:
    for extra in ("__proto__", "constructor", "$where", "id\u200b", " id", "ID"):
        answer = await send(tried, name, body(tried, name) | {extra: {"deep": {"deeper": True}}})
        assert answer.status_code == 422, answer.text


@EACH
async def test_c37_what_is_not_a_number_is_none(tried: Tried, name: str) -> None:
    for member, schema in sent(RULES[name]).items():
        if types(schema) & {"number", "integer"}:
            for text in NOT_NUMBERS:
                whole = body(tried, name) | {member: "@"}
                answer = await send(tried, name, json.dumps(whole).replace('"@"', text).encode())
                assert answer.status_code in (400, 422), (member, text, answer.text)


@EACH
async def test_c39_a_number_at_the_edge_is_taken_or_refused(tried: Tried, name: str) -> None:
    for member, schema in sent(RULES[name]).items():
        if types(schema) & {"number", "integer"}:
            for number in EDGES:
                answer = await send(tried, name, body(tried, name) | {member: number})
                assert answer.is_success or answer.status_code in (400, 412, 422), (member, number, answer.text)


@pytest.fixture
async def listener() -> AsyncIterator[tuple[int, list[object]]]:
    """A port, and who connected to it."""
    came: list[object] = []

    def met(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(writer.get_extra_info("peername"))
        writer.close()

    server = await asyncio.start_server(met, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], came
    server.close()
    await server.wait_closed()


@EACH
async def test_c44_c56_text_is_text(tried: Tried, name: str, listener: tuple[int, list[object]]) -> None:
    port, came = listener
    texts = (*INJECTIONS, f"http://127.0.0.1:{port}/x", f"file://127.0.0.1:{port}/etc/passwd")
    free = [member for member, schema in sent(RULES[name]).items() if free_text(schema)]
    for text in texts:
        answer = await send(tried, name, body(tried, name) | dict.fromkeys(free, text))
        assert answer.is_success or answer.status_code == 422, (text, answer.text)
        if answer.is_success:
            assert {member: answer.json().get(member) for member in free} == dict.fromkeys(free, text)
    assert came == []
