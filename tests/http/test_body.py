"""How is a request body read: which media types, how much of it, and how strictly?"""

import gzip
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.plans import CONCERN
from tests.service import Service, refused

JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def writer(service: Service) -> httpx.AsyncClient:
    return await service.caller("force_contributor", "force:avon-and-somerset")


async def test_json_is_taken_and_nothing_else(writer: httpx.AsyncClient) -> None:
    for kind in ("application/json", "application/json; charset=utf-8", "APPLICATION/JSON"):
        answer = await writer.post("/v1/concerns", json=CONCERN, headers={"Content-Type": kind})
        assert answer.status_code == 201, kind
    for headers in (
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/merge-patch+json"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": ""},
        {},
    ):
        answer = await writer.post("/v1/concerns", content=b"{}", headers=headers)
        refused(answer, 415, "unsupported_media_type")
        assert answer.headers["accept-post"] == "application/json"


async def test_a_change_is_a_merge_patch(writer: httpx.AsyncClient) -> None:
    path = (await writer.post("/v1/concerns", json=CONCERN)).headers["location"]
    for version, kind in enumerate(("application/merge-patch+json", "application/json"), 1):
        headers = {"Content-Type": kind, "If-Match": f'"v{version}"'}
        assert (await writer.patch(path, content=b'{"title": "%d"}' % version, headers=headers)).status_code == 200
    headers = {"Content-Type": "application/json-patch+json", "If-Match": '"v3"'}
    answer = await writer.patch(path, content=b"[]", headers=headers)
    refused(answer, 415, "unsupported_media_type")
    assert answer.headers["accept-patch"] == "application/merge-patch+json, application/json"


async def test_a_compressed_body_is_not_taken(writer: httpx.AsyncClient) -> None:
    headers = JSON | {"Content-Encoding": "gzip"}
    answer = await writer.post("/v1/concerns", content=gzip.compress(b"{}"), headers=headers)
    refused(answer, 415, "unsupported_media_type")
    assert answer.headers["accept-encoding"] == "identity"


async def test_json_that_cannot_be_read_is_pointed_at(writer: httpx.AsyncClient) -> None:
    for body, code, offset in (
        (b'{"title": }', "malformed_json", 10),
        (b"", "malformed_json", 0),
        (b'{"title": "a", "title": "b"}', "duplicate_key", 15),
        (b'{"title": NaN}', "not_a_number", 10),
        (b'{"title": "\xff"}', "not_utf8", 11),
        (b'{"title": "\\u0000"}', "control_character", 11),
        (b'{"title": "\\ud800"}', "lone_surrogate", 11),
        (b"[" * 40 + b"]" * 40, "json_too_deep", 32),
    ):
        answer = await writer.post("/v1/concerns", content=body, headers=JSON)
        document = refused(answer, 400, "malformed_json")
        assert document["offset"] == offset, body
        assert [(each["code"], each["offset"]) for each in document["errors"]] == [(code, offset)]
    for body in (b"[]", b"null", b'"x"', b"1"):
        answer = await writer.post("/v1/concerns", content=body, headers=JSON)
        assert refused(answer, 400, "malformed_json")["detail"] == "The body must be a JSON object."


async def test_a_body_has_an_end(service: Service, writer: httpx.AsyncClient) -> None:
    most = service.services.settings.max_body_bytes
    padding = b" " * (most - 2)
    refused(await writer.post("/v1/concerns", content=b"{}" + padding, headers=JSON), 422, "validation_failed")
    answer = await writer.post("/v1/concerns", content=b"{}" + padding + b" ", headers=JSON)
    assert refused(answer, 413, "body_too_large")["max_bytes"] == most


async def test_a_body_without_a_length_is_left_as_soon_as_it_is_too_long(
    service: Service, writer: httpx.AsyncClient
) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100_000_000:
            sent += 65_536
            yield b" " * 65_536

    refused(await writer.post("/v1/concerns", content=endless(), headers=JSON), 413, "body_too_large")
    assert sent <= service.services.settings.max_body_bytes + 65_536


async def test_a_length_of_many_digits_is_too_long(writer: httpx.AsyncClient) -> None:
    headers = JSON | {"Content-Length": "9" * 5_000}
    refused(await writer.post("/v1/concerns", content=b"{}", headers=headers), 413, "body_too_large")
