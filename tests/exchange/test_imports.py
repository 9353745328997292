"""Is every file taken in whole, or refused with the line and the reason of each fault, and all of it accounted for?"""

import asyncio
import json
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.exchange.files import COLUMNS, counted, digest_of, imported, packed, send, written
from tests.plans import AVON, DEVON, MEASURE, ONE, made, put
from tests.service import Record, Service, codes, refused

CODE = "answered-in-time"
GOOD = dict(zip(COLUMNS, (AVON, CODE, "2026-10-01", "2026-10-31", "61.40", "percent"), strict=True))


def row(**other: str) -> dict[str, str]:
    return GOOD | other


def month(number: int, **other: str) -> dict[str, str]:
    return row(period_start=f"2026-{number:02}-01", period_end=f"2026-{number:02}-28", **other)


@pytest.fixture
async def lead(service: Service, admin: httpx.AsyncClient) -> httpx.AsyncClient:
    """The lead of a force; there is one measure."""
    await made(admin, "/v1/measures", **MEASURE)
    return await service.caller("force_lead", f"force:{AVON}")


async def held(caller: httpx.AsyncClient) -> list[tuple[str, str, str]]:
    """Force, first day and digits of every figure."""
    items = json.loads((await caller.get("/v1/figures?limit=500")).content, parse_float=str)["items"]
    return [(each["force_code"], each["period_start"], str(each["value"])) for each in items]


def faults(document: Record) -> list[tuple[int, str | None, str]]:
    """Line, column and code of each problem."""
    return [(each["line"], each["column"], each["code"]) for each in document["problems"]]


async def test_an_import_is_accounted_for_and_can_be_read_again(service: Service, lead: httpx.AsyncClient) -> None:
    body = packed(written([month(9), month(10, value="-3")]))
    answer = await send(lead, body, source="mart 2026-11-20", reason="Monthly return")
    assert answer.status_code == 200, answer.text
    account = answer.json()
    assert (account["kind"], account["status"], account["mode"]) == ("figures", "succeeded", "atomic")
    assert (account["committed"], account["received"], account["would"]) == (True, 2, None)
    assert account["counts"] == counted(created=2)
    assert account["digest"] == digest_of([month(9), month(10, value="-3")], source="mart 2026-11-20")
    assert account["input"]["columns"] == list(COLUMNS)
    assert account["input"]["compressed"] is True
    assert account["input"]["source"] == "mart 2026-11-20"
    assert (account["problems"], account["problems_total"], account["problem_groups"]) == ([], 0, [])
    assert answer.headers["location"] == account["links"]["self"] == f"/v1/imports/{account['id']}"
    assert (await lead.get(answer.headers["location"])).json() == account
    assert (await (await service.caller("national_admin")).get(answer.headers["location"])).json() == account
    other = await service.caller("force_lead", f"force:{AVON}")
    refused(await other.get(answer.headers["location"]), 404, "not_found")
    assert await held(lead) == [(AVON, "2026-09-01", "61.40"), (AVON, "2026-10-01", "-3")]


async def test_the_same_again_is_unchanged_and_other_numbers_are_revisions(lead: httpx.AsyncClient) -> None:
    first = written([month(8), month(9)])
    await imported(lead, first)
    assert (await imported(lead, first))["counts"] == counted(unchanged=2)
    assert (await imported(lead, written([month(8, value="61.4"), month(9)])))["counts"] == counted(unchanged=2)
    second = written([month(8, value="7"), month(9), month(10)])
    assert (await imported(lead, second))["counts"] == counted(created=1, updated=1, unchanged=1)
    path = ONE.format(AVON, CODE, "2026-08-01..2026-08-28")
    assert [each["revision"] for each in (await lead.get(f"{path}/revisions")).json()["items"]] == [2, 1]


async def test_a_cell_left_empty_leaves_what_was_there(lead: httpx.AsyncClient) -> None:
    place = ONE.format(AVON, CODE, "2026-10")
    await lead.put(place, json={"value": 1, "numerator": 614, "narrative": "Provisional.", "status": "provisional"})
    columns = (*COLUMNS, "numerator", "denominator", "narrative", "status")
    body = written([row(value="2", narrative="'=1+1", status="final", denominator="1000")], columns)
    await imported(lead, body)
    read = (await lead.get(place)).json()
    assert (read["numerator"], read["denominator"], read["status"]) == (614, 1000, "final")
    assert (read["revision"], read["narrative"]) == (2, "=1+1")


