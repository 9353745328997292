"""Does a word of another force ever come before a caller: in a page, a cursor, a table or a line of the log?"""

import base64
import json
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from tests.matrix.accounts import add_account, sign_in
from tests.matrix.asking import RULES, asked
from tests.matrix.table import OWN, Caller, Rule, covers
from tests.matrix.trying import Tried
from tests.matrix.world import sentinel
from tests.plans import AVON
from tests.security.bodies import operation_of, permitted, shown

LISTS = [name for name, rule in RULES.items() if rule.shape == "list" and rule.scope == "force"]
PAGED = [name for name in LISTS if "IncludeTotal" in str(operation_of(RULES[name])["parameters"])]
GROWING = ("account", "credential", "grant", "audit_event")
"""Kinds of which there are more than the world made: the callers themselves, and what they do."""


def plain(cursor: str) -> str:
    """What a cursor says to those who take it apart."""
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode(errors="replace")


def foreign(caller: Caller) -> list[str]:
    return [sentinel(force) for force in OWN.values() if not caller.reaches(force)]


async def walked(client: httpx.AsyncClient, rule: Rule) -> tuple[list[Any], str]:
    """All items of a list, in pages of one and with their number, and everything that was told on the way."""
    items: list[Any] = []
    query = {**(rule.query or {}), "limit": "1", "include_total": "true"}
    told, address = "", str(httpx.URL(rule.address, params=query))
    while address:
        answer = await client.get(address)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["items"]
        told += answer.text + str(answer.headers) + plain(page["page"]["next_cursor"] or "")
        address = page["links"].get("next", "")
    assert page["page"]["total"] == len(items)
    return items, told


@pytest.mark.parametrize("name", PAGED)
async def test_a_walk_tells_of_nobody_else(tried: Tried, name: str) -> None:
    rule = RULES[name]
    for caller, client in tried.clients.items():
        if not caller.unknown and (places := caller.holds(rule)):
            with capture_logs() as logged:
                items, told = await walked(client, rule)
            assert [word for word in foreign(caller) if word in told + str(logged)] == [], caller.name
            rows = tried.world.live[rule.of]
            right = {row.sign for row in rows if any(covers(place, row.force) for place in places)}
            assert {row.sign for row in rows if row.sign in told} == right, caller.name
            assert rule.of in GROWING or len(items) == len(right), caller.name


async def test_each_of_the_forces_sees_its_own_and_counts_its_own(tried: Tried) -> None:
    """Every force of the catalogue in turn: those of the world see their rows, and the others see none."""
    anybody = next(client for caller, client in tried.clients.items() if caller.grants)
    forces = [force["code"] for force in (await anybody.get("/v1/forces?limit=500")).json()["items"]]
    assert len(forces) > 44
    for force in forces:
        place = f"force:{force}"
        caller = Caller(f"reader-of-{force}", (("force_reader", place), ("regional_triage", place)))
        client = sign_in(tried.service, caller, await add_account(tried.service, caller.name, caller))
        for name in PAGED:
            rule = RULES[name]
            if "force_reader" in rule.may:
                page = (await client.get(rule.address, params={"include_total": "true", "limit": 500})).json()
                own = [row for row in tried.world.live[rule.of] if row.force == force]
                assert (page["page"]["total"], len(page["items"])) == (len(own), len(own)), (force, name)
                assert all(row.sign in json.dumps(page, separators=(",", ":")) for row in own)
                words = [sentinel(each) for each in OWN.values() if each != force]
                assert [word for word in words if word in json.dumps(page)] == []
        items = (await client.get("/v1/triage")).json()["items"]
        table = (await client.get("/v1/triage", headers={"Accept": "text/csv"})).text
        assert {item["force"]["code"] for item in items} == {force}
        assert {line.partition(",")[0] for line in table.splitlines()[1:]} == {force}


async def test_a_table_tells_of_nobody_else(tried: Tried) -> None:
    for caller, client in tried.clients.items():
        if not caller.unknown and caller.holds(RULES["getTriage"]):
            table = await client.get("/v1/triage", headers={"Accept": "text/csv"})
            assert table.status_code == 200
            assert [word for word in foreign(caller) if word in table.text] == [], caller.name
            assert sentinel(AVON) in table.text


async def test_what_was_refused_tells_of_nobody_in_the_log(tried: Tried) -> None:
    with capture_logs() as logged:
        for client in tried.clients.values():
            for position in ("own", "other_region"):
                row = tried.world.at["pip", position]
                await client.patch(f"/v1/pips/{row.id}", json={"title": sentinel(AVON)}, params={"dry_run": "true"})
                await client.get(f"/v1/pips/{row.id}/versions")
    assert logged
    assert "sentinel" not in str(logged)


async def test_c24_every_role_is_shown_the_members_of_the_document(tried: Tried) -> None:
    """No role has members of its own: whoever may read a thing reads all of what the document says, and no more."""
    for rule in RULES.values():
        if rule.method == "GET" and rule.shape == "one" and "/diff" not in rule.address:
            members = set(shown(rule))
            for client in permitted(tried, rule):
                answer = await asked(client, tried.world, rule, rule.positions[0])
                assert set(answer.json()) == members, rule.id
