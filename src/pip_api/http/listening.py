"""Where does the service listen, and for how long to a request that does not come?"""

import asyncio
import socket
from typing import cast

from httptools import HttpParserError

from pip_api.http.receiving import BoundedProtocol
from pip_api.settings import Settings, StartRefused


def take_address(settings: Settings) -> socket.socket:
    """The address, taken before anything else is done. Raises StartRefused."""
    listener = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen()  # without it another start could take the same address
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        taken = f"Cannot listen on {settings.host} port {settings.port}: {reason}"
        raise StartRefused(f"{taken}; choose another with PIP_HOST and PIP_PORT.") from error
    return listener


class Listener(BoundedProtocol):
    """A connection that is closed when its request does not come, and where a request has one Host.

    Half a request holds a socket and no more: a body is received whole before anything is done about it.
    """

    head_seconds = 10.0
    """From the first byte of a request, or from the connection, to the end of its headers."""
    pause_seconds = 30.0
    """Between two pieces of a body."""
    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast(asyncio.Transport, transport))
        self._wait(self.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._waiting is None:
            self._wait(self.head_seconds)

    def on_headers_complete(self) -> None:
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (not hosts and self.parser.get_http_version() == "1.1"):  # RFC 9112, 3.2
            raise HttpParserError("a request has one Host")
        super().on_headers_complete()
        self._wait(self.pause_seconds)

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._wait(self.pause_seconds)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._stop()

    def _wait(self, seconds: float) -> None:
        self._stop()
        self._waiting = self.loop.call_later(seconds, self._too_slow, seconds)

    def _stop(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _too_slow(self, seconds: float) -> None:
        if self.flow.read_paused:  # it is this side that does not take more for now
            self._wait(seconds)
        else:
            self.transport.close()
