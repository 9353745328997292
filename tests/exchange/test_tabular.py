"""Is every uploaded table read back as it was written, and every fault in one named by its line?"""

import csv
import gzip
import hashlib
import io
import os
import re
import tempfile
import tracemalloc
from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pip_api.exchange.inflated import LONGEST_RECORD, Unreadable
from pip_api.exchange.tabular import Input, RawRow, open_rows

FIGURES: Mapping[str, Sequence[str]] = {
    "force_code": ["force", "Police force"],
    "measure_code": ["measure"],
    "period_start": [],
    "period_end": [],
    "value": ["figure"],
    "unit": [],
}
SHARED_DATA = Path(__file__).parents[3] / "shared" / "data"


def read(
    body: bytes,
    *,
    media_type: str = "text/csv",
    gzipped: bool = False,
    delimiter: str | None = None,
    columns: Mapping[str, Sequence[str]] = FIGURES,
    required: Sequence[str] = (),
    limit: int = 10_000_000,
) -> tuple[Input, list[RawRow]]:
    summary, rows = open_rows(
        io.BytesIO(body),
        media_type=media_type,
        gzip=gzipped,
        delimiter=delimiter,
        columns=columns,
        required=required,
        max_inflated_bytes=limit,
    )
    return summary, list(rows)


def unreadable(body: bytes, **options: object) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        read(body, **options)  # type: ignore[arg-type]
    return caught.value


def shared(name: str) -> Path:
    path = SHARED_DATA / name
    if not path.exists():
        reason = f"{path} is not here: the shared data stands beside the repository"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


# What a good file says


def test_a_plain_file() -> None:
    body = b"force_code,value,unit\r\nkent,61.40,percent\r\n\r\n007,,\\N\r\n"
    summary, rows = read(body)
    assert summary == Input(
        media_type="text/csv",
        bytes=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
        encoding="utf-8",
        bom=False,
        delimiter=",",
        header_line=1,
        columns=["force_code", "value", "unit"],
        compressed=False,
    )
    assert rows == [
        RawRow(0, 2, {"force_code": "kent", "value": "61.40", "unit": "percent"}),
        RawRow(1, 4, {"force_code": "007", "unit": None}),
    ]


def test_excel_writes_a_mark_and_semicolons() -> None:
    summary, rows = read(b"\xef\xbb\xbfForce;Value\r\nkent;61,4\r\n")
    assert (summary.bom, summary.delimiter, summary.columns) == (True, ";", ["force_code", "value"])
    assert rows[0].values == {"force_code": "kent", "value": "61,4"}


def test_only_one_mark_is_stripped() -> None:
    assert unreadable(b"\xef\xbb\xbf\xef\xbb\xbfforce,value\n").code == "unknown_column"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_in_the_header(delimiter: str) -> None:
    summary, rows = read(f"force{delimiter}value\nkent{delimiter}1\n".encode())
    assert summary.delimiter == delimiter
    assert rows[0].values["value"] == "1"


def test_a_declared_delimiter_is_taken_at_its_word() -> None:
    _, rows = read(b"force\tvalue\nx;y\t1", delimiter="tab")
    assert rows[0].values["force_code"] == "x;y"
    problem = unreadable(b"force;value\nkent;1\n", delimiter=",")
    assert (problem.code, problem.line, problem.extras) == ("unknown_delimiter", 1, {"suggestion": ";"})
    assert unreadable(b'"force";"value"\nkent;1\n', delimiter=",").code == "unknown_delimiter"
    assert unreadable(b"force:value\n", delimiter=":").code == "unknown_delimiter"


def test_a_delimiter_that_is_not_read() -> None:
    assert unreadable(b"force_code:measure_code:value\nkent:x:1\n").code == "unknown_delimiter"


def test_header_names_are_trimmed_and_their_case_is_ignored() -> None:
    assert read(b"\n\n  POLICE Force , Figure\n")[0].columns == ["force_code", "value"]


def test_a_header_after_blank_lines() -> None:
    summary, rows = read(b"\n\r\nforce,value\nkent,1\n")
    assert summary.header_line == 3
    assert rows[0].line == 4


