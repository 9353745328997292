"""Is a figure kept exactly, with every revision, whatever is sent?"""

import asyncio
import json

import httpx
import pytest

from tests.exchange.files import counted, imported, send, written
from tests.plans import AVON, DEVON, MEASURE, ONE, made, put
from tests.service import Record, Service, codes, refused

CODE = "answered-in-time"
PLACE = (AVON, CODE, "2026-10")


@pytest.fixture
async def lead(service: Service, admin: httpx.AsyncClient) -> httpx.AsyncClient:
    """The lead of a force; there is one measure."""
    await made(admin, "/v1/measures", **MEASURE)
    return await service.caller("force_lead", f"force:{AVON}")


async def test_another_number_is_another_revision_and_the_same_one_is_none(lead: httpx.AsyncClient) -> None:
    first = await put(lead, PLACE, "61.40")
    assert (first.status_code, first.headers["etag"], first.json()["revision"]) == (201, '"v1"', 1)
    for same in ("61.40", "61.4", "61.400"):
        again = await put(lead, PLACE, same)
        assert (again.status_code, again.headers["etag"]) == (200, '"v1"')
        assert again.content == first.content
    second = await put(lead, PLACE, "61.5")
    assert (second.status_code, second.headers["etag"], second.json()["revision"]) == (200, '"v2"', 2)
    back = await put(lead, PLACE, "61.40")
    assert back.json()["revision"] == 3
    revisions = (await lead.get(f"{ONE.format(*PLACE)}/revisions")).json()["items"]
    assert [(each["revision"], each["value"]) for each in revisions] == [(3, 61.4), (2, 61.5), (1, 61.4)]
    assert len((await lead.get("/v1/figures")).json()["items"]) == 1


async def test_words_beside_the_number_make_a_revision_too(lead: httpx.AsyncClient) -> None:
    body: Record = {"value": 61.4, "status": "provisional", "numerator": 614, "denominator": 1000}
    assert (await lead.put(ONE.format(*PLACE), json=body)).json()["status"] == "provisional"
    final = (await lead.put(ONE.format(*PLACE), json=body | {"status": "final", "narrative": "Checked."})).json()
    assert (final["revision"], final["narrative"], final["numerator"]) == (2, "Checked.", 614)


async def test_the_digits_sent_are_the_digits_read(lead: httpx.AsyncClient) -> None:
    exact = ["61.40", "0.10", "100", "-3", "-0.5", "0", "123456789012345", "0.123456789", "1234567890.12345"]
    for place, digits in enumerate(exact):
        where = (AVON, CODE, f"2026-10-{place + 1:02}")
        answer = await put(lead, where, digits)
        assert f'"value":{digits},' in answer.text
        assert f'"value":{digits},' in (await lead.get(ONE.format(*where))).text
    listed = (await lead.get("/v1/figures")).text
    assert all(f'"value":{digits},' in listed for digits in exact)


async def test_what_is_answered_may_be_sent_again(lead: httpx.AsyncClient) -> None:
    assert (await put(lead, PLACE, "1e14")).json()["value"] == 100_000_000_000_000
    assert (await put(lead, PLACE, "100000000000000")).json()["revision"] == 1
    refused(await put(lead, PLACE, "1e15"), 422, "validation_failed")


async def test_a_period_that_has_not_begun_has_no_figure(service: Service, lead: httpx.AsyncClient) -> None:
    assert (await put(lead, (AVON, CODE, "2026-11"), "1")).status_code == 201
    answer = await put(lead, (AVON, CODE, "2026-12"), "1")
    assert refused(answer, 422, "validation_failed")["errors"][0]["rule"] == "FIG-001"
    assert codes(answer) == [("in_the_future", "period")]


async def test_what_is_expected_may_be_of_a_period_to_come(admin: httpx.AsyncClient, lead: httpx.AsyncClient) -> None:
    expected = MEASURE | {"code": "calls-expected", "name": "Calls that are expected", "kind": "prediction"}
    await made(admin, "/v1/measures", **expected)
    assert (await put(lead, (AVON, "calls-expected", "2027-01"), "5200")).status_code == 201
    days = {"period_start": "2027-02-01", "period_end": "2027-02-28"}
    rows = [{"force_code": AVON, "measure_code": code, **days, "value": "1"} for code in (CODE, "calls-expected")]
    wrong = refused(await send(lead, written(rows)), 422, "import_failed")
    assert [(each["rule"], each["line"]) for each in wrong["problems"]] == [("FIG-001", 2)]
    assert (await imported(lead, written(rows[1:])))["counts"] == counted(created=1)


