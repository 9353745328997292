"""How is a whole file taken in: read as a stream, checked row by row, written in one transaction, and accounted for?"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Integer, bindparam, or_, select

from pip_api.access.principals import Principal
from pip_api.db.columns import Uid
from pip_api.db.statements import Record, Statement, column_of
from pip_api.exchange.inflated import Unreadable
from pip_api.exchange.report import ImportSummary, Report
from pip_api.exchange.tabular import CSV, NDJSON, Input, RawRow, open_rows
from pip_api.http.problems import MOST_ERRORS, Problem, bad_parameter, fault
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.document import REASON, Operation, path_parameter, query
from pip_api.kernel.validation import faults
from pip_api.ledger import entries
from pip_api.ledger.entries import LedgerEntry

BATCH = 1_000  # quicker than more: what was read of a row is still in the processor's cache when it is written
MODES = ("atomic", "per_row")
DELIMITERS = (",", ";", "tab", "|")
LONGEST_SOURCE = 200
_ONE_LINE = re.compile(r"^[^\x00-\x1f\x7f]*$")
SAMPLE = """\
force_code,measure_code,period_start,period_end,value,unit
avon-and-somerset,answered-in-time,2026-10-01,2026-10-31,61.4,percent
"""

Good = tuple[RawRow, Any]
"""A row as it was read, and as its shape makes it."""
Batches = AsyncIterator[list[Good]]
Merge = Callable[[Call, Batches, Report, UUID], Awaitable[str]]


@dataclass(frozen=True)
class Kind:
    """What can be imported. `merge` writes the good rows, counts them in the report, and gives a digest of them."""

    name: str
    permission: str
    row: TypeAdapter[Any]
    columns: Mapping[str, Sequence[str]]
    required: Sequence[str]
    key: Sequence[str]
    merge: Merge


def operations(kinds: Mapping[str, Kind]) -> list[Operation]:
    """The routes of imports, for the kinds that there are."""

    def admit(by: Principal, asked: Mapping[str, str]) -> None:
        _require_choices(asked, {"mode": MODES, "delimiter": DELIMITERS, "kind": sorted(kinds)})
        if "kind" not in asked:
            detail = "'kind' is needed: it says what the rows are."
            raise Problem("invalid_parameter", detail, errors=[fault("required", detail, "query", parameter="kind")])
        by.require(kinds[asked["kind"]].permission)

    async def create(call: Call) -> Answer:
        """Takes a file in. 200 when every row is in, 207 when some are; 422 means that nothing was written."""
        return await run_import(call, kinds[call.query["kind"]])

    return [
        Operation(
            "POST", "/v1/imports", "createImport", "imports", "Import a file", "import:run", create,
            {200: ImportSummary, 207: ImportSummary},
            [
                query("kind", "What the rows are.", {"type": "string", "enum": sorted(kinds)}) | {"required": True},
                query("mode", "All rows or none, or each that is good.",
                      {"type": "string", "enum": list(MODES), "default": "atomic"}),
                query("delimiter", "What stands between the cells, if it is not to be found out.",
                      {"type": "string", "enum": list(DELIMITERS)}),
                query("source", "The system that the file comes from; of a figure whose row names none too.",
                      {"type": "string", "minLength": 1, "maxLength": LONGEST_SOURCE, "pattern": _ONE_LINE.pattern}),
                REASON,
            ],
            accepts=(CSV, *NDJSON), upload=True, admit=admit, sends=["Location"], sample=SAMPLE,
        ),
        Operation(
            "GET", "/v1/imports/{id}", "getImport", "imports", "Read the account of an import", "import:run",
            get_import, {200: ImportSummary}, [path_parameter("id", "The id of the import.")],
        ),
    ]  # fmt: skip


def _require_choices(asked: Mapping[str, str], choices: Mapping[str, Sequence[str]]) -> None:
    """Raises 400 when a parameter was sent that is none of its choices, or a source that is no line of text."""
    for name, allowed in choices.items():
        if asked.get(name, allowed[0]) not in allowed:
            raise bad_parameter(name, f"'{name}' must be one of: {' '.join(allowed)}", allowed=list(allowed))
    source = asked.get("source", "")
    if not _ONE_LINE.fullmatch(source):
        raise bad_parameter("source", "'source' is one line, without control characters.")


async def run_import(call: Call, kind: Kind) -> Answer:
    """Takes a file in. 200 when every row is in, 207 when some are; 422 means that nothing was written."""
    upload = call.upload
    if upload is None:
        raise ValueError("an import needs an upload")
    id, mode, report = call.new_id(), call.query.get("mode", "atomic"), Report()
    try:
        opened, rows = await asyncio.to_thread(
            open_rows,
            upload.file,
            media_type=upload.media_type,
            gzip=upload.gzip,
            delimiter=call.query.get("delimiter"),
            columns=kind.columns,
            required=kind.required,
            max_inflated_bytes=call.services.settings.max_import_inflated_bytes,
        )
        digest = await kind.merge(call, _batches(rows, kind, report), report, id)
    except Unreadable as error:
        raise _unreadable(error) from error
    report.check()
    refused = report.failed > 0 and (mode == "atomic" or report.failed == report.received)
    summary = _summary(call, id, kind, mode, report, opened, None if refused else digest)
    if refused:
        detail = f"Rows with problems: {report.failed} of {report.received}. Nothing was written."
        # A problem's status is a number; and what was refused is kept nowhere, so it has no id.
        account = {name: value for name, value in summary.items() if name not in ("id", "status", "links")}
        raise Problem("import_failed", detail, extra=account)
    await call.record(_noted(call, id, summary))
    return Answer(207 if report.failed else 200, summary, {"Location": summary["links"]["self"]})


async def _batches(rows: Iterator[RawRow], kind: Kind, report: Report) -> Batches:
    """The good rows in batches, read and checked in a thread so that other requests go on being answered."""
    while (good := await asyncio.to_thread(_next_batch, rows, kind, report)) is not None:
        yield good


def _next_batch(rows: Iterator[RawRow], kind: Kind, report: Report) -> list[Good] | None:
    """The good rows of the next batch, or None when there is no next one."""
    batch = list(islice(rows, BATCH))
    if not batch:
        return None
    report.received += len(batch)
    readable = [raw for raw in batch if raw.error is None]
    bad: dict[int, list[Record]] = {}
    try:
        checked = kind.row.validate_python([raw.values for raw in readable])
    except ValidationError as error:
        for each in faults(error, kind.columns):
            place, _, column = each.pop("pointer").removeprefix("#/").partition("/")
            bad.setdefault(int(place), []).append({**each, "column": column or _missing_column(each)})
        checked = kind.row.validate_python([raw.values for i, raw in enumerate(readable) if i not in bad])
    for raw in batch:
        if raw.error is not None:
            wrong = {**fault(raw.error.code, raw.error.detail, "row"), "column": raw.error.column}
            report.fail(raw.place, raw.line, [wrong], {})
    for i, wrongs in bad.items():
        report.fail(readable[i].place, readable[i].line, wrongs, natural_key(kind.key, readable[i].values))
    kept = [raw for i, raw in enumerate(readable) if i not in bad] if bad else readable
    return list(zip(kept, checked, strict=True))


def _missing_column(each: Record) -> str | None:
    return str(each["detail"].split("'")[1]) if each["code"] == "required" else None


def natural_key(key: Sequence[str], values: Mapping[str, Any]) -> Record:
    """What identifies a row, as far as it can be shown: codes and dates, never free text."""
    return {name: str(values[name]) for name in key if len(str(values.get(name, "-"))) <= 100 and name in values}


def _unreadable(error: Unreadable) -> Problem:
    members: Record = {"line": error.line, "column": error.column, **error.extras}
    shown = {name: value for name, value in members.items() if value is not None}
    return Problem(
        "import_failed", error.detail, errors=[fault(error.code, error.detail, **shown)], extra={"committed": False}
    )


def _summary(call: Call, id: UUID, kind: Kind, mode: str, report: Report, opened: Input, digest: str | None) -> Record:
    finished = call.services.clock()
    committed = digest is not None
    counts = report.counts()
    nothing = {**dict.fromkeys(counts, 0), "failed": report.failed, "skipped": report.received - report.failed}
    return {
        "id": str(id),
        "kind": kind.name,
        "status": "failed" if not committed else "partial" if report.failed else "succeeded",
        "committed": committed and not call.rehearsed,
        "dry_run": call.rehearsed,
        "mode": mode,
        "received": report.received,
        "counts": counts if committed else nothing,
        "would": None if committed else {name: counts[name] for name in ("created", "updated", "unchanged")},
        "digest": digest,
        "input": {**asdict(opened), "source": call.query.get("source")},
        "started_at": call.now,
        "finished_at": finished,
        "duration_ms": round((finished - call.now).total_seconds() * 1_000),
        "problem_groups": list(report.groups.values()),
        "problems": sorted(report.problems, key=lambda problem: int(problem["index"])),
        "problems_total": report.problems_total,
        "problems_truncated": report.problems_total > MOST_ERRORS,
        "links": {"self": f"/v1/imports/{id}"} if committed else {},
    }


def _noted(call: Call, id: UUID, summary: Record) -> Record:
    return entries.entry(
        call.occasion(),
        id=id,
        act="import.completed",
        subject_id=id,
        subject_ref=summary["kind"],
        version=1,
        force_code=None,
        state=summary,
        patch=[],
    )


_ACCOUNT = Statement(
    select(column_of(LedgerEntry, "state")).where(
        column_of(LedgerEntry, "subject_id") == bindparam("id", type_=Uid()),
        column_of(LedgerEntry, "act") == "import.completed",
        column_of(LedgerEntry, "retired_by").is_(None),
        or_(
            column_of(LedgerEntry, "actor_id") == bindparam("by", type_=Uid()),
            bindparam("national", type_=Integer()) == 1,
        ),
    )
)


async def get_import(call: Call) -> Answer:
    """The account of an import, for who ran it and for national callers."""
    try:
        id = UUID(call.path["id"])
    except ValueError:
        raise Problem("not_found", "There is no import with this id.") from None
    national = int(call.by.held.holds("import:run", None))
    found = await call.session.one(_ACCOUNT, id=id, by=call.by.id, national=national)
    if found is None:
        raise Problem("not_found", "There is no import with this id.")
    return Answer(200, found["state"])
