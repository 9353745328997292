"""May a measure stand without target and baseline, and keeps it the digits of those that it has?"""

import httpx

from tests.plans import MEASURE, changed, made
from tests.service import Record, Service, codes, refused


async def test_a_measure_needs_neither_target_nor_baseline(admin: httpx.AsyncClient) -> None:
    measure = await made(admin, "/v1/measures", **MEASURE)
    assert (measure["target"], measure["baseline"], measure["direction"]) == (None, None, None)
    assert (measure["kind"], measure["evidence"]) == ("measure", "quantitative")


async def test_target_and_baseline_keep_their_digits(admin: httpx.AsyncClient) -> None:
    row = '{"code": "m", "name": "M", "unit": "percent", "cadence": "month", "target": 90.50, "baseline": -1.0}'
    answer = await admin.post("/v1/measures", content=row, headers={"Content-Type": "application/json"})
    assert answer.status_code == 201, answer.text
    read = await admin.get("/v1/measures/m")
    assert '"target":90.50' in read.text
    assert '"baseline":-1.0,' in read.text
    cleared = await changed(admin, "/v1/measures", read.json(), target=None)
    assert cleared.json()["target"] is None


NOT_A_MEASURE: list[tuple[Record, str, str]] = [
    ({"code": "Answered In Time"}, "string_pattern_mismatch", "#/code"),
    ({"code": "answered..in-time"}, "string_pattern_mismatch", "#/code"),
    ({"cadence": "fortnight"}, "enum", "#/cadence"),
    ({"direction": "up"}, "enum", "#/direction"),
    ({"target": "ninety"}, "decimal_parsing", "#/target"),
    ({"target": True}, "decimal_type", "#/target"),
    ({"unit": ""}, "string_too_short", "#/unit"),
    ({"name": "n" * 501}, "string_too_long", "#/name"),
]


async def test_what_is_not_a_measure_is_refused(admin: httpx.AsyncClient) -> None:
    for other, code, pointer in NOT_A_MEASURE:
        answer = await admin.post("/v1/measures", json=MEASURE | other)
        refused(answer, 422, "validation_failed")
        assert codes(answer) == [(code, pointer)], other


async def test_the_catalogue_is_national(service: Service, admin: httpx.AsyncClient) -> None:
    await made(admin, "/v1/measures", **MEASURE)
    lead = await service.caller("force_lead", "force:kent")
    assert (await lead.get("/v1/measures/answered-in-time")).json()["unit"] == "percent"
    refused(await lead.post("/v1/measures", json=MEASURE | {"code": "own"}), 403, "permission_denied")


async def test_measures_are_found(admin: httpx.AsyncClient) -> None:
    await made(admin, "/v1/measures", **MEASURE)
    await made(admin, "/v1/measures", **(MEASURE | {"code": "root", "kind": "diagnostic", "cadence": "week"}))
    for query in ({"kind": "diagnostic"}, {"cadence": "week"}, {"code": "root"}):
        items = (await admin.get("/v1/measures", params=query)).json()["items"]
        assert [each["code"] for each in items] == ["root"]
    refused(await admin.get("/v1/measures", params={"cadence": "fortnight"}), 400, "invalid_parameter")
