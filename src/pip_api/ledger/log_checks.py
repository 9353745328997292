"""Are the trees of the logs those that their heads vouch for, and did they only ever grow? (V4 to V8, V12, V13)"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from pip_api.ledger.findings import WHERE_KEYS_ARE, Findings
from pip_api.ledger.heads import COSIGNATURE, HEAD, Head, HeadRefused, KeyMissing, Keys, Kind, log_of, verify
from pip_api.ledger.tree import Frontier, ProofRefused, verify_consistency, verify_inclusion

SETTLED_AFTER: Final = timedelta(hours=2)
"""By then what was done is sealed: no transaction may take more than an hour."""


@dataclass(slots=True)
class _Log:
    place: int
    size: int
    """That of the head that is to be proved."""
    heads: list[Head] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    roots: dict[int, bytes] = field(default_factory=dict)
    """The roots that heads vouch for, by size; of two for one size the first."""
    linked: set[tuple[int, int]] = field(default_factory=set)
    frontier: Frontier = field(default_factory=Frontier)
    due: list[int] = field(default_factory=list)
    """Sizes of known roots that the growing tree has not reached, the next one last."""
    expected: int = 0
    has_gap: bool = False
    differing: list[int] = field(default_factory=list)
    """Sizes at which the tree had another root than the head."""


def read_head(
    findings: Findings, check: str, what: str, text: str, keys: Keys, number: int | None = None, kind: Kind = HEAD
) -> Head | None:
    """The head that a text is. Where it is none, or its key is not there to say so, that is a finding."""
    try:
        return verify(text, keys, kind)
    except KeyMissing as missing:
        asked = kind is COSIGNATURE or missing.kid in findings.asked_for
        findings.incomplete(check, f"{what} cannot be checked: {missing}{'' if asked else WHERE_KEYS_ARE}", number)
        if kind is HEAD:
            findings.asked_for.add(missing.kid)
            findings.unchecked.add((missing.says.log_id, missing.says.tree_size))
    except HeadRefused as refused:
        findings.tampering(check, f"{what} is refused: {refused}", number)
    return None


class LogChecks:
    def __init__(
        self,
        header: Mapping[str, Any],
        findings: Findings,
        keys: Keys,
        kept: Head | None,
        witnesses: Keys | None,
        bound: timedelta | None,
    ) -> None:
        self._full: bool = header["full"]
        self._every_head: bool = header["every_head"]
        self._logs = {each["log_id"]: _Log(place, each["tree_size"]) for place, each in enumerate(header["logs"])}
        self._findings = findings
        self._keys = keys
        self._kept = kept
        self._witnesses = witnesses
        self._bound = bound
        self._heads_read = False
        self._current = 0
        self._cosignatures: list[tuple[int, str]] = []
        self._consistencies: list[tuple[int, Mapping[str, Any]]] = []

    # As the lines come

    def head(self, number: int, members: Mapping[str, Any]) -> None:
        self._findings.looked.add("V5")
        head = read_head(self._findings, "V5", "the head", members["head"], self._keys, number)
        if head is None:
            return
        log = self._logs.get(head.log_id)
        if log is None:
            self._findings.tampering("V5", "the head is of a log that the bundle does not have", number)
            return
        if log.heads:
            self._findings.looked |= {"V6", "V8"}
            before = log.heads[-1]
            if head.tree_size < before.tree_size or head.at < before.at:
                self._findings.tampering("V8", "the head is smaller or earlier than the one before", number)
        if log.roots.setdefault(head.tree_size, head.root) != head.root:
            self._findings.tampering("V6", f"two heads of size {head.tree_size} have different roots", number)
        log.heads.append(head)

    def consistency(self, number: int, members: Mapping[str, Any]) -> None:
        self._consistencies.append((number, members))

    def entry(self, number: int, members: Mapping[str, Any], leaf: bytes) -> None:
        """An entry with the leaf that its envelope has."""
        self._close_heads()
        id: str = members["envelope"]["id"]
        log_id, index = members["log_id"], members["leaf_index"]
        log = self._logs.get(log_id)
        if log is None:
            self._findings.tampering("V7", "the entry is of a log that the bundle does not have", number, id)
            return
        self._findings.looked.add("V7")
        if log.place < self._current or index < log.expected:
            self._findings.tampering("V7", f"leaf {index} of log {log_id} is out of order, or twice", number, id)
            log.has_gap = True
            return
        self._current = log.place
        if index >= log.size:
            self._findings.tampering("V7", f"leaf {index} is not below the head, of size {log.size}", number, id)
        elif self._full and index > log.expected:
            missing = f"leaves {log.expected} to {index - 1} of log {log_id} are missing"
            self._findings.tampering("V7", missing, number, id)
            log.has_gap = True
        log.expected = index + 1
        if self._full:
            self._grow(log, leaf)
        if not self._full or "proof" in members:
            self._prove(number, id, log, members, leaf)
        if self._bound is not None and self._every_head:
            self._time(number, id, log, index, datetime.fromisoformat(members["envelope"]["at"]))

    def cosignature(self, number: int, members: Mapping[str, Any]) -> None:
        self._cosignatures.append((number, members["cosignature"]))

    def _grow(self, log: _Log, leaf: bytes) -> None:
        log.frontier.append(leaf)
        if log.due and log.frontier.size == log.due[-1]:
            size = log.due.pop()
            if not log.has_gap and log.frontier.root() != log.roots[size]:
                log.differing.append(size)

    def _prove(self, number: int, id: str, log: _Log, members: Mapping[str, Any], leaf: bytes) -> None:
        if "proof" not in members:
            self._findings.incomplete("V4", "there is no path to the head", number, id)
        elif log.size in log.roots:
            self._findings.looked.add("V4")
            path = [bytes.fromhex(each) for each in members["proof"]]
            try:
                verify_inclusion(leaf, members["leaf_index"], log.size, path, log.roots[log.size])
            except ProofRefused as refused:
                self._findings.tampering("V4", f"it is not in the tree of the head: {refused}", number, id)

    def _time(self, number: int, id: str, log: _Log, index: int, at: datetime) -> None:
        self._findings.looked.add("V12")
        place = bisect_right(log.sizes, index)
        if place < len(log.sizes) and self._bound is not None:
            lag = (log.heads[place].at - at).total_seconds()
            if abs(lag) > self._bound.total_seconds():
                told = f"it was sealed {abs(lag):.1f} s {'after' if lag > 0 else 'before'} its moment"
                self._findings.tampering("V12", told, number, id)

    def _close_heads(self) -> None:
        """Once, before the first entry: what is known of the heads."""
        if self._heads_read:
            return
        self._heads_read = True
        for log_id, log in self._logs.items():
            log.heads.sort(key=lambda head: head.tree_size)
            log.sizes = [head.tree_size for head in log.heads]
            if self._kept is not None and self._kept.log_id == log_id:
                self._hold_against(self._kept, log)
            log.due = sorted((size for size in log.roots if size > 0), reverse=True)
        for number, members in self._consistencies:
            self._link(number, members)

    def _hold_against(self, kept: Head, log: _Log) -> None:
        self._findings.looked |= {"V6", "V8"}
        if kept.tree_size > log.size:
            self._findings.tampering("V6", f"the log has shrunk from {kept.tree_size} leaves to {log.size}")
        elif log.roots.setdefault(kept.tree_size, kept.root) != kept.root:
            self._findings.tampering("V6", f"the head of size {kept.tree_size} is not the one that was kept")
        if any(head.at < kept.at for head in log.heads if head.tree_size > kept.tree_size):
            self._findings.tampering("V8", "a larger head is earlier than the kept one")

    def _link(self, number: int, members: Mapping[str, Any]) -> None:
        self._findings.looked.add("V6")
        log = self._logs.get(members["log_id"])
        first, second = members["first"], members["second"]
        if log is None or not {first, second} <= log.roots.keys():
            known = log.roots.keys() if log else set()
            unknown = {(members["log_id"], size) for size in (first, second) if size not in known}
            only_keys = unknown <= self._findings.unchecked
            which = "a head that cannot be checked" if only_keys else "heads that the bundle does not have"
            told = f"the proof leads {'from or to' if only_keys else 'between'} {which}"
            self._findings.incomplete("V6", told, number)
            return
        proof = [bytes.fromhex(each) for each in members["proof"]]
        try:
            verify_consistency(first, second, log.roots[first], log.roots[second], proof)
        except ProofRefused as refused:
            told = f"the tree of {first} leaves does not begin that of {second}: {refused}"
            self._findings.tampering("V6", told, number)
            return
        log.linked.add((first, second))

    # At the end

    def close(self, cut: bool) -> None:
        """What can be said when all lines were read. Of a bundle that was cut, what is not there proves nothing."""
        self._close_heads()
        absent = self._findings.incomplete if cut else self._findings.tampering
        for log_id, log in self._logs.items():
            if log.size not in log.roots and (log_id, log.size) not in self._findings.unchecked:
                self._findings.incomplete("V5", f"the head of log {log_id} with {log.size} leaves is not there")
            if log.heads and log.sizes[-1] > log.size:
                told = f"log {log_id} has a head of {log.sizes[-1]} leaves, and the bundle has {log.size}"
                self._findings.tampering("V7", told)
            if self._full:
                self._findings.looked.add("V7")
                if log.expected < log.size:
                    absent("V7", f"leaves {log.expected} to {log.size - 1} of log {log_id} are missing")
                self._compare(log_id, log)
            else:
                self._require_links(log_id, log)
        if self._kept is not None and self._kept.log_id not in self._logs:
            self._findings.incomplete(
                "V6", f"the kept head is of log {self._kept.log_id}, which the bundle does not have"
            )
        if self._bound is not None and not self._every_head:
            self._findings.incomplete("V12", "the bundle does not have every head")
        self._hear_witnesses()

    def _compare(self, log_id: str, log: _Log) -> None:
        if not log.differing:
            return
        if log.size not in log.differing and log.size in log.roots:
            # The whole is what its head says: it is the smaller heads that are of other trees.
            for size in log.differing:
                self._findings.tampering("V6", f"the head of log {log_id} with {size} leaves is of another tree")
            return
        good = max((size for size in log.roots if size < log.differing[0]), default=0)
        told = f"the leaves of log {log_id} do not have the root of their head: the first wrong one is"
        self._findings.tampering("V7", f"{told} between {good} and {log.differing[0] - 1}")
        if self._kept is not None and self._kept.log_id == log_id and self._kept.tree_size in log.differing:
            self._findings.tampering("V6", "the leaves do not have the root of the kept head")

    def _require_links(self, log_id: str, log: _Log) -> None:
        sizes = sorted(size for size in log.roots if 0 < size <= log.size)
        kept = self._kept.tree_size if self._kept is not None and self._kept.log_id == log_id else None
        for first, second in pairwise(sizes):
            linked = {(first, second), (first, log.size)} & log.linked
            if not linked:
                which = "the kept head" if first == kept else f"the head of {first} leaves"
                self._findings.incomplete("V6", f"no proof leads from {which} to that of {second} in log {log_id}")

    def _hear_witnesses(self) -> None:
        for number, text in self._cosignatures:
            self._findings.looked.add("V13")
            if self._witnesses is None:
                self._findings.incomplete("V13", "no keys of witnesses were given", number)
                continue
            seen = read_head(self._findings, "V13", "the cosignature", text, self._witnesses, number, COSIGNATURE)
            if seen is None:
                continue
            log = self._logs.get(seen.log_id)
            if log is None or seen.tree_size not in log.roots:
                self._findings.incomplete("V13", "the bundle does not have the head that was seen", number)
            elif log.roots[seen.tree_size] != seen.root:
                told = f"a witness saw another tree of {seen.tree_size} leaves: two views were shown"
                self._findings.tampering("V13", told, number)

    def settles(self, at: Any) -> bool:
        """Whether what happened at this moment must be among the entries, had it been written down: its log is here as
        a whole, and the head was signed long after."""
        try:
            moment = datetime.fromisoformat(at).astimezone(UTC)
        except (OverflowError, TypeError, ValueError):
            return False
        log = self._logs.get(log_of(moment)) if self._full else None
        heads = () if log is None else (head.at for head in log.heads if head.tree_size == log.size)
        return any(head_at - moment > SETTLED_AFTER for head_at in heads)

    def scope(self) -> str:
        """What was proved, in words."""
        told = [f"log {log_id} up to {log.size:,} leaves{_dated(log)}" for log_id, log in self._logs.items()]
        return f"{'full' if self._full else 'partial'} bundle: {', '.join(told) or 'no logs'}"


def _dated(log: _Log) -> str:
    """The moment of the head that is proved; of an earlier one it would say too much."""
    at = max((head.at for head in log.heads if head.tree_size == log.size), default=None)
    return ", whose head was not checked" if at is None else f" at {at:%Y-%m-%d %H:%M:%S} UTC"
