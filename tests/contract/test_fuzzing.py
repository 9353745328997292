"""A short run of what `make contract` runs at length, always with the same seed: what it finds is due to a change."""

import re
from pathlib import Path

import pytest

from pip_api.settings import Settings
from tests.contract.fuzzing import every_role, fuzzed
from tests.matrix.table import TABLE
from tests.soak import in_ci


@in_ci
@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_schemathesis_finds_nothing_in_a_short_run_as_every_role(settings: Settings, tmp_path: Path) -> None:
    """Two of the roles that may do an operation try it, and where fewer may, others too."""
    with every_role(settings, tmp_path) as (server, asked_by):
        report, printed = fuzzed(tmp_path, server, asked_by, 2, "--phases=fuzzing", "--no-shrink", "--seed=1")
    assert report["failures"] == [], printed
    assert report["errors"] == [], printed
    assert report["operations"]["tested"] == report["operations"]["total"]
    let_in = set(re.findall(r"client_id=fuzzing-(\S+) .*status=2", server.all_printed()))
    assert let_in == {role.replace("_", "-") for role in TABLE["roles"]}