def test_a_header_alone_is_no_rows() -> None:
    summary, rows = read(b"force,value")
    assert summary.columns == ["force_code", "value"]
    assert rows == []


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_with_its_mark(encoding: str) -> None:
    summary, rows = read("\ufeffforce\tvalue\nHeddlu Dyfed Powys \u0175\t1\n".encode(encoding))
    assert (summary.encoding, summary.bom) == (encoding, True)
    assert rows[0].values["force_code"] == "Heddlu Dyfed Powys \u0175"


def test_windows_1252_when_declared() -> None:
    summary, rows = read(
        "force,unit\nkent,\u20ac caf\xe9\n".encode("cp1252"), media_type="text/csv; charset=windows-1252"
    )
    assert summary.encoding == "windows-1252"
    assert rows[0].values["unit"] == "\u20ac caf\xe9"


def test_quotes_with_line_breaks_keep_the_line_numbers() -> None:
    body = b'force,unit\r\nkent,"one\r\ntwo\nthree\rfour ""five"""\r\nessex,x\r\n\r\n"su\nrrey",y\r\nkent\r\n'
    _, rows = read(body)
    assert [row.line for row in rows] == [2, 6, 8, 10]
    assert rows[0].values["unit"] == 'one\r\ntwo\nthree\rfour "five"'
    assert rows[3].error is not None


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("'=1+1", "=1+1"),
        ("'-", "-"),
        ("'+44", "+44"),
        ("'@x", "@x"),
        ("-5", "-5"),
        ("=1+1", "=1+1"),
        ("'", "'"),
        ("''=1", "''=1"),
        ("'tis", "'tis"),
        ("O'=", "O'="),
        (" ", " "),
        ("\\N ", "\\N "),
    ],
)
def test_the_apostrophe_of_the_export_is_taken_off(cell: str, value: str) -> None:
    assert read(f"force,unit\nkent,{cell}\n".encode())[1][0].values["unit"] == value


@pytest.mark.parametrize("first", ["\t", "\r"])
def test_the_apostrophe_before_tab_and_return(first: str) -> None:
    assert read(f'force,unit\nkent,"\'{first}x"\n'.encode())[1][0].values["unit"] == f"{first}x"


def test_a_line_of_spaces_is_blank_unless_it_can_be_a_value() -> None:
    _, rows = read(b"force,value\nkent,1\n   \nessex,2\n")
    assert [(row.place, row.line) for row in rows] == [(0, 2), (1, 4)]
    assert [row.values for row in read(b"unit\n  \n")[1]] == [{"unit": "  "}]


def test_a_file_that_was_spooled_to_disk() -> None:
    with tempfile.SpooledTemporaryFile(max_size=100) as file:
        file.write(gzip.compress(PLAIN))
        summary, rows = open_rows(
            file,  # type: ignore[arg-type]  # the type stubs do not call it BinaryIO; Starlette does
            media_type="text/csv",
            gzip=True,
            delimiter=None,
            columns=FIGURES,
            required=[],
            max_inflated_bytes=10_000_000,
        )
        assert len(list(rows)) == 20_000
        assert not file.closed
        assert summary.bytes == file.seek(0, io.SEEK_END)


# Rows that are bad by themselves


def test_ragged_rows_are_bad_one_by_one() -> None:
    _, rows = read(b"force,value\nkent,1\nkent\nkent,1,2\n,\n")
    assert [row.error and row.error.code for row in rows] == [None, *["wrong_number_of_cells"] * 2, None]
    assert [(row.place, row.line) for row in rows] == [(0, 2), (1, 3), (2, 4), (3, 5)]
    assert rows[1].error is not None
    assert rows[1].error.detail == "This row has 1 cell; the header has 2 columns."
    assert rows[1].values == rows[3].values == {}


def test_nul_in_a_cell() -> None:
    _, rows = read(b"force,value\nkent,1\0\nkent,2\n")
    assert rows[0].error is not None
    assert (rows[0].error.code, rows[0].error.column) == ("control_character", "value")
    assert rows[1].values["value"] == "2"


# Files that cannot be read