async def test_each_revision_says_who_sent_it_and_why(service: Service, lead: httpx.AsyncClient) -> None:
    await put(lead, PLACE, "61.4")
    mart = await service.caller("data_submitter", f"force:{AVON}")
    headers = {"X-Request-Id": "monthly-return"}
    path = ONE.format(*PLACE)
    assert (await mart.put(f"{path}?reason=Corrected", json={"value": 61.5}, headers=headers)).status_code == 200
    newest, first = (await lead.get(f"{path}/revisions")).json()["items"]
    assert newest["actor"]["type"] == "service"
    assert newest["actor"]["client_id"].startswith("data-submitter-")
    assert (newest["reason"], newest["request_id"]) == ("Corrected", "monthly-return")
    assert first["actor"]["client_id"].startswith("force-lead-")
    assert first["reason"] is None
    assert newest["entry"] != first["entry"]


async def test_any_moment_of_our_time_can_be_asked_for(lead: httpx.AsyncClient) -> None:
    await put(lead, PLACE, "1")
    for moment, found in (("1900-01-01T00:00:00Z", 1), ("2199-12-31T23:59:59Z", 0)):
        assert len((await lead.get("/v1/figures", params={"recorded_after": moment})).json()["items"]) == found
    for moment in ("0001-01-01T00:00:00+14:00", "1899-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00"):
        answer = await lead.get("/v1/figures", params={"recorded_after": moment})
        refused(answer, 400, "invalid_parameter")


async def test_what_is_no_such_number_is_refused(lead: httpx.AsyncClient) -> None:
    wrong = [
        ("1234567890.123456", 422, "decimal_digits"),
        ("1234567890123456", 422, "decimal_digits"),
        ("0.1234567891", 422, "decimal_digits"),
        ("1e20", 422, "decimal_digits"),
        ('"1,234"', 422, "decimal_parsing"),
        ('"61%"', 422, "decimal_parsing"),
        ('"NaN"', 422, "decimal_parsing"),
        ('"Infinity"', 422, "decimal_parsing"),
        ('""', 422, "decimal_parsing"),
        ("null", 422, "decimal_type"),
        ("true", 422, "decimal_type"),
        ("[61]", 422, "decimal_type"),
        ("NaN", 400, "not_a_number"),
        ("Infinity", 400, "not_a_number"),
        ("-Infinity", 400, "not_a_number"),
        ("1e400", 400, "number_out_of_range"),
        ("61,4", 400, "malformed_json"),
    ]
    for value, status, code in wrong:
        answer = await put(lead, PLACE, value)
        document = refused(answer, status, "malformed_json" if status == 400 else "validation_failed")
        assert [each["code"] for each in document["errors"]] == [code], value
        if status == 422:
            assert document["errors"][0]["pointer"] == "#/value"
    refused(await lead.get(ONE.format(*PLACE)), 404, "not_found")
    answer = await lead.put(ONE.format(*PLACE), json={"valeu": 1})
    assert codes(answer) == [("unknown_field", "#/valeu"), ("required", "#")]


async def test_a_period_is_written_in_any_of_its_forms(lead: httpx.AsyncClient) -> None:
    days = {
        "2026-10": ("2026-10-01", "2026-10-31"),
        "2026-Q4": ("2026-10-01", "2026-12-31"),
        "2026-W41": ("2026-10-05", "2026-10-11"),
        "2026-10-05": ("2026-10-05", "2026-10-05"),
        "2026-FY": ("2026-04-01", "2027-03-31"),
        "2026-10-05..2026-11-04": ("2026-10-05", "2026-11-04"),
    }
    for number, (period, (start, end)) in enumerate(days.items()):
        figure = (await put(lead, (AVON, CODE, period), str(number))).json()
        assert (figure["period"], figure["period_start"], figure["period_end"]) == (period, start, end)
    same = await put(lead, (AVON, CODE, "2026-10-01..2026-10-31"), "0")
    assert (same.status_code, same.json()["period"]) == (200, "2026-10")
    assert len((await lead.get("/v1/figures")).json()["items"]) == len(days)


