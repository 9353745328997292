"""What is struck out of the past because the law asks for it, on which basis, who asked for it, and who approved?

The past is redacted, the present is changed: what the newest version says is changed first, by a change like any other.
Only where nobody can change it any more (it was withdrawn, or is a report that stands) the redaction makes a version.

The entries are those that were there when it was asked for: what is approved is what somebody read, and no more.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlmodel import Field

from pip_api.access.principals import Principal
from pip_api.db.columns import Instant, Json, Uid
from pip_api.db.session import Session
from pip_api.db.statements import Record
from pip_api.http.preconditions import etag
from pip_api.http.problems import Problem, fault, pointer
from pip_api.kernel import verbs
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.changes import plain
from pip_api.kernel.document import ID, IF_MATCH, REASON, Operation
from pip_api.kernel.endings import ended, parent_of
from pip_api.kernel.query import equal
from pip_api.kernel.redacting import Words, words_of, write_redacted
from pip_api.kernel.resource import Reference, Resource, RuleContext
from pip_api.kernel.shapes import Line, Named, Prose, Row, Shape, examples, members, one_of, owner
from pip_api.kernel.validation import invalid
from pip_api.kernel.writing import changes, following, write
from pip_api.ledger.as_of import LONGEST_TRANSACTION
from pip_api.ledger.striking import members_of, says_anything, strike, versions_of
from pip_api.resources import nouns
from pip_api.resources.forces import forces

WRITES, APPROVES = "redaction:write", "redaction:approve"
LAPSES = timedelta(days=30)
REASONS = "reason"


class RedactionStatus(StrEnum):
    asked = "asked"
    approved = "approved"


class RedactionOutcome(Shape):
    status: RedactionStatus = one_of("Whether it was approved, and so done.", default=RedactionStatus.asked)
    approved_by: UUID | None = Field(default=None, sa_type=Uid, description="The account that approved it.")
    approved_by_name: str | None = Field(default=None, description="By the name of then.")
    entries: list[UUID] = members("The entries of the ledger that are redacted when it is approved, and no others.")


class RedactionCreate(Shape):
    model_config = examples(
        force_code="avon-and-somerset",
        noun="concern",
        subject_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        members=["/owner", "reason"],
        legal_basis="UK GDPR, article 17(1)(d)",
        why="The owner was named by mistake",
    )

    force_code: str = owner()
    noun: Named = Field(description="What is redacted: any noun that a force owns, such as pip.")
    subject_id: UUID = Field(sa_type=Uid, index=True, description="Its id.")
    members: list[Line] = Field(
        sa_type=Json, min_length=1, max_length=50,
        description="The members whose text goes, as JSON Pointers; `reason` for the reasons of its changes.",
    )  # fmt: skip
    legal_basis: Line = Field(description="The law that asks for it.")
    why: Prose = Field(min_length=1, description="Why, without what is to go.")


class Redaction(Row, RedactionCreate, RedactionOutcome, table=True):
    __tablename__ = "redaction"

    asked_by: UUID = Field(sa_type=Uid, description="The account that asked for it.")
    asked_by_name: str = Field(description="By the name of then.")
    lapses_at: datetime = Field(
        sa_type=Instant, description="From then on it can no longer be approved: 30 days after it was asked for."
    )


async def ask(session: Session, row: Record, on: RuleContext) -> None:
    """Looks whether it could be done, and fills in who asks. Raises 403, 409 and 422."""
    _require_person(on.by, WRITES, row["force_code"])
    of = _redactable(row["noun"])
    subject = await _subject(session, on.by, of, row)
    if subject is None:
        raise invalid([fault("unknown_reference", f"There is no such {of.label} here.", pointer=pointer("subject_id"))])
    known = [*(f"/{name}" for name in words_of(of)), REASONS]
    if wrong := [place for place, each in enumerate(row["members"]) if each not in known]:
        detail = "There is no such text here."
        faults = [fault("unknown_member", detail, pointer=pointer("members", place), allowed=known) for place in wrong]
        raise invalid(faults)
    past = await _past(session, of, subject, row["members"])
    row |= {"status": RedactionStatus.asked.value, "asked_by": on.by.id, "asked_by_name": on.by.name}
    row |= {"entries": [str(entry["id"]) for entry in past], "lapses_at": on.now + LAPSES}


async def approve(call: Call) -> Answer:
    """Does what was asked for, once a second person has said so."""
    before = await verbs.find(redactions, call, call.path["id"], hold=True)
    call.require_for(APPROVES, before["force_code"])
    _require_person(call.by, APPROVES, before["force_code"])
    if call.by.id == UUID(str(before["asked_by"])):
        raise _refused(
            "It takes a second person: whoever asked for it cannot approve it.", APPROVES, before["force_code"]
        )
    await verbs.require_current(redactions, call, before, None)
    _require_open(before)
    if before["lapses_at"] <= call.now:
        raise Problem(
            "lapsed", "It was not approved in time. Ask for it again.", extra={"lapsed_at": before["lapses_at"]}
        )
    of = _redactable(before["noun"])
    subject = await _subject(call.session, call.by, of, before, hold=True)
    if subject is None:
        raise Problem("not_found", f"There is no {of.label} with this id.")
    words = _words(of, before["members"])
    past = _asked_for(before, subject, words, await _past(call.session, of, subject, before["members"]))
    wait = LONGEST_TRANSACTION + timedelta(seconds=call.services.settings.cursor_lifetime_seconds)
    if (soonest := max(entry["at"] for entry in past) + wait) > call.now:
        detail = "Walks through lists may still show what was written so lately. Approve it later."
        raise Problem("too_soon", detail, extra={"possible_at": soonest})
    newest = past[-1]["version"] == subject["version"]
    if words and newest and not await _is_changeable(call.session, of, subject):
        await write_redacted(of, call, subject, words)
    done = {"status": RedactionStatus.approved.value, "approved_by": call.by.id, "approved_by_name": call.by.name}
    after = before | done | following(call, before)
    await write(redactions, call, "approved", after, changes(redactions, after, redactions.changeable))
    if call.entry_id is None or not await strike(
        call.session, call.entry_id, past, words, reasons=REASONS in before["members"]
    ):
        raise Problem("too_soon", "Something of it is not sealed yet. Approve it in a minute.")
    return Answer(200, after, {"ETag": etag(after["version"])})


async def withdraw(call: Call) -> Answer:
    """Takes back what was asked for: whoever asked, and whoever will not approve it."""
    _require_open(await verbs.find(redactions, call, call.path["id"], hold=True))
    return await verbs.withdraw(redactions, call)


def _redactable(noun: str) -> Resource:
    """Raises 422 for what no force owns: who has access is never struck out."""
    of = {each.noun: each for each in nouns().values() if each.home == "force_code" and each is not redactions}
    if noun not in of:
        raise invalid(
            [fault("unknown_noun", "There is no such noun here.", pointer=pointer("noun"), allowed=sorted(of))]
        )
    return of[noun]


def _require_open(redaction: Record) -> None:
    if redaction["status"] != RedactionStatus.asked:
        raise Problem("already_done", "It was approved, and what it names was redacted.")


async def _subject(session: Session, by: Principal, of: Resource, row: Record, *, hold: bool = False) -> Record | None:
    found = await session.one(of.one_by("id", hold=hold), name=UUID(str(row["subject_id"])), forces=of.reached(by))
    return found if found is not None and found["force_code"] == row["force_code"] else None


async def _past(session: Session, of: Resource, subject: Record, asked: Sequence[str]) -> list[Record]:
    """The entries that it is about. Raises 409 where the newest version still says what is to go, or nothing is."""
    words, versions = _words(of, asked), await versions_of(session, subject["id"])
    if await _is_changeable(session, of, subject):
        *past, newest = versions
        for name, stays in words.items():
            same = [each for each in past if each["state"].get(name) == newest["state"][name]]
            if says_anything(newest["state"][name], stays) and (same or not past):
                raise _still_current(name)
    else:
        past = versions
    said = [
        each
        for each in versions
        if (REASONS in asked and each["reason"] is not None)
        or (each in past and any(says_anything(each["state"].get(name), stays) for name, stays in words.items()))
    ]
    if not said:
        raise _nothing_left()
    return said


def _asked_for(redaction: Record, subject: Record, words: Words, past: Sequence[Record]) -> list[Record]:
    """Of these entries those that were there when it was asked for. Raises 409 where the newest version, which was not,
    says again what is to go, or nothing is left."""
    then = [each for each in past if str(each["id"]) in redaction["entries"]]
    if not then:
        raise _nothing_left()
    if then[-1]["version"] < subject["version"]:
        for name, stays in words.items():
            said = plain(subject)[name]
            if says_anything(said, stays) and any(each["state"][name] == said for each in then):
                raise _still_current(name)
    return then


def _still_current(name: str) -> Problem:
    detail = f"The newest version still says what is to go at /{name}. Change it first, and ask again."
    return Problem("still_current", detail, errors=[fault("still_current", detail, pointer=pointer(name))])


def _nothing_left() -> Problem:
    return Problem("already_done", "There is nothing of it in the past of this row.")


def _words(of: Resource, asked: Sequence[str]) -> Words:
    return {name: words_of(of)[name] for name in members_of(asked)}


async def _is_changeable(session: Session, of: Resource, subject: Record) -> bool:
    if "change" not in of.verbs or subject["withdrawn_at"] is not None:
        return False
    return ended(of, subject, await parent_of(of, session, subject)) is None


def _require_person(by: Principal, permission: str, force: str) -> None:
    if by.kind != "person":
        raise _refused("Only a person may do this.", permission, force)


def _refused(detail: str, permission: str, force: str) -> Problem:
    return Problem("permission_denied", detail, extra={"required": [permission]}, unsaid=force)


redactions = Resource(
    noun="redaction",
    plural="redactions",
    row=Redaction,
    create=RedactionCreate,
    fields=RedactionOutcome,
    describes="What was struck out of the past because the law asks for it.",
    filters=[
        equal("force", "force_code"),
        equal("resource_id", "subject_id", "id"),
        equal("status", choices=[each.value for each in RedactionStatus]),
    ],
    references=[Reference("force_code", forces, by="code")],
    complete=ask,
    verbs=("list", "read", "create"),
    keeps_in_use=False,
)

operations = [
    Operation(
        "POST", "/v1/redactions/{id}/approve", "approveRedaction", "redactions", "Approve a redaction, and do it",
        APPROVES, approve, {200: redactions.read_shape}, [ID, IF_MATCH, REASON],
    ),
    Operation(
        "DELETE", "/v1/redactions/{id}", "withdrawRedaction", "redactions", "Withdraw a redaction that was asked for",
        WRITES, withdraw, {204: None}, [ID, IF_MATCH, REASON],
    ),
]  # fmt: skip
