"""Which rows does this uploaded file hold, on which lines, and what in it cannot be read?"""

import csv
import difflib
import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from typing import BinaryIO, NamedTuple

from pip_api.exchange.inflated import BUFFER, Inflated, Unreadable, encoding_of, measure
from pip_api.http.strict_json import MalformedJson, read_json

CSV = "text/csv"
NDJSON = ("application/x-ndjson", "application/ndjson")
DELIMITERS = {",": ",", ";": ";", "tab": "\t", "\t": "\t", "|": "|"}

_LOOKED_AT = 50  # cells of a strange header: likenesses are slow to find, and a header may have 100,000 cells
_CLEAR = r"\N"
_FORMULA = frozenset("=+-@\t\r")  # the export writes an apostrophe before these
_LINE_BREAK = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Input:
    """The file as received. `columns` are our names in the order of the header; without a header there are none."""

    media_type: str
    bytes: int
    sha256: str
    encoding: str
    bom: bool
    delimiter: str | None
    header_line: int | None
    columns: list[str]
    compressed: bool


@dataclass(frozen=True, slots=True)
class RowError:
    code: str
    detail: str
    column: str | None = None


class RawRow(NamedTuple):
    """`place` counts records from 0, `line` is where the record starts, from 1. In a CSV row a column that is left out
    stays as it is, and None clears it. A row with an `error` has no values."""

    place: int
    line: int
    values: dict[str, object]
    error: RowError | None = None


def open_rows(
    file: BinaryIO,
    *,
    media_type: str,
    gzip: bool,
    delimiter: str | None,
    columns: Mapping[str, Sequence[str]],
    required: Collection[str],
    max_inflated_bytes: int,
) -> tuple[Input, Iterator[RawRow]]:
    """`columns` maps each of our names to its aliases. The file is read from its start and stays open.

    Raises Unreadable for what the header shows. The iterator raises it for what comes later, so nothing may be
    committed before the last row is read. Raises ValueError for a media type other than those above.
    """
    kind, charset = _media_type(media_type)
    if kind != CSV and kind not in NDJSON:
        raise ValueError(f"no reader for {kind}")
    size, sha256 = measure(file)
    overlong = "malformed_csv" if kind == CSV else "malformed_json"
    head = Inflated(file, gzip, max_inflated_bytes, overlong).head() if size else b""
    encoding, mark = encoding_of(head, charset)
    if head == mark:
        raise Unreadable("empty_file", "The file is empty.")
    if kind != CSV and encoding != "utf-8":
        raise Unreadable("encoding", "Newline-delimited JSON is UTF-8.", line=1)

    source = Inflated(file, gzip, max_inflated_bytes, overlong)
    stream = io.BufferedReader(source, BUFFER)
    stream.read(len(mark))
    header = _Header(None, None, [])
    if kind == CSV:
        # newline="" keeps the line breaks inside cells as they were sent.
        text = io.TextIOWrapper(stream, encoding=encoding, errors="strict", newline="")
        header = _read_header(text, encoding, delimiter, columns, required)
        rows = _csv_rows(text, source, encoding, header)
    else:
        rows = _ndjson_rows(stream, source)
    summary = Input(
        media_type=kind,
        bytes=size,
        sha256=sha256,
        encoding=encoding,
        bom=bool(mark),
        delimiter=header.delimiter,
        header_line=header.line,
        columns=header.columns,
        compressed=gzip,
    )
    return summary, rows


def _media_type(value: str) -> tuple[str, str | None]:
    message = Message()
    message["Content-Type"] = value
    return message.get_content_type(), message.get_content_charset()


@dataclass(frozen=True, slots=True)
class _Header:
    delimiter: str | None
    line: int | None
    columns: list[str]


def _read_header(
    text: io.TextIOWrapper,
    encoding: str,
    delimiter: str | None,
    columns: Mapping[str, Sequence[str]],
    required: Collection[str],
) -> _Header:
    if delimiter is not None and delimiter not in DELIMITERS:
        detail = "This delimiter is not one of those read."
        raise Unreadable("unknown_delimiter", detail, allowed=[",", ";", "tab", "|"])
    line = 1
    try:
        while not (header := text.readline()).strip():
            if not header:
                raise Unreadable("no_header", "The file holds nothing but blank lines.")
            line += 1
    except UnicodeDecodeError as error:
        raise _not_text(error, encoding, line) from None
    except Unreadable as problem:
        problem.line = line
        raise

    names = {alias.strip().casefold(): name for name, aliases in columns.items() for alias in (name, *aliases)}
    divider, cells = _divide(header, DELIMITERS[delimiter] if delimiter else None, names, line)
    found = [_column(cell, names, columns, line) for cell in cells]
    seen: set[str] = set()
    for name, cell in zip(found, cells, strict=True):
        if name in seen:
            detail = f"The column {name} appears more than once in the header."
            raise Unreadable("duplicate_column", detail, line=line, column=cell)
        seen.add(name)
    for name in columns:
        if name in required and name not in seen:
            detail = f"The column {name} is needed and missing from the header."
            raise Unreadable("missing_column", detail, line=line, column=name)
    return _Header(divider, line, found)


