import json
from pathlib import Path
from random import Random

import pytest

from pip_api.ledger.heads import sign
from tests.ledger.bundles import KEY, WITNESS, Ledger, exported, grown, key_file, packed
from tests.test_cli import Done, run


@pytest.fixture
def ledger() -> Ledger:
    return grown(Random(20))


@pytest.fixture
def bundle(tmp_path: Path, ledger: Ledger) -> Path:
    path = tmp_path / "bundle.ndjson"
    path.write_bytes(packed(exported(ledger, witnesses=[WITNESS])))
    return path


def verify(bundle: Path, *options: str | Path) -> Done:
    folder = bundle.parent
    given = [bundle, "--keys", key_file(folder, KEY), "--witnesses", key_file(folder, WITNESS), *options]
    return run(folder, "verify", *map(str, given))


def test_a_good_bundle_ends_with_0_and_a_line_for_each_check(bundle: Path, ledger: Ledger) -> None:
    kept = bundle.with_name("kept.head")
    kept.write_text(sign(ledger.logs["2026"].heads[1], KEY))
    done = verify(bundle, "--since", kept, "--bound", "30")
    *checks, scope, outcome = done.stdout.splitlines()
    assert (done.returncode, outcome) == (0, "good")
    assert [each.split()[:2] for each in checks] == [[f"V{n}", "not" if n == 4 else "good"] for n in range(1, 14)]
    assert scope.startswith("full bundle: log 2026 up to 35 leaves at 2026-03-01 09:00:")


def test_tampering_ends_with_1_and_names_check_and_entry(bundle: Path) -> None:
    lines = bundle.read_bytes().splitlines(keepends=True)
    place = next(i for i, each in enumerate(lines) if b'"kind":"change"' in each)
    lines[place] = lines[place].replace(b'"kind":"change"', b'"kind":"system"')
    bundle.write_bytes(b"".join(lines))
    entry = json.loads(lines[place])["envelope"]["id"]
    done = verify(bundle)
    assert done.returncode == 1
    assert f"tampering   V3   line {place + 1}, entry {entry}: the leaf is not that of the envelope" in done.stdout
    report = json.loads(verify(bundle, "--json").stdout)
    assert (report["outcome"], report["exit_code"]) == ("tampering", 1)
    assert report["checks"]["V3"] == "tampering"
    assert {"check": "V3", "outcome": "tampering", "line": place + 1, "entry": entry} in [
        {name: value for name, value in each.items() if name != "text"} for each in report["findings"]
    ]


def test_what_cannot_be_read_ends_with_2(bundle: Path) -> None:
    bundle.write_text("Dear force\n")
    done = verify(bundle)
    assert done.returncode == 2
    assert done.stdout.splitlines()[-1] == "unreadable"


def test_a_cut_download_ends_with_3(bundle: Path) -> None:
    bundle.write_bytes(bundle.read_bytes()[:-40])
    done = verify(bundle)
    assert done.returncode == 3
    assert done.stdout.splitlines()[-1] == "incomplete"
