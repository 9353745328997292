"""Does a year of published figures come in whole, and can its sender check that?

Home Office; contains public sector information licensed under the Open Government Licence v3.0.
"""

import csv
import gzip
import json
import os
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import httpx

from pip_api.access.principals import system
from pip_api.db.scopes import EVERY_FORCE
from pip_api.exchange.figures import digest
from pip_api.kernel.call import Call
from pip_api.settings import Settings
from tests.exchange.files import Row, counted, digest_of, imported, packed, send, written
from tests.plans import ONE
from tests.service import Record, Service, refused
from tests.serving import COMMAND, serving
from tests.soak import in_ci

MEASURES = "measures.csv.gz"
BREATH = "breath_tests_monthly.csv.gz"
OUTCOMES = "outcomes_2018_19_quarterly_full.csv.gz"


def rows_of(path: Path) -> Iterator[Row]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def added_up(rows: Iterable[Row], column: str) -> list[Record]:
    """What the service should find, worked out from the files."""
    count: dict[str, int] = defaultdict(int)
    total: dict[str, Decimal] = defaultdict(Decimal)
    first: dict[str, str] = {}
    last: dict[str, str] = {}
    for row in rows:
        code = row[column]
        count[code] += 1
        total[code] += Decimal(row["value"])
        first[code] = min(row["period_start"], first.get(code, "9999"))
        last[code] = max(row["period_end"], last.get(code, ""))
    return [
        {"code": code, "figures": count[code], "total": total[code], "first_day": first[code], "last_day": last[code]}
        for code in sorted(count)
    ]


async def totals(caller: httpx.AsyncClient, by: str) -> list[Record]:
    """Every total, page by page, with its digits."""
    found: list[Record] = []
    link: str | None = f"/v1/figures/totals?by={by}&limit=500"
    while link is not None:
        page = json.loads((await caller.get(link)).content, parse_float=Decimal)
        found += page["items"]
        link = page["links"].get("next")
    return found


async def recomputed(service: Service, import_id: str) -> str:
    """The digest of the figures that an import brought, from the rows as they are now."""
    async with service.services.database.transaction(EVERY_FORCE) as session:
        return await digest(Call(service.services, session, await system(session), "tests"), UUID(import_id))


def memory(pid: int, name: str) -> int:
    """KiB, from Linux's own account of a process: VmRSS is what it holds, VmHWM the most it has held."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def memory_from_here(pid: int) -> int:
    """What a process holds, in KiB; the most it has held counts from now on."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return memory(pid, "VmRSS")


def client_of(environment: dict[str, str]) -> str:
    """The secret of the new client 'mart'."""
    command = [COMMAND, "client", "create", "mart", "--role", "national_admin", "--on", "national"]
    made = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    return made.stdout.strip()


@in_ci
async def test_memory_stays_flat(settings: Settings, data: Path, tmp_path: Path) -> None:
    """In a server process of its own; the rows of the file as Python objects would be three times as large."""
    environment = {"PIP_DATABASE_URL": settings.database_url, "PIP_SIGNING_KEY_FILE": str(settings.signing_key_file)}
    secret = client_of(environment)
    with serving(tmp_path, **environment) as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=120, trust_env=False) as caller:
            form = {"grant_type": "client_credentials"}
            answer = await caller.post("/oauth2/token", data=form, auth=("mart", secret))
            caller.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
            await imported(caller, (data / MEASURES).read_bytes(), "measures")
            before = memory_from_here(server.process.pid)
            account = await imported(caller, (data / OUTCOMES).read_bytes())
            assert account["counts"] == counted(created=253_588)
            assert memory(server.process.pid, "VmHWM") - before < 100 * 1_024


