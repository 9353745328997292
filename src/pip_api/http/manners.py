"""Which headers does every answer have, whatever it says, and what is told of an address as such?"""

import re
from collections.abc import Iterable, Mapping

from starlette.datastructures import MutableHeaders

from pip_api.http.messages import Endpoint, RawHeaders, Reply
from pip_api.http.problems import Problem

LONGEST_TARGET = 8_192  # bytes of path and query together

_FIXED = {
    "Cache-Control": "private, no-cache",
    "Vary": "Authorization, Accept, Accept-Datetime, Accept-Language, Accept-Encoding",
    "Content-Language": "en",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_TRANSPORT = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}
_TRACE = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

EXPOSED = (
    "ETag", "Link", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id", "Traceparent",
    "Allow", "Accept-Patch", "Accept-Post", "Content-Language", "Idempotency-Replayed", "Preference-Applied",
    "Memento-Datetime", "Dry-Run", "Original-Request-Id", "Audit-Event", "Audit-Tree-Size",
)  # fmt: skip
"""The headers that a page of another origin may read."""
FROM_PAGES = (
    "Authorization", "Content-Type", "Content-Encoding", "If-Match", "If-None-Match", "Idempotency-Key", "Prefer",
    "Accept-Datetime", "X-Request-Id", "Traceparent",
)  # fmt: skip
"""The headers that a page of another origin may send."""


class Manners:
    """The headers that all answers of one service have."""

    def __init__(self, *, https_only: bool) -> None:
        self._fixed = _FIXED | (_TRANSPORT if https_only else {})
        self.raw: RawHeaders = [(name.lower().encode(), value.encode()) for name, value in self._fixed.items()]

    def beside(self, own: RawHeaders) -> RawHeaders:
        """Those that an answer does not say otherwise itself, such as `no-store` of one with a secret."""
        said = {name for name, _ in own}
        return [each for each in self.raw if each[0] not in said]

    def complete(self, headers: MutableHeaders) -> None:
        """Adds to the headers of an answer that another has made."""
        for name, value in self._fixed.items():
            headers.setdefault(name, value)


def trace(headers: Mapping[str, str]) -> RawHeaders:
    """The traceparent (W3C Trace Context) to be passed on, if there is one in order."""
    given = headers.get("traceparent")
    return [(b"traceparent", given.encode())] if given is not None and _TRACE.fullmatch(given) else []


def require_short(target: int) -> None:
    """Raises 414 when the target of a request has too many bytes."""
    if target > LONGEST_TARGET:
        raise Problem(
            "uri_too_long", f"At most {LONGEST_TARGET} bytes are accepted.", extra={"max_bytes": LONGEST_TARGET}
        )


def allowed(methods: Iterable[str]) -> str:
    """The Allow header of an address with operations of these methods."""
    return ", ".join(sorted({*methods, "OPTIONS", *(["HEAD"] if "GET" in methods else [])}))


def no_such_method(methods: Iterable[str]) -> Problem:
    allow = {"Allow": allowed(methods)}
    return Problem("method_not_allowed", "This method is not supported here.", headers=allow)


def options(here: Mapping[str, tuple[Endpoint, tuple[str, ...]]]) -> Reply:
    """What may be done at an address, and with which media types (RFC 5789, and Accept-Post of W3C)."""
    headers = [("Allow", allowed(here))]
    for method in ("PATCH", "POST"):
        if method in here:
            headers.append((f"Accept-{method.title()}", ", ".join(here[method][0].accepts)))
    return Reply(204, headers=headers)


def read_only() -> Problem:
    return Problem("read_only_mode", "Reads go on. Send it again later.", headers={"Retry-After": "60"})


def require_writable(mode: bool) -> None:
    """Raises 503 for a change in read-only mode."""
    if mode:
        raise read_only()


def require_no_date(headers: Mapping[str, str]) -> None:
    """Raises 400 for a change that is guarded by a time: two changes can be made within one second."""
    if "if-unmodified-since" in headers:
        raise Problem("use_if_match", "Send If-Match with the ETag you last read instead of If-Unmodified-Since.")
