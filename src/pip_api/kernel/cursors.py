"""From where on does the next page of a list go?"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from pip_api.access import base64url
from pip_api.http.problems import Problem, fault
from pip_api.kernel.call import Call


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: the sort keys of its last row, and the snapshot in which the walk began, if it keeps one."""

    keys: Sequence[Any]
    snapshot: str | None = None
    taken_at: datetime | None = None


class Cursors:
    """Opaque marks of a place in a list, authenticated, bound to the query, and good for a time.

    A cursor never grants access: the page that it asks for is read with the caller's own scope.
    """

    def __init__(self, key: bytes, lifetime_seconds: int) -> None:
        self._key = key
        self._lifetime = lifetime_seconds

    def make(self, place: Place, query: str, now: datetime) -> str:
        expires = int(now.timestamp()) + self._lifetime
        taken_at = None if place.taken_at is None else place.taken_at.timestamp()
        body = orjson.dumps([place.keys, expires, place.snapshot, taken_at], option=orjson.OPT_UTC_Z, default=str)
        return base64url.written(self._seal(body, query) + body)

    def read(self, cursor: str, query: str, now: datetime) -> Place:
        """The place that a cursor marks. Raises 400."""
        try:
            raw = base64url.read(cursor)
            seal, body = raw[:24], raw[24:]
            keys, expires, snapshot, taken_at = orjson.loads(body)
        except (ValueError, TypeError):
            raise self._invalid("This is not a cursor of yours.") from None
        if not hmac.compare_digest(seal[:16], self._mac(body)):
            raise self._invalid("This is not a cursor of yours.")
        if not hmac.compare_digest(seal, self._seal(body, query)):
            detail = "The cursor belongs to a query with other filters or another order."
            wrong = fault("cursor_filter_mismatch", detail, "query", parameter="cursor")
            raise Problem("cursor_filter_mismatch", detail, errors=[wrong])
        if now.timestamp() > expires:
            raise self._invalid("The cursor has expired; start the list again.")
        return Place(keys, snapshot, None if taken_at is None else datetime.fromtimestamp(taken_at, UTC))

    def _seal(self, body: bytes, query: str) -> bytes:
        return self._mac(body) + hmac.digest(self._key, query.encode() + b"\0" + body, "sha256")[:8]

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")[:16]

    def _invalid(self, detail: str) -> Problem:
        return Problem("invalid_cursor", detail, errors=[fault("invalid_cursor", detail, "query", parameter="cursor")])


def cursors_of(call: Call) -> Cursors:
    """Each client has a key of its own, so that a cursor is of no use to another."""
    key = hmac.digest(call.services.cursor_key, call.by.id.bytes, "sha256")
    return Cursors(key, call.services.settings.cursor_lifetime_seconds)