@pytest.mark.parametrize("media_type", ["text/csv", "application/x-ndjson"])
@pytest.mark.parametrize("body", [b"", b"\xef\xbb\xbf"])
def test_an_empty_file(body: bytes, media_type: str) -> None:
    assert unreadable(body, media_type=media_type).code == "empty_file"
    assert unreadable(gzip.compress(body), gzipped=True, media_type=media_type).code == "empty_file"
    assert unreadable(b"", gzipped=True, media_type=media_type).code == "empty_file"


def test_a_file_without_a_header() -> None:
    problem = unreadable(b"kent,61.4,2026-10\nkent,61.5,2026-11\n")
    assert (problem.code, problem.line) == ("no_header", 1)
    assert unreadable(b"\n\n\n").code == "no_header"


def test_an_unknown_column_with_what_was_probably_meant() -> None:
    problem = unreadable(b"force,valeu\nkent,1\n")
    assert (problem.code, problem.line, problem.column) == ("unknown_column", 1, "valeu")
    assert problem.extras == {"allowed": list(FIGURES), "suggestion": "value"}
    assert unreadable(b"force,value,\nkent,1,\n").code == "unknown_column"


def test_a_column_twice_under_two_names() -> None:
    problem = unreadable(b"\nforce,value,Force_Code\n")
    assert (problem.code, problem.line, problem.column) == ("duplicate_column", 2, "Force_Code")


def test_a_missing_column() -> None:
    problem = unreadable(b"force,unit\nkent,x\n", required=["force_code", "value"])
    assert (problem.code, problem.column) == ("missing_column", "value")


def test_bytes_of_latin_1_are_named_by_their_line() -> None:
    body = b"force,unit\n" + b"kent,percent\n" * 5_000 + b'kent,"two\r\nlines\rcaf\xe9"\n' + b"kent,x\n" * 50
    problem = unreadable(body)
    assert (problem.code, problem.line) == ("encoding", 5_004)
    assert "windows-1252" in problem.detail
    assert unreadable(b"force,caf\xe9\n").line == 1
    assert unreadable(b"\n\nforce,value\ncaf\xe9,1\n").line == 4


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        ("force,value\n".encode("utf-16-le"), "text/csv"),
        ("\ufeffforce,value\n".encode("utf-16"), "application/x-ndjson"),
        (b"force,value\n", "text/csv; charset=iso-8859-1"),
        (b"force,value\nkent,\x81\n", "text/csv; charset=windows-1252"),
        ("\ufeffforce,value\nkent,\ud800\n".encode("utf-16-be", "surrogatepass"), "text/csv"),
        (gzip.compress(b"force,value\n"), "text/csv"),
        (b"PK\x03\x04 a workbook", "text/csv"),
        (b'{"force": "caf\xe9"}\n', "application/x-ndjson"),
    ],
    ids=["no mark", "ndjson", "charset", "undefined", "surrogate", "gzip", "xlsx", "ndjson latin-1"],
)
def test_other_encodings(body: bytes, media_type: str) -> None:
    problem = unreadable(body, media_type=media_type)
    assert problem.code == "encoding"
    assert problem.line is not None


@pytest.mark.parametrize("tail", [b'"never closed,1\n', b'"closed"early,1\n', b'kent,"' + b"x" * 140_000 + b'"\n'])
def test_broken_quotes_are_named_by_the_line_where_the_record_starts(tail: bytes) -> None:
    problem = unreadable(b'force,value\nkent,"1\n2"\n' + tail + b"essex,2\nsurrey,3\n")
    assert (problem.code, problem.line) == ("malformed_csv", 4)


def test_a_broken_quote_in_the_header() -> None:
    assert unreadable(b'"force,value\nkent,1\n').code == "malformed_csv"


