"""In which unit of work is a story told, what of it is kept, and how often is it tried?"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, partial
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from tenacity import retry, retry_if_exception, stop_after_attempt, wait_random

from pip_api.access.principals import Principal, denied
from pip_api.db.columns import to_json
from pip_api.db.errors import GaveWay, OutOfScope
from pip_api.db.session import Session
from pip_api.http.acceptance import preferred
from pip_api.http.body import json_object, require_media_types
from pip_api.http.preferences import preferences
from pip_api.http.problems import Problem
from pip_api.kernel.call import Answer, Call, Services, Upload
from pip_api.kernel.document import Operation
from pip_api.kernel.idempotency import Keyed, alone, canonical, digests, keep, key_in, recall
from pip_api.kernel.moments import asked_moment, memento, require_kept
from pip_api.kernel.pages import link
from pip_api.kernel.query import flag
from pip_api.ledger.as_of import LONGEST_TRANSACTION

_dry_run = flag("dry_run")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came in, whole: a slow sender holds no connection."""

    by: Principal
    request_id: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    upload: Upload | None = None


async def perform(operation: Operation, services: Services, asked: Asked) -> Answer:
    """Answers a request. What lost a race with another is tried again, but for an upload, which is read only once."""
    try:
        return await _performed(operation, services, asked)
    except OutOfScope as refusal:  # the database held where a door was open
        raise denied(operation.permission) from refusal


async def _performed(operation: Operation, services: Services, asked: Asked) -> Answer:
    if operation.method == "GET":
        return await _read(operation, services, asked)
    if asked.query.get("dry_run") is not None and _dry_run.read(asked.query["dry_run"]):
        return await (_rehearse if operation.upload else _rehearse_against_others)(operation, services, asked)
    write = _write if operation.upload else _write_against_others
    key = key_in(asked.headers.get("idempotency-key"))
    if key is None:
        if asked.by.needs_keys:
            raise Problem("idempotency_key_required", "Your client was set up to send an Idempotency-Key.")
        return await write(operation, services, asked, None)
    keyed = Keyed(asked.by.id, operation.id, key, await _parts(operation, asked))
    async with alone(services.running, keyed):
        answer = await write(operation, services, asked, keyed)
    return replace(answer, headers={**answer.headers, "Idempotency-Key": asked.headers["idempotency-key"]})


async def _read(operation: Operation, services: Services, asked: Asked) -> Answer:
    moment = asked_moment(asked.query, asked.headers, services.clock()) if "as_of" in operation.allowed else None
    if moment is not None:
        require_kept(moment, services.log.kept_from)
    async with services.database.read(asked.by.scope) as session:
        answer = await operation.story(_call(operation, services, asked, session, moment))
    return answer if moment is None else memento(answer, moment, _original(operation, asked))


async def _write(operation: Operation, services: Services, asked: Asked, keyed: Keyed | None) -> Answer:
    """Tells a story in a transaction, which is committed before the answer leaves."""
    async with _transaction(operation, services, asked) as session:
        call = _call(operation, services, asked, session)
        if keyed is not None and (answered := await recall(session, keyed, asked.by, call.now)) is not None:
            return answered
        answer = _named(call, _as_preferred(operation, asked, call, await operation.story(call)))
        if keyed is not None:
            kept = rendered(_without_what_is_shown_once(operation, answer))
            await keep(session, keyed, kept, call.permits, asked.request_id, call.now)
        return answer


def _named(call: Call, answer: Answer) -> Answer:
    """The answer with the entry that its change left, and how large the log was known to be."""
    if call.entry_id is None:
        return answer
    told = {"Audit-Event": str(call.entry_id), "Audit-Tree-Size": str(call.services.log.size_at(call.now))}
    return replace(answer, headers={**answer.headers, **told})


