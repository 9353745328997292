"""Does a matter go up the boards that a plan names, in their order?"""

import httpx

from tests.plans import AVON, made, rules_broken, sees_through
from tests.service import Record

PATH = "/v1/escalations"


async def test_a_matter_goes_up(lead: httpx.AsyncClient, whole: Record) -> None:
    low, high, strange = [
        (await made(lead, "/v1/boards", force_code=AVON, title=title, level="force", escalates=True))["id"]
        for title in ("Delivery", "Chief officers", "Another")
    ]
    await sees_through(lead, whole, "/v1/pips", board_ids=[low, high])
    about = {"pip_id": whole["id"], "title": "No budget", "raised_on": "2026-11-10", "reason": "Too dear"}

    async def rules(start: str, end: str, **other: object) -> list[tuple[str, str]]:
        return await rules_broken(lead, PATH, **about, from_board_id=start, to_board_id=end, **other)

    assert await rules(low, low) == [("ESC-001", "#/to_board_id")]
    assert await rules(low, strange) == [("ESC-002", "#/to_board_id")]
    assert await rules(high, low) == [("ESC-003", "#/to_board_id")]
    assert await rules(low, high, resolved_on="2026-11-09", result="x") == [("ESC-004", "#/resolved_on")]
    assert await rules(low, high, resolved_on="2026-11-22", result="x") == [("ESC-005", "#/resolved_on")]
    assert await rules(low, high, resolved_on="2026-11-11") == [("ESC-006", "#/result")]
    raised = await made(lead, PATH, **about, from_board_id=low, to_board_id=high)
    plan = (await lead.get(f"/v1/pips/{whole['id']}")).json()
    await sees_through(lead, plan, "/v1/pips", board_ids=[high])
    done = await sees_through(lead, raised, PATH, resolved_on="2026-11-20", result="Paid from the reserve")
    assert done["from_board_id"] == low


async def test_who_has_a_stake_is_kept_with_the_plan(lead: httpx.AsyncClient, whole: Record) -> None:
    row = await made(lead, "/v1/stakeholders", pip_id=whole["id"], title="Ambulance control room", interest="Handovers")
    await sees_through(lead, row, "/v1/stakeholders", engagement="Monthly")
    shown = (await lead.get(f"/v1/pips/{whole['id']}", params={"expand": "stakeholders"})).json()
    assert [each["engagement"] for each in shown["stakeholders"]["items"]] == ["Monthly"]
