"""How is a plan presented to a meeting of the nation, and what did the meeting see?

Presenting freezes the version of the plan and the moment: now, or the end of the day of a meeting that is past. What
was seen is the document as of then, and its digest says whether it is told today as it was.
"""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import rfc8785
from pydantic import BaseModel, Field

from pip_api.db.columns import to_json
from pip_api.db.statements import Record
from pip_api.http.problems import Problem
from pip_api.insight.plan_document import PlanDocumentRead, plan_document
from pip_api.kernel import verbs
from pip_api.kernel.call import LONDON, Answer, Call
from pip_api.kernel.document import ID, IF_NONE_MATCH, REASON, Operation
from pip_api.kernel.moments import require_kept
from pip_api.kernel.pages import answered
from pip_api.resources.presentations import presentations

JUST_BEFORE = timedelta(microseconds=1)
"""What is presented is the plan as it stood before it was presented."""


class DocumentSeen(BaseModel):
    """What a meeting saw of a plan."""

    presentation_id: UUID
    pip_id: UUID
    pip_version: int
    as_of: datetime
    digest: str = Field(description="Of the document as it was seen.")
    unaltered: bool = Field(
        description="Whether the document here has that digest. It has not where something of it was redacted since, "
        "or where a change was under way while it was presented and ended later."
    )
    document: PlanDocumentRead


async def present(call: Call) -> Answer:
    """A new presentation, with the version, the moment and the digest of what is seen."""
    sent = presentations.accepted(call.body(), call.ignored)
    return await verbs.create(presentations, call, await _seen(call, sent["pip_id"], sent["presented_on"]))


async def _seen(call: Call, pip_id: UUID, day: date) -> Record:
    """What is kept of what is seen; nothing where there is no such plan, which is told where it is named.

    A plan that was not kept here on the day is told as it is now, and `as_of` says so.
    """
    now = call.now - JUST_BEFORE
    moments = dict.fromkeys((min(now, _end_of(day) - JUST_BEFORE), now))
    for as_of in moments:
        try:
            require_kept(as_of, call.services.log.kept_from)
            document: Any = await plan_document(replace(call, moment=as_of), str(pip_id))
            return {"pip_version": document["pip"]["version"], "as_of": as_of, "digest": _digest(document)}
        except Problem as refusal:
            if refusal.code in ("not_found", "withdrawn"):
                break
            if refusal.code not in ("not_yet_created", "retired") or as_of == now:
                raise
    return {}


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), LONDON).astimezone(UTC)


def _digest(document: Any) -> str:
    return hashlib.sha256(rfc8785.dumps(json.loads(to_json(document)))).hexdigest()


async def get_document_seen(call: Call) -> Answer:
    """The whole plan as it was seen."""
    row = await verbs.find(presentations, call, call.path["id"])
    document = await plan_document(replace(call, moment=row["as_of"]), str(row["pip_id"]))
    seen = {name: row[name] for name in ("pip_id", "pip_version", "as_of", "digest")}
    told = {"presentation_id": row["id"], **seen, "unaltered": _digest(document) == row["digest"]}
    return answered(call, told | {"document": document})


operations = [
    Operation(
        "POST", presentations.path, "createPresentation", presentations.plural, "Present a plan to a meeting",
        presentations.writes, present, {201: presentations.read_shape}, [REASON], presentations.create_shape,
    ),
    Operation(
        "GET", f"{presentations.path}/{{id}}/document", "getPresentationDocument", presentations.plural,
        "Read the plan as the meeting saw it", presentations.reads, get_document_seen, {200: DocumentSeen, 304: None},
        [ID, IF_NONE_MATCH],
    ),
]  # fmt: skip
