"""Which requests are noted in the ledger though they change nothing, and as what?

Refusals: every 403, and of changes every 404, be it that a thing never was or that it is out of the caller's sight; the
two are one to whoever asks, in what they say and in what they cost. Reads: of the ledger, of single people and whole
files each time, of the past and walks through a list once a minute.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any
from uuid import UUID

import structlog

from pip_api.access.principals import Principal
from pip_api.db.errors import Unavailable
from pip_api.db.statements import Record
from pip_api.http.messages import Incoming
from pip_api.http.problems import Problem
from pip_api.kernel.call import Answer, Services
from pip_api.kernel.document import Operation
from pip_api.ledger import entries
from pip_api.ledger.entries import Kind, Occasion

LONGEST_NAME = 200


class Counts(Enum):
    """Which reads are noted."""

    always = "of the ledger, of single people, and whole files"
    past = "of a moment that is over"
    walk = "a further page of a list"


def is_denial(operation: Operation, refusal: Problem) -> bool:
    return refusal.code in ("permission_denied", "grant_denied") or (
        refusal.code == "not_found" and operation.method != "GET"
    )


def counted_as(operation: Operation, query: Mapping[str, str], answer: Answer) -> Counts | None:
    """As what a read is noted, if it is. What a caller holds already (304) it was given before."""
    if answer.status != 200:
        return None
    if operation.noted is not None or answer.media_type.startswith("text/csv"):
        return Counts.always
    if "Memento-Datetime" in answer.headers:
        return Counts.past
    return Counts.walk if "cursor" in query else None


async def note_denial(operation: Operation, services: Services, incoming: Incoming, refusal: Problem) -> None:
    """Notes a refusal, once a minute for each caller, operation, permission and force. Raises Unavailable."""
    by: Principal = incoming.by
    force = refusal.unsaid or _own_force(by)
    told = {"status": refusal.status, "code": refusal.code, **refusal.extra}
    noted = _entry(operation, services, incoming, "denied", "denied", force, told)
    name = ("denied", by.id, operation.id, refusal.code, *refusal.extra.get("required", ()), force)
    await services.notes.note_seldom(name, noted)


async def note_read(
    operation: Operation,
    services: Services,
    incoming: Incoming,
    query: Mapping[str, str],
    answer: Answer,
    counts: Counts,
) -> None:
    """Notes a read before it is answered. Raises Unavailable, but for a walk: the contract does not ask for its note,
    and where the ledger takes none lists are read all the same."""
    by: Principal = incoming.by
    kind: Kind = "read" if counts is Counts.past else operation.noted or "export"
    told: Record = {"query": {name: text for name, text in query.items() if name != "cursor"}}
    if "Memento-Datetime" in answer.headers:
        told["as_of"] = answer.headers["Memento-Datetime"]
    force = _force_in(answer) or (query["force"] if query.get("force") in by.scope else _own_force(by))
    noted = _entry(operation, services, incoming, kind, "read" if kind == "read" else "exported", force, told)
    if counts is Counts.always:
        await services.notes.note(noted)
        return
    try:
        await services.notes.note_seldom((kind, by.id, operation.id, force), noted)
    except Unavailable as error:
        if counts is Counts.past:
            raise
        structlog.get_logger().warning("a walk through a list was not noted", reason=str(error))


def _entry(
    operation: Operation,
    services: Services,
    incoming: Incoming,
    kind: Kind,
    done: str,
    force: str | None,
    told: Mapping[str, Any],
) -> Record:
    id, ref = _subject(incoming.path)
    return entries.entry(
        Occasion(services.clock(), incoming.by, incoming.request_id),
        id=services.new_id(),
        act=f"{operation.permission.partition(':')[0]}.{done}",
        subject_id=id,
        subject_ref=ref,
        version=None,
        force_code=force,
        state={"operation": operation.id, **told},
        patch=[],
        kind=kind,
    )


def _subject(path: Mapping[str, str]) -> tuple[UUID | None, str | None]:
    """What an address names, whether there is such a thing or not."""
    try:
        return UUID(path.get("id", "")), None
    except ValueError:
        return None, "/".join(path.values())[:LONGEST_NAME] or None


def _own_force(by: Principal) -> str | None:
    """The force of a caller who has one only: its auditors are to see what it tried."""
    return by.scope[0] if len(by.scope) == 1 else None


def _force_in(answer: Answer) -> str | None:
    return answer.body.get("force_code") if isinstance(answer.body, dict) else None
