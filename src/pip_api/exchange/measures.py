"""How does a catalogue of measures come in?"""

import hashlib
from uuid import UUID

from pydantic import TypeAdapter

from pip_api.db.columns import to_json
from pip_api.db.errors import Conflict
from pip_api.exchange.imports import Batches, Good, Kind
from pip_api.exchange.report import Report
from pip_api.http.problems import Problem, fault
from pip_api.kernel.bulk import upsert
from pip_api.kernel.call import Call
from pip_api.resources.measures import MeasureCreate, measures


async def merge(call: Call, batches: Batches, report: Report, import_id: UUID) -> str:
    """Creates the measures whose code is new and changes those that differ, each with a ledger entry of its own."""
    call.require_for("measure:write", None)
    first_line: dict[str, int] = {}
    digest = hashlib.sha256()
    async for batch in batches:
        good: list[Good] = []
        for raw, row in batch:
            code = row.code
            if code in first_line:
                detail = f"The same measure stands in line {first_line[code]} already."
                wrong = {**fault("duplicate_in_request", detail), "column": "code"}
                report.fail(raw.place, raw.line, [wrong], {"code": code})
            else:
                first_line[code] = raw.line
                good.append((raw, row))
        try:
            made = await upsert(measures, call, [row for _, row in good])
        except Conflict as conflict:
            if conflict.kind != "unique":
                raise
            detail = "Another request wrote the same measures. Send it again."
            raise Problem("concurrent_write", detail, headers={"Retry-After": "1"}) from conflict
        for place, wrongs in made.faults.items():
            raw, row = good[place]
            shown = [{**wrong, "column": wrong["pointer"].removeprefix("#/")} for wrong in wrongs]
            report.fail(raw.place, raw.line, shown, {"code": row.code})
        report.created += made.outcomes.count("created")
        report.updated += made.outcomes.count("updated")
        report.unchanged += made.outcomes.count("unchanged")
        for entry in made.entries:
            digest.update(to_json(entry["state"]) + b"\n")
    return digest.hexdigest()


KIND = Kind(
    name="measures",
    permission="measure:write",
    row=TypeAdapter(list[MeasureCreate]),
    columns=dict.fromkeys(MeasureCreate.model_fields, ())
    | {"code": ("measure_code",), "cadence": ("frequency",), "source": ("file",)},
    required=("code", "name", "unit", "cadence"),
    key=("code",),
    merge=merge,
)
