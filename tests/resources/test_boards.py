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