def _divide(header: str, declared: str | None, names: dict[str, str], line: int) -> tuple[str, list[str]]:
    readings: dict[str, list[str]] = {}
    for delimiter in (",", ";", "\t", "|"):
        # A quote that is wrong with this delimiter may be right with another.
        with suppress(csv.Error):
            cells = next(csv.reader([header], delimiter=delimiter, strict=True))
            readings[delimiter] = [cell.strip() for cell in cells]
    known = {delimiter: sum(cell.casefold() in names for cell in cells) for delimiter, cells in readings.items()}
    # The first of equals: a header of one column is read with the comma.
    best = max(readings, key=lambda delimiter: (known[delimiter], len(readings[delimiter])), default=",")
    chosen = declared or best
    if known.get(best) and not known.get(chosen):
        detail = "The header is not divided by the declared delimiter."
        raise Unreadable("unknown_delimiter", detail, line=line, suggestion=best)
    if chosen not in readings:
        detail = "A quote in the header is not closed, or stands in the wrong place."
        raise Unreadable("malformed_csv", detail, line=line)
    cells = readings[chosen]
    if not known[chosen] and not any(_suggest(cell, names) for cell in cells[:_LOOKED_AT]):
        code = "unknown_delimiter" if len(cells) == 1 else "no_header"
        allowed = list(dict.fromkeys(names.values()))
        raise Unreadable(code, "The first line names no column known here.", line=line, allowed=allowed)
    return chosen, cells


def _column(cell: str, names: dict[str, str], columns: Collection[str], line: int) -> str:
    name = names.get(cell.casefold())
    if name is None:
        detail = "The header has a column that is not known here." if cell else "A column of the header has no name."
        suggestion = _suggest(cell, names)
        extras = {"allowed": list(columns), "suggestion": suggestion}
        raise Unreadable("unknown_column", detail, line=line, column=cell[:100], **extras)
    return name


def _suggest(cell: str, names: dict[str, str]) -> str | None:
    close = difflib.get_close_matches(cell[:100].casefold(), names, n=1)
    return names[close[0]] if close else None


def _csv_rows(text: io.TextIOWrapper, source: Inflated, encoding: str, header: _Header) -> Iterator[RawRow]:
    columns = header.columns
    width = len(columns)
    before = header.line or 0
    reader = csv.reader(text, delimiter=header.delimiter or ",", strict=True)
    index = 0
    line = before + 1
    try:
        for cells in reader:
            if len(cells) == width:
                yield _csv_row(index, line, columns, cells)
                index += 1
            elif cells and not (len(cells) == 1 and not cells[0].strip()):
                detail = f"This row has {_count(len(cells), 'cell')}; the header has {_count(width, 'column')}."
                yield RawRow(index, line, {}, RowError("wrong_number_of_cells", detail))
                index += 1
            line = before + reader.line_num + 1
            source.record_start = source.count
    except UnicodeDecodeError as error:
        raise _not_text(error, encoding, before + reader.line_num + 1) from None
    except csv.Error as error:
        detail = f"The record that starts on line {line} is not CSV: {error}."
        raise Unreadable("malformed_csv", detail, line=line) from None
    except Unreadable as problem:
        problem.line = line
        raise


def _csv_row(index: int, line: int, columns: list[str], cells: list[str]) -> RawRow:
    pairs = zip(columns, cells, strict=True)
    values: dict[str, object] = dict(pairs) if all(cells) else {column: cell for column, cell in pairs if cell}
    together = "".join(cells)
    if "\0" in together:
        column = next(column for column, cell in zip(columns, cells, strict=True) if "\0" in cell)
        detail = "The NUL character is not accepted in text."
        return RawRow(index, line, {}, RowError("control_character", detail, column))
    if "'" in together or _CLEAR in together:
        values = {column: _meant(cell) for column, cell in zip(columns, cells, strict=True) if cell}
    return RawRow(index, line, values)


def _meant(cell: str) -> str | None:
    if cell[0] == "'" and cell[1:2] in _FORMULA:
        return cell[1:]
    return None if cell == _CLEAR else cell


def _ndjson_rows(lines: Iterable[bytes], source: Inflated) -> Iterator[RawRow]:
    index = 0
    line = 1
    try:
        for body in lines:
            if not body.isspace():
                yield _ndjson_row(index, line, body)
                index += 1
            line += 1
            source.record_start = source.count
    except Unreadable as problem:
        problem.line = line
        raise


def _ndjson_row(index: int, line: int, body: bytes) -> RawRow:
    try:
        value = read_json(body)
    except MalformedJson as problem:
        if problem.code == "not_utf8":
            raise Unreadable("encoding", f"Line {line} is not UTF-8.", line=line) from None
        if index == 0 and (body.lstrip().startswith(b"[") or body.strip() == b"{"):
            detail = "This is one JSON document over several lines; send one object a line, or application/json."
            raise Unreadable("malformed_json", detail, line=line) from None
        return RawRow(index, line, {}, RowError(problem.code, problem.detail))
    if not isinstance(value, dict):
        return RawRow(index, line, {}, RowError("not_an_object", "Each line holds one JSON object."))
    return RawRow(index, line, dict(value))


def _not_text(error: UnicodeDecodeError, encoding: str, line: int) -> Unreadable:
    """`line` is the first line that the reader had not been given; the damage may be some lines further on."""
    line += len(_LINE_BREAK.findall(error.object[: error.start].decode(encoding)))
    detail = f"Line {line} has bytes that are not {encoding}."
    if encoding == "utf-8":
        detail += " If the file is Windows-1252, say so: text/csv; charset=windows-1252."
    return Unreadable("encoding", detail, line=line)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
