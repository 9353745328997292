"""Does what need not be kept go when the time of a log is over, and nothing else, and does every proof hold?"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from pip_api.access.principals import system
from pip_api.ledger import heads, retiring
from pip_api.ledger.findings import Outcome
from pip_api.ledger.log_state import look
from pip_api.ledger.retiring import NotRetired, close, empty
from pip_api.settings import Settings
from tests.db.test_guards import refusal
from tests.insight.test_bundles import exported
from tests.ledger.bundles import STRANGER
from tests.ledger.test_sealing import kept
from tests.plans import AVON, KENT, MEASURE, a_concern, changed, made, put
from tests.service import Record, Service, refused

OVER = datetime(2034, 1, 1, tzinfo=UTC)
"""The first moment at which the log of 2026 may be retired."""
FIGURE = (AVON, str(MEASURE["code"]), "2026-10")


@pytest.fixture
async def lead(service: Service) -> httpx.AsyncClient:
    """A person: the credential of a program would not be good for so long."""
    return await service.signed_in(("force_lead", f"force:{AVON}"))


@pytest.fixture
async def admin(service: Service) -> httpx.AsyncClient:
    return await service.signed_in(("national_admin", "national"))


@pytest.fixture
def free(settings: Settings) -> None:
    """The database goes by its own clock, which no test turns, and is not asked here."""
    drop = "DROP TRIGGER retired_log_kept_insert"
    assert refusal(settings, drop if settings.database_url.startswith("sqlite") else f"{drop} ON retired_log") != ""


@pytest.fixture
async def old(service: Service, free: None, lead: httpx.AsyncClient, admin: httpx.AsyncClient) -> Record:
    """A concern with three versions of 2026, and one of 2027; and what else happened in 2026. Now it is 2034."""
    concern = await a_concern(lead, owner="Sgt Brown")
    for title in ("Second", "Third"):
        await service.seal()
        service.clock.forward(minutes=1)
        concern = await _changed(lead, concern, title)
    await made(admin, "/v1/measures", **MEASURE)
    for value in ("61", "62"):
        await put(lead, FIGURE, value)
    await put(admin, (KENT, *FIGURE[1:]), "63")
    refused(await lead.patch(f"/v1/concerns/{uuid4()}", json={}, headers={"If-Match": '"v1"'}), 404, "not_found")
    await service.seal()
    service.clock.time = datetime(2027, 3, 1, tzinfo=UTC)
    for caller in (lead, admin):
        await service.again(caller)
    concern = await _changed(lead, concern, "Fourth")
    await service.seal()
    service.clock.time = OVER
    for caller in (lead, admin):
        await service.again(caller)
    return concern


async def _changed(lead: httpx.AsyncClient, concern: Record, title: str) -> Record:
    now: Record = (await changed(lead, "/v1/concerns", concern, title=title)).json()
    return now


async def retire(service: Service, year: str = "2026", years: int = 7) -> int:
    """As the command does it."""
    services = service.services
    async with services.database.read() as session:
        by = await system(session)
    closed = await close(services.database, year, years, by, services.clock(), services.new_id, "Schedule 4")
    await service.seal()
    await look(services.database, services.log)
    return await empty(services.database, closed)


async def test_nothing_goes_before_its_time(service: Service, old: Record) -> None:
    before = await kept(service, "ledger_entry")
    service.clock.forward(seconds=-1)
    with pytest.raises(NotRetired, match="kept for 7 years: it may be retired from 2034-01-01 on"):
        await retire(service)
    with pytest.raises(NotRetired, match="from 2036-01-01 on"):
        await retire(service, years=9)
    service.clock.time = OVER.replace(year=2035)
    with pytest.raises(NotRetired, match=r"no log of 2025"):
        await retire(service, "2025")
    with pytest.raises(NotRetired, match=r"log of 2026 comes first"):
        await retire(service, "2027")
    assert await kept(service, "ledger_entry") == before


async def test_words_and_names_go_and_what_rows_are_built_on_stays(
    service: Service, lead: httpx.AsyncClient, old: Record
) -> None:
    path = f"/v1/concerns/{old['id']}"
    third = (await lead.get(f"{path}/versions/3")).json()
    before = {row["id"]: row for row in await kept(service, "ledger_entry")}
    leaves = {row["entry_id"]: row for row in await kept(service, "ledger_leaf")}
    number = await retire(service)
    after = {row["id"]: row for row in await kept(service, "ledger_entry")}
    (closing,) = (row for row in after.values() if row["act"] == "log.retired")
    gone = [row for row in after.values() if row["retired_by"] is not None]
    assert number == len(gone) == closing["state"]["entries"]
    assert (closing["kind"], closing["reason"], closing["subject_ref"]) == ("system", "Schedule 4", "2026")
    for row in gone:
        was = before[row["id"]]
        blank: Record = {"state": {}, "patch": [], "reason": None, "subject_ref": None, "actor_name": "[retired]"}
        assert row == was | blank | {"retired_by": closing["id"]}
        later = [each for each in before.values() if each["subject_id"] == row["subject_id"]]
        is_version = row["subject_id"] is not None and row["version"] is not None
        assert not is_version or row["version"] + 1 in [each["version"] for each in later if each["at"].year == 2026]
    assert {row["act"] for row in gone} >= {"concern.created", "figure.recorded", "concern.denied"}
    for id, row in before.items():  # and all else of that year is the newest version of then
        if row["at"].year == 2026 and after[id]["retired_by"] is None:
            newest = max(
                e["version"] for e in before.values() if e["subject_id"] == row["subject_id"] and e["at"].year == 2026
            )
            assert (after[id], row["version"]) == (row, newest)
    for leaf in await kept(service, "ledger_leaf"):
        if leaf["entry_id"] in leaves:
            away = after[leaf["entry_id"]]["retired_by"] is not None
            assert leaf == leaves[leaf["entry_id"]] | ({"salt": None} if away else {})
    # What is told of rows goes on, as far back as the ledger is whole.
    assert (await lead.get(path)).json() == old
    assert (await lead.get(path, params={"as_of": "2027-01-01T00:00:00Z"})).json() == third["state"]
    told = (await lead.get(f"{path}/versions", params={"limit": "2"})).json()
    assert [each["version"] for each in told["items"]] == [4, 3]
    assert (await lead.get(f"{path}/diff?from=3")).status_code == 200
    too_old = refused(await lead.get(path, params={"as_of": "2026-12-31T23:59:59Z"}), 410, "retired")
    assert too_old["kept_from"] == "2027-01-01T00:00:00Z"
    for past in ("/versions/1", "/diff?from=1", "/diff?from=2026-12-01T00:00:00Z"):
        refused(await lead.get(path + past), 410, "retired")
    revisions = await lead.get(f"/v1/forces/{FIGURE[0]}/measures/{FIGURE[1]}/figures/{FIGURE[2]}/revisions")
    assert [each["actor"]["name"] for each in revisions.json()["items"]] == ["[retired]", "[retired]"]


async def test_what_is_left_is_proved_and_said_to_be_retired(tmp_path: Path, service: Service, old: Record) -> None:
    await service.seal()
    number = await retire(service)
    every, own = await service.caller("auditor"), await service.caller("auditor", f"force:{AVON}")
    bundle = await exported(tmp_path, every, log_id="2026")
    report = bundle.report()
    assert (report.outcome, report.retired) == (Outcome.GOOD, number), report
    assert f"{number:,} of them retired" in report.text()
    part = (await exported(tmp_path, own, log_id="2026")).report()
    assert part.outcome is Outcome.GOOD, part
    assert 0 < part.retired < number
    (closing,) = bundle.of_type("retirement")
    gone = next(each for each in bundle.of_type("entry") if "retired_by" in each)
    proof = (await every.get(f"/v1/audit-events/{gone['envelope']['id']}/proof")).json()
    assert (proof["body"], proof["salt"], proof["retired_by"]) == (None, None, closing["envelope"]["id"])
    lines = bundle.content.splitlines(keepends=True)
    for spoilt in (
        [line for line in lines if b'"type":"retirement"' not in line],
        [line.replace(b'"log_id":"2026","root', b'"log_id":"2025","root') for line in lines],
        [line.replace(closing["head"].encode(), bundle.of_type("head")[0]["head"].encode()) for line in lines],
        [line.replace(gone["retired_by"].encode(), gone["envelope"]["id"].encode(), 1) for line in lines],
    ):
        assert spoilt != lines
        assert bundle.report(b"".join(spoilt)).outcome is Outcome.TAMPERING


async def test_an_entry_that_closed_a_log_with_a_key_that_is_not_given_is_asked_for(
    tmp_path: Path, service: Service, old: Record
) -> None:
    await retire(service)
    bundle = await exported(tmp_path, await service.caller("auditor"), log_id="2026")
    (closing,) = bundle.of_type("retirement")
    signed = heads.verify(closing["head"], heads.keys_of({"keys": list(service.services.log.keys)}))
    report = bundle.report(bundle.content.replace(closing["head"].encode(), heads.sign(signed, STRANGER).encode()))
    assert {each.check for each in report.findings} == {"V2", "V5"}
    assert report.outcome is Outcome.INCOMPLETE


async def test_a_log_that_is_closed_early_proves_nothing(
    tmp_path: Path, service: Service, old: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also not where somebody has both the database and the key."""
    service.clock.time = datetime(2033, 12, 31, tzinfo=UTC)
    closed = await _closed(service, years=6)
    told = refusal(service.services.settings, _blank("version IS NULL", closed))
    assert "update is refused" in told
    await service.seal()
    bundle = await exported(tmp_path, await service.caller("auditor"), log_id="2026")
    findings = [(each.check, each.text) for each in bundle.report().findings]
    assert ("V2", "the log was closed before 7 whole years were over") in findings