async def test_rows_may_come_as_objects_of_json(lead: httpx.AsyncClient) -> None:
    lines = [json.dumps(month(9) | {"value": 61}), json.dumps(month(10))]
    body = "\n".join([*lines, '{"value": NaN}', '{"value": 1e400}', ""]).encode()
    answer = await send(lead, body, media_type="application/x-ndjson", mode="per_row")
    assert answer.status_code == 207, answer.text
    account = answer.json()
    assert account["counts"] == counted(created=2, failed=2)
    assert faults(account) == [(3, None, "not_a_number"), (4, None, "number_out_of_range")]
    assert await held(lead) == [(AVON, "2026-09-01", "61"), (AVON, "2026-10-01", "61.40")]


async def test_a_figure_keeps_where_it_comes_from(lead: httpx.AsyncClient) -> None:
    place = ONE.format(AVON, CODE, "2026-10")
    await lead.put(place, json={"value": 1, "source_system": "mart", "source_run": "7"})
    await imported(lead, written([row(value="2")]))
    assert [(await lead.get(place)).json()[name] for name in ("source_system", "source_run")] == ["mart", "7"]
    await imported(lead, written([row(value="3")]), source="BT_01")
    assert (await lead.get(place)).json()["source_system"] == "BT_01"
    await imported(lead, written([row(value="4", source_system="own")], (*COLUMNS, "source_system")), source="BT_01")
    assert (await lead.get(place)).json()["source_system"] == "own"
    refused(await send(lead, b"x", source="x" * 201), 400, "invalid_parameter")


async def test_what_a_file_calls_its_columns_does_not_fill_the_account(lead: httpx.AsyncClient) -> None:
    lines = [json.dumps({f"{'long ' * 200}{place}-{turn}": 1 for turn in range(3)}) for place in range(2_000)]
    answer = await send(lead, "\n".join(lines).encode(), media_type="application/x-ndjson", mode="per_row")
    account = refused(answer, 422, "import_failed")
    assert (account["received"], account["counts"]["failed"]) == (2_000, 2_000)
    assert len(account["problem_groups"]) <= 101
    assert sum(each["occurrences"] for each in account["problem_groups"]) == account["problems_total"]
    assert len(answer.content) < 2_000_000


async def test_others_write_while_a_file_is_read(service: Service, lead: httpx.AsyncClient) -> None:
    """On SQLite too, where only one transaction writes at a time."""
    many = written([row(measure_code="gossip") for _ in range(20_000)])
    sending = asyncio.create_task(send(lead, many, mode="per_row"))
    answers: list[httpx.Response] = []
    while not sending.done():
        answers.append(await put(lead, (AVON, CODE, "2026-10"), str(len(answers))))
    assert {each.status_code for each in answers} <= {200, 201}
    assert len(answers) > 3
    refused(await sending, 422, "import_failed")


FAULTY: list[tuple[dict[str, str], str, str, str | None]] = [
    ({"value": "NaN"}, "value", "decimal_parsing", None),
    ({"value": "Infinity"}, "value", "decimal_parsing", None),
    ({"value": "-inf"}, "value", "decimal_parsing", None),
    ({"value": "1e400"}, "value", "decimal_parsing", None),
    ({"value": "1,234"}, "value", "decimal_parsing", None),
    ({"value": "61%"}, "value", "decimal_parsing", None),
    ({"value": "1234567890123456"}, "value", "decimal_digits", None),
    ({"value": ""}, "value", "required", None),
    ({"value": r"\N"}, "value", "decimal_type", None),
    ({"period_start": "2026-11-01"}, "period_end", "ends_before_start", "FIG-005"),
    ({"period_end": "31/10/2026"}, "period_end", "date_parsing", None),
    ({"period_end": "2026-10-32"}, "period_end", "date_parsing", None),
    ({"period_end": "2026-10-31T00:00:00"}, "period_end", "date_parsing", None),
    ({"unit": "count"}, "unit", "wrong_unit", "FIG-004"),
    ({"measure_code": "gossip"}, "measure_code", "unknown_reference", "FIG-003"),
    ({"force_code": "camelot"}, "force_code", "unknown_reference", "FIG-002"),
    ({"force_code": DEVON}, "force_code", "unknown_reference", "FIG-002"),
    ({"force_code": ""}, "force_code", "required", None),
    ({"period_start": "2026-12-01", "period_end": "2026-12-31"}, "period_start", "in_the_future", "FIG-001"),
]


