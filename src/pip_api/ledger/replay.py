"""Does each version of a row follow from the one before, up to the row of now, and who brought it? (V2, V9 to V11)"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from copy import deepcopy
from hashlib import sha256
from sys import intern
from typing import Any, Final

from pip_api.ledger.bundle import same
from pip_api.ledger.findings import Findings

Record = Mapping[str, Any]
LEAST_YEARS: Final = 7
"""Whole years after its own that a log is kept whole, at least."""


class PatchRefused(Exception):
    """A patch cannot be applied; the text says why, in a few words."""


class Replay:
    """Keeps where the last version of each row stands in the bundle, and reads it again when it is needed."""

    def __init__(self, header: Record, findings: Findings, read_again: Callable[[int], Record]) -> None:
        logs = [each["log_id"] for each in header["logs"]]
        self._from_start = header["full"] and not any(other < log for other in header["other_logs"] for log in logs[:1])
        self._to_end = header["full"] and not any(other > log for other in header["other_logs"] for log in logs[-1:])
        self._states = frozenset(header["states"])
        self._findings = findings
        self._read_again = read_again
        self._last: dict[str, int] = {}
        self._actors: dict[bytes, str] = {}
        self._redacted: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self._redactions: dict[str, frozenset[str] | None] = {}
        self._retired: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
        self._retirements: dict[str, str] = {}
        self.unproved: set[str] = set()
        """Entries that close a log, as they say: nobody could check the heads that they bring."""
        self.retired = 0
        """Entries whose words went with the time of their log."""

    def entry(self, number: int, offset: int, members: Record) -> None:
        envelope = members["envelope"]
        if "retired_by" in members:
            self.retired += 1
            self._retired[members["retired_by"]].append((number, members["log_id"], envelope["id"]))
        if "redacted_by" in members:
            self._redacted[members["redacted_by"]].append((number, envelope["id"]))
        if envelope["act"] == "redaction.approved":
            self._redactions[envelope["id"]] = _redacted_by(members)
        if envelope["version"] is None and envelope["kind"] != "change":
            return
        self._require_actor(number, envelope)
        if envelope["subject_id"] is not None and envelope["version"] is not None:
            self._follow(number, offset, members)

    def retirement(self, number: int, members: Record) -> None:
        """The entry that closed a log, which was seen to be in the ledger."""
        self._findings.looked.add("V2")
        envelope, closed = members["envelope"], members["body"]["state"].get("log_id")
        if (envelope["kind"], envelope["act"]) != ("system", "log.retired") or not isinstance(closed, str):
            self._findings.tampering("V2", "the entry closes no log", number, envelope["id"])
        elif not closed.isdecimal() or int(envelope["at"][:4]) <= int(closed) + LEAST_YEARS:
            told = f"the log was closed before {LEAST_YEARS} whole years were over"
            self._findings.tampering("V2", told, number, envelope["id"])
        else:
            self._retirements[envelope["id"]] = closed

    def _require_actor(self, number: int, envelope: Record) -> None:
        self._findings.looked.add("V11")
        actor = f"{envelope['actor_type']} {envelope['actor_id']}"
        if not (envelope["actor_type"] and envelope["actor_id"] and envelope["request_id"]):
            self._findings.tampering("V11", "the change names no actor or no request", number, envelope["id"])
            return
        # A caller may give two requests one id, but not at one moment by two actors.
        request = sha256(f"{envelope['at']}{envelope['request_id']}".encode()).digest()[:16]
        if self._actors.setdefault(request, intern(actor)) != actor:
            self._findings.tampering("V11", "another entry of its request has another actor", number, envelope["id"])

    def _follow(self, number: int, offset: int, members: Record) -> None:
        self._findings.looked.add("V9")
        envelope = members["envelope"]
        id, version = envelope["id"], envelope["version"]
        offset_before = self._last.get(envelope["subject_id"])
        self._last[envelope["subject_id"]] = offset
        state_before: Record | None = None
        if offset_before is None:
            if version != 1:
                if self._from_start:
                    told = f"the first version of the row is {version}: earlier ones are missing"
                    self._findings.tampering("V9", told, number, id)
                return
        else:
            before = self._read_again(offset_before)
            if (before["envelope"]["version"] + 1, before["envelope"]["noun"]) != (version, envelope["noun"]):
                told = f"version {version} of the row comes after version {before['envelope']['version']}"
                self._findings.tampering("V9", told, number, id)
                return
            if "body" not in before:
                return
            state_before = before["body"]["state"]
        if "body" in members:
            self._compare(number, id, state_before, members["body"])

    def _compare(self, number: int, id: str, state_before: Record | None, body: Record) -> None:
        patch, state = body["patch"], body["state"]
        if state_before is None and not patch:
            return  # what was not made of an earlier version is told as a whole
        try:
            if not same(applied(state_before, patch), state):
                told = "the version does not follow from the one before by its patch"
                self._findings.tampering("V9", told, number, id)
        except PatchRefused as refused:
            self._findings.tampering("V9", f"its patch does not fit the version before: {refused}", number, id)

    def state(self, number: int, members: Record, settled: bool) -> None:
        """A row as it is now, and whether the entry of its first version must be here. Comes after all entries."""
        self._findings.looked.add("V10")
        id, row = members["id"], members["row"]
        if members["noun"] not in self._states:
            self._findings.tampering("V10", "the bundle does not say that it has rows of this noun", number, id)
            return
        offset = self._last.pop(id, None)
        if offset is None:
            if settled or (self._from_start and self._to_end and row["version"] != 1):
                self._findings.tampering("V10", "the row has no entries, or is told twice", number, id)
            else:
                self._findings.incomplete("V10", "the row has no entries in the bundle", number, id)
            return
        last = self._read_again(offset)
        version = last["envelope"]["version"]
        if last["envelope"]["noun"] != members["noun"] or row["version"] < version:
            told = f"the row is of version {row['version']}, and its last entry of version {version}"
            self._findings.tampering("V10", told, number, id)
        elif row["version"] > version:
            self._findings.incomplete("V10", "the row was changed after the head", number, id)
        elif "body" not in last:
            self._findings.incomplete("V10", "the last version of the row was redacted, or retired", number, id)
        elif not same(row, last["body"]["state"]):
            names = [name for name in row.keys() | last["body"]["state"].keys() if not _same(name, row, last)]
            told = f"the row is not what its last entry says, in: {', '.join(sorted(names))}"
            self._findings.tampering("V10", told, number, id)

    def close(self, cut: bool) -> None:
        """What can be said when all lines were read. Of a bundle that was cut, what is not there proves nothing."""
        for redaction, entries in self._redacted.items():
            self._judge(redaction, entries, cut)
        for retirement, gone in self._retired.items():
            self._judge_retired(self._retirements.get(retirement), gone, cut or retirement in self.unproved)
        if not self._states:
            return
        absent = self._findings.incomplete if cut else self._findings.tampering
        for offset in self._last.values():
            envelope = self._read_again(offset)["envelope"]
            if envelope["noun"] in self._states:
                absent("V10", "the row of this entry is not there", None, envelope["id"])

    def _judge_retired(self, closed: str | None, entries: list[tuple[int, str, str]], missing: bool) -> None:
        for number, log_id, id in entries:
            if closed is None and missing:
                self._findings.incomplete("V2", "there is no proved entry that closed its log", number, id)
            elif closed is None or log_id > closed:
                self._findings.tampering("V2", "it has no body, and no entry says that its log was retired", number, id)

    def _judge(self, redaction: str, entries: list[tuple[int, str]], cut: bool) -> None:
        for number, id in entries:
            named = self._redactions.get(redaction, frozenset())
            if named is None:
                self._findings.incomplete("V2", "the entry that redacted it was redacted itself", number, id)
            elif redaction not in self._redactions and (cut or not self._to_end):
                self._findings.incomplete("V2", "the entry that redacted it is not in the bundle", number, id)
            elif id not in named:
                self._findings.tampering("V2", "it has no body, and no entry says that it was redacted", number, id)


def applied(state: Any, patch: list[Any]) -> Any:
    """A state with a patch (RFC 6902) of what the ledger writes: add, replace and remove. Raises PatchRefused."""
    after = deepcopy(state) if any(str(each.get("path", "")).count("/") > 1 for each in patch if each) else _copy(state)
    for each in patch:
        try:
            after = _with(after, each["op"], each["path"], each)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise PatchRefused(f"{each}"[:100]) from error
    return after


def _copy(state: Any) -> Any:
    return dict(state) if isinstance(state, dict) else state


def _with(document: Any, operation: str, path: str, given: Record) -> Any:
    if operation not in ("add", "replace", "remove"):
        raise ValueError(operation)
    if path == "":
        return _copy(given["value"])
    root, *way = (part.replace("~1", "/").replace("~0", "~") for part in path.split("/"))
    if root:
        raise ValueError(path)
    holder = document
    for part in way[:-1]:
        holder = holder[int(part)] if isinstance(holder, list) else holder[part]
    name: Any = way[-1]
    if isinstance(holder, list):
        if operation == "add":
            holder.insert(len(holder) if name == "-" else _index(name, len(holder)), given["value"])
            return document
        name = _index(name, len(holder) - 1)
    if operation == "remove":
        del holder[name]
    elif operation == "replace" and not isinstance(holder, list) and name not in holder:
        raise KeyError(name)
    else:
        holder[name] = given["value"]
    return document


def _index(text: str, most: int) -> int:
    if not text.isdecimal() or not 0 <= (index := int(text)) <= most:
        raise IndexError(text)
    return index


def _same(name: str, row: Record, last: Record) -> bool:
    state = last["body"]["state"]
    return name in row and name in state and same(row[name], state[name])


def _redacted_by(members: Record) -> frozenset[str] | None:
    """The entries that an approval names, which takes two people; None when it is redacted itself."""
    if "body" not in members:
        return None
    state = members["body"]["state"]
    named = state.get("entries")
    if not isinstance(named, list) or state.get("asked_by") in (None, state.get("approved_by")):
        return frozenset()
    return frozenset(each for each in named if isinstance(each, str))
