"""How is a list answered, page by page?"""

import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from pip_api.db.statements import Record
from pip_api.kernel.call import Call
from pip_api.kernel.query import Cursors, Listing, include_withdrawn, page_limit


async def read_page(listing: Listing, call: Call, path: str, params: Mapping[str, Any]) -> Record:
    """The page of a listing that the query asks for; `params` are the parameters of its own conditions."""
    used = {name: listing.filters[name].read(text) for name, text in call.query.items() if name in listing.filters}
    order = listing.order(call.query.get("sort"))
    limit = page_limit(call.query.get("limit"))
    withdrawn = include_withdrawn.read(call.query.get("include_withdrawn", "false"))
    applied = {name: call.query[name] for name in sorted(used)} | {"sort": ",".join(map(str, order))}
    known = {*applied, "limit", "cursor", "fields"}
    beside = {name: text for name, text in sorted(call.query.items()) if name not in known}
    identity = f"{path} {applied} {withdrawn} {beside}"
    cursors = cursors_of(call)
    cursor = call.query.get("cursor")
    places = cursors.read(cursor, identity, call.now) if cursor else []
    start = {
        f"from_{i}": listing.place(sort, place) for i, (sort, place) in enumerate(zip(order, places, strict=False))
    }
    statement = listing.statement(list(used), order, bool(places), withdrawn)
    rows = await call.session.fetch(statement, **params, **used, **start, page_size=limit + 1)
    following = None
    if len(rows) > limit:
        rows.pop()
        following = cursors.make([rows[-1][f"key_{i}"] for i in range(len(order))], identity, call.now)
    items = [{name: row[name] for name in listing.columns} for row in rows]
    return page(items, limit, following, path, call.query, applied)


def page(
    items: list[Record], limit: int, following: str | None, path: str, query: Mapping[str, str], applied: Record
) -> Record:
    """A page of a list as it is answered. Its self link echoes only what was applied."""
    links = {"self": _link(path, query)}
    if following is not None:
        links["next"] = _link(path, {**query, "cursor": following})
    return {
        "items": items,
        "page": {"limit": limit, "has_more": following is not None, "next_cursor": following},
        "applied": applied,
        "links": links,
    }


def links(page: Record) -> dict[str, str]:
    """The Link header of a page, made from the links in its body."""
    following = page["links"].get("next")
    return {"Link": f'<{following}>; rel="next"'} if following else {}


def _link(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query, safe=',:')}" if query else path


def cursors_of(call: Call) -> Cursors:
    """Each client has a key of its own, so that a cursor is of no use to another."""
    key = hmac.digest(call.services.cursor_key, call.by.client_id.encode(), "sha256")
    return Cursors(key, call.services.settings.cursor_lifetime_seconds)
