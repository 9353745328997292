"""In which form does the edge hand a request on, and take its answer?

Plain values instead of Starlette's Request and Response, which cost some 20 us a request for what is not used here.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.types import Receive, Send

RawHeaders = list[tuple[bytes, bytes]]


class CallerGone(Exception):
    """The caller closed the connection before its request was whole: there is nobody to answer."""


class Caller(Protocol):
    """Whoever asks, as far as the edge needs to know."""

    @property
    def client_id(self) -> str: ...

    @property
    def counted_as(self) -> str:
        """Under which name its requests are counted."""


@dataclass(slots=True)
class Incoming:
    """A request of a known caller (`by`) to a known operation, its body not yet read."""

    request_id: str
    by: Any
    path: Mapping[str, str]
    query_string: bytes
    headers: Mapping[str, str]
    """By name in lower case. What was sent more than once is one text with commas (RFC 9110, 5.3)."""
    receive: Receive


@dataclass(slots=True)
class Reply:
    """An answer. One with a media type has a body, if only an empty one; one too large to hold comes piece by piece."""

    status: int
    body: bytes | AsyncIterator[bytes] = b""
    media_type: str | None = None
    headers: Iterable[tuple[str, str]] = ()

    def raw_headers(self) -> RawHeaders:
        raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.headers]
        if self.media_type is not None:
            raw.append((b"content-type", self.media_type.encode("latin-1")))
        if self.status not in (204, 304) and isinstance(self.body, bytes):
            raw.append((b"content-length", b"%d" % len(self.body)))
        return raw


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An operation as the edge sees it."""

    id: str
    answer: Callable[[Incoming], Awaitable[Reply]]
    accepts: Sequence[str] = ()
    """The media types that it takes."""
    policy: str = "default"
    """The name of the rate policy by which it is counted."""


def read_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers of a request by name. Servers give the names in lower case."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


async def stream(receive: Receive) -> AsyncIterator[bytes]:
    """The body as it arrives. Raises CallerGone."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerGone
        yield message.get("body", b"")
        more = message.get("more_body", False)


async def send_reply(send: Send, status: int, headers: RawHeaders, body: bytes | AsyncIterator[bytes]) -> int:
    """Sends an answer; gives the bytes of its content. What breaks off has no end, so nobody takes it for the whole."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if isinstance(body, bytes):
        await send({"type": "http.response.body", "body": body})
        return len(body)
    sent = 0
    async for piece in body:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        sent += len(piece)
    await send({"type": "http.response.body", "body": b""})
    return sent
