"""A short run of what `make contract` runs at length, always with the same seed: what it finds is due to a change."""

from pathlib import Path

from tests.contract.fuzzing import fuzzed
from tests.serving import serving


def test_schemathesis_finds_nothing_in_a_short_run(tmp_path: Path) -> None:
    with serving(tmp_path, "--demo", PIP_RATE_LIMIT_REQUESTS="0") as server:
        report, printed = fuzzed(tmp_path, server, 3, "--phases=fuzzing,stateful", "--no-shrink", "--seed=1")
    assert report["failures"] == [], printed
    assert report["errors"] == [], printed
    assert report["operations"]["tested"] == report["operations"]["total"]
