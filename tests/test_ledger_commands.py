"""Does the command line retire a log whose time is over, and say why it does not retire another?"""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pip_api import ledger_commands
from tests.ledger.test_sealing import IDS, added
from tests.test_cli import run, sentence


def test_a_log_is_retired_once_and_the_log_of_this_year_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_commands, "HEARD_AFTER", 0.0)
    assert run(tmp_path, "migrate").returncode == 0
    with sqlite3.connect(tmp_path / "var" / "pip.db") as database:
        database.execute("PRAGMA foreign_keys = ON")
        database.execute(added(IDS[0]).replace(" at, 'change'", " '2015-02-01T00:00:00.000000Z', 'read'"))
    for _ in range(2):
        done = run(tmp_path, "ledger", "retire", "2015", "--reason", "Schedule 4")
        assert done.returncode == 0, done
    assert done.stdout == "The log of 2015 is retired: words and names went from 0 entries.\n"
    with sqlite3.connect(tmp_path / "var" / "pip.db") as database:
        gone = database.execute("SELECT actor_name, state FROM ledger_entry WHERE id = ?", [str(IDS[0])]).fetchone()
        closing = database.execute("SELECT actor_name, reason, kind FROM ledger_entry WHERE act = 'log.retired'")
        assert gone == ("[retired]", "{}")
        assert closing.fetchall() == [("pip-api command line", "Schedule 4", "system")]
    year = datetime.now(UTC).year
    told = sentence(run(tmp_path, "ledger", "retire", str(year)))
    assert told == f"The log of {year} is kept for 7 years: it may be retired from {year + 8}-01-01 on."
    told = sentence(run(tmp_path, "ledger", "retire", "2015", PIP_RETENTION_YEARS="6"))
    assert "PIP_RETENTION_YEARS" in told
