"""In which form does the edge hand a request on, and take its answer?"""

import pytest
from starlette.types import Message, Scope

from pip_api.http.messages import CallerGone, Reply, read_headers, stream
from tests.plans import AVON
from tests.service import Service


def test_a_header_that_was_sent_twice_is_one_text() -> None:
    raw = [(b"if-match", b'"v1"'), (b"accept", b"text/csv"), (b"if-match", b'"v2"')]
    assert read_headers(raw) == {"if-match": '"v1", "v2"', "accept": "text/csv"}


def test_an_answer_without_content_has_no_length() -> None:
    for status in (204, 304):
        assert Reply(status, headers={"ETag": '"v1"'}.items()).raw_headers() == [(b"etag", b'"v1"')]
    assert Reply(200, b"{}", "application/json").raw_headers() == [
        (b"content-type", b"application/json"),
        (b"content-length", b"2"),
    ]


async def test_a_body_may_come_in_parts() -> None:
    parts: list[Message] = [
        {"type": "http.request", "body": b"a", "more_body": True},
        {"type": "http.request", "more_body": True},
        {"type": "http.request", "body": b"b"},
    ]

    async def receive() -> Message:
        return parts.pop(0)

    assert b"".join([part async for part in stream(receive)]) == b"ab"


async def test_who_has_gone_is_answered_nothing(service: Service) -> None:
    """Nor does it count as a failure of ours."""
    writer = await service.caller("force_contributor", f"force:{AVON}")
    sent: list[object] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        sent.append(message)

    with pytest.raises(CallerGone):
        await anext(stream(receive))
    headers = [(b"authorization", writer.headers["authorization"].encode()), (b"content-type", b"application/json")]
    path = "/v1/concerns"
    scope: Scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}
    scope["headers"] = headers
    await service.app(scope, receive, send)
    assert sent == []
