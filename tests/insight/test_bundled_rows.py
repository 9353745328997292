"""Are the rows of now what the ledger says, also when somebody was at them behind the service?"""

from pathlib import Path

import httpx
import pytest

from pip_api.access.permissions import ROLES, WITHHELD
from pip_api.contract import RESOURCES
from pip_api.insight import bundles
from pip_api.ledger.findings import Outcome, Report
from tests.db.test_guards import connected
from tests.insight.test_bundles import EXPORT, Bundle, exported
from tests.plans import AVON, KENT, MEASURE, a_concern, a_plan, an_action, changed, made
from tests.service import Record, Service, refused

SLIPPED = "0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c"


@pytest.fixture
async def auditor(service: Service, admin: httpx.AsyncClient) -> httpx.AsyncClient:
    """Who audits two forces that have worked."""
    caller = await service.caller("auditor")
    await made(admin, "/v1/measures", **(MEASURE | {"target": 61.4}))
    for force in (AVON, KENT):
        concern = await a_concern(admin, force_code=force, measure_codes=[MEASURE["code"]])
        plan = await a_plan(admin, concern, lead="Chief Insp \U0001f3fb Öz")
        action = await an_action(admin, plan, due_on="2026-11-01")
        await changed(admin, "/v1/actions", action, status="in_progress")
    await service.seal()
    return caller


def rows_of(bundle: Bundle, noun: str) -> list[Record]:
    return [each["row"] for each in bundle.of_type("state") if each["noun"] == noun]


def found(report: Report) -> set[tuple[str, Outcome]]:
    return {(each.check, each.outcome) for each in report.findings}


async def test_every_row_is_what_its_last_entry_says(
    tmp_path: Path, auditor: httpx.AsyncClient, admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "WINDOW", 3)
    bundle = await exported(tmp_path, auditor, rows="true")
    assert bundle.lines[0]["states"] == [each.noun for each in RESOURCES if each.noun not in WITHHELD]
    report = bundle.report()
    assert (report.findings, report.of("V10")) == ([], "good")
    for resource in (each for each in RESOURCES if each.reads in ROLES["national_admin"]):
        listed = (await admin.get(resource.path, params={"limit": "500"})).json()["items"]
        assert sorted(each["id"] for each in rows_of(bundle, resource.noun)) == sorted(each["id"] for each in listed)
    without = await exported(tmp_path, auditor)
    assert (without.of_type("state"), without.report().of("V10")) == ([], "not asked")


async def test_a_force_is_told_of_its_own_rows(tmp_path: Path, service: Service, auditor: httpx.AsyncClient) -> None:
    bundle = await exported(tmp_path, await service.caller("auditor", f"force:{AVON}"), rows="true")
    assert {each["noun"] for each in bundle.of_type("state")} == {"concern", "pip", "action"}
    assert {each["row"]["force_code"] for each in bundle.of_type("state")} == {AVON}
    assert bundle.report().findings == []


async def test_a_change_past_the_trail_is_found(tmp_path: Path, service: Service, auditor: httpx.AsyncClient) -> None:
    with connected(service.services.settings) as connection:
        if service.services.database.dialect.name == "postgresql":
            connection.execute("SET session_replication_role = replica")
        else:
            triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'concern'"
            for (name,) in connection.execute(triggers).fetchall():
                connection.execute(f"DROP TRIGGER {name}")
        connection.execute(f"UPDATE concern SET title = 'Quietly' WHERE force_code = '{KENT}'")
        connection.commit()
    bundle = await exported(tmp_path, auditor, rows="true")
    (row,) = [each for each in rows_of(bundle, "concern") if each["force_code"] == KENT]
    report = bundle.report()
    assert found(report) == {("V10", Outcome.TAMPERING)}
    assert (report.findings[0].entry, report.findings[0].text) == (
        row["id"], "the row is not what its last entry says, in: title",
    )  # fmt: skip


async def test_a_row_that_nobody_wrote_down_is_found(
    tmp_path: Path, service: Service, auditor: httpx.AsyncClient
) -> None:
    """Slipped in behind the service, with no entry in any log: the first bundle may be too early to tell."""
    with connected(service.services.settings, foreign_keys=False) as connection:
        if service.services.database.dialect.name == "postgresql":
            connection.execute("SET session_replication_role = replica")
        else:
            triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'concern'"
            for (name,) in connection.execute(triggers).fetchall():
                connection.execute(f"DROP TRIGGER {name}")
        taken = connection.execute(f"SELECT * FROM concern WHERE force_code = '{KENT}'")
        names = [each[0] for each in taken.description]
        new = {"id": f"'{SLIPPED}'", "reference": "'KEN-2026-999'"}
        values = ", ".join(new.get(name, name) for name in names)
        connection.execute(
            f"INSERT INTO concern ({', '.join(names)}) SELECT {values} FROM concern WHERE force_code = '{KENT}'"
        )
        connection.commit()
    bundle = await exported(tmp_path, auditor, rows="true")
    assert SLIPPED in [each["id"] for each in rows_of(bundle, "concern")]
    assert found(bundle.report()) == {("V10", Outcome.INCOMPLETE)}
    await service.seal()
    service.clock.forward(hours=3)
    later = await service.caller("auditor")
    await a_concern(await service.caller("national_admin"))
    await service.seal()
    report = (await exported(tmp_path, later, rows="true")).report()
    assert found(report) == {("V10", Outcome.TAMPERING)}
    assert report.findings[0].entry == SLIPPED


async def test_what_was_changed_after_the_head_is_for_the_next_bundle(
    tmp_path: Path, service: Service, auditor: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    (row, *_) = rows_of(await exported(tmp_path, auditor, rows="true"), "action")
    await changed(admin, "/v1/actions", row, title="Later")
    await a_concern(admin)
    assert found((await exported(tmp_path, auditor, rows="true")).report()) == {("V10", Outcome.INCOMPLETE)}
    await service.seal()
    assert (await exported(tmp_path, auditor, rows="true")).report().findings == []


@pytest.mark.parametrize("older", ["from=2026-01-01T00:00:00Z", "to=2026-01-01T00:00:00Z", "tree_size=1"])
async def test_rows_are_of_now(auditor: httpx.AsyncClient, older: str) -> None:
    refused(await auditor.get(f"{EXPORT}?rows=true&{older}"), 400, "invalid_parameter")
    refused(await auditor.get(f"{EXPORT}?rows=perhaps"), 400, "invalid_parameter")
