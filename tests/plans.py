"""What do the tests tell their stories about? A concern, a plan that answers it, and its actions."""

import json

import httpx

from pip_api.db.columns import to_json
from pip_api.kernel.verbs import find
from pip_api.resources.pips import move, pips
from pip_api.rules.lifecycle import PlanStatus
from tests.service import Record, Service, refused

AVON, DEVON, KENT = "avon-and-somerset", "devon-and-cornwall", "kent"
CONCERN = {
    "force_code": AVON,
    "title": "Calls are not attended in time",
    "source": "force",
    "identified_by": "PPMG",
    "identified_on": "2026-10-01",
}
MEASURE = {"code": "answered-in-time", "name": "Calls answered in time", "unit": "percent", "cadence": "month"}
ONE = "/v1/forces/{}/measures/{}/figures/{}"


async def made(caller: httpx.AsyncClient, path: str, **body: object) -> Record:
    """What a POST creates."""
    answer = await caller.post(path, json=body)
    assert answer.status_code == 201, answer.text
    created: Record = answer.json()
    return created


async def changed(caller: httpx.AsyncClient, path: str, row: Record, **patch: object) -> httpx.Response:
    """The answer to a PATCH of the version given."""
    return await caller.patch(f"{path}/{row['id']}", json=patch, headers={"If-Match": f'"v{row["version"]}"'})


async def a_concern(caller: httpx.AsyncClient, **other: object) -> Record:
    return await made(caller, "/v1/concerns", **(CONCERN | other))


async def a_plan(caller: httpx.AsyncClient, *concerns: Record, **other: object) -> Record:
    """A draft that answers these concerns, and is of the force of the first."""
    about = {"force_code": concerns[0]["force_code"], "concern_ids": [each["id"] for each in concerns]}
    return await made(caller, "/v1/pips", **({"title": "Answer calls in time"} | about | other))


async def moved(service: Service, plan: Record, *states: str) -> Record:
    """The plan after it was put into these states, one after another, without asking whether it may be."""
    async with service.at_the_command_line() as call:
        row = await find(pips, call, plan["id"])
        for state in states:
            row = await move(call, row, PlanStatus(state), call.today)
    shown: Record = json.loads(to_json(row))
    return shown


async def an_action(caller: httpx.AsyncClient, plan: Record, **other: object) -> Record:
    about = {"pip_id": plan["id"], "concern_id": plan["concern_ids"][0]}
    return await made(caller, "/v1/actions", **({"title": "Match shifts to demand"} | about | other))


async def a_tree(caller: httpx.AsyncClient, force: str = AVON) -> dict[str, Record]:
    """The units of a force, by their codes: two places, a team in each and one more, and an individual."""
    made_so_far: dict[str, Record] = {}
    for code, kind, above in (
        ("north", "place", None),
        ("south", "place", None),
        ("north-response", "team", "north"),
        ("north-patrol", "team", "north"),
        ("south-response", "team", "south"),
        ("post-7", "individual", "north-response"),
    ):
        parent = None if above is None else made_so_far[above]["id"]
        body = {"force_code": force, "code": code, "title": code.title(), "kind": kind, "parent_unit_id": parent}
        made_so_far[code] = await made(caller, "/v1/units", **body)
    return made_so_far


async def put(caller: httpx.AsyncClient, place: tuple[str, str, str], value: str, **headers: str) -> httpx.Response:
    """Records a figure; `value` is sent as it stands, so that no digit changes on the way."""
    body = f'{{"value": {value}}}'
    return await caller.put(ONE.format(*place), content=body, headers={"Content-Type": "application/json"} | headers)


async def rules_broken(caller: httpx.AsyncClient, path: str, **body: object) -> list[tuple[str, str]]:
    """The rules that a POST breaks, and where."""
    document = refused(await caller.post(path, json=body), 422, "validation_failed")
    return [(each["rule"], each["pointer"]) for each in document["errors"]]


async def sees_through(caller: httpx.AsyncClient, row: Record, path: str, **patch: object) -> Record:
    """What a change makes of a row, which is then what everybody reads."""
    answer = await changed(caller, path, row, **patch)
    assert answer.status_code == 200, answer.text
    read: Record = (await caller.get(f"{path}/{row['id']}")).json()
    assert read == answer.json()
    assert {name: read[name] for name in patch} == patch
    assert read["version"] == row["version"] + 1
    return read
