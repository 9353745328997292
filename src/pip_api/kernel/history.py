"""What was a row, who made it so, and what is different between two moments?"""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, select

from pip_api.db.columns import Uid, to_json
from pip_api.db.statements import Record, Statement
from pip_api.http.preconditions import etag
from pip_api.http.problems import Problem, bad_parameter
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.changes import difference, plain
from pip_api.kernel.cursors import Place, cursors_of
from pip_api.kernel.moments import read_moment, require_kept
from pip_api.kernel.pages import answer_page, page, tagged
from pip_api.kernel.query import page_limit
from pip_api.kernel.resource import Resource, visible
from pip_api.kernel.verbs import find
from pip_api.ledger import entries
from pip_api.ledger.as_of import Mark, MarkKind

_LONGEST_TOLD = 60  # characters of a value, in a sentence


async def versions(of: Resource, call: Call) -> Answer:
    """What a row was, newest first, and who made it so."""
    row = await find(of, call, call.path["id"], withdrawn=True)
    limit, query = page_limit(call.query.get("limit")), f"versions {row['id']}"
    cursors = cursors_of(call)
    cursor = call.query.get("cursor")
    before = cursors.read(cursor, query, call.now).keys[0] if cursor else row["version"] + 1
    items = await entries.versions(call.session, row["id"], before, limit)
    more = len(items) == limit and items[-1]["version"] > 1
    following = cursors.make(Place([items[-1]["version"]]), query, call.now) if more else None
    return answer_page(call, page(items, limit, following, f"{of.path}/{row['id']}/versions", call.query, {}))


async def version(of: Resource, call: Call) -> Answer:
    """One version of a row. It never changes, so a reader who holds it need not be sent it again."""
    row = await find(of, call, call.path["id"], withdrawn=True)
    number = _number(call.path["version"])
    found = await _version(call, row, number)
    if found is None:
        raise Problem("not_found", f"The {of.label} has no such version; its newest is {row['version']}.")
    return tagged(call, etag(number), found)


async def diff(of: Resource, call: Call) -> Answer:
    """What is different between two moments or versions: as JSON Patch, in sentences, and counted.

    The patch is of the row with what belongs to it: each kind of that is an object by id.
    """
    row = await find(of, call, call.path["id"], withdrawn=True)
    (start, first), (end, last) = await _point(call, row, "from"), await _point(call, row, "to")
    if start > end or (first is not None and last is not None and first["version"] > last["version"]):
        raise bad_parameter("from", "'from' is later than 'to'.")
    before = plain(await _whole(of, call, row, start, first))
    after = plain(await _whole(of, call, row, end, last))
    told = list(_sentences(of, before, after))
    counts: dict[str, int] = {}
    for each in told:
        counts[each["kind"]] = counts.get(each["kind"], 0) + 1
    return Answer(
        200, {"from": start, "to": end, "patch": difference(before, after), "summary": told, "counts": counts}
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


async def _version(call: Call, row: Record, number: int) -> Record | None:
    """A version of a row, if there was one. Raises 410 where it is no longer kept."""
    found = await entries.versions(call.session, row["id"], number + 1, 1)
    if not found and 0 < number <= row["version"]:
        raise Problem("retired", f"Version {number} is no longer kept.")
    return found[0] if found and found[0]["version"] == number else None


async def _point(call: Call, row: Record, name: str) -> tuple[datetime, Record | None]:
    """The moment that a parameter names, or the version with its moment: two may be of the same. Raises 400."""
    if (text := call.query.get(name)) is None:
        if name == "from":
            raise bad_parameter(name, "'from' is needed: a version, or a time such as 2026-10-05T09:30:00Z.")
        return max(call.now, row["updated_at"]), None  # another machine's clock may be ahead
    if text.isdecimal():
        found = await _version(call, row, _number(text))
        if found is None:
            raise bad_parameter(name, f"There is no such version; the newest is {row['version']}.")
        return found["at"], found
    moment = read_moment(name, text, call.now)
    require_kept(moment, call.services.log.kept_from)
    return moment, None


async def _whole(of: Resource, call: Call, row: Record, moment: datetime, version: Record | None) -> Record | None:
    """A row and what belongs to it, as they stood; None when it was not there yet."""
    mark = Mark(moment)
    own = await call.session.one(of.one_by("id", mark.kind), name=row["id"], forces=of.reached(call.by), **mark.params)
    if own is None:
        return None
    if version is not None:
        own = dict(version["state"])
    for child in of.children:
        forces = child.reached(call.by)
        rows = await call.session.fetch(_children(child, mark.kind), parent=row["id"], forces=forces, **mark.params)
        own[child.plural] = {str(each["id"]): each for each in rows}
    return own


@lru_cache
def _children(of: Resource, kind: MarkKind) -> Statement:
    rows = of.rows(kind)
    of_it = rows.c[of.parent_field or ""] == bindparam("parent", type_=Uid())
    query = select(*(rows.c[name] for name in of.names)).where(of_it, rows.c.withdrawn_at.is_(None), *visible(rows))
    return Statement(query.order_by(rows.c.id))


def _sentences(of: Resource, before: Record | None, after: Record | None) -> Iterator[Record]:
    yield from _about(of, before, after)
    for child in of.children:
        was, now = (state or {} for state in (before, after))
        was, now = was.get(child.plural, {}), now.get(child.plural, {})
        for id in dict.fromkeys((*was, *now)):
            yield from _about(child, was.get(id), now.get(id))


def _about(of: Resource, before: Record | None, after: Record | None) -> Iterator[Record]:
    """What became of one row, in sentences."""
    row = after or before
    if row is None:
        return
    name = row[of.known_as]
    told: Callable[..., Record] = lambda act, text: {  # noqa: E731
        "kind": f"{of.noun}.{act}",
        "id": row["id"],
        "ref": str(name),
        "text": f"{of.label.capitalize()} {name} {text}",
    }
    if before is None:
        yield told("added", "was added.")
    elif after is None or (after["withdrawn_at"] and not before["withdrawn_at"]):
        yield told("withdrawn", "was withdrawn.")
    else:
        for member in of.changeable:
            if before[member] != after[member]:
                what = member.replace("_", " ")
                yield told("changed", f"has another {what}: {_told(after[member])}, and not {_told(before[member])}.")


def _told(value: Any) -> str:
    text = "none" if value in (None, "", []) else to_json(value).decode() if isinstance(value, list) else str(value)
    return text if len(text) <= _LONGEST_TOLD else text[: _LONGEST_TOLD - 3] + "..."
