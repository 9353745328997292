"""Does a walk through a list show one state of it, whatever is written meanwhile?"""

import asyncio
import random
from dataclasses import dataclass, field

import httpx
import pytest
from sqlalchemy import text

from pip_api.db.statements import Statement
from tests.plans import AVON, CONCERN, a_concern, changed, made
from tests.service import Record, Service, refused
from tests.soak import LONG, examples

WRITERS = 16


@dataclass
class Story:
    """What has begun and what has been answered of each row, as versions; 0 is before it was made."""

    begun: dict[str, int] = field(default_factory=dict)
    answered: dict[str, int] = field(default_factory=dict)
    withdrawn: dict[str, int] = field(default_factory=dict)
    """The version that withdrew a row."""
    over: bool = False


async def write(caller: httpx.AsyncClient, story: Story, mine: list[Record], chance: random.Random) -> None:
    """Makes, changes and withdraws rows of its own until the story is over."""
    while not story.over:
        act = chance.choice(["make", "change", "change", "withdraw"])
        if act == "make" or len(mine) < 4:
            row = await made(caller, "/v1/concerns", **CONCERN, owner=f"Owner {chance.random()}")
            story.begun[row["id"]] = story.answered[row["id"]] = 1
            mine.append(row)
            continue
        row = mine.pop(chance.randrange(len(mine)))
        story.begun[row["id"]] = row["version"] + 1
        if act == "withdraw":
            story.withdrawn[row["id"]] = row["version"] + 1
            tag = {"If-Match": f'"v{row["version"]}"'}
            assert (await caller.delete(f"/v1/concerns/{row['id']}", headers=tag)).status_code == 204
        else:
            answer = await changed(caller, "/v1/concerns", row, title=f"Title {chance.random()}")
            assert answer.status_code == 200, answer.text
            mine.append(answer.json())
        story.answered[row["id"]] = row["version"] + 1


async def walk(caller: httpx.AsyncClient, story: Story, limit: int, sort: str) -> int:
    """Walks once and checks what was seen; gives the number of pages."""
    before = dict(story.answered)
    answer = await caller.get("/v1/concerns", params={"limit": str(limit), "sort": sort, "include_total": "true"})
    begun, withdrawn = dict(story.begun), dict(story.withdrawn)
    made_later = set(story.begun)
    page = answer.json()
    total, items, pages = page["page"]["total"], list(page["items"]), 1
    while following := page["links"].get("next"):
        page = (await caller.get(following)).json()
        items += page["items"]
        pages += 1
        assert page["page"]["total"] == total
    seen = {row["id"]: row["version"] for row in items}
    assert len(seen) == len(items) == total, "a row came twice, or the count is of another moment"
    keys = [row[sort.removeprefix("-")] for row in items]
    assert keys == sorted(keys, reverse=sort.startswith("-")), "a row has moved between pages"
    for id, version in before.items():
        if withdrawn.get(id, version + 1) > max(version, begun.get(id, 0)):
            assert seen.get(id, 0) >= version, "a row is missing, or older than what was answered before"
    for id, version in seen.items():
        assert id not in made_later or version <= begun[id], "a row is newer than the first page"
        assert version != story.withdrawn.get(id), "a withdrawn row is shown"
    return pages


@pytest.mark.parametrize("limit", [1, 7, 50, 500])
async def test_a_walk_shows_one_state(service: Service, limit: int) -> None:
    """P16, P17: no row twice, none missed, and it ends."""
    caller = await service.caller("force_lead", f"force:{AVON}")
    story = Story()
    chance = random.Random(limit)
    own: list[list[Record]] = [[] for _ in range(WRITERS)]
    for place in range(60):
        row = await a_concern(caller, title=f"Title {chance.random()}")
        story.begun[row["id"]] = story.answered[row["id"]] = 1
        own[place % WRITERS].append(row)
    async with asyncio.TaskGroup() as group:
        for mine in own:
            group.create_task(write(caller, story, mine, random.Random(chance.random())))
        loop = asyncio.get_running_loop()
        ends, pages, walks = loop.time() + examples(1, 20), 0, 0
        while loop.time() < ends or walks < 2:
            pages += await walk(caller, story, limit, ("title", "-title", "created_at")[walks % 3])
            walks += 1
        story.over = True
    assert pages > walks or limit == 500
    if LONG:
        print(f"limit {limit}: {walks} walks of {pages} pages beside {sum(story.answered.values())} changes")