async def test_a_year_of_outcomes_and_seventeen_of_breath_tests(
    service: Service, admin: httpx.AsyncClient, data: Path
) -> None:
    measures = await imported(admin, (data / MEASURES).read_bytes(), "measures")
    assert (measures["received"], measures["counts"]) == (5_027, counted(created=5_027))

    breath, outcomes = list(rows_of(data / BREATH)), list(rows_of(data / OUTCOMES))
    assert sum(row["measure_code"] == "breath-tests" for row in breath) == 43 * 204 - 60
    account = await imported(admin, (data / BREATH).read_bytes(), source="BT_01")
    assert (account["received"], account["counts"]) == (26_110, counted(created=26_110))
    assert account["input"]["source"] == "BT_01"
    assert account["digest"] == digest_of(breath, source="BT_01") == await recomputed(service, account["id"])

    account = await imported(admin, (data / OUTCOMES).read_bytes())
    assert (account["received"], account["counts"]) == (253_588, counted(created=253_588))
    assert account["digest"] == digest_of(outcomes) == await recomputed(service, account["id"])
    assert sum(Decimal(row["value"]) < 0 for row in outcomes) == 428

    assert await totals(admin, "force") == added_up([*breath, *outcomes], "force_code")
    assert await totals(admin, "measure") == added_up([*breath, *outcomes], "measure_code")
    correction = next(row for row in outcomes if Decimal(row["value"]) < 0)
    start, end = correction["period_start"], correction["period_end"]
    place = (correction["force_code"], correction["measure_code"], f"{start}..{end}")
    assert f'"value":{correction["value"]},' in (await admin.get(ONE.format(*place))).text

    again = await imported(admin, (data / BREATH).read_bytes())
    assert again["counts"] == counted(unchanged=26_110)
    assert again["digest"] == digest_of([])
    revised = [{**row, "value": "61.5"} if place % 10_000 == 0 else row for place, row in enumerate(breath)]
    account = await imported(admin, written(revised))
    assert account["counts"] == counted(updated=3, unchanged=26_107)
    assert account["digest"] == digest_of(revised[::10_000], revision=2, source="BT_01")
    row, month = revised[10_000], revised[10_000]["period_start"][:7]
    path = ONE.format(row["force_code"], row["measure_code"], month)
    newest, first = (await admin.get(f"{path}/revisions")).json()["items"]
    assert (newest["value"], newest["revision"]) == (61.5, 2)
    assert (Decimal(str(first["value"])), first["revision"]) == (Decimal(breath[10_000]["value"]), 1)
    assert await totals(admin, "force") == added_up([*revised, *outcomes], "force_code")


@in_ci
async def test_one_wrong_row_in_a_quarter_of_a_million(admin: httpx.AsyncClient, data: Path) -> None:
    await imported(admin, (data / MEASURES).read_bytes(), "measures")
    lines = gzip.decompress((data / OUTCOMES).read_bytes()).split(b"\n")
    lines[77_777] = b"camelot," + lines[77_777].partition(b",")[2]
    answer = await send(admin, packed(b"\n".join(lines)))
    document = refused(answer, 422, "import_failed")
    assert document["detail"] == "Rows with problems: 1 of 253588. Nothing was written."
    assert (document["committed"], document["counts"]) == (False, counted(skipped=253_587, failed=1))
    assert document["would"] == {"created": 253_587, "updated": 0, "unchanged": 0}
    (problem,) = document["problems"]
    assert (problem["line"], problem["index"], problem["column"]) == (77_778, 77_776, "force_code")
    assert (problem["code"], problem["rule"]) == ("unknown_reference", "FIG-002")
    assert problem["natural_key"]["force_code"] == "camelot"
    assert not {"id", "links"} & set(document)  # nothing of it is kept
    assert await totals(admin, "force") == []


async def test_the_forces_shipped_are_those_published(admin: httpx.AsyncClient, data: Path) -> None:
    with (data / "forces.csv").open(encoding="utf-8", newline="") as file:
        published = {row["code"]: row for row in csv.DictReader(file)}
    regions = {each["code"]: each for each in (await admin.get("/v1/regions")).json()["items"]}
    shipped = (await admin.get("/v1/forces")).json()["items"]
    assert sorted(each["code"] for each in shipped) == sorted(published)
    for force in shipped:
        row, region = published[force["code"]], regions.get(force["region_code"])
        for column in ("gss_code", "name", "short_name", "nation", "kind"):
            assert force[column] == (row[column] or None), force["code"]
        assert (region and region["gss_code"]) == (row["region_code"] or None), force["code"]
        assert (region and region["name"]) == (row["region_name"] or None), force["code"]
