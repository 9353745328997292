"""Does a catalogue of measures come in, each with a version and an entry of its own?"""

import asyncio

import httpx

from tests.exchange.files import counted, imported, send
from tests.service import refused

HEADER = "measure_code,name,unit,frequency,file\n"
TWO = f"{HEADER}one,Measure one,count,month,a.csv\ntwo,Measure two,percent,financial year,b.csv\n".encode()


async def test_measures_are_created_then_unchanged_then_changed(admin: httpx.AsyncClient) -> None:
    assert (await imported(admin, TWO, "measures"))["counts"] == counted(created=2)
    assert (await imported(admin, TWO, "measures"))["counts"] == counted(unchanged=2)
    better = TWO.replace(b"Measure two", b"Measure 2") + b"three,Measure three,count,week,\n"
    account = await imported(admin, better, "measures", reason="A clearer name")
    assert account["counts"] == counted(created=1, updated=1, unchanged=1)
    two = (await admin.get("/v1/measures/two")).json()
    assert (two["name"], two["version"], two["source"]) == ("Measure 2", 2, "b.csv")
    newest = (await admin.get("/v1/measures/two/versions")).json()["items"][0]
    assert [each["path"] for each in newest["patch"]] == ["/name", "/version", "/updated_at"]
    assert newest["reason"] == "A clearer name"


async def test_a_column_left_out_stays_as_it_is(admin: httpx.AsyncClient) -> None:
    body = b"code,name,unit,cadence,target,direction\none,Measure one,count,month,90.50,increase\n"
    await imported(admin, body, "measures")
    await imported(admin, b"code,name,unit,cadence\none,Measure 1,count,month\n", "measures")
    text = (await admin.get("/v1/measures/one")).text
    assert '"name":"Measure 1"' in text
    assert '"target":90.50' in text
    cleared = b"code,name,unit,cadence,target\none,Measure 1,count,month,\\N\n"
    await imported(admin, cleared, "measures")
    assert (await admin.get("/v1/measures/one")).json()["target"] is None


async def test_each_fault_is_named_and_nothing_is_written(admin: httpx.AsyncClient) -> None:
    rows = ["one,One,count,fortnight,", "Two,Two,count,month,", "three,,count,month,", "four,Four,count,month,"]
    rows += ["four,Four again,count,month,", "five,Five,count,month"]
    document = refused(await send(admin, (HEADER + "\n".join(rows)).encode(), "measures"), 422, "import_failed")
    assert [(each["line"], each["column"], each["code"]) for each in document["problems"]] == [
        (2, "cadence", "enum"),
        (3, "code", "string_pattern_mismatch"),
        (4, "name", "required"),
        (6, "code", "duplicate_in_request"),
        (7, None, "wrong_number_of_cells"),
    ]
    assert document["counts"] == counted(skipped=1, failed=5)
    assert (await admin.get("/v1/measures")).json()["items"] == []


async def test_a_withdrawn_measure_does_not_come_back_unseen(admin: httpx.AsyncClient) -> None:
    await imported(admin, TWO, "measures")
    await admin.delete("/v1/measures/two", headers={"If-Match": '"v1"'})
    answer = await send(admin, TWO, "measures", mode="per_row")
    account = answer.json()
    assert (answer.status_code, account["counts"]) == (207, counted(unchanged=1, failed=1))
    assert (account["problems"][0]["code"], account["problems"][0]["line"]) == ("withdrawn", 3)


async def test_two_imports_at_once_bring_each_measure_once(admin: httpx.AsyncClient) -> None:
    many = (HEADER + "".join(f"m{n},Measure {n},count,month,\n" for n in range(500))).encode()
    answers = await asyncio.gather(*(send(admin, many, "measures") for _ in range(3)))
    for answer in answers:
        assert answer.status_code in (200, 409), answer.text
        assert answer.status_code == 200 or answer.headers["retry-after"] == "1"
    assert (await imported(admin, many, "measures"))["counts"] == counted(unchanged=500)