async def test_each_fault_is_named_by_its_line_column_and_reason(lead: httpx.AsyncClient) -> None:
    rows = [month(1), *(row(**other) for other, *_ in FAULTY), month(2)]
    document = refused(await send(lead, written(rows)), 422, "import_failed")
    assert faults(document) == [(line, column, code) for line, (_, column, code, _) in enumerate(FAULTY, start=3)]
    assert [each.get("rule") for each in document["problems"]] == [rule for *_, rule in FAULTY]
    assert [each["index"] for each in document["problems"]] == list(range(1, len(FAULTY) + 1))
    assert document["problems"][0]["pointer"] == "#/rows/1/value"
    assert document["problems"][0]["natural_key"] == {name: GOOD[name] for name in COLUMNS[:4]}
    assert document["counts"] == counted(skipped=2, failed=len(FAULTY))
    assert (document["committed"], document["would"]) == (False, {"created": 2, "updated": 0, "unchanged": 0})
    groups = {(each["code"], each["column"]): each["indexes"] for each in document["problem_groups"]}
    assert groups["unknown_reference", "force_code"] == [16, 17]
    outside, unknown = (each["detail"] for each in document["problems"] if each["index"] in (16, 17))
    assert outside == unknown
    assert "61%" not in json.dumps(document)
    assert await held(lead) == []


async def test_a_row_with_several_faults_fails_once(lead: httpx.AsyncClient) -> None:
    wrong = row(force_code="camelot", measure_code="gossip", period_end="2026-09-30")
    document = refused(await send(lead, written([month(1), wrong])), 422, "import_failed")
    assert document["counts"] == counted(skipped=1, failed=1)
    columns = ["force_code", "measure_code", "period_end"]
    assert [column for _, column, _ in faults(document)] == columns
    assert document["problems_total"] == 3


async def test_rows_for_the_same_figure_name_each_other(lead: httpx.AsyncClient) -> None:
    rows = [month(1), month(2), month(1), month(1, value="9")]
    document = refused(await send(lead, written(rows)), 422, "import_failed")
    assert [(each["line"], each["other_line"], each["code"]) for each in document["problems"]] == [
        (4, 2, "duplicate_in_request"),
        (5, 2, "duplicate_in_request"),
    ]
    assert document["counts"] == counted(skipped=2, failed=2)
    assert await held(lead) == []
    account = (await send(lead, written(rows), mode="per_row")).json()
    assert account["counts"] == counted(created=2, failed=2)
    assert await held(lead) == [(AVON, "2026-01-01", "61.40"), (AVON, "2026-02-01", "61.40")]


async def test_row_by_row_takes_what_is_good_and_says_what_is_not(lead: httpx.AsyncClient) -> None:
    await imported(lead, written([month(1), month(2)]))
    rows = [month(1), month(2, value="7"), month(3), month(4, value="x"), row(force_code="camelot")]
    answer = await send(lead, written(rows), mode="per_row")
    assert answer.status_code == 207, answer.text
    account = answer.json()
    assert (account["status"], account["committed"], account["received"]) == ("partial", True, 5)
    assert account["counts"] == counted(created=1, updated=1, unchanged=1, failed=2)
    assert faults(account) == [(5, "value", "decimal_parsing"), (6, "force_code", "unknown_reference")]
    assert [value for *_, value in await held(lead)] == ["61.40", "7", "61.40"]
    assert (await lead.get(answer.headers["location"])).json() == account

    document = refused(await send(lead, written(rows[3:]), mode="per_row"), 422, "import_failed")
    assert (document["committed"], document["counts"]) == (False, counted(failed=2))
    assert [value for *_, value in await held(lead)] == ["61.40", "7", "61.40"]