@pytest.mark.parametrize(
    ("body", "media_type", "code"),
    [
        (b"force,value\nkent,1\n" + b"x" * 40_000_000, "text/csv", "malformed_csv"),
        (b"force,value\nkent,1\n" + b'"\n",' * 6_000_000, "text/csv", "malformed_csv"),
        (b'{"force": "kent"}\n{"unit": "' + b"x" * 40_000_000, "application/x-ndjson", "malformed_json"),
    ],
    ids=["a line", "cells without end", "a member"],
)
def test_a_record_without_end_does_not_fill_the_memory(body: bytes, media_type: str, code: str) -> None:
    packed = gzip.compress(body, 1)
    del body
    tracemalloc.start()
    problem = unreadable(packed, gzipped=True, media_type=media_type, limit=100_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert problem.code == code
    assert problem.line in (2, 3)
    assert peak < 40 * LONGEST_RECORD


def test_a_header_of_many_strange_columns_is_refused_at_once() -> None:
    assert unreadable(",".join(f"column {n}" for n in range(10_000)).encode()).code in {"no_header", "unknown_column"}


# Compression


PLAIN = b"force,value\n" + b"".join(b"force-%d,%d\n" % (n, n * n * 7919 % 100_003) for n in range(20_000))


def test_gzip_in_one_or_more_members() -> None:
    whole = gzip.compress(PLAIN)
    summary, rows = read(whole, gzipped=True)
    assert (summary.compressed, summary.bytes, len(rows)) == (True, len(whole), 20_000)
    assert summary.sha256 == hashlib.sha256(whole).hexdigest()
    parts = b"".join(gzip.compress(part) for part in (PLAIN[:1], PLAIN[1:2], PLAIN[2:7_001], PLAIN[7_001:]))
    assert read(parts, gzipped=True)[1] == rows == read(PLAIN)[1]
    marked = b"".join(gzip.compress(bytes([byte])) for byte in b"\xef\xbb\xbf") + whole
    assert read(marked, gzipped=True)[0].bom


def test_a_gzip_file_cut_short() -> None:
    whole = gzip.compress(PLAIN)
    problem = unreadable(whole[: len(whole) // 2], gzipped=True)
    assert problem.code == "truncated_gzip"
    assert problem.line is not None
    assert 5_000 < problem.line < 15_000
    assert unreadable(whole[:-4], gzipped=True).code == "truncated_gzip"
    assert unreadable(whole[:-4], gzipped=True).line == 20_002
    assert unreadable(whole[:12], gzipped=True).code == "truncated_gzip"


def test_what_is_not_gzip_or_not_any_more() -> None:
    assert unreadable(PLAIN, gzipped=True).code == "not_gzip"
    whole = bytearray(gzip.compress(PLAIN))
    assert unreadable(bytes(whole) + b"something else", gzipped=True).code == "damaged_gzip"
    whole[-6] ^= 1  # the checksum
    assert unreadable(bytes(whole), gzipped=True).code == "damaged_gzip"


def test_a_bomb_stops_at_the_limit() -> None:
    bomb = gzip.compress(b"force,value\n" + b"kent,1\n" * 5_000_000)
    problem = unreadable(bomb, gzipped=True, limit=100_000)
    assert problem.code == "file_too_large"
    assert problem.extras == {"max_bytes": 100_000}
    assert unreadable(PLAIN, limit=1_000).code == "file_too_large"
    assert read(PLAIN, limit=len(PLAIN))[1]


# Newline-delimited JSON


@pytest.mark.parametrize("media_type", ["application/x-ndjson", "application/ndjson; charset=utf-8"])
def test_ndjson(media_type: str) -> None:
    body = b'\xef\xbb\xbf{"force_code": "kent", "value": 61.40, "unit": null}\r\n\n  \n{"value": 1}'
    summary, rows = read(body, media_type=media_type)
    assert (summary.delimiter, summary.header_line, summary.columns, summary.bom) == (None, None, [], True)
    assert rows == [
        RawRow(0, 1, {"force_code": "kent", "value": Decimal("61.40"), "unit": None}),
        RawRow(1, 4, {"value": 1}),
    ]
    assert str(rows[0].values["value"]) == "61.40"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b'{"value": NaN}', "not_a_number"),
        (b'{"value": 1, "value": 2}', "duplicate_key"),
        (b'{"value": 1', "malformed_json"),
        (b'{"unit": "\\u0000"}', "control_character"),
        (b"[" * 100_000, "json_too_deep"),
        (b"[1, 2]", "not_an_object"),
        (b"null", "not_an_object"),
    ],
)
def test_a_bad_line_of_ndjson_leaves_the_others(line: bytes, code: str) -> None:
    _, rows = read(b'{"value": 1}\n' + line + b'\n{"value": 2}\n', media_type="application/x-ndjson")
    assert [row.error and row.error.code for row in rows] == [None, code, None]
    assert [row.line for row in rows] == [1, 2, 3]