async def test_a_period_that_is_none_is_refused(lead: httpx.AsyncClient) -> None:
    for period in ("october", "2026-13", "2026-Q5", "2026-W54", "2026-02-30", "2026-10-05..2026-10-04", "9999-W52"):
        for answer in (await put(lead, (AVON, CODE, period), "1"), await lead.get(ONE.format(AVON, CODE, period))):
            refused(answer, 400, "invalid_parameter")
            assert codes(answer) == [("invalid_period", "period")], period
    assert "2026-Q4, 2026-W41" in (await put(lead, (AVON, CODE, "october"), "1")).json()["detail"]


async def test_a_precondition_is_honoured_when_it_is_sent(lead: httpx.AsyncClient) -> None:
    refused(await put(lead, PLACE, "1", **{"If-Match": '"v1"'}), 412, "version_mismatch")
    await put(lead, PLACE, "1")
    assert (await put(lead, PLACE, "2", **{"If-Match": '"v1"'})).json()["revision"] == 2
    document = refused(await put(lead, PLACE, "3", **{"If-Match": '"v1"'}), 412, "version_mismatch")
    assert (document["current_version"], document["current_etag"]) == (2, '"v2"')
    read = await lead.get(ONE.format(*PLACE), headers={"If-None-Match": '"v2"'})
    assert (read.status_code, read.content) == (304, b"")


async def test_if_none_match_any_records_only_what_is_new(lead: httpx.AsyncClient) -> None:
    assert (await put(lead, PLACE, "1", **{"If-None-Match": "*"})).status_code == 201
    refused(await put(lead, PLACE, "2", **{"If-None-Match": "*"}), 412, "version_mismatch")
    assert (await lead.get(ONE.format(*PLACE))).json()["value"] == 1


async def test_figures_of_another_force_are_as_if_they_were_not(
    service: Service, admin: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    theirs = (DEVON, CODE, "2026-10")
    await put(admin, theirs, "1")
    hidden = refused(await lead.get(ONE.format(*theirs)), 404, "not_found")
    missing = refused(await lead.get(ONE.format("camelot", CODE, "2026-10")), 404, "not_found")
    assert hidden["detail"] == missing["detail"]
    refused(await put(lead, theirs, "2"), 404, "not_found")
    refused(await lead.get(f"{ONE.format(*theirs)}/revisions"), 404, "not_found")
    assert (await lead.get("/v1/figures")).json()["items"] == []
    refused(await put(lead, (AVON, "gossip", "2026-10"), "2"), 404, "not_found")
    triage = await service.caller("regional_triage", "region:south-west")
    assert (await triage.get(ONE.format(*theirs))).status_code == 200
    refused(await put(triage, theirs, "2"), 403, "permission_denied")


async def test_two_at_once_give_one_revision(lead: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(put(lead, PLACE, "61.40") for _ in range(4)))
    assert sorted(each.status_code for each in answers) == [200, 200, 200, 201]
    assert {each.json()["revision"] for each in answers} == {1}
    revisions = await lead.get(f"{ONE.format(*PLACE)}/revisions")
    assert len(revisions.json()["items"]) == 1


async def test_figures_are_found(service: Service, admin: httpx.AsyncClient, lead: httpx.AsyncClient) -> None:
    await made(admin, "/v1/measures", **(MEASURE | {"code": "abandoned"}))
    await put(lead, (AVON, CODE, "2026-09"), "1")
    await put(lead, (AVON, "abandoned", "2026-09"), "2")
    await put(admin, (DEVON, CODE, "2026-09"), "3")
    service.clock.forward(seconds=60)
    await put(lead, PLACE, "4")
    await lead.put(ONE.format(*PLACE), json={"value": 5, "status": "provisional"})

    async def found(**query: str) -> list[int]:
        items = json.loads((await admin.get("/v1/figures", params=query)).content)["items"]
        return [each["value"] for each in items]

    assert await found() == [2, 1, 5, 3]
    assert await found(force=DEVON) == [3]
    assert await found(force=f"{DEVON},{AVON}", measure="abandoned") == [2]
    assert await found(starts_before="2026-10-01", force=AVON) == [2, 1]
    assert await found(ends_after="2026-09-30") == [5]
    assert await found(recorded_after="2026-11-21T12:00:30Z") == [5]
    assert await found(status="provisional") == [5]
    assert await found(sort="-period_start,measure_code", limit="2") == [5, 2]
    refused(await admin.get("/v1/figures", params={"ends_after": "october"}), 400, "invalid_parameter")
    refused(await admin.get("/v1/figures", params={"sort": "value"}), 400, "invalid_parameter")