async def test_a_spreadsheets_way_of_writing_is_read(lead: httpx.AsyncClient) -> None:
    excel = "\r\n".join(line for line in written([month(1)], delimiter=";").decode().splitlines())
    account = await imported(lead, b"\xef\xbb\xbf" + excel.encode() + b"\r\n")
    found = account["input"]
    assert (found["bom"], found["delimiter"], found["encoding"]) == (True, ";", "utf-8")
    assert account["counts"] == counted(created=1)
    named = "Force,Measure,period_start,period_end,VALUE\n" + ",".join(list(month(2).values())[:5])
    assert (await imported(lead, named.encode()))["counts"] == counted(created=1)
    tabs = await imported(lead, written([month(3)], delimiter="\t"), delimiter="tab")
    assert tabs["counts"] == counted(created=1)
    comma = written([month(4, value="61,4")], delimiter=";")
    document = refused(await send(lead, comma), 422, "import_failed")
    assert faults(document) == [(2, "value", "decimal_parsing")]


async def test_a_file_that_cannot_be_read_is_refused_as_a_whole(lead: httpx.AsyncClient) -> None:
    good = written([month(1), month(2)])
    many = packed(written([month(1, value=str(n * n)) for n in range(9_000)]))
    unread: list[tuple[bytes, str, Record]] = [
        (b"", "empty_file", {}),
        (b"\n\n", "no_header", {}),
        (many[: len(many) // 2], "truncated_gzip", {}),
        (good.replace(b"value", b"valu"), "unknown_column", {"line": 1, "column": "valu", "suggestion": "value"}),
        (good.replace(b"value,", b""), "missing_column", {"line": 1, "column": "value"}),
        (good.replace(b"unit", b"value"), "duplicate_column", {"line": 1, "column": "value"}),
        (good + b'"open,', "malformed_csv", {"line": 4}),
        (good + "Caf\u00e9".encode("latin-1"), "encoding", {"line": 4}),
        (b"PK\x03\x04" + good, "encoding", {"line": 1}),
    ]
    for mode in ("atomic", "per_row"):
        for body, code, members in unread:
            document = refused(await send(lead, body, mode=mode), 422, "import_failed")
            (fault,) = document["errors"]
            assert fault["code"] == code
            assert {name: fault.get(name) for name in members} == members, code
            assert document["committed"] is False
    headers = {"Content-Type": "text/csv", "Content-Encoding": "gzip"}
    answer = await lead.post("/v1/imports?kind=figures", content=good, headers=headers)
    assert refused(answer, 422, "import_failed")["errors"][0]["code"] == "not_gzip"
    assert await held(lead) == []


async def test_a_header_alone_brings_nothing(lead: httpx.AsyncClient) -> None:
    account = await imported(lead, written([]))
    assert (account["received"], account["counts"]) == (0, counted())


async def test_a_row_of_another_width_is_one_fault(lead: httpx.AsyncClient) -> None:
    body = written([month(1)]) + b"a,b\n\n" + written([month(2)]).splitlines()[1]
    document = refused(await send(lead, body), 422, "import_failed")
    assert faults(document) == [(3, None, "wrong_number_of_cells")]


async def test_what_is_asked_wrongly_is_refused_before_the_file_is_read(lead: httpx.AsyncClient) -> None:
    body = written([month(1)])
    for parameter, value in [("kind", "gossip"), ("mode", "some"), ("delimiter", ":")]:
        headers = {"Content-Type": "text/csv"}
        query = {"kind": "figures"} | {parameter: value}
        answer = await lead.post("/v1/imports", params=query, content=body, headers=headers)
        refused(answer, 400, "invalid_parameter")
        assert codes(answer) == [("invalid_parameter", parameter)]
    refused(
        await lead.post("/v1/imports", content=body, headers={"Content-Type": "text/csv"}), 400, "invalid_parameter"
    )
    answer = await send(lead, body, strategy="delete")
    refused(answer, 400, "unknown_query_parameter")
    for media_type in ("application/json", "application/vnd.ms-excel", "text/plain", "csv"):
        answer = await send(lead, body, media_type=media_type)
        refused(answer, 415, "unsupported_media_type")
        assert "text/csv" in answer.headers["accept-post"]
    headers = {"Content-Type": "text/csv", "Content-Encoding": "br"}
    refused(await lead.post("/v1/imports?kind=figures", content=body, headers=headers), 415, "unsupported_media_type")
    assert await held(lead) == []


async def test_who_may_import_what_and_for_whom(service: Service, lead: httpx.AsyncClient) -> None:
    submitter = await service.caller("data_submitter", f"force:{DEVON}")
    theirs = written([month(1, force_code=DEVON)])
    account = await imported(submitter, theirs)
    document = refused(await send(submitter, written([month(1)])), 422, "import_failed")
    assert faults(document) == [(2, "force_code", "unknown_reference")]
    refused(await lead.get(account["links"]["self"]), 404, "not_found")
    refused(await submitter.get(f"/v1/imports/{uuid4()}"), 404, "not_found")
    refused(await submitter.get("/v1/imports/x"), 404, "not_found")
    for role in ("force_contributor", "force_reader"):
        contributor = await service.caller(role, f"force:{DEVON}")
        refused(await send(contributor, theirs), 403, "permission_denied")
        refused(await contributor.get(account["links"]["self"]), 403, "permission_denied")
    measures = b"code,name,unit,cadence\nown,Own,count,month\n"
    document = refused(await send(submitter, measures, "measures"), 403, "permission_denied")
    assert document["required"] == ["measure:write"]


async def test_two_imports_of_one_file_at_once_bring_each_figure_once(lead: httpx.AsyncClient) -> None:
    body = written([month(number) for number in range(1, 12)])
    answers = await asyncio.gather(send(lead, body), send(lead, body))
    for answer in answers:
        assert answer.status_code in (200, 409), answer.text
        assert answer.status_code == 200 or answer.headers["retry-after"] == "1"
    assert (await imported(lead, body))["counts"] == counted(unchanged=11)
    assert len(await held(lead)) == 11


PARTS = st.fixed_dictionaries(
    {
        "force_code": st.sampled_from([AVON, AVON, AVON, DEVON, "camelot", ""]),
        "measure_code": st.sampled_from([CODE, CODE, CODE, "gossip"]),
        "period_start": st.sampled_from(["2026-10-01", "2026-10-05", "2026-11-01"]),
        "period_end": st.sampled_from(["2026-10-05", "2026-10-31", "october"]),
        "value": st.one_of(st.decimals(-9999, 9999, places=2).map(str), st.sampled_from(["", "x", "1e400"])),
        "unit": st.sampled_from(["percent", "percent", "", "count"]),
    }
)


@given(rows=st.lists(PARTS, max_size=6), mode=st.sampled_from(["atomic", "per_row"]))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_counts_always_add_up(lead: httpx.AsyncClient, rows: list[dict[str, str]], mode: str) -> None:
    before = await held(lead)
    answer = await send(lead, written(rows), mode=mode)
    account = answer.json()
    counts = account["counts"]
    assert sum(counts.values()) == account["received"] == len(rows)
    assert counts["failed"] == len({each["index"] for each in account["problems"]})
    after = await held(lead)
    if answer.status_code == 422:
        assert after == before
        assert counts["failed"] > 0
        assert sum((account["would"] or {}).values()) + counts["failed"] == len(rows)
        return
    assert answer.status_code == (207 if counts["failed"] else 200)
    assert mode == "per_row" or not counts["failed"]
    assert len(after) == len(before) + counts["created"]
    bad = {each["index"] for each in account["problems"]}
    sent = {(each["force_code"], each["period_start"]) for place, each in enumerate(rows) if place not in bad}
    assert sent <= {(force, start) for force, start, _ in after}
    if counts["created"] + counts["updated"] == 0:
        assert after == before


async def test_a_figure_recorded_alone_is_known_to_an_import(lead: httpx.AsyncClient) -> None:
    await put(lead, (AVON, CODE, "2026-10"), "61.4")
    assert (await imported(lead, written([row()])))["counts"] == counted(unchanged=1)
