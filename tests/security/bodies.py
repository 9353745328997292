"""Which members may a body have, by the document, and who may send it?"""

from collections.abc import Iterator
from typing import Any

import httpx

from tests.matrix.asking import DOCUMENT, RULES
from tests.matrix.table import Rule, expected
from tests.matrix.trying import Tried

Schema = dict[str, Any]


def schema_at(reference: Schema) -> Schema:
    """What a reference leads to; anything else is as it is."""
    if "$ref" not in reference:
        return reference
    found: Any = DOCUMENT
    for part in reference["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return dict(found)


def operation_of(rule: Rule) -> Schema:
    return dict(DOCUMENT["paths"][rule.address][rule.method.lower()])


def sent(rule: Rule) -> dict[str, Schema]:
    """The members that a body may have."""
    content = operation_of(rule)["requestBody"]["content"]
    return dict(schema_at(next(iter(content.values()))["schema"])["properties"])


def shown(rule: Rule) -> dict[str, Schema]:
    """The members that a success has."""
    answers = operation_of(rule)["responses"]
    answer = schema_at(answers.get("201") or answers["200"])
    return dict(schema_at(answer["content"]["application/json"]["schema"])["properties"])


def types(schema: Schema) -> set[str]:
    """Every type that a member may have, `null` left out."""
    schema = schema_at(schema)
    named = schema.get("type", [])
    kinds = {named} if isinstance(named, str) else set(named)
    for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        kinds |= types(each)
    return kinds - {"null"}


def free_text(schema: Schema) -> bool:
    """Whether a member takes any text."""
    schema = schema_at(schema)
    parts = [schema_at(each) for each in schema.get("anyOf", ())] or [schema]
    closed = {"enum", "const", "pattern", "format"}
    return any("string" in types(each) and not closed & each.keys() for each in parts)


def with_body() -> list[str]:
    """The operations that take a JSON object."""
    return [name for name, rule in RULES.items() if isinstance(rule.send, dict)]


def permitted(tried: Tried, rule: Rule) -> Iterator[httpx.AsyncClient]:
    """Everybody who may do it at the first position."""
    for caller, client in tried.clients.items():
        if expected(rule, RULES[rule.sees], caller, rule.positions[0]) == 200:
            yield client
