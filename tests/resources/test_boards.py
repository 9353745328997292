"""Which boards may a force name, and how does a plan name them?"""

import httpx

from tests.plans import AVON, KENT, made, rules_broken, sees_through
from tests.service import Record, Service, codes

PATH = "/v1/boards"
BOARD = {"force_code": AVON, "title": "Performance board", "level": "force", "challenges": True}


async def test_a_board_challenges_or_escalates(lead: httpx.AsyncClient) -> None:
    assert await rules_broken(lead, PATH, **BOARD | {"challenges": False}) == [("BRD-001", "#/challenges")]
    board = await made(lead, PATH, **BOARD, meets_every_days=28)
    assert (board["party"], board["escalates"]) == ("force", False)
    await sees_through(lead, board, PATH, escalates=True, challenges=False, party="ppmg", level="nation")


async def test_a_plan_names_its_boards_in_their_order(service: Service, lead: httpx.AsyncClient, whole: Record) -> None:
    one, two = [(await made(lead, PATH, **BOARD | {"title": title}))["id"] for title in ("First", "Second")]
    plan = await sees_through(lead, whole, "/v1/pips", board_ids=[two, one], governance="Weekly, by the lead.")
    assert plan["board_ids"] == [two, one]
    headers = {"If-Match": '"v2"'}
    twice = await lead.patch(f"/v1/pips/{plan['id']}", json={"board_ids": [one, one]}, headers=headers)
    assert [each["rule"] for each in twice.json()["errors"]] == ["PIP-006"]
    kent = await service.caller("force_lead", f"force:{KENT}")
    foreign = await made(kent, PATH, **BOARD | {"force_code": KENT})
    answer = await lead.patch(f"/v1/pips/{plan['id']}", json={"board_ids": [foreign["id"]]}, headers=headers)
    assert codes(answer) == [("unknown_reference", "#/board_ids/0")]


async def test_governance_runs_from_the_place_up_to_the_panel(lead: httpx.AsyncClient, whole: Record) -> None:
    ways: list[Record] = [
        {"title": "North", "level": "place", "challenges": True, "escalates": True},
        {"title": "OD Board", "level": "force", "challenges": True, "escalates": True},
        {"title": "Strategic Scrutiny", "level": "force", "challenges": True, "chair": "Chief Constable"},
        {"title": "Commissioner's board", "level": "force", "party": "local_policing_body", "challenges": True},
        {"title": "Police and Crime Panel", "level": "force", "party": "police_and_crime_panel", "challenges": True},
    ]
    ids = [(await made(lead, PATH, force_code=AVON, **board))["id"] for board in ways]
    await sees_through(lead, whole, "/v1/pips", board_ids=ids)
    shown = (await lead.get(f"/v1/pips/{whole['id']}", params={"expand": "boards"})).json()
    assert [each["title"] for each in shown["boards"]["items"]] == [each["title"] for each in ways]
    up = {"pip_id": whole["id"], "title": "x", "raised_on": "2026-11-10", "reason": "x"}
    await made(lead, "/v1/escalations", **up, from_board_id=ids[0], to_board_id=ids[2])
    for party in ("local_policing_body", "police_and_crime_panel"):
        assert len((await lead.get(PATH, params={"party": party})).json()["items"]) == 1
