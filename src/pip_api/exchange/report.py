"""What became of an import, row by row and in all?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pip_api.db.statements import Record
from pip_api.http.problems import MOST_ERRORS

INDEXES_SHOWN = 20
MOST_GROUPS = 100
LONGEST_NAME = 100  # of a column: a file may call one anything


@dataclass(slots=True)
class Report:
    """Counts that always add up to the rows received, and the problems, the first thousand of them in full."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    received: int = 0
    problems: list[Record] = field(default_factory=list)
    problems_total: int = 0
    groups: dict[tuple[str, str | None], Record] = field(default_factory=dict)

    def fail(self, index: int, line: int, faults: Sequence[Mapping[str, Any]], key: Mapping[str, Any]) -> None:
        """Counts a row as failed, for these reasons. `key` is what identifies the row, as far as it can be read."""
        self.failed += 1
        for each in faults:
            self._add(index, line, each, key)

    def _add(self, index: int, line: int, fault: Mapping[str, Any], key: Mapping[str, Any]) -> None:
        column = fault.get("column")
        column = column and column[:LONGEST_NAME]
        self.problems_total += 1
        if len(self.problems) < MOST_ERRORS:
            problem = {**fault, "column": column, "in": "row", "index": index, "line": line, "natural_key": dict(key)}
            problem["pointer"] = f"#/rows/{index}" + (f"/{column}" if column else "")
            self.problems.append(problem)
        place = fault["code"], column
        if place not in self.groups and len(self.groups) >= MOST_GROUPS:
            place = "other", None
        group = self.groups.setdefault(
            place,
            {"code": place[0], "column": place[1], "severity": "error", "occurrences": 0, "indexes": []},
        )
        group["occurrences"] += 1
        if len(group["indexes"]) < INDEXES_SHOWN:
            group["indexes"].append(index)

    def counts(self) -> Record:
        counts = {"created": self.created, "updated": self.updated, "unchanged": self.unchanged}
        return {**counts, "deleted": 0, "skipped": 0, "failed": self.failed}

    def check(self) -> None:
        """The promise that no row is lost without a word. Raises AssertionError."""
        if sum(self.counts().values()) != self.received:
            raise AssertionError(f"{self.counts()} does not add up to {self.received} rows")
