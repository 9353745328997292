"""How much of a request is taken in before anybody wants it?"""

from typing import Final

from httptools import HttpParserError
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES: Final = 65_536
"""Of the address and the headers together."""
MOST_UNREAD_BYTES: Final = 32_768
"""Of a body that nobody reads: up to here the connection can be used again, and beyond it is left."""
LINGER_SECONDS: Final = 1.0
"""From then on until it is closed."""

_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: 26\r\nconnection: close\r\n\r\n"
    b"The headers are too large."
)


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which would keep headers without end, and read a refused body to its end to drop it."""

    _in_head = False
    _head = 0
    _dropped = 0
    _long = False

    def data_received(self, data: bytes) -> None:
        waited = self._in_head
        super().data_received(data)
        if waited and self._in_head:  # the parser keeps a header until it is whole, and counts nothing
            self._head += len(data)
            if self._head > MOST_HEAD_BYTES:
                self._refuse_head()

    def send_400_response(self, msg: str) -> None:
        if not self.transport.is_closing():
            super().send_400_response(msg)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head, self._dropped, self._long = True, 0, 0, False

    def on_headers_complete(self) -> None:
        self._in_head = False
        if len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > MOST_HEAD_BYTES:
            self._refuse_head()
            raise HttpParserError("the headers are too large")  # nothing after them is looked at
        super().on_headers_complete()
        length = next((value for name, value in self.headers if name == b"content-length"), b"0")
        self._long = len(length) > 6 or int(length) > MOST_UNREAD_BYTES

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        if self.cycle.response_complete:
            self._dropped += len(body)
            if self._dropped > MOST_UNREAD_BYTES:
                self._leave()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._long and self.cycle.response_complete and self.cycle.more_body:
            self._leave()

    def _leave(self) -> None:
        """Takes in no more. Closing at once would destroy the answer on its way to whoever is still sending."""
        if not self.flow.read_paused:
            self.flow.pause_reading()
            self._unset_keepalive_if_required()
            self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def _refuse_head(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()