async def test_pages_may_be_read_as_they_are(lead: httpx.AsyncClient) -> None:
    rows = [await a_concern(lead) for _ in range(3)]
    pinned, live = [
        (await lead.get("/v1/concerns", params={"limit": "1", "page_mode": mode})).json()["links"]["next"]
        for mode in ("snapshot", "live")
    ]
    await changed(lead, "/v1/concerns", rows[1], title="Changed")
    assert (await lead.get(pinned)).json()["items"] == [rows[1]]
    assert (await lead.get(live)).json()["items"][0]["title"] == "Changed"
    refused(await lead.get("/v1/concerns?page_mode=lively"), 400, "invalid_parameter")
    refused(await lead.get(pinned.replace("page_mode=snapshot", "page_mode=live")), 400, "cursor_filter_mismatch")


async def test_the_snapshot_outlives_a_restore(service: Service, lead: httpx.AsyncClient) -> None:
    """Rows that were loaded from a dump are older than any walk that begins afterwards."""
    rows = [await a_concern(lead) for _ in range(3)]
    following = (await lead.get("/v1/concerns?limit=1")).json()["links"]["next"]
    if service.services.database.dialect.name == "postgresql":
        async with service.unguarded() as session:
            for command in (
                "CREATE TABLE kept AS SELECT * FROM ledger_entry",
                "SET LOCAL session_replication_role = replica",
                "DELETE FROM ledger_entry",
                "INSERT INTO ledger_entry OVERRIDING SYSTEM VALUE SELECT * FROM kept",
            ):
                await session.run(Statement(text(command)))
        following = (await lead.get("/v1/concerns?limit=1")).json()["links"]["next"]
    assert (await lead.get(following)).json()["items"] == [rows[1]]


async def test_a_count_is_given_where_it_is_asked_for(lead: httpx.AsyncClient) -> None:
    for n in range(3):
        await a_concern(lead, title=f"Concern {n % 2}")
    counted = (await lead.get("/v1/concerns?include_total=true&limit=1")).json()["page"]
    assert (counted["total"], counted["has_more"]) == (3, True)
    assert (await lead.get("/v1/concerns?include_total=true&force=kent")).json()["page"]["total"] == 0
    assert "total" not in (await lead.get("/v1/concerns")).json()["page"]


async def test_a_list_that_is_the_same_need_not_be_sent_again(lead: httpx.AsyncClient) -> None:
    rows = [await a_concern(lead) for _ in range(3)]
    first = await lead.get("/v1/concerns?limit=2")
    again = await lead.get("/v1/concerns?limit=2")
    assert first.headers["etag"] == again.headers["etag"]
    tag = first.headers["etag"]
    tags = [tag, f"W/{tag}", f'{tag[:-1]}-gzip"', f'"x", {tag}']
    for tag in tags:
        same = await lead.get("/v1/concerns?limit=2", headers={"If-None-Match": tag})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", first.headers["etag"]), tag
    assert (await lead.get("/v1/concerns?limit=3")).headers["etag"] != first.headers["etag"]
    assert (await lead.get("/v1/concerns?limit=2&fields=id")).headers["etag"] != first.headers["etag"]
    held = {"If-None-Match": tag}
    await changed(lead, "/v1/concerns", rows[2], title="On the second page")
    again = await lead.get("/v1/concerns?limit=2", headers=held)
    assert again.status_code == 200, "the walk that is held would go on to what was"
    assert (await lead.get(again.links["next"]["url"])).json()["items"][0]["title"] == "On the second page"
    await changed(lead, "/v1/concerns", rows[0], title="On the first")
    assert (await lead.get("/v1/concerns?limit=2", headers=held)).status_code == 200


async def test_a_page_is_not_held_longer_than_its_cursor_is_good(service: Service, lead: httpx.AsyncClient) -> None:
    for _ in range(3):
        await a_concern(lead)
    first = await lead.get("/v1/concerns?limit=2")
    service.clock.forward(hours=13)
    lead = await service.again(lead)
    assert (await lead.get("/v1/concerns?limit=2", headers={"If-None-Match": first.headers["etag"]})).status_code == 200
    whole = await lead.get("/v1/concerns")
    service.clock.forward(days=2)
    lead = await service.again(lead)
    held = {"If-None-Match": whole.headers["etag"]}
    assert (await lead.get("/v1/concerns", headers=held)).status_code == 304, "the last page has no cursor"


async def test_the_tag_of_a_list_does_not_depend_on_who_asks(service: Service, lead: httpx.AsyncClient) -> None:
    """P14: else no cache is ever right."""
    await a_concern(lead)
    other = await service.caller("force_reader", f"force:{AVON}")
    answers = [await caller.get("/v1/concerns") for caller in (lead, other)]
    assert answers[0].headers["etag"] == answers[1].headers["etag"]
    assert "Authorization" in answers[0].headers["vary"]
