"""How is it told who looks whether what is reported is so, and what they found?"""

import httpx

from tests.plans import made, rules_broken, sees_through
from tests.service import Record

MECHANISMS, CHECKS = "/v1/assurance-mechanisms", "/v1/assurance-checks"


async def test_a_mechanism_has_its_checks(lead: httpx.AsyncClient, whole: Record) -> None:
    how = {"what": "Grading", "method": "reality_testing", "by_whom": "Quality team", "every_days": 28}
    mechanism = await made(lead, MECHANISMS, pip_id=whole["id"], title="Listen to calls", **how)
    assert {name: mechanism[name] for name in how} == how
    about = {"assurance_mechanism_id": mechanism["id"], "finding": "36 of 40 were right", "outcome": "good"}
    assert await rules_broken(lead, CHECKS, **about, done_on="2026-11-22") == [("ASC-001", "#/done_on")]
    check = await made(lead, CHECKS, **about, done_on="2026-11-02", place_tested="Control room")
    await sees_through(lead, check, CHECKS, learning="The last hour is worst", outcome="mixed")
    await made(lead, CHECKS, **about, done_on="2026-10-02")
    found = (await lead.get(CHECKS, params={"outcome": "mixed", "done_after": "2026-11-01"})).json()["items"]
    assert [each["id"] for each in found] == [check["id"]]
    in_use = await lead.delete(f"{MECHANISMS}/{mechanism['id']}", headers={"If-Match": '"v1"'})
    assert in_use.json()["code"] == "in_use"
