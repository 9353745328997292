"""How is a request body read: which media types, how much of it, and how strictly?"""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

from starlette.types import Receive

from pip_api.http.acceptance import require_acceptable
from pip_api.http.messages import stream
from pip_api.http.problems import Problem, fault
from pip_api.http.strict_json import MalformedJson, read_json


def require_media_type(headers: Mapping[str, str], accepted: Collection[str], encodings: Collection[str] = ()) -> None:
    """Raises 415 unless the body is of an accepted media type, in an accepted Content-Encoding or none."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in accepted:
        listed = ", ".join(accepted)
        name = "Accept-Patch" if "application/merge-patch+json" in accepted else "Accept-Post"
        raise Problem("unsupported_media_type", f"Send one of: {listed}.", headers={name: listed})
    if headers.get("content-encoding", "identity").lower() not in ("identity", *encodings):
        listed = ", ".join(encodings) or "none"
        headers_out = {"Accept-Encoding": ", ".join(encodings) or "identity"}
        raise Problem("unsupported_media_type", f"The Content-Encoding accepted is: {listed}.", headers=headers_out)


async def chunks(receive: Receive, headers: Mapping[str, str], limit: int) -> AsyncIterator[bytes]:
    """The body as it arrives. Raises 413 as soon as it is, or says that it will be, longer than `limit` bytes."""
    declared = headers.get("content-length", "0")
    if declared.isdecimal() and (len(declared) > 18 or int(declared) > limit):
        raise _too_large(limit)
    received = 0
    async for chunk in stream(receive):
        received += len(chunk)
        if received > limit:
            raise _too_large(limit)
        yield chunk


def _too_large(limit: int) -> Problem:
    return Problem("body_too_large", f"At most {limit} bytes are accepted.", extra={"max_bytes": limit})


async def received(receive: Receive, headers: Mapping[str, str], limit: int) -> bytes:
    """The body as a whole. Raises 413."""
    return b"".join([chunk async for chunk in chunks(receive, headers, limit)])


def require_media_types(headers: Mapping[str, str], accepted: Collection[str], offers: tuple[str, ...]) -> None:
    """Raises 415 for the body that was sent, or 406 for the answer that is wanted."""
    require_media_type(headers, accepted)
    require_acceptable(offers, headers.get("accept"))


def json_object(
    headers: Mapping[str, str], body: bytes, accepted: Collection[str], offers: tuple[str, ...]
) -> dict[str, Any]:
    """The JSON object that a body holds. Raises 415, 406 and 400."""
    require_media_types(headers, accepted, offers)
    try:
        value = read_json(body)
    except MalformedJson as error:
        raise Problem(
            "malformed_json",
            error.detail,
            errors=[fault(error.code, error.detail, offset=error.offset)],
            extra={"offset": error.offset},
        ) from error
    if not isinstance(value, dict):
        raise Problem("malformed_json", "The body must be a JSON object.")
    return value
