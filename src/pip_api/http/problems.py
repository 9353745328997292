"""What does the service answer when it refuses, and how does that look on the wire (RFC 9457)?"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from pip_api.http.messages import Reply

MOST_ERRORS = 1_000


class Kind(NamedTuple):
    status: int
    title: str


CATALOGUE: dict[str, Kind] = {
    "malformed_json": Kind(400, "The body is not the JSON that is accepted here"),
    "invalid_parameter": Kind(400, "A parameter cannot be used as sent"),
    "unknown_query_parameter": Kind(400, "There is no such query parameter"),
    "repeated_query_parameter": Kind(400, "A query parameter was sent more than once"),
    "limit_too_large": Kind(400, "The page asked for is too large"),
    "invalid_cursor": Kind(400, "The cursor is not one of this service, or it has expired"),
    "cursor_filter_mismatch": Kind(400, "The cursor belongs to another query"),
    "idempotency_key_invalid": Kind(400, "The Idempotency-Key cannot be used as sent"),
    "idempotency_key_required": Kind(400, "This client has to send an Idempotency-Key"),
    "use_if_match": Kind(400, "A change is guarded by If-Match, not by a time"),
    "missing_credentials": Kind(401, "A bearer token is needed"),
    "invalid_token": Kind(401, "The bearer token is not accepted"),
    "unknown_subject": Kind(403, "Nobody here is known by this token"),
    "grant_denied": Kind(403, "You cannot grant this"),
    "permission_denied": Kind(403, "You are not permitted to do this"),
    "not_found": Kind(404, "There is no such thing here"),
    "not_sealed_yet": Kind(404, "Its place in the ledger is not sealed yet"),
    "not_yet_created": Kind(404, "It was not there yet at the moment asked for"),
    "method_not_allowed": Kind(405, "This method is not supported here"),
    "not_acceptable": Kind(406, "None of the media types you accept is available here"),
    "duplicate_reference": Kind(409, "Something with this reference exists already"),
    "period_overlap": Kind(409, "The period overlaps another"),
    "invalid_transition": Kind(409, "The plan cannot be moved there"),
    "in_use": Kind(409, "Something else still refers to this"),
    "ended": Kind(409, "This has ended and is not changed any more"),
    "not_withdrawable": Kind(409, "This is not withdrawn any more"),
    "still_current": Kind(409, "The newest version still says it"),
    "already_done": Kind(409, "There is nothing left to do"),
    "lapsed": Kind(409, "The time for this is over"),
    "too_soon": Kind(409, "This can be done only later"),
    "idempotency_in_progress": Kind(409, "The first request with this Idempotency-Key is still being answered"),
    "concurrent_write": Kind(409, "Another request wrote the same thing at the same time"),
    "retired": Kind(410, "What was so long ago is no longer kept"),
    "withdrawn": Kind(410, "This was withdrawn"),
    "version_mismatch": Kind(412, "The resource has changed since you read it"),
    "body_too_large": Kind(413, "The body is too large"),
    "uri_too_long": Kind(414, "The address is too long"),
    "unsupported_media_type": Kind(415, "This media type is not accepted here"),
    "validation_failed": Kind(422, "The request did not pass validation"),
    "idempotency_key_reused": Kind(422, "The Idempotency-Key was used for another request"),
    "import_failed": Kind(422, "The import was refused and nothing was written"),
    "precondition_required": Kind(428, "This change needs an If-Match header"),
    "rate_limited": Kind(429, "You have asked for too much in too short a time"),
    "internal_error": Kind(500, "Something went wrong in the service"),
    "not_ready": Kind(503, "The service is not ready"),
    "read_only_mode": Kind(503, "No changes are accepted just now"),
    "temporarily_unavailable": Kind(503, "The service cannot do this just now"),
}


REGISTERED = {"rate_limited": "https://iana.org/assignments/http-problem-types#quota-exceeded"}


class Problem(Exception):
    """A refusal, raised where it is known and rendered in one place.

    `errors` are the single faults (see `fault`), `extra` further members of the document, `headers` further headers;
    `unsaid` is for the ledger and not for the answer.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        errors_total: int | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
        unsaid: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.errors = list(errors)
        self.errors_total = len(self.errors) if errors_total is None else errors_total
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})
        self.unsaid = unsaid

    @property
    def status(self) -> int:
        return CATALOGUE[self.code].status

    def document(self, request_id: str) -> dict[str, Any]:
        """The problem as JSON members, in the order a reader wants them."""
        members: dict[str, Any] = {
            "type": type_of(self.code),
            "title": CATALOGUE[self.code].title,
            "status": self.status,
            "detail": self.detail,
            "instance": f"urn:request:{request_id}",
            "code": self.code,
            "request_id": request_id,
        }
        members |= {name: value for name, value in self.extra.items() if name not in members}
        if self.errors:
            members["errors"] = self.errors[:MOST_ERRORS]
            members["errors_total"] = self.errors_total
            members["errors_truncated"] = self.errors_total > MOST_ERRORS
        return members

    def reply(self, request_id: str) -> Reply:
        body = orjson.dumps(self.document(request_id), default=str, option=orjson.OPT_UTC_Z)
        return Reply(self.status, body, "application/problem+json", self.headers.items())


def type_of(code: str) -> str:
    """The address of the page about a problem, relative to the service unless the problem has a registered type."""
    return REGISTERED.get(code) or f"/problems/{code.replace('_', '-')}"


def fault(code: str, detail: str, where: str = "body", **members: Any) -> dict[str, Any]:
    """One entry of a problem's `errors`. `where` is body, query, path, header, form or row; no sent value is echoed."""
    return {"code": code, "severity": "error", "detail": detail, "in": where, **members}


def bad_parameter(name: str, detail: str, **members: Any) -> Problem:
    """The refusal of one query parameter."""
    wrong = fault("invalid_parameter", detail, "query", parameter=name, **members)
    return Problem("invalid_parameter", detail, errors=[wrong])


def pointer(*path: str | int) -> str:
    """A JSON Pointer in the form of a URI fragment: pointer("actions", 2) is '#/actions/2'."""
    return "#" + "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