async def _closed(service: Service, years: int = 7) -> Any:
    services = service.services
    async with services.database.read() as session:
        by = await system(session)
    return (await close(services.database, "2026", years, by, services.clock(), services.new_id, "")).entry_id


def _blank(which: str, by: object) -> str:
    gone = "state = '{}', patch = '[]', reason = NULL, subject_ref = NULL, actor_name = '[retired]'"
    return f"UPDATE ledger_entry SET {gone}, retired_by = '{by}' WHERE act <> 'log.retired' AND {which}"


async def test_the_database_holds_what_has_to_be_kept(settings: Settings, service: Service, old: Record) -> None:
    id = old["id"]
    assert "update is refused" in refusal(settings, _blank(f"subject_id = '{id}' AND version = 1", uuid4()))
    closed = await _closed(service)
    await service.seal()
    for which in (f"subject_id = '{id}' AND version = 3", f"subject_id = '{id}' AND version = 4", "at > '2027-02-01'"):
        assert "update is refused" in refusal(settings, _blank(which, closed)), which
    first = f"subject_id = '{id}' AND version = 1"
    for change in ("state = '{\"x\": 1}'", "request_id = 'x'", "actor_name = 'Somebody'"):
        whole = _blank(first, closed)
        name = change.partition(" ")[0]
        spoilt = ", ".join(
            each for each in whole.removeprefix("UPDATE ledger_entry SET ").split(", ") if not each.startswith(name)
        )
        assert "update is refused" in refusal(settings, f"UPDATE ledger_entry SET {change}, {spoilt}"), change
    leaf = f"UPDATE ledger_leaf SET salt = NULL WHERE entry_id = (SELECT id FROM ledger_entry WHERE {first})"
    assert "update is refused" in refusal(settings, leaf)
    assert refusal(settings, _blank(first, closed)) == "accepted"
    assert refusal(settings, leaf) == "accepted"
    assert "update is refused" in refusal(settings, _blank(first, closed))
    # Nothing comes into a closed log, and no log is opened again.
    adding = f"INSERT INTO ledger_leaf SELECT '2026', 99999, '{closed}', 'x', 'x', 'x'"
    assert "insert is refused" in refusal(settings, adding)
    assert "insert is refused" in refusal(
        settings, "INSERT INTO ledger_head SELECT '2026', 99999, 'x', at, 'x' FROM ledger_head LIMIT 1"
    )
    assert "delete is refused" in refusal(settings, "DELETE FROM retired_log")
    assert "update is refused" in refusal(settings, "UPDATE retired_log SET log_id = '2025'")


async def test_what_was_broken_off_is_gone_on_with(
    service: Service, old: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retiring, "_BATCH", 2)
    closed = await _closed(service)
    await service.seal()
    with monkeypatch.context() as broken:
        broken.setattr(retiring, "_UNSALT", None)
        with pytest.raises(AttributeError):
            await empty(service.services.database, retiring.Closed("2026", closed))
    assert all(row["retired_by"] is None for row in await kept(service, "ledger_entry"))
    number = await retire(service)
    assert number > 2
    assert await retire(service) == 0


async def test_what_a_later_log_replaced_goes_with_that(service: Service, lead: httpx.AsyncClient, old: Record) -> None:
    await retire(service)
    service.clock.time = OVER.replace(year=2035)
    assert await retire(service, "2027") > 0
    told = (await (await service.again(lead)).get(f"/v1/concerns/{old['id']}/versions")).json()
    assert [each["version"] for each in told["items"]] == [4]
