"""Is noted what changes nothing, once, and is nothing done that cannot be noted?"""

import asyncio
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from pip_api.access.oauth import Named
from pip_api.access.principals import ANONYMOUS
from pip_api.db.errors import ReadOnly, Unavailable
from pip_api.ledger import entries
from pip_api.ledger.entries import Occasion
from pip_api.ledger.notes import Notes
from pip_api.settings import Settings
from tests.ledger.test_entries import Ledger
from tests.service import Record, Service, running


@pytest.fixture
async def ledger(service: Service) -> Ledger:
    ledger = Ledger(service)
    await ledger.news()
    return ledger


def denial(service: Service, request_id: str = "request-1", force: str | None = None) -> Record:
    return entries.entry(
        Occasion(service.clock(), ANONYMOUS, request_id),
        id=uuid7(), act="pip.denied", subject_id=None, subject_ref=None, version=None, force_code=force,
        state={"operation": "getPip"}, patch=[], kind="denied",
    )  # fmt: skip


async def test_a_note_is_an_entry(service: Service, ledger: Ledger) -> None:
    await service.services.notes.note(denial(service))
    (entry,) = await ledger.news()
    assert (entry["kind"], entry["noun"], entry["version"]) == ("denied", "pip", None)
    assert (entry["actor_type"], entry["client_id"], entry["at"]) == ("anonymous", "anonymous", service.clock())


async def test_what_is_repeated_is_noted_once_in_a_minute_and_counted(service: Service, ledger: Ledger) -> None:
    notes = service.services.notes
    await asyncio.gather(*(notes.note_seldom("pip", denial(service, f"request-{n}")) for n in range(20)))
    await notes.note_seldom("other", denial(service))
    assert len(await ledger.news()) == 2
    service.clock.forward(seconds=59)
    await notes.note_seldom("pip", denial(service, "request-last"))
    assert await ledger.news() == []
    service.clock.forward(seconds=1)
    await notes.note_seldom("pip", denial(service, "request-new"))
    first, rest = await ledger.news()
    assert (first["request_id"], first["state"]) == ("request-new", {"operation": "getPip"})
    counted = {"further": 20, "first_at": "2026-11-21T12:00:00Z", "last_at": "2026-11-21T12:00:59Z"}
    assert (rest["request_id"], rest["state"]) == ("request-last", {"operation": "getPip", **counted})
    assert first["at"] == rest["at"] == service.clock()
    service.clock.forward(minutes=5)
    await notes.note_seldom("other", denial(service))
    assert len(await ledger.news()) == 1


async def test_what_was_counted_is_noted_when_the_service_stops(settings: Settings) -> None:
    async with running(settings) as first:
        for n in range(3):
            await first.services.notes.note_seldom("pip", denial(first, f"request-{n}"))
        await first.seal()
        head = first.services.log.head_at
        first.clock.forward(seconds=30)
    async with running(settings) as second:
        *_, newest = await Ledger(second).news()
    assert (newest["request_id"], newest["state"]["further"]) == ("request-2", 2)
    assert head is not None
    assert newest["at"] == head + timedelta(seconds=30)  # no head was signed in the meantime that does not cover it


async def test_failed_sign_ins_fill_nothing(service: Service, ledger: Ledger) -> None:
    known = UUID("01890000-0000-7000-8000-000000000001")
    for n in range(50):
        for named, account in (("hunter2", None), ("as-mart", Named(known, "as-mart", None))):
            await service.services.notes.sign_in_refused(service.clock(), f"{n}", "invalid_client", named, account)
    entries = await ledger.news()
    assert [(entry["act"], entry["kind"], entry["subject_ref"]) for entry in entries] == [
        ("sign_in.refused", "denied", None),
        ("sign_in.refused", "denied", "as-mart"),
    ]
    assert "hunter2" not in repr(entries)
    digests = {entry["state"]["named"] for entry in entries}
    assert len(digests) == 2
    assert sha256(b"hunter2").hexdigest()[:16] not in digests  # nobody without the key can try names


async def test_what_cannot_be_noted_is_told(service: Service, ledger: Ledger) -> None:
    services = service.services
    with pytest.raises(ReadOnly):
        await Notes(services.database, services.clock, services.new_id, b"key", read_only=True).note(denial(service))
    for wrong in ({"request_id": ""}, {"actor_name": " "}, {"version": 1}, {"kind": "nonsense"}):
        with pytest.raises(Unavailable):
            await services.notes.note(denial(service) | wrong)
    assert await ledger.news() == []