class _Rehearsed(Exception):
    """Ends a transaction so that nothing of it is kept."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


async def _rehearse(operation: Operation, services: Services, asked: Asked) -> Answer:
    """The same story to its end, and then nothing of it is kept. Ids that it made up are null in the answer."""
    try:
        async with _transaction(operation, services, asked) as session:
            call = _call(operation, services, asked, session)
            call.rehearsed = True
            answer = _as_preferred(operation, asked, call, await operation.story(call))
            raise _Rehearsed(_without(call.made, answer))
    except _Rehearsed as rehearsed:
        return rehearsed.answer


@asynccontextmanager
async def _transaction(operation: Operation, services: Services, asked: Asked) -> AsyncIterator[Session]:
    async with asyncio.timeout(LONGEST_TRANSACTION.total_seconds()):
        async with services.database.transaction(asked.by.scope, bulk=operation.upload) as session:
            yield session


def _call(
    operation: Operation, services: Services, asked: Asked, session: Session, moment: datetime | None = None
) -> Call:
    headers = asked.headers
    return Call(
        services=services,
        session=session,
        by=asked.by,
        request_id=asked.request_id,
        path=asked.path,
        query=asked.query,
        check_media_type=partial(require_media_types, headers, operation.accepts, operation.offers),
        body=cache(partial(json_object, headers, asked.body, operation.accepts, operation.offers)),
        upload=asked.upload,
        accept=preferred(operation.offers, headers.get("accept")) or "",
        if_match=headers.get("if-match"),
        if_none_match=headers.get("if-none-match"),
        moment=moment,
        ignored=[] if _wishes(asked).get("handling") == "lenient" else None,
    )


def _wishes(asked: Asked) -> Mapping[str, str]:
    return preferences(asked.headers["prefer"]) if "prefer" in asked.headers else {}


def _as_preferred(operation: Operation, asked: Asked, call: Call, answer: Answer) -> Answer:
    """The answer in the form that the caller likes best, with warnings of what was ignored."""
    wishes, applied, shown = _wishes(asked), [], answer
    if not wishes or operation.body is None:
        return answer
    if call.ignored is not None:
        applied.append("handling=lenient")
        if call.ignored:
            shown = replace(answer, body={**answer.body, "warnings": call.ignored})
    form = wishes.get("return")
    if form == "representation":
        applied.append("return=representation")
    elif form == "minimal" and not call.ignored and not operation.shown_once:  # what has to be told is told
        applied.append("return=minimal")
        shown = replace(answer, status=204, body=None)
    return replace(shown, headers={**shown.headers, "Preference-Applied": ", ".join(applied)}) if applied else answer


def _without_what_is_shown_once(operation: Operation, answer: Answer) -> Answer:
    """A secret is kept nowhere, so an answer that is given again is without it."""
    if not operation.shown_once:
        return answer
    return replace(answer, body={**answer.body, **dict.fromkeys(operation.shown_once)})


def rendered(answer: Answer) -> Answer:
    """The answer with its body in bytes."""
    if answer.body is None or isinstance(answer.body, bytes | AsyncIterator):
        return answer
    return replace(answer, body=to_json(answer.body))


def _original(operation: Operation, asked: Asked) -> str:
    """Where the same is of now."""
    return link(_address(operation, asked), {name: text for name, text in asked.query.items() if name != "as_of"})


def _address(operation: Operation, asked: Asked) -> str:
    return quote(operation.path.format_map(asked.path), safe="/:.")


async def _parts(operation: Operation, asked: Asked) -> dict[str, str]:
    """What makes a request the same as another."""
    headers = asked.headers
    parts = {
        "path": _address(operation, asked).encode(),
        "query": urlencode(sorted(asked.query.items())).encode(),
        "media_type": headers.get("content-type", "").encode(),
        "if_match": headers.get("if-match", "").encode(),
    }
    if asked.upload is not None:
        return {**digests(parts), "body": await asyncio.to_thread(asked.upload.digest)}
    return digests({**parts, "body": canonical(asked.body)})


def _without(made: set[UUID], answer: Answer) -> Answer:
    """The answer without the ids that would be made up, and without what is known by them."""
    texts = [str(id) for id in made]

    def known(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: known(each) for name, each in value.items()}
        if isinstance(value, list):
            return [known(each) for each in value]
        if isinstance(value, UUID):
            return None if value in made else value
        return None if isinstance(value, str) and any(text in value for text in texts) else value

    headers = {name: value for name, value in answer.headers.items() if known(value) is not None}
    return replace(answer, body=known(answer.body), headers={**headers, "Dry-Run": "true"})


def _lost_a_race(error: BaseException) -> bool:
    return isinstance(error, GaveWay) or (isinstance(error, Problem) and error.code == "concurrent_write")


_against_others = retry(
    retry=retry_if_exception(_lost_a_race), stop=stop_after_attempt(5), wait=wait_random(0, 0.05), reraise=True
)
_write_against_others, _rehearse_against_others = _against_others(_write), _against_others(_rehearse)
