"""How do the tests send a file?"""

import csv
import gzip
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import httpx

from tests.service import Record

COLUMNS = ("force_code", "measure_code", "period_start", "period_end", "value", "unit")
Row = Mapping[str, str]


def written(rows: Iterable[Row], columns: Sequence[str] = COLUMNS, delimiter: str = ",") -> bytes:
    """Rows as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


async def send(
    caller: httpx.AsyncClient, body: bytes, kind: str = "figures", *, media_type: str = "text/csv", **query: str
) -> httpx.Response:
    """The answer to an import; what looks like gzip is declared so."""
    headers = {"Content-Type": media_type}
    if body.startswith(b"\x1f\x8b"):
        headers["Content-Encoding"] = "gzip"
    return await caller.post("/v1/imports", params={"kind": kind, **query}, content=body, headers=headers)


async def imported(caller: httpx.AsyncClient, body: bytes, kind: str = "figures", **query: str) -> Record:
    """The account of an import that went in whole."""
    answer = await send(caller, body, kind, **query)
    assert answer.status_code == 200, answer.text[:2_000]
    account: Record = answer.json()
    return account


def counted(**counts: int) -> dict[str, int]:
    """All six counts, of which these are not 0."""
    return dict.fromkeys(("created", "updated", "unchanged", "deleted", "skipped", "failed"), 0) | counts


def digest_of(rows: Iterable[Row], revision: int = 1, source: str = "") -> str:
    """What the ledger should keep of rows that have a number only, worked out from the file."""
    made = hashlib.sha256()
    for row in sorted(rows, key=lambda row: [row[name] for name in COLUMNS[:4]]):
        value = format(Decimal(row["value"]).normalize(), "f")
        cells = [
            *(row[name] for name in COLUMNS[:2]),
            "",
            *(row[name] for name in COLUMNS[2:4]),
            str(revision),
            value,
            "",
            "",
            "final",
            "",
            source,
            "",
        ]
        made.update(("\t".join(cells) + "\n").encode())
    return made.hexdigest()


def packed(body: bytes) -> bytes:
    return gzip.compress(body, compresslevel=1, mtime=0)
