"""How does a file get from a command line to a running service: with a token, a progress bar, and patience?"""

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

CHUNK = 262_144
MEDIA_TYPES = {".csv": "text/csv", ".ndjson": "application/x-ndjson", ".jsonl": "application/x-ndjson"}


class SendingFailed(Exception):
    """The service cannot be reached or refused before it read the file; the message is one sentence."""


class _Busy(Exception):
    """The service says that it may work in a moment."""


@dataclass(frozen=True)
class Server:
    """A running service and the credentials of a client of it."""

    url: str
    client_id: str
    client_secret: str

    def token(self, http: httpx.Client) -> str:
        """A bearer token. Raises SendingFailed."""
        answer = http.post(
            "/oauth2/token", data={"grant_type": "client_credentials"}, auth=(self.client_id, self.client_secret)
        )
        members = _members(answer)
        if "access_token" not in members:
            raise SendingFailed(f"No token for client {self.client_id}: {_said(answer, 'error_description')}")
        return str(members["access_token"])

    def get_token(self) -> str:
        """A bearer token. Raises SendingFailed."""
        try:
            with self._http() as http:
                return self.token(http)
        except httpx.HTTPError as error:
            raise _unanswered(self, error) from error

    def _http(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=httpx.Timeout(600.0, connect=5.0))


def send(
    server: Server,
    kind: str,
    path: Path,
    media_type: str,
    params: dict[str, str],
    sent: Callable[[int], None],
    key: str,
) -> dict[str, Any]:
    """Imports a file; gives the summary, that of a refused import too. `sent` is told the bytes that have gone out.

    It is safe to send a file again: rows that are there already come back as unchanged, and under the same `key` the
    first answer comes again. So what did not get through is tried five times. Raises SendingFailed.
    """
    retrying = Retrying(
        retry=retry_if_exception_type((httpx.TransportError, _Busy)),
        stop=stop_after_attempt(5),
        wait=wait_random_exponential(multiplier=0.5, max=20),
        reraise=True,
    )
    try:
        return retrying(_send_once, server, kind, path, params, media_type, sent, key)
    except httpx.TransportError as error:
        raise _unanswered(server, error) from error
    except _Busy as error:
        raise SendingFailed(f"The service at {server.url} is too busy: {error}") from error
    except OSError as error:
        raise SendingFailed(f"The file {path} cannot be read: {error.strerror}.") from error


def _unanswered(server: Server, error: httpx.HTTPError) -> SendingFailed:
    return SendingFailed(f"The service at {server.url} does not answer: {str(error).rstrip('.')}.")


def media_type_of(path: Path) -> str:
    """From the end of the name, before a .gz. Raises SendingFailed."""
    suffix = (path.with_suffix("") if path.suffix == ".gz" else path).suffix.lower()
    if suffix not in MEDIA_TYPES:
        raise SendingFailed(f"The name of the file must end in one of: {', '.join(MEDIA_TYPES)}, with or without .gz.")
    return MEDIA_TYPES[suffix]


def _send_once(
    server: Server,
    kind: str,
    path: Path,
    params: dict[str, str],
    media_type: str,
    sent: Callable[[int], None],
    key: str,
) -> dict[str, Any]:
    sent(0)
    with server._http() as http:
        headers = {
            "Authorization": f"Bearer {server.token(http)}",
            "Content-Type": media_type,
            "Content-Encoding": "gzip",
            "Idempotency-Key": f'"{key}"',
        }
        answer = http.post("/v1/imports", params={"kind": kind, **params}, headers=headers, content=_packed(path, sent))
    if answer.status_code in (429, 503) or (answer.status_code == 409 and "retry-after" in answer.headers):
        raise _Busy(_said(answer, "detail"))
    summary = _members(answer)
    if "counts" not in summary and "errors" not in summary:
        raise SendingFailed(f"The service refused the import: {_said(answer, 'detail')}")
    return summary


def _packed(path: Path, sent: Callable[[int], None]) -> Iterator[bytes]:
    """The file, compressed on the way if it is not yet."""
    done = 0
    with path.open("rb") as file:
        packer = None if path.suffix == ".gz" else gzip.GzipFile(fileobj=(out := _Sink()), mode="wb", mtime=0)
        while chunk := file.read(CHUNK):
            done += len(chunk)
            sent(done)
            if packer is None:
                yield chunk
            else:
                packer.write(chunk)
                yield out.taken()
        if packer is not None:
            packer.close()
            yield out.taken()


class _Sink:
    """Where GzipFile writes to, emptied as it fills."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def taken(self) -> bytes:
        data = b"".join(self._parts)
        self._parts.clear()
        return data


def _said(answer: httpx.Response, member: str) -> str:
    return str(_members(answer).get(member, f"it answered {answer.status_code}."))


def _members(answer: httpx.Response) -> dict[str, Any]:
    """The members of a JSON answer; none when something else answers, such as a proxy."""
    try:
        members = answer.json()
    except ValueError:
        return {}
    return members if isinstance(members, dict) else {}
