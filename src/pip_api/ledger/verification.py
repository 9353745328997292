"""Is what a bundle says of the ledger true? Found out without the service, its database or its word.

Nothing but the standard library, rfc8785 and cryptography is needed. Of the entries only hashes and places are kept in
memory, however many there are.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from io import BufferedReader
from pathlib import Path
from time import perf_counter
from typing import Any

from pip_api.access.permissions import WITHHELD
from pip_api.ledger.bundle import FORMAT, LONGEST_LINE, ORDER, Line, LineRefused, parsed, read
from pip_api.ledger.findings import Findings, Outcome, Report, printable
from pip_api.ledger.heads import Head, Keys, KeysRefused, is_jws, keys_of
from pip_api.ledger.log_checks import LogChecks, read_head
from pip_api.ledger.replay import Replay
from pip_api.ledger.tree import ProofRefused, leaf_hash, verify_inclusion

_LONGEST_ANSWER = 1 << 16  # bytes of a refusal


class Unreadable(Exception):
    """What was given cannot be read; the text is one sentence."""


def verify_bundle(
    bundle: Path,
    keys: Path,
    *,
    since: Path | None = None,
    witnesses: Path | None = None,
    bound: timedelta | None = None,
) -> Report:
    """Every check of a bundle; what cannot be read at all is told by the report too."""
    began = perf_counter()
    try:
        known = _keys(keys)
        verification = _Verification(known, None if witnesses is None else _keys(witnesses), bound)
        if since is not None:
            verification.keep(_text(since).strip())
        with _opened(bundle) as file, _opened(bundle) as again:
            verification.run(file, again)
    except Unreadable as unreadable:
        found = Findings()
        found.add("V1", Outcome.UNREADABLE, str(unreadable))
        told = found.told, found.counts, found.alike
        return Report(*told, frozenset(), 0, 0, 0, "nothing", perf_counter() - began)
    return verification.report(perf_counter() - began)


class _Verification:
    def __init__(self, keys: Keys, witnesses: Keys | None, bound: timedelta | None) -> None:
        self._keys = keys
        self._witnesses = witnesses
        self._bound = bound
        self._kept: Head | None = None
        self._findings = Findings()
        self._entries = 0
        self._withheld = 0
        self._rank = 0
        self._cut = False
        self._ended = False
        self._logs: LogChecks
        self._replay: Replay

    def keep(self, text: str) -> None:
        """Takes the head that was kept."""
        if not is_jws(text):
            told = "The kept head is not a head, which is one line of three parts; the file may be damaged"
            raise Unreadable(f"{told}: take another copy of it.")
        # Where another key signs now, a history may have been written anew: the operator has to vouch for the change.
        self._kept = read_head(self._findings, "V6", "the kept head", text, self._keys)

    def run(self, file: BufferedReader, again: BufferedReader) -> None:
        lines = self._lines(file)
        first = next(lines, None)
        header = _header(first[2]) if first else None
        if header is None:
            again.seek(0)
            _refuse_answer("The file", again.read(_LONGEST_ANSWER))
            raise Unreadable(f"The file is not a bundle of format {FORMAT}.")
        self._findings.looked.add("V1")
        if not header.is_canonical:
            self._findings.tampering("V1", "the line is not in its one form", 1)

        def read_again(offset: int) -> dict[str, Any]:
            again.seek(offset)
            return parsed(again.readline())

        checked = self._findings, self._keys, self._kept, self._witnesses, self._bound
        self._logs = LogChecks(header.members, *checked)
        self._replay = Replay(header.members, self._findings, read_again)
        number = 1
        for number, offset, raw in lines:
            try:
                self._line(number, offset, raw)
            except LineRefused as refused:
                self._findings.tampering("V1", str(refused), number)
            except RecursionError:
                self._findings.tampering("V1", "it is nested too deep", number)
        if not self._ended:
            self._cut = True
            self._findings.incomplete("V7", "the bundle ends before its last line", number)
        self._logs.close(self._cut)
        self._replay.close(self._cut)

    def _lines(self, file: BufferedReader) -> Iterator[tuple[int, int, bytes]]:
        offset = number = 0
        try:
            while raw := file.readline(LONGEST_LINE):
                number += 1
                if raw.endswith(b"\n"):
                    yield number, offset, raw[:-1]
                elif len(raw) == LONGEST_LINE:
                    raise Unreadable(f"Line {number} is longer than {LONGEST_LINE:,} bytes.")
                else:
                    self._findings.incomplete("V1", "the line is cut", number)
                offset += len(raw)
        except OSError as error:
            raise Unreadable(f"The bundle cannot be read: {error.strerror}.") from error

    def _line(self, number: int, offset: int, raw: bytes) -> None:
        line = read(raw)
        if not line.is_canonical:
            self._findings.tampering("V1", "the line is not in its one form", number)
        rank = ORDER[line.kind]
        if rank < self._rank or rank == 0 or self._ended:
            self._findings.tampering("V1", f"a line of type {line.kind} does not belong here", number)
            return
        self._rank = rank
        match line.kind:
            case "entry":
                self._entry(number, offset, line)
            case "retirement":
                self._retirement(number, line)
            case "state":
                settled = self._logs.settles(line.members["row"].get("created_at"))
                self._replay.state(number, line.members, settled)
            case "head":
                self._logs.head(number, line.members)
            case "consistency":
                self._logs.consistency(number, line.members)
            case "cosignature":
                self._logs.cosignature(number, line.members)
            case "end":
                self._ended = True
                if line.members["lines"] != number - 1:
                    told = f"there are {number - 1} lines before it, and it says {line.members['lines']}"
                    self._findings.tampering("V7", told, number)

    def _retirement(self, number: int, line: Line) -> None:
        """It stands in a log of its own, whose head it brings."""
        members = line.members
        leaf = self._leaf(number, line)
        head = read_head(self._findings, "V5", "the head", members["head"], self._keys, number)
        if head is None:
            self._replay.unproved.add(members["envelope"]["id"])
            return
        try:
            if head.log_id != members["log_id"]:
                raise ProofRefused("the head is of another log")
            path = [bytes.fromhex(each) for each in members["proof"]]
            verify_inclusion(leaf, members["leaf_index"], head.tree_size, path, head.root)
        except ProofRefused as refused:
            told = f"the entry that closed a log is not proved: {refused}"
            self._findings.tampering("V4", told, number, members["envelope"]["id"])
            return
        self._replay.retirement(number, members)

    def _entry(self, number: int, offset: int, line: Line) -> None:
        self._entries += 1
        leaf = self._leaf(number, line)
        self._logs.entry(number, line.members, leaf)
        self._replay.entry(number, offset, line.members)

    def _leaf(self, number: int, line: Line) -> bytes:
        """The leaf that an envelope has, held against what the line says of it."""
        members = line.members
        envelope = members["envelope"]
        self._findings.looked |= {"V2", "V3"}
        leaf = leaf_hash(line.envelope)
        if leaf.hex() != members["leaf"]:
            self._findings.tampering("V3", "the leaf is not that of the envelope", number, envelope["id"])
        if envelope["at"][:4] != members["log_id"]:
            self._findings.tampering("V3", "the entry is in the log of another year", number, envelope["id"])
        if "body" in members:
            digest = sha256(bytes.fromhex(members["salt"]) + line.body).hexdigest()
            if digest != envelope["body_digest"]:
                self._findings.tampering("V2", "the body has not the digest in its envelope", number, envelope["id"])
        if "withheld" in members:
            self._withheld += 1
            if envelope["version"] is None or members["withheld"] != WITHHELD.get(envelope["noun"]):
                self._findings.tampering("V2", "a body is withheld that is of no single person", number, envelope["id"])
        return leaf

    def report(self, seconds: float) -> Report:
        found = self._findings
        looked, retired = frozenset(found.looked), self._replay.retired
        told = found.told, found.counts, found.alike
        gone = retired, self._withheld
        return Report(*told, looked, self._entries, *gone, self._logs.scope(), seconds)


def _header(raw: bytes) -> Line | None:
    try:
        line = read(raw)
    except LineRefused:
        return None
    return line if line.kind == "bundle" else None


def _refuse_answer(what: str, text: bytes | str) -> None:
    """Raises Unreadable where a refusal of the service (application/problem+json) was saved in place of what was asked
    for."""
    try:
        problem = json.loads(text)
    except (ValueError, RecursionError):
        return
    if isinstance(problem, dict) and type(problem.get("status")) is int and isinstance(problem.get("title"), str):
        told = problem.get("detail") if isinstance(problem.get("detail"), str) else problem["title"]
        shown = printable(f"{problem['status']}, {told}", 500)
        raise Unreadable(f"{what} is an error answer of the service: {shown}")


def _opened(path: Path) -> BufferedReader:
    try:
        return path.open("rb")
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}.") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise Unreadable(f"{path} is not text.") from error


def _keys(path: Path) -> Keys:
    try:
        document = json.loads(text := _text(path))
        _refuse_answer(str(path), text)
        return keys_of(document)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{path} is not JSON.") from error
    except KeysRefused as refused:
        raise Unreadable(f"{path}: {refused}") from refused
