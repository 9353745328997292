"""How is a list answered, page by page?"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal
from urllib.parse import urlencode

from orjson import Fragment

from pip_api.db.columns import to_json
from pip_api.db.statements import Record
from pip_api.http.preconditions import content_etag, unchanged
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.cursors import Place, cursors_of
from pip_api.kernel.query import Filter, Listing, Shown, flag, include_withdrawn, page_limit
from pip_api.ledger.as_of import Mark

Shaping = Callable[[list[Record], Mark], Awaitable[Sequence[Any]]]
"""Makes the items of a page from its rows; whatever else it reads, it reads with the same mark."""


def rowwise(shape: Callable[[Record], Any]) -> Shaping:
    """Makes each item from one row alone."""

    async def shaped(rows: list[Record], mark: Mark) -> list[Any]:
        return [shape(row) for row in rows]

    return shaped


_include_total = flag("include_total")
_MODES: tuple[Literal["snapshot", "live"], ...] = ("snapshot", "live")


async def list_page(
    listing: Listing,
    call: Call,
    path: str,
    params: Mapping[str, Any],
    shaped: Shaping | None = None,
    *,
    plain: bool = False,
) -> Answer:
    """The page of a listing that the query asks for; `params` are the parameters of its own conditions.

    All pages of a walk show the rows as they stood when the first was read, whatever is written meanwhile. `plain` rows
    are written as the database gives them, their identifiers as text and lists as JSON.
    """
    query = call.query
    if call.moment is not None and "as_of" not in query:  # it came in a header, which links cannot hold
        query = {**query, "as_of": to_json(call.moment).decode().strip('"')}
    used = {name: listing.filters[name].read(text) for name, text in query.items() if name in listing.filters}
    order = listing.order(query.get("sort"))
    limit = page_limit(query.get("limit"))
    withdrawn = include_withdrawn.read(query.get("include_withdrawn", "false"))
    live = one_of("page_mode", query, _MODES) == "live"
    applied = {name: query[name] for name in sorted(used)} | {"sort": ",".join(map(str, order))}
    own = {name: text for name, text in sorted(query.items()) if name not in ("limit", "cursor", "fields", "expand")}
    identity = f"{path} {applied['sort']} {own}"
    cursors = cursors_of(call)
    cursor = query.get("cursor")
    place = cursors.read(cursor, identity, call.now) if cursor else None
    mark = Mark(call.moment) if place is None else Mark(call.moment, place.snapshot, place.taken_at)
    start = {}
    if place is not None:
        start = {f"from_{i}": listing.place(*each) for i, each in enumerate(zip(order, place.keys, strict=True))}
    used, params, one_force = _within_reach(used, params)
    shown = Shown(frozenset(used), order, place is not None, withdrawn, mark.kind, one_force, plain)
    rows = await call.session.fetch(listing.page(shown), **params, **mark.params, **used, **start, page_size=limit + 1)
    if rows and mark.snapshot is None:
        mark = replace(mark, snapshot=rows[0]["snapshot"], taken_at=call.now)
    following = None
    if len(rows) > limit:
        rows.pop()
        keys = [rows[-1][f"key_{i}"] for i in range(len(order))]
        last = Place(keys) if live else Place(keys, mark.snapshot, mark.taken_at)
        following = cursors.make(last, identity, call.now)
    beside = ["snapshot", *(f"key_{i}" for i in range(len(order)))]
    for row in rows:
        for name in beside:
            row.pop(name, None)
    items: Sequence[Any] = rows if shaped is None else await shaped(rows, mark)
    made = page(items, limit, following, path, query, applied)
    if _include_total.read(query.get("include_total", "false")):
        counted = replace(shown, resumed=False, kind=mark.kind, plain=False)
        total = await call.session.one(listing.count(counted), **params, **mark.params, **used)
        made["page"]["total"] = total["total"] if total is not None else 0
    return answer_page(call, made, None if live else mark.snapshot)


def _within_reach(used: Record, params: Mapping[str, Any]) -> tuple[Record, Mapping[str, Any], bool]:
    """Of the forces asked for, those in reach: one condition on forces, where two would keep an index from its use."""
    if "forces" not in params or "force" not in used:
        return used, params, False
    others = {name: value for name, value in used.items() if name != "force"}
    reached = sorted({*used["force"]}.intersection(params["forces"]))
    if len(reached) == 1:
        return others, {**params, "force": reached[0]}, True
    return others, {**params, "forces": tuple(reached)}, False


def one_of(name: str, query: Mapping[str, str], choices: Sequence[str]) -> str:
    """The choice that a parameter makes; the first when it is not sent. Raises 400."""
    choice: str = Filter(name, "", "text", "", choices=tuple(choices)).read(query.get(name, choices[0]))
    return choice


def page(
    items: Sequence[Any], limit: int, following: str | None, path: str, query: Mapping[str, str], applied: Record
) -> Record:
    """A page of a list as it is answered. Its self link echoes only what was applied."""
    first = {name: text for name, text in query.items() if name != "cursor"}
    links = {"self": link(path, query), "first": link(path, first)}
    if following is not None:
        links["next"] = link(path, {**query, "cursor": following})
    return {
        "items": items,
        "page": {"limit": limit, "has_more": following is not None, "next_cursor": following},
        "applied": applied,
        "links": links,
    }


def answer_page(call: Call, page: Record, walk: str | None = None) -> Answer:
    """A page with its tag and its Link header, which is made from the links in its body.

    The tag is of what a reader came for. A cursor is another one each time, so of a page with a next one it is also of
    the `walk` that goes on from there, and of half the life of a cursor: whoever holds the page may go on with it as
    well as with a new one.
    """
    items = to_json(page["items"])
    half_life = int(call.now.timestamp()) // (call.services.settings.cursor_lifetime_seconds // 2)
    rest = [page["links"]["self"], page["page"].get("total"), page["page"]["has_more"] and [walk, half_life]]
    tag = content_etag(items, to_json(rest))
    links = ", ".join(f'<{page["links"][name]}>; rel="{name}"' for name in ("next", "first") if name in page["links"])
    headers = {"ETag": tag, "Link": links}
    if unchanged(call.if_none_match, tag):
        return Answer(304, headers=headers)
    return Answer(200, {**page, "items": Fragment(items)}, headers)


def tagged(
    call: Call, tag: str, body: Any, headers: Mapping[str, str] | None = None, media_type: str = "application/json"
) -> Answer:
    """An answer with its tag; nothing but the tag for whoever holds it already."""
    if unchanged(call.if_none_match, tag):
        return Answer(304, headers={"ETag": tag})
    return Answer(200, body, {"ETag": tag, **(headers or {})}, media_type)


def answered(call: Call, content: Any) -> Answer:
    """What was found out, with a tag made of all that it says."""
    body = to_json(content)
    return tagged(call, content_etag(body), body)


def link(path: str, query: Mapping[str, str]) -> str:
    """An address with its query."""
    return f"{path}?{urlencode(query, safe=',:')}" if query else path
