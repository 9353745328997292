import json
import subprocess
import sys
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pip_api.ledger.findings import Outcome, Report
from pip_api.ledger.heads import Head, keys_of, sign, verify
from pip_api.ledger.verification import verify_bundle
from tests.ledger.bundles import FORGER, KEY, STRANGER, WITNESS, Ledger, Line, exported, grown, key_file, packed
from tests.ledger.tampering import TAMPERINGS, case
from tests.soak import examples

BOUND = timedelta(seconds=30)


class Desk:
    """Where bundles are checked: a folder with the keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys = key_file(folder, KEY)
        self.witnesses = key_file(folder, WITNESS)

    def check(
        self,
        bundle: bytes | list[Line],
        *,
        since: Head | str | None = None,
        witnesses: bool = True,
        bound: timedelta | None = BOUND,
    ) -> Report:
        path = self.folder / "bundle.ndjson"
        path.write_bytes(bundle if isinstance(bundle, bytes) else packed(bundle))
        return verify_bundle(
            path,
            self.keys,
            since=None if since is None else self.kept(since),
            witnesses=self.witnesses if witnesses else None,
            bound=bound,
        )

    def kept(self, head: Head | str) -> Path:
        path = self.folder / "kept.head"
        path.write_text((head if isinstance(head, str) else sign(head, KEY)) + "\n")
        return path


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def found(report: Report) -> set[str]:
    return {each.check for each in report.findings}


# What is good


@pytest.mark.parametrize("full", [True, False])
def test_a_bundle_that_nobody_touched_is_good(desk: Desk, full: bool) -> None:
    ledger = grown(Random(1))
    heads = ledger.logs["2026"].heads
    for kept in (None, *heads):
        report = desk.check(exported(ledger, full=full, since=kept, witnesses=[WITNESS]), since=kept)
        assert report.findings == []
        assert report.outcome is Outcome.GOOD
        good = {check for check, outcome in report.document()["checks"].items() if outcome == "good"}
        assert good == {f"V{n}" for n in range(1, 14)} - ({"V4"} if full else set())


def test_what_was_not_asked_is_said(desk: Desk) -> None:
    ledger = Ledger(Random(2))
    ledger.denied()
    ledger.seal()
    report = desk.check([each for each in exported(ledger) if each[0] != "cosignature"], bound=None)
    assert report.outcome is Outcome.GOOD
    asked = {check for check, outcome in report.document()["checks"].items() if outcome != "not asked"}
    assert asked == {"V1", "V2", "V3", "V5", "V7"}


def test_a_ledger_of_two_years_has_two_logs(desk: Desk) -> None:
    ledger = Ledger(Random(3), began=datetime(2026, 12, 31, 23, 59, 57, tzinfo=UTC))
    for _ in range(5):
        ledger.happens(6)
        ledger.seal()
    assert list(ledger.logs) == ["2026", "2027"]
    ledger.redacts([each for each in ledger.logs["2026"].lines if each["envelope"]["subject_id"]][:1])
    ledger.seal()
    for log in ledger.logs.values():
        for full in (True, False):
            kept = log.heads[0]
            assert desk.check(exported(ledger, full=full, since=kept), since=kept).findings == []

    # Of one of them alone, with the rows as they are now.
    for log_id, missing in (("2026", {"V2", "V10"}), ("2027", {"V10"})):
        lines = exported(ledger)
        lines[0][1]["logs"] = [each for each in lines[0][1]["logs"] if each["log_id"] == log_id]
        lines[0][1]["other_logs"] = [each for each in ledger.logs if each != log_id]
        report = desk.check(_only(lines, log_id))
        assert (found(report), report.outcome) == (missing, Outcome.INCOMPLETE)


def test_one_person_redacts_nothing(desk: Desk) -> None:
    ledger = Ledger(Random(4))
    ledger.happens(6)
    ledger.seal()
    ledger.redacts(ledger.logs["2026"].lines[:1], asked_by="one", approved_by="one")
    ledger.seal()
    report = desk.check(exported(ledger))
    assert (found(report), report.outcome) == ({"V2"}, Outcome.TAMPERING)


def _only(lines: list[Line], log_id: str) -> list[Line]:
    """The lines that concern one log."""
    keys = keys_of({"keys": [KEY.public_jwk()]})
    kept = [
        (kind, each)
        for kind, each in lines[:-1]
        if (kind != "entry" or each["log_id"] == log_id)
        and (kind != "head" or verify(each["head"], keys).log_id == log_id)
    ]
    return [*kept, ("end", {"lines": len(kept)})]


def test_a_kept_head_of_a_log_that_was_empty_is_begun_by_all(desk: Desk) -> None:
    ledger = grown(Random(4))
    log = ledger.logs["2026"]
    empty = Head("2026", 0, type(log.frontier)().root(), log.heads[0].at)
    assert desk.check(exported(ledger), since=empty).findings == []


# What is not


@pytest.mark.parametrize("kind", TAMPERINGS)
def test_every_tampering_is_found_and_named(desk: Desk, kind: str) -> None:
    for number in range(examples(7, 150)):
        tampered = case(Random(f"{kind} {number}"))
        TAMPERINGS[kind](tampered)
        report = desk.check(tampered.packed(), since=tampered.since)
        told = f"{kind} {number}: {report.text()}"
        assert report.outcome in (Outcome.TAMPERING, Outcome.INCOMPLETE), told
        assert tampered.expected <= found(report), told
        if not tampered.only_missing and kind != "one_bit":
            assert report.outcome is Outcome.TAMPERING, told
        if tampered.only_missing:
            assert report.outcome is Outcome.INCOMPLETE, told
        if tampered.entry is not None:
            assert tampered.entry in {each.entry for each in report.findings}, told


@pytest.mark.parametrize("full", [True, False])
def test_without_the_kept_head_an_old_backup_looks_good(desk: Desk, full: bool) -> None:
    """Which is why heads are to be kept."""
    backup = exported(grown(Random(5)), full=full)
    later = grown(Random(5))
    later.happens(3)
    later.seal()
    assert desk.check(backup).outcome is Outcome.GOOD
    assert found(desk.check(backup, since=later.logs["2026"].heads[-1])) == {"V6"}


# What cannot be checked, or not be read


def test_without_what_a_check_needs_a_bundle_is_incomplete(desk: Desk) -> None:
    ledger = grown(Random(6))
    head = ledger.logs["2026"].heads[0]
    lines = exported(ledger, witnesses=[WITNESS])
    other_year = Head("2025", head.tree_size, head.root, head.at)
    unproved = exported(ledger, full=False)
    for report, check in (
        (desk.check(lines, witnesses=False), "V13"),
        (desk.check(lines, since=other_year), "V6"),
        (desk.check([(lines[0][0], {**lines[0][1], "every_head": False}), *lines[1:]]), "V12"),
        (desk.check(unproved, since=Head("2026", 5, head.root, head.at)), "V6"),
    ):
        assert (found(report), report.outcome) == ({check}, Outcome.INCOMPLETE)


def test_a_key_that_is_not_given_is_asked_for(desk: Desk) -> None:
    """It may be that of an earlier time. Who only says that he has a key that is known is found out."""
    ledger = grown(Random(7))
    report = desk.check(exported(ledger), since=sign(ledger.logs["2026"].heads[0], STRANGER))
    assert (found(report), report.outcome) == ({"V6"}, Outcome.INCOMPLETE)
    (finding,) = report.findings
    assert f"the key {STRANGER.kid}, which is not among those" in finding.text
    assert "/v1/audit-log/keys" in finding.text
    report = desk.check(exported(ledger), since=sign(ledger.logs["2026"].heads[0], FORGER))
    assert (found(report), report.outcome) == ({"V6"}, Outcome.TAMPERING)
    desk.keys = key_file(desk.folder, STRANGER)
    report = desk.check(exported(ledger))
    assert report.outcome is Outcome.INCOMPLETE
    assert f"the key {KEY.kid}, which" in report.text()


@pytest.mark.parametrize("full", [True, False])
def test_without_the_newest_key_no_more_is_said_than_is_known(desk: Desk, full: bool) -> None:
    """The heads are there, and the keys are to be got: once for each key."""
    ledger = grown(Random(16))
    lines = exported(ledger, full=full)
    heads = ledger.logs["2026"].heads
    for (_, line), head in zip([each for each in lines if each[0] == "head"][-2:], heads[-2:], strict=True):
        line["head"] = sign(head, STRANGER)
    report = desk.check(lines)
    assert report.outcome is Outcome.INCOMPLETE
    told = report.text()
    assert told.count("/v1/audit-log/keys") == 1
    assert told.count(f"the key {STRANGER.kid}, which") == 2
    assert "not there" not in told
    assert "does not have" not in told
    assert told.count("the proof leads from or to a head that cannot be checked") == (0 if full else 2)
    kind = "full" if full else "partial"
    scope = f"{kind} bundle: log 2026 up to {heads[-1].tree_size} leaves, whose head was not checked; "
    assert told.splitlines()[-2].startswith(scope)


@pytest.mark.parametrize(
    "text",
    [b"", b"\n", b"x", b"{}\n", b'{"type":"end","lines":0}\n', b'{"type":"bundle"}\n', b"\x1f\x8b\x08", b"\xff\n"],
)
def test_what_is_no_bundle_is_unreadable(desk: Desk, text: bytes) -> None:
    report = desk.check(text)
    assert report.outcome is Outcome.UNREADABLE
    assert "not a bundle" in report.text()


@pytest.mark.parametrize(
    "members",
    [
        {"format": 2},
        {"format": True},
        {"full": 1},
        {"logs": []},
        {"logs": {}},
        {"logs": ["2026"]},
        {"logs": [{"log_id": "2026"}]},
        {"logs": [{"log_id": "2026", "tree_size": -1}]},
        {"logs": [{"log_id": log_id, "tree_size": 1} for log_id in ("2026", "2026")]},
        {"logs": [{"log_id": log_id, "tree_size": 1} for log_id in ("2027", "2026")]},
        {"other_logs": [2025]},
        {"states": "pip"},
    ],
)
def test_a_bundle_that_does_not_say_what_it_is_is_unreadable(desk: Desk, members: dict[str, Any]) -> None:
    header, *rest = exported(grown(Random(8)))
    report = desk.check([(header[0], {**header[1], **members}), *rest])
    assert report.outcome is Outcome.UNREADABLE


def test_a_line_has_an_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pip_api.ledger.verification.LONGEST_LINE", 4096)
    assert desk.check(packed(exported(grown(Random(9)))) + b"x" * 5000).outcome is Outcome.UNREADABLE


@pytest.mark.parametrize("name", ["bundle", "keys"])
def test_a_refusal_that_was_saved_is_told_as_what_it_is(desk: Desk, name: str) -> None:
    good = desk.folder / "good"
    good.write_bytes(packed(exported(grown(Random(17)))))
    saved = desk.folder / "saved"
    problem = {
        "type": "/problems/token",
        "title": "Token refused",
        "status": 401,
        "detail": "The token is over.\x1b[2J",
    }
    saved.write_text(json.dumps(problem))
    given: dict[str, Any] = {"bundle": good, "keys": desk.keys} | {name: saved}
    report = verify_bundle(**given)
    assert report.outcome is Outcome.UNREADABLE
    first, outcome = report.text().splitlines()
    assert "is an error answer of the service: '401, The token is over.\\x1b[2J'" in first
    assert outcome == "unreadable"


def test_a_kept_head_that_is_damaged_is_no_tampering(desk: Desk) -> None:
    """What no service can have signed: another copy of the file tells more."""
    ledger = grown(Random(18))
    head = sign(ledger.logs["2026"].heads[0], KEY)
    header, payload, signature = head.split(".")
    for damaged in (
        head[:-1], head[:-2], head[1:], f"{header}.{payload}", f"{header}.{payload[:-3]}.{signature}",
        f"{header}.{payload}A.{signature}", f"{header}.{payload}\n.{signature}", f"{head} {head}", "null", "",
    ):  # fmt: skip
        report = desk.check(exported(ledger), since=damaged)
        assert report.outcome is Outcome.UNREADABLE, damaged
        assert "take another copy" in report.text()


@pytest.mark.parametrize("name", ["bundle", "keys", "since", "witnesses"])
@pytest.mark.parametrize("content", [None, b"\xff", b"x", b"[]"])
def test_what_is_given_beside_it_must_be_readable_too(desk: Desk, name: str, content: bytes | None) -> None:
    bundle = desk.folder / "good"
    bundle.write_bytes(packed(exported(grown(Random(10)))))
    given: dict[str, Any] = {"bundle": bundle, "keys": desk.keys}
    given[name] = desk.folder / "bad"
    if content is not None:
        given[name].write_bytes(content)
    report = verify_bundle(**given)
    assert report.outcome is Outcome.UNREADABLE
    assert len(report.text().splitlines()) == 2  # what it is, and the outcome


def test_a_line_nested_too_deep_is_no_accident(desk: Desk) -> None:
    lines = packed(exported(grown(Random(11)))).splitlines(keepends=True)
    for depth in (100, 500, 900, 950, 980, 990, 1000, 5000, 100_000):
        deep = b'{"deep":' * depth + b"1" + b"}" * depth
        for text in (
            b'{"type":"x","x":' + deep + b"}\n",
            b'{"id":"x","noun":"pip","row":{"version":1,"x":' + deep + b'},"type":"state"}\n',
        ):
            report = desk.check(b"".join([*lines[:-1], text, lines[-1]]))
            assert found(report) & {"V1", "V10"}


def test_of_many_findings_only_some_are_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pip_api.ledger.findings._MOST", 5)
    lines = exported(grown(Random(12)))
    for kind, each in lines:
        if kind == "entry":
            each["leaf"] = "0" * 64
    report = desk.check(lines)
    assert len(report.findings) == 5
    entries = report.entries
    assert report.document()["findings_in_all"] == entries
    assert f"and {entries - 5} more" in report.text()


def test_what_was_found_hundreds_of_times_is_told_ten_times_and_counted(desk: Desk) -> None:
    ledger = Ledger(Random(15))
    for _ in range(120):
        ledger.created()
    ledger.seal()
    rest = {kind: [each for each in exported(ledger) if each[0] == kind] for kind in ("state", "end")}
    before = [each for each in exported(ledger) if each[0] not in rest]
    for _, each in rest["state"][:100]:
        each["row"]["version"] += 1
    for _, each in rest["state"][100:103]:
        each["row"]["title"] = "Quietly"
    report = desk.check([*before, *rest["state"], *rest["end"]])
    texts = report.text().splitlines()
    assert len([each for each in texts if "changed after the head" in each]) == 11
    assert "incomplete  V10  and 90 more: the row was changed after the head" in texts
    assert len([each for each in texts if each.startswith("tampering")]) == 4  # these three, and the outcome
    told = report.document()
    assert told["findings_in_all"] == 103
    (alike,) = told["alike"]
    assert (alike["check"], alike["count"]) == ("V10", 100)


def test_a_bundle_cannot_write_on_the_terminal(desk: Desk) -> None:
    lines = exported(grown(Random(13)))
    entry = next(each for kind, each in lines if kind == "entry")
    entry["envelope"]["id"] = "\x1b[2J\x1b[H"
    assert "\x1b" not in desk.check(lines).text()


def test_it_needs_neither_the_service_nor_its_database() -> None:
    code = (
        "import sys; import pip_api.ledger.verification; "
        "print(*sorted({name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = {name for name in told.stdout.split() if not name.startswith("_")}
    assert imported <= {"pip_api", "cryptography", "rfc8785", "cffi"}


def test_memory_holds_no_entries(desk: Desk) -> None:
    """What is kept of an entry is a small part of it."""
    ledger = Ledger(Random(14))
    words = "a long narrative " * 200
    for _ in range(300):
        ledger.created()
        ledger.rows[next(reversed(ledger.rows))]["title"] = words
    ledger.seal()
    text = packed(exported(ledger))
    path = desk.folder / "large"
    path.write_bytes(text)
    tracemalloc.start()
    report = verify_bundle(path, desk.keys)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert report.outcome is Outcome.GOOD
    assert peak < len(text) / 4
