"""Does a walk through the pages of a list give each row once, and end?"""

from collections.abc import Sequence
from datetime import date, timedelta

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.plans import AVON, KENT, a_concern, a_plan, an_action
from tests.service import Record, Service, codes, refused

DAYS = [None, "2026-12-01", "2026-12-01", "2027-01-31", None, "2199-12-31", "2026-12-02"]


async def walk(caller: httpx.AsyncClient, path: str) -> list[list[Record]]:
    """The pages of a list, by their next links."""
    pages: list[list[Record]] = []
    following: str | None = path
    while following:
        answer = await caller.get(following)
        assert answer.status_code == 200, answer.text
        document = answer.json()
        pages.append(document["items"])
        following = document["links"].get("next")
        assert document["page"]["has_more"] is bool(following)
        assert answer.links.get("next", {}).get("url") == following
        assert len(pages) <= 60, "the walk does not end"
    return pages


@pytest.fixture
async def plan(admin: httpx.AsyncClient) -> Record:
    """A plan with actions that have much in common."""
    plan = await a_plan(admin, await a_concern(admin))
    for place in range(15):
        due = DAYS[place % len(DAYS)]
        await an_action(admin, plan, title=f"Step {place % 4}", due_on=due)
    return plan


async def test_each_row_comes_once_whatever_the_page(admin: httpx.AsyncClient, plan: Record) -> None:
    for sort in (
        "",
        "due_on",
        "-due_on",
        "title,-due_on",
        "-title,task_number",
        "-created_at",
        "starts_on,-updated_at",
    ):
        query = f"/v1/actions?pip={plan['id']}" + (f"&sort={sort}" if sort else "")
        ((whole,),) = [await walk(admin, f"{query}&limit=500")]
        assert len({row["id"] for row in whole}) == len(whole) == 15
        for size in (1, 2, 7):
            pages = await walk(admin, f"{query}&limit={size}")
            assert [row for page in pages for row in page] == whole, (sort, size)
            assert [len(page) for page in pages[:-1]] == [size] * (len(pages) - 1)
            assert pages[-1]


async def test_the_last_full_page_has_no_next(admin: httpx.AsyncClient, plan: Record) -> None:
    assert [len(page) for page in await walk(admin, "/v1/actions?limit=5")] == [5, 5, 5]
    assert [len(page) for page in await walk(admin, "/v1/actions?limit=15")] == [15]
    assert await walk(admin, "/v1/actions?force=kent") == [[]]


ROWS = st.lists(
    st.tuples(
        st.none() | st.dates(date(2026, 12, 1), date(2026, 12, 3)),
        st.sampled_from(["a", "B", "b", "é", "ß", "\U0001f600"]),
    ),
    max_size=7,
)
SORTS = st.lists(st.sampled_from(["due_on", "title", "created_at"]), unique=True, max_size=3)
SIGNS = st.lists(st.sampled_from(["", "-"]), min_size=3, max_size=3)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, names=SORTS, signs=SIGNS, size=st.integers(1, 4))
async def test_any_rows_in_any_order(
    service: Service,
    admin: httpx.AsyncClient,
    rows: list[tuple[date | None, str]],
    names: Sequence[str],
    signs: list[str],
    size: int,
) -> None:
    plan = await a_plan(admin, await a_concern(admin))
    made = []
    for due, title in rows:
        made.append(await an_action(admin, plan, title=title, due_on=due.isoformat() if due else None))
        service.clock.time += timedelta(microseconds=len(made) % 2)
    sort = "".join(f",{sign}{name}" for sign, name in zip(signs, names, strict=False))
    pages = await walk(admin, f"/v1/actions?pip={plan['id']}&limit={size}" + (f"&sort={sort[1:]}" if sort else ""))
    seen = [row for page in pages for row in page]
    assert sorted(row["id"] for row in seen) == sorted(row["id"] for row in made)
    if names and names[0] == "due_on":
        due_days = [row["due_on"] or "~" for row in seen]
        assert due_days == sorted(due_days, reverse=signs[0] == "-")


async def test_figures_are_walked_by_their_own_key(admin: httpx.AsyncClient) -> None:
    for code in ("first", "second"):
        body = {"code": code, "name": code, "unit": "count", "cadence": "month"}
        assert (await admin.post("/v1/measures", json=body)).status_code == 201
        for month in ("2026-09", "2026-10"):
            for force, value in ((AVON, 1), (KENT, 2), (KENT, 3)):
                await admin.put(f"/v1/forces/{force}/measures/{code}/figures/{month}", json={"value": value})
    whole = (await walk(admin, "/v1/figures?sort=-period_start"))[0]
    assert len(whole) == 8
    for size in (1, 3):
        pages = await walk(admin, f"/v1/figures?sort=-period_start&limit={size}")
        assert [row for page in pages for row in page] == whole


async def test_a_cursor_belongs_to_its_query(admin: httpx.AsyncClient, plan: Record) -> None:
    first = (await admin.get("/v1/actions?status=not_started&sort=title&limit=2")).json()
    cursor = first["page"]["next_cursor"]
    good = await admin.get("/v1/actions", params={"status": "not_started", "sort": "title", "cursor": cursor})
    assert len(good.json()["items"]) == 13  # the page may change its size
    for query in (
        "status=not_started",
        "status=not_started&sort=-title",
        "sort=title",
        "status=in_progress&sort=title",
        "status=not_started&sort=title&include_withdrawn=true",
    ):
        answer = await admin.get(f"/v1/actions?{query}&cursor={cursor}")
        refused(answer, 400, "cursor_filter_mismatch")
        assert codes(answer) == [("cursor_filter_mismatch", "cursor")]
    refused(await admin.get(f"/v1/concerns?sort=title&cursor={cursor}"), 400, "cursor_filter_mismatch")


async def signed_in(service: Service, client_id: str, secret: str) -> httpx.AsyncClient:
    """A caller with a token of this moment."""
    form = {"grant_type": "client_credentials"}
    answer = await service.http().post("/oauth2/token", data=form, auth=(client_id, secret))
    return service.http(Authorization=f"Bearer {answer.json()['access_token']}")


async def test_a_cursor_is_of_no_use_to_another_or_too_late(
    service: Service, admin: httpx.AsyncClient, plan: Record
) -> None:
    client = await service.new_client("national_admin")
    ours = await signed_in(service, *client)
    following = (await ours.get("/v1/actions?limit=2")).json()["links"]["next"]
    refused(await admin.get(following), 400, "invalid_cursor")
    refused(await ours.get(following[:-6] + "AAAAAA"), 400, "invalid_cursor")
    service.clock.forward(hours=24)
    assert len((await (await signed_in(service, *client)).get(following)).json()["items"]) == 2
    service.clock.forward(seconds=1)
    late = await (await signed_in(service, *client)).get(following)
    assert refused(late, 400, "invalid_cursor")["detail"] == "The cursor has expired; start the list again."


async def test_what_comes_and_goes_during_a_walk_moves_nothing_else(admin: httpx.AsyncClient, plan: Record) -> None:
    first = (await admin.get("/v1/actions?sort=title&limit=5")).json()
    gone = first["items"][0]
    await an_action(admin, plan, title="A first step")
    await admin.delete(f"/v1/actions/{gone['id']}", headers={"If-Match": '"v1"'})
    rest = [row["id"] for page in await walk(admin, first["links"]["next"]) for row in page]
    assert len({row["id"] for row in first["items"]} | set(rest)) == 5 + len(rest) == 15
