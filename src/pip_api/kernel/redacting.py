"""Which members of a noun are words of people, and how do they go where nobody can change them any more?"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import bindparam, update

from pip_api.db.columns import Code, Instant, Uid
from pip_api.db.statements import Record, Statement
from pip_api.http.preconditions import stale
from pip_api.kernel.call import Call
from pip_api.kernel.resource import Resource
from pip_api.kernel.writing import changes, following, noted
from pip_api.ledger.striking import struck_out

Words = Mapping[str, frozenset[str]]
"""Members, each with the names inside it that are no words: those of references, choices and days in objects."""


@cache
def words_of(of: Resource) -> Words:
    """The members that hold free text. Codes, choices and what names other rows are none."""
    told = of.read_shape.model_json_schema()
    shapes = told.get("$defs", {})
    named = {each.field: each.path for each in of.references}
    words = {}
    for name in of.names:
        if named.get(name, "") is None or of.table.c[name].type is Code:
            continue
        schema = told["properties"][name]
        schema = schema["items"] if schema.get("type") == "array" else schema
        inside = shapes.get(schema.get("$ref", "").rpartition("/")[2], {}).get("properties", {})
        if any(map(_is_text, inside.values())) or _is_text(schema):
            words[name] = frozenset(each for each in inside if each == named.get(name) or not _is_text(inside[each]))
    return words


def _is_text(schema: Mapping[str, Any]) -> bool:
    options = [schema, *schema.get("anyOf", ())]
    return any(each.get("type") == "string" and "format" not in each for each in options)


async def write_redacted(of: Resource, call: Call, before: Record, words: Words) -> None:
    """A next version in which these members are struck out. Raises 412."""
    after = before | {name: struck_out(before[name], words[name]) for name in words} | following(call, before)
    await call.record(noted(of, call, "redacted", after, changes(of, after, words)))
    new = {f"new_{name}": after[name] for name in words}
    seen = {"id": after["id"], "seen": before["version"], "now": after["updated_at"]}
    if await call.session.run(_rewriting(of, tuple(words)), **new, **seen) == 0:
        raise stale(before["version"])


@cache
def _rewriting(of: Resource, names: tuple[str, ...]) -> Statement:
    columns = of.table.c
    kept = (columns.id == bindparam("id", type_=Uid()), columns.version == bindparam("seen"))
    raised = {"version": columns.version + 1, "updated_at": bindparam("now", type_=Instant())}
    return Statement(
        update(of.table).where(*kept).values({n: bindparam(f"new_{n}", type_=columns[n].type) for n in names} | raised)
    )
