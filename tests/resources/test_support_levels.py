"""At which level is a force when, and can it never be at two at once?"""

import asyncio

import httpx

from tests.plans import AVON, DEVON, changed, made
from tests.service import Record, Service, codes, refused

PATH = "/v1/support-level-assignments"
HELD = {"force_code": AVON, "level_code": "level-3", "decided_by": "PPMG", "reason": "Two enduring concerns."}


def held(starts_on: str, ends_on: str | None = None, **other: object) -> Record:
    return HELD | {"starts_on": starts_on, "ends_on": ends_on} | other


async def test_the_four_levels_are_there(admin: httpx.AsyncClient) -> None:
    items = (await admin.get("/v1/support-levels", params={"sort": "level"})).json()["items"]
    flags = ("pip_expected", "shared_with_partners", "presented_to_ppmg")
    assert [(each["code"], {each[flag] for flag in flags}) for each in items] == [
        ("level-1", {False}), ("level-2", {False}), ("level-3", {True}), ("level-4", {True}),
    ]  # fmt: skip


async def test_a_definition_is_dated_and_does_not_end_before_it_starts(admin: httpx.AsyncClient) -> None:
    level = (await admin.get("/v1/support-levels/level-2")).json()
    answer = await changed(admin, "/v1/support-levels", level, valid_from="2026-04-01", valid_to="2026-03-31")
    document = refused(answer, 422, "validation_failed")
    assert (document["errors"][0]["rule"], codes(answer)) == ("LVL-001", [("ends_before_start", "#/valid_to")])
    good = await changed(admin, "/v1/support-levels", level, valid_from="2026-04-01", definition="Some minor issues.")
    assert good.json()["version"] == 2
    assert "2026-04-01" in good.text


async def test_a_period_does_not_end_before_it_starts(admin: httpx.AsyncClient) -> None:
    answer = await admin.post(PATH, json=held("2026-06-01", "2026-05-31"))
    document = refused(answer, 422, "validation_failed")
    assert (document["errors"][0]["rule"], codes(answer)) == ("LVL-002", [("ends_before_start", "#/ends_on")])


async def test_a_level_and_a_force_must_be_known(admin: httpx.AsyncClient) -> None:
    answer = await admin.post(PATH, json=held("2026-06-01", level_code="level-5"))
    refused(answer, 422, "validation_failed")
    assert codes(answer) == [("unknown_reference", "#/level_code")]
    answer = await admin.post(PATH, json=held("2026-06-01", force_code="camelot"))
    refused(answer, 422, "validation_failed")
    assert set(codes(answer)) == {("unknown_reference", "#/force_code")}


OVERLAPPING = [
    ("2026-06-01", "2026-06-30"),
    ("2026-05-01", "2026-06-01"),
    ("2026-06-30", "2026-07-31"),
    ("2026-06-10", "2026-06-10"),
    ("2026-01-01", "2026-12-31"),
    ("2026-06-30", None),
    ("2020-01-01", None),
]


async def test_periods_of_one_force_share_no_day(admin: httpx.AsyncClient) -> None:
    await made(admin, PATH, **held("2026-06-01", "2026-06-30"))
    for starts_on, ends_on in OVERLAPPING:
        answer = await admin.post(PATH, json=held(starts_on, ends_on, level_code="level-2"))
        document = refused(answer, 409, "period_overlap")
        assert document["detail"] == "Another support level assignment covers part of this period."
    assert len((await admin.get(PATH)).json()["items"]) == 1


async def test_periods_may_follow_day_on_day_and_only_the_last_stays_open(admin: httpx.AsyncClient) -> None:
    await made(admin, PATH, **held("2026-06-01", "2026-06-30"))
    await made(admin, PATH, **held("2026-05-01", "2026-05-31", level_code="level-2"))
    await made(admin, PATH, **held("2026-07-01"))
    refused(await admin.post(PATH, json=held("2035-01-01")), 409, "period_overlap")
    await made(admin, PATH, **held("2026-06-01", force_code=DEVON))


async def test_an_end_can_be_set_and_not_moved_into_the_next_period(admin: httpx.AsyncClient) -> None:
    first = await made(admin, PATH, **held("2026-06-01"))
    closed = await changed(admin, PATH, first, ends_on="2026-06-30")
    assert closed.status_code == 200, closed.text
    await made(admin, PATH, **held("2026-07-01", level_code="level-4"))
    refused(await changed(admin, PATH, closed.json(), ends_on="2026-07-01"), 409, "period_overlap")
    refused(await changed(admin, PATH, closed.json(), ends_on=None), 409, "period_overlap")
    refused(await changed(admin, PATH, closed.json(), starts_on="2026-05-01"), 422, "validation_failed")


async def test_what_was_withdrawn_does_not_count(admin: httpx.AsyncClient) -> None:
    wrong = await made(admin, PATH, **held("2026-06-01"))
    gone = await admin.delete(f"{PATH}/{wrong['id']}", headers={"If-Match": '"v1"'})
    assert gone.status_code == 204
    right = await made(admin, PATH, **held("2026-06-01", level_code="level-4"))
    assert [each["id"] for each in (await admin.get(PATH)).json()["items"]] == [right["id"]]


async def test_two_at_once_give_one(admin: httpx.AsyncClient) -> None:
    bodies = [held("2026-06-01", level_code=level) for level in ("level-2", "level-3", "level-4")]
    answers = await asyncio.gather(*(admin.post(PATH, json=body) for body in bodies))
    assert sorted(each.status_code for each in answers) == [201, 409, 409]
    for each in answers:
        if each.status_code == 409:
            refused(each, 409, "period_overlap")


async def test_ppmg_decides_and_a_force_reads_its_own(service: Service) -> None:
    ppmg, lead, other = (
        await service.caller("ppmg_member"),
        await service.caller("force_lead", f"force:{AVON}"),
        await service.caller("force_lead", f"force:{DEVON}"),
    )
    row = await made(ppmg, PATH, **held("2026-06-01"))
    assert (await lead.get(f"{PATH}/{row['id']}")).status_code == 200
    refused(await other.get(f"{PATH}/{row['id']}"), 404, "not_found")
    refused(await lead.post(PATH, json=held("2025-06-01", "2025-07-01")), 403, "permission_denied")
