"""What became of an import, row by row and in all?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field, RootModel

from pip_api.db.statements import Record
from pip_api.http.problems import MOST_ERRORS
from pip_api.kernel.answer_shapes import Fault

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


class RowCounts(BaseModel):
    """What became of the rows."""

    created: int
    updated: int
    unchanged: int
    deleted: int
    skipped: int
    failed: int


class WouldCount(BaseModel):
    """What the good rows would have brought."""

    created: int
    updated: int
    unchanged: int


class ImportedFile(BaseModel):
    """The file as it was received and read."""

    media_type: str
    bytes: int
    sha256: str
    encoding: str
    bom: bool
    delimiter: str | None
    header_line: int | None
    columns: list[str] = Field(description="Our names, in the order of the header; without a header there are none.")
    compressed: bool
    source: str | None


class ProblemGroup(BaseModel):
    """What was wrong with many rows in the same way."""

    code: str
    column: str | None
    severity: str
    occurrences: int
    indexes: list[int] = Field(description="The first rows that had it, counted from 0.")


class NaturalKey(RootModel[dict[str, str]]):
    """What identifies a row, as far as it can be shown: codes and dates."""


class RowProblem(Fault):
    """One thing that was wrong with one row."""

    column: str | None
    index: int = Field(description="The row, counted from 0.")
    line: int = Field(description="The line of the file where the row starts, counted from 1.")
    natural_key: NaturalKey


class ImportLinks(BaseModel):
    """Where the account can be read again; nowhere when nothing was written."""

    self: str | None = None


class ImportSummary(BaseModel):
    """The account of an import. The six counts always add up to `received`."""

    id: UUID
    kind: str
    status: str = Field(description="succeeded, partial or failed")
    committed: bool
    dry_run: bool
    mode: str
    received: int
    counts: RowCounts
    would: WouldCount | None = Field(description="What the good rows would have brought, had none been bad.")
    digest: str | None = Field(
        description="SHA-256 of the rows written, in the order of their keys; in the ledger too."
    )
    input: ImportedFile
    started_at: datetime
    finished_at: datetime
    duration_ms: int
    problem_groups: list[ProblemGroup]
    problems: list[RowProblem]
    problems_total: int
    problems_truncated: bool
    links: ImportLinks
