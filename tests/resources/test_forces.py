"""What is accepted of a force and of a region, and what is refused?"""

import httpx

from tests.plans import a_concern, changed, made
from tests.service import Record, Service, codes, refused

FORCE = {
    "code": "wessex",
    "name": "Wessex Police",
    "short_name": "Wessex",
    "kind": "territorial",
    "nation": "England",
    "region_code": "south-west",
}


async def test_merged_forces_keep_their_last_day_and_their_successor(admin: httpx.AsyncClient) -> None:
    await made(admin, "/v1/forces", **FORCE, starts_on="2027-04-01")
    old = (await admin.get("/v1/forces/dorset")).json()
    answer = await changed(admin, "/v1/forces", old, ends_on="2027-03-31", successor_code="wessex")
    assert answer.status_code == 200, answer.text
    read = (await admin.get("/v1/forces/dorset")).json()
    assert (read["ends_on"], read["successor_code"], read["version"]) == ("2027-03-31", "wessex", 2)
    assert read["code"] == "dorset"


async def test_successors_never_go_round_in_a_circle(admin: httpx.AsyncClient) -> None:
    dorset, wiltshire = [(await admin.get(f"/v1/forces/{code}")).json() for code in ("dorset", "wiltshire")]
    end = {"ends_on": "2026-03-31"}
    assert (await changed(admin, "/v1/forces", dorset, **end, successor_code="wiltshire")).status_code == 200
    document = refused(
        await changed(admin, "/v1/forces", wiltshire, **end, successor_code="dorset"), 422, "validation_failed"
    )
    assert [each["rule"] for each in document["errors"]] == ["FOR-004"]


async def test_a_new_force_can_be_used_at_once(admin: httpx.AsyncClient) -> None:
    await admin.get("/v1/concerns")  # the caller's reach is remembered
    await made(admin, "/v1/forces", **FORCE)
    assert (await a_concern(admin, force_code="wessex"))["force_code"] == "wessex"


RULES: list[tuple[Record, str, str, str]] = [
    ({"starts_on": "2026-04-01", "ends_on": "2026-03-31"}, "FOR-001", "ends_before_start", "#/ends_on"),
    ({"successor_code": "kent"}, "FOR-002", "required", "#/ends_on"),
    ({"successor_code": "essex", "ends_on": "2026-03-31"}, "FOR-003", "rule_broken", "#/successor_code"),
]


async def test_the_rules_of_a_force(admin: httpx.AsyncClient) -> None:
    essex = (await admin.get("/v1/forces/essex")).json()
    for other, *expected in RULES:
        document = refused(await changed(admin, "/v1/forces", essex, **other), 422, "validation_failed")
        assert [[each["rule"], each["code"], each["pointer"]] for each in document["errors"]] == [expected]
    assert (await admin.get("/v1/forces/essex")).json() == essex


NOT_A_FORCE: list[tuple[Record, str, str]] = [
    ({"code": "Wessex Police"}, "string_pattern_mismatch", "#/code"),
    ({"kind": "county"}, "enum", "#/kind"),
    ({"nation": "wales"}, "enum", "#/nation"),
    ({"gss_code": "E2300036"}, "string_pattern_mismatch", "#/gss_code"),
    ({"region_code": "wessex"}, "unknown_reference", "#/region_code"),
    ({"ends_on": "31/03/2027"}, "date_parsing", "#/ends_on"),
    ({"ends_on": "2027-03-31T00:00:00Z"}, "date_parsing", "#/ends_on"),
    ({"name": ""}, "string_too_short", "#/name"),
    ({"name": "Wessex\nPolice"}, "string_pattern_mismatch", "#/name"),
    ({"short": "Wessex"}, "unknown_field", "#/short"),
]


async def test_what_is_not_a_force_is_refused(admin: httpx.AsyncClient) -> None:
    for other, code, pointer in NOT_A_FORCE:
        answer = await admin.post("/v1/forces", json=FORCE | other)
        refused(answer, 422, "validation_failed")
        assert codes(answer) == [(code, pointer)], other


async def test_a_code_is_given_once(admin: httpx.AsyncClient) -> None:
    answer = await admin.post("/v1/forces", json=FORCE | {"code": "kent"})
    refused(answer, 409, "duplicate_reference")
    assert codes(answer) == [("duplicate_reference", "#/code")]


async def test_forces_are_found_by_region_kind_and_nation(admin: httpx.AsyncClient) -> None:
    async def found(**query: str) -> list[str]:
        items = (await admin.get("/v1/forces", params=query | {"sort": "code"})).json()["items"]
        return [each["code"] for each in items]

    assert await found(region="south-west") == [
        "avon-and-somerset", "devon-and-cornwall", "dorset", "gloucestershire", "wiltshire",
    ]  # fmt: skip
    assert await found(kind="national-agency") == ["nca"]
    assert "north-wales" in await found(nation="Wales,Scotland")
    assert "police-scotland" in await found(nation="Wales,Scotland")
    assert await found(code="kent,essex") == ["essex", "kent"]
    refused(await admin.get("/v1/forces", params={"kind": "county"}), 400, "invalid_parameter")


async def test_everybody_reads_forces_and_regions_and_only_the_nation_edits_them(service: Service) -> None:
    reader = await service.caller("force_reader", "force:kent")
    assert len((await reader.get("/v1/forces")).json()["items"]) == 49
    assert len((await reader.get("/v1/regions")).json()["items"]) == 12
    refused(await reader.post("/v1/forces", json=FORCE), 403, "permission_denied")
    refused(await reader.post("/v1/regions", json={}), 403, "permission_denied")


async def test_a_region_is_added_and_renamed(admin: httpx.AsyncClient) -> None:
    region = await made(admin, "/v1/regions", code="jersey", name="Jersey", gss_code="E12000099")
    answer = await changed(admin, "/v1/regions", region, name="Bailiwick of Jersey")
    assert answer.json()["name"] == "Bailiwick of Jersey"
    taken = await admin.post("/v1/regions", json={"code": "sark", "name": "Sark", "gss_code": "E12000099"})
    refused(taken, 409, "duplicate_reference")
