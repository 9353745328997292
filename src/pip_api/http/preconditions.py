"""Is the caller's copy still the current one? ETags made, read and compared."""

import hashlib
import re
from collections.abc import Callable

from pip_api.http.problems import Problem, fault

_CODING = r"(?:[-;](?:gzip|br|zstd|deflate))?"
_TAG = re.compile(rf'"(?:v(?P<version>[1-9][0-9]{{0,17}})(?:\.[0-9a-f]{{8}})?{_CODING}|[^"]*)"')
_DRESS = re.compile(rf'^(?:W/)?"(.*?){_CODING}"$')


def etag(version: int, variant: str = "") -> str:
    """The tag of a version; another representation of it, such as some of its fields (`variant`), has its own."""
    if not variant:
        return f'"v{version}"'
    return f'"v{version}.{hashlib.sha256(variant.encode()).hexdigest()[:8]}"'


def content_etag(*parts: bytes) -> str:
    """The tag of an answer that has no version of its own, such as a list: it names the bytes that it is of."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return f'"c{digest.hexdigest()[:24]}"'


def versions(header: str) -> set[int]:
    """The versions that a list of tags names. Tags that are not ours name none.

    A version token names one state, so a tag is good in any dress: weakened by a proxy (W/), with the suffix of a
    compression (-gzip), or of another representation.
    """
    return {int(tag["version"]) for tag in _TAG.finditer(header) if tag["version"]}


def unchanged(if_none_match: str | None, tag: str) -> bool:
    """Whether the caller already holds exactly this representation (If-None-Match)."""
    if if_none_match is None:
        return False
    if if_none_match == tag or if_none_match.strip() == "*":
        return True
    return tag in {_DRESS.sub(r'"\1"', candidate.strip()) for candidate in if_none_match.split(",")}


def expected(if_match: str | None, body_version: Callable[[], int | None] | None, current: int) -> None:
    """Checks a change against the version that the caller has seen. Raises 428 without one and 412 when it is stale.

    `body_version` gives the version in the body, where there may be one: for clients whose proxy drops If-Match.
    """
    if if_match is not None and current not in (seen := versions(if_match)):
        raise stale(current, seen=max(seen, default=0))
    version = body_version() if body_version is not None else None
    if if_match is None and version is None:
        instead = ", or the member 'version' in the body" if body_version is not None else ""
        raise _required(f"Send If-Match with the ETag you last read{instead}.", current)
    if version not in (None, current):
        raise stale(current, "body", version or 0)


def _required(detail: str, current: int) -> Problem:
    tag = etag(current)
    return Problem("precondition_required", detail, headers={"ETag": tag}, extra={"current_etag": tag})


def stale(current: int, where: str = "header", seen: int = 0) -> Problem:
    """The refusal of a change that was made from an older version (`seen`), or from one of what is not there (0)."""
    place = {"header": "If-Match"} if where == "header" else {"pointer": "#/version"}
    if current and not seen:
        detail = "None of the tags is of a version of this: send the ETag as it came, in its quotes."
        wrong = fault("version_mismatch", detail, where, **place)
        tag = etag(current)
        told = {"current_version": current, "current_etag": tag}
        return Problem("version_mismatch", detail, errors=[wrong], headers={"ETag": tag}, extra=told)
    return Problem(
        "version_mismatch",
        "The version you named is not the current one. Read it again and repeat your change.",
        errors=[fault("version_mismatch", "This is not the current version.", where, **place)],
        headers={"ETag": etag(current)} if current else {},
        extra={
            **({"expected_version": seen} if seen else {}),
            **({"current_version": current, "current_etag": etag(current)} if current else {}),
        },
    )