@pytest.mark.parametrize("body", [b'[\n  {"value": 1}\n]', b'[{"value": 1},\n{"value": 2}]', b'{\n  "value": 1\n}\n'])
def test_one_document_over_several_lines_is_not_ndjson(body: bytes) -> None:
    problem = unreadable(body, media_type="application/x-ndjson")
    assert (problem.code, problem.line) == ("malformed_json", 1)


def test_ndjson_cut_short_in_gzip() -> None:
    body = gzip.compress(b"".join(b'{"value": %d}\n' % (n * n) for n in range(5_000)))
    assert unreadable(body[:-300], gzipped=True, media_type="application/x-ndjson").code == "truncated_gzip"


def test_another_media_type_is_the_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="application/pdf"):
        read(b"force\n", media_type="application/pdf")


# Round trip


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12) | st.sampled_from(
    ["", "\\N", "'=1", "=1", "'", "a\r\nb", 'say "no"', "\r", "a;b|c,d\te", "\x0b\x1c\u2028\x85"]
)
TABLE = st.integers(2, 6).flatmap(lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), max_size=8))


def meant(cells: Sequence[str], names: Sequence[str]) -> dict[str, object]:
    values: dict[str, object] = {}
    for name, cell in zip(names, cells, strict=True):
        if cell == "\\N":
            values[name] = None
        elif re.match(r"'[=+\-@\t\r]", cell):
            values[name] = cell[1:]
        elif cell:
            values[name] = cell
    return values


@given(
    table=TABLE,
    delimiter=st.sampled_from(",;\t|"),
    declared=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    gzipped=st.booleans(),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_any_table_is_read_back_as_written(
    table: list[list[str]], delimiter: str, declared: bool, encoding: str, gzipped: bool, quoting: int
) -> None:
    assume(table)
    names = list(FIGURES)[: len(table[0])]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(names)
    lines = []
    for cells in table:
        lines.append(1 + len(re.findall(r"\r\n|\r|\n", text.getvalue())))
        writer.writerow(cells)
    body = text.getvalue().encode(encoding)
    summary, rows = read(
        gzip.compress(body, 1) if gzipped else body, gzipped=gzipped, delimiter=delimiter if declared else None
    )
    assert (summary.columns, summary.delimiter, summary.bom) == (names, delimiter, encoding != "utf-8")
    assert rows == [
        RawRow(index, line, meant(cells, names)) for index, (line, cells) in enumerate(zip(lines, table, strict=True))
    ]


@given(st.binary(max_size=60), st.sampled_from(["text/csv", "application/x-ndjson"]), st.booleans())
def test_any_bytes_are_read_or_refused(body: bytes, media_type: str, gzipped: bool) -> None:
    for content in (body, b"force,value\n" + body):
        with suppress(Unreadable):
            read(content, media_type=media_type, gzipped=gzipped)
            read(gzip.compress(content, 1), media_type=media_type, gzipped=True)


# The real thing


def test_a_quarter_of_a_million_outcomes_in_flat_memory() -> None:
    body = shared("outcomes_2018_19_quarterly_full.csv.gz")
    with body.open("rb") as file:
        summary, rows = open_rows(
            file,
            media_type="text/csv",
            gzip=True,
            delimiter=None,
            columns=FIGURES,
            required=list(FIGURES),
            max_inflated_bytes=50_000_000,
        )
        tracemalloc.start()
        count = 0
        for row in rows:
            assert row.error is None
            count += 1
            if count == 50_000:  # tracing is slow, and what grows has grown by now
                peak = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
    assert count == 253_588
    assert row.line == 253_589
    assert summary.columns == list(FIGURES)
    assert peak < 2_000_000


def test_the_list_of_forces_as_excel_would_save_it() -> None:
    text = shared("forces.csv").read_text()
    table = list(csv.DictReader(io.StringIO(text)))
    columns: dict[str, list[str]] = {name: [] for name in table[0]}
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, delimiter=";")
    writer.writeheader()
    writer.writerows(table)
    summary, rows = read(out.getvalue().encode("utf-8-sig"), columns=columns)
    assert summary.delimiter == ";"
    assert [row.values for row in rows] == [{name: cell for name, cell in row.items() if cell} for row in table]
