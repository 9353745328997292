"""What has a verification found, and what does it mean?"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

_MOST: Final = 1000  # findings that are told one by one
_MOST_ALIKE: Final = 10  # of those with one text


class Outcome(IntEnum):
    """The exit codes of `pip-api verify`."""

    GOOD = 0
    TAMPERING = 1
    UNREADABLE = 2
    INCOMPLETE = 3


CHECKS: Final[Mapping[str, str]] = {
    "V1": "lines are canonical",
    "V2": "bodies have their digests, or were redacted, retired or withheld",
    "V3": "leaves are those of their envelopes",
    "V4": "entries are in the tree of the head",
    "V5": "heads are signed by known keys",
    "V6": "heads are consistent, with the kept head too",
    "V7": "nothing is missing, added or out of order",
    "V8": "heads go forward",
    "V9": "versions follow from one another",
    "V10": "rows are as their last versions say",
    "V11": "changes name who made them, in which request",
    "V12": "entries were sealed in time",
    "V13": "witnesses saw the same tree",
}


WHERE_KEYS_ARE: Final = (
    "; the service publishes its keys at /v1/audit-log/keys: get them again, and compare them with what the operator "
    "publishes in another way; a key that stands nowhere is a forger's"
)


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    outcome: Outcome
    text: str
    line: int | None = None
    entry: str | None = None
    more: int = 0
    """Of how many further ones it tells, which are not told one by one."""

    def __str__(self) -> str:
        where = [f"line {self.line}"] if self.line else []
        where += [f"entry {printable(self.entry, 64)}"] if self.entry else []
        where = [f"and {self.more:,} more"] if self.more else where
        return f"{self.outcome.name.lower():<10}  {self.check:<3}  {', '.join(where) or 'bundle'}: {self.text}"


@dataclass(slots=True)
class Findings:
    """Collects findings, and which checks there was something to look at for."""

    told: list[Finding] = field(default_factory=list)
    alike: Counter[tuple[str, Outcome, str]] = field(default_factory=Counter)
    """How often the same was found, of all that is told at least once."""
    counts: Counter[tuple[str, Outcome]] = field(default_factory=Counter)
    looked: set[str] = field(default_factory=set)
    unchecked: set[tuple[str, int]] = field(default_factory=set)
    """Logs and sizes of the heads that are there, and whose keys are not."""
    asked_for: set[str] = field(default_factory=set)
    """Keys of which was said where they are."""

    def add(self, check: str, outcome: Outcome, text: str, line: int | None = None, entry: str | None = None) -> None:
        self.counts[check, outcome] += 1
        if (check, outcome, text) not in self.alike and len(self.told) >= _MOST:
            return
        self.alike[check, outcome, text] += 1
        if self.alike[check, outcome, text] <= _MOST_ALIKE and len(self.told) < _MOST:
            self.told.append(Finding(check, outcome, text, line, entry))

    def tampering(self, check: str, text: str, line: int | None = None, entry: str | None = None) -> None:
        self.add(check, Outcome.TAMPERING, text, line, entry)

    def incomplete(self, check: str, text: str, line: int | None = None, entry: str | None = None) -> None:
        self.add(check, Outcome.INCOMPLETE, text, line, entry)


@dataclass(frozen=True, slots=True)
class Report:
    findings: Sequence[Finding]
    counts: Mapping[tuple[str, Outcome], int]
    alike: Mapping[tuple[str, Outcome, str], int]
    looked: frozenset[str]
    entries: int
    retired: int
    """How many of them have no words any more, because the time of their log is over."""
    withheld: int
    """How many of them say only that there was something of a single person, which the reader may not know."""
    scope: str
    """What the bundle covers, in words."""
    seconds: float

    @property
    def outcome(self) -> Outcome:
        found = {outcome for _, outcome in self.counts}
        for worst in (Outcome.UNREADABLE, Outcome.TAMPERING, Outcome.INCOMPLETE):
            if worst in found:
                return worst
        return Outcome.GOOD

    def of(self, check: str) -> str:
        """What came of one check, in a word or two."""
        for outcome in (Outcome.TAMPERING, Outcome.INCOMPLETE):
            if (check, outcome) in self.counts:
                return outcome.name.lower()
        return "good" if check in self.looked else "not asked"

    def document(self) -> dict[str, Any]:
        return {
            "outcome": self.outcome.name.lower(),
            "exit_code": int(self.outcome),
            "scope": self.scope,
            "entries": self.entries,
            "retired": self.retired,
            "withheld": self.withheld,
            "seconds": round(self.seconds, 3),
            "checks": {check: self.of(check) for check in CHECKS},
            "findings": [
                {
                    "check": each.check,
                    "outcome": each.outcome.name.lower(),
                    "line": each.line,
                    "entry": each.entry,
                    "text": each.text,
                }
                for each in self.findings
            ],
            "alike": [
                {"check": check, "outcome": outcome.name.lower(), "text": text, "count": count}
                for (check, outcome, text), count in self.alike.items()
                if count > _MOST_ALIKE
            ],
            "findings_in_all": sum(self.counts.values()),
        }

    def text(self) -> str:
        shown = Counter((each.check, each.outcome, each.text) for each in self.findings)
        lines = [str(each) for each in self.findings]
        for (check, outcome, text), count in self.alike.items():
            if (more := count - shown[check, outcome, text]) > 0:
                lines.append(str(Finding(check, outcome, text, more=more)))
        if (more := sum(self.counts.values()) - sum(self.alike.values())) > 0:
            lines.append(f"and {more:,} more")
        if self.outcome is not Outcome.UNREADABLE:
            lines += [f"{check:<4} {self.of(check):<10}  {meaning}" for check, meaning in CHECKS.items()]
            retired = f", {self.retired:,} of them retired" if self.retired else ""
            withheld = f", {self.withheld:,} of them withheld" if self.withheld else ""
            lines.append(f"{self.scope}; {self.entries:,} entries{retired}{withheld} in {self.seconds:.1f} s")
        return "\n".join([*lines, self.outcome.name.lower()])


def printable(text: str, most: int) -> str:
    """What a file says of itself, without what would move a terminal's cursor."""
    return text[:most] if text.isprintable() else ascii(text)[:most]
