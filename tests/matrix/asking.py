"""How is an operation asked for, on what stands at a position?"""

import json
from typing import Any

import httpx

from pip_api.app import describe
from pip_api.db.columns import to_json
from tests.matrix.table import OWN, Rule, rules
from tests.matrix.world import World

DOCUMENT: dict[str, Any] = json.loads(to_json(describe()))
RULES = rules(DOCUMENT)
CSV = {"Content-Type": "text/csv"}


async def asked(
    client: httpx.AsyncClient,
    world: World,
    rule: Rule,
    position: str,
    *,
    content: bytes | None = None,
    also: dict[str, str] | None = None,
    rehearsed: bool = True,
) -> httpx.Response:
    """The answer to the operation on what stands at the position, with the table's body or another, as a dry run where
    nobody says that it is in earnest."""
    query, headers = {**({"limit": 500} if rule.paged else {}), **(rule.query or {}), **(also or {})}, {}
    path = rule.address
    if rule.shape == "list" and position != "everything":
        query["force"] = world.filled("$force", position)
    if rule.shape == "one":
        named = world.filled(rule.path or {"id": f"${rule.of}"}, position)
        if rule.path and "period" in rule.path and position == "malformed":
            named |= {"force": OWN["own"], "period": "x"}
        path = path.format(**{"version": 1, **named})
    if rule.method != "GET" and rehearsed:
        query["dry_run"] = "true"
    if rule.changes:
        row = world.at.get((rule.of, position))
        headers["If-Match"] = f'"v{row.version if row else 1}"'
    if isinstance(rule.send, str):
        headers = CSV
    elif rule.send is not None:
        headers["Content-Type"] = "application/json"
    if content is None and rule.send is not None:
        content = body_of(world, rule, position)
    return await client.request(rule.method, path, params=query, headers=headers, content=content)


def body_of(world: World, rule: Rule, position: str) -> bytes:
    """What is sent, as the table has it."""
    filled = world.filled(rule.send, position, owned=rule.scope == "force")
    return (filled if isinstance(filled, str) else json.dumps(filled, default=str)).encode()
