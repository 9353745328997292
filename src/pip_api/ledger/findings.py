"""What has a verification found, and what does it mean?"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

_MOST: Final = 1000  # findings that are told one by one


class Outcome(IntEnum):
    """The exit codes of `pip-api verify`."""

    GOOD = 0
    TAMPERING = 1
    UNREADABLE = 2
    INCOMPLETE = 3


CHECKS: Final[Mapping[str, str]] = {
    "V1": "lines are canonical",
    "V2": "bodies have their digests, or were redacted or retired",
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


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    outcome: Outcome
    text: str
    line: int | None = None
    entry: str | None = None

    def __str__(self) -> str:
        where = [f"line {self.line}"] if self.line else []
        where += [f"entry {_shown(self.entry)}"] if self.entry else []
        return f"{self.outcome.name.lower():<10}  {self.check:<3}  {', '.join(where) or 'bundle'}: {self.text}"


@dataclass(slots=True)
class Findings:
    """Collects findings, and which checks there was something to look at for."""

    told: list[Finding] = field(default_factory=list)
    counts: Counter[tuple[str, Outcome]] = field(default_factory=Counter)
    looked: set[str] = field(default_factory=set)

    def add(self, check: str, outcome: Outcome, text: str, line: int | None = None, entry: str | None = None) -> None:
        self.counts[check, outcome] += 1
        if len(self.told) < _MOST:
            self.told.append(Finding(check, outcome, text, line, entry))

    def tampering(self, check: str, text: str, line: int | None = None, entry: str | None = None) -> None:
        self.add(check, Outcome.TAMPERING, text, line, entry)

    def incomplete(self, check: str, text: str, line: int | None = None, entry: str | None = None) -> None:
        self.add(check, Outcome.INCOMPLETE, text, line, entry)


@dataclass(frozen=True, slots=True)
class Report:
    findings: Sequence[Finding]
    counts: Mapping[tuple[str, Outcome], int]
    looked: frozenset[str]
    entries: int
    retired: int
    """How many of them have no words any more, because the time of their log is over."""
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
            "findings_in_all": sum(self.counts.values()),
        }

    def text(self) -> str:
        lines = [str(each) for each in self.findings]
        if (more := sum(self.counts.values()) - len(lines)) > 0:
            lines.append(f"and {more:,} more")
        if self.outcome is not Outcome.UNREADABLE:
            lines += [f"{check:<4} {self.of(check):<10}  {meaning}" for check, meaning in CHECKS.items()]
            retired = f", {self.retired:,} of them retired" if self.retired else ""
            lines.append(f"{self.scope}; {self.entries:,} entries{retired} in {self.seconds:.1f} s")
        return "\n".join([*lines, self.outcome.name.lower()])


def _shown(text: str) -> str:
    """What a bundle says of itself, without what would move a terminal's cursor."""
    return text[:64] if text.isprintable() else ascii(text)[:64]
