"""Is a plan held against the rules over HTTP, and are the rules themselves to be read?"""

import httpx

from pip_api.rules.readiness import NEWEST
from tests.insight.test_plan_document import document
from tests.plans import AVON, MEASURE, a_concern, a_plan, an_action, changed, made
from tests.service import refused


async def test_a_first_draft_is_not_ready_and_is_told_where_and_what_to_do(admin: httpx.AsyncClient) -> None:
    concern = await a_concern(admin)
    plan = await a_plan(admin, concern)
    await an_action(admin, plan)
    report = await document(admin, plan, "readiness", ruleset=NEWEST)
    assert (report["ruleset"], report["verdict"]) == (NEWEST, "not_ready")
    assert sum(report["score"].values()) == len(report["results"]) == 30
    results = {each["rule"]: each for each in report["results"]}
    assert results["PIP-GP-01"]["result"] == results["PIP-GP-11"]["result"] == "pass"
    assert results["PIP-GP-21"] == {
        "rule": "PIP-GP-21",
        "title": "Each concern has an owner",
        "result": "fail",
        "detail": "Nobody owns the concern.",
        "evidence": ["#/concerns/0"],
        "fix": {"method": "PATCH", "href": f"/v1/concerns/{concern['id']}"},
    }
    fix = results["PIP-GP-21"]["fix"]
    mended = await admin.patch(fix["href"], json={"owner": "ACC"}, headers={"If-Match": '"v1"'})
    assert mended.status_code == 200
    again = await document(admin, plan, "readiness")
    assert again["score"]["passed"] == report["score"]["passed"] + 1


async def test_the_rules_are_data_with_their_sources(admin: httpx.AsyncClient) -> None:
    answer = await admin.get(f"/v1/readiness/rulesets/{NEWEST}")
    rules = answer.json()["rules"]
    assert [each["id"] for each in rules] == [f"PIP-GP-{number:02}" for number in range(1, 31)]
    assert all(each["source"]["says"] and each["fix"]["path"] for each in rules)
    refused(await admin.get("/v1/readiness/rulesets/cop-1999"), 404, "not_found")
    plan = await a_plan(admin, await a_concern(admin))
    refused(await admin.get(f"/v1/pips/{plan['id']}/readiness?ruleset=x"), 400, "invalid_parameter")


async def test_actions_are_told_what_they_lack_to_be_smart(admin: httpx.AsyncClient) -> None:
    plan = await a_plan(admin, await a_concern(admin))
    action = await an_action(admin, plan)
    (told,) = (await document(admin, plan, "smart"))["actions"]
    assert [(each["part"], each["member"]) for each in told["missing"]] == [
        ("specific", "description"),
        ("measurable", "intended_outputs"),
        ("achievable", "resources"),
        ("achievable", "lead"),
        ("relevant", "finding_ids"),
        ("time_bound", "starts_on"),
        ("time_bound", "due_on"),
    ]
    whole = {"description": "Consult, then move.", "intended_outputs": ["In force"], "lead": "Supt", "resources": "Two"}
    action = (await changed(admin, "/v1/actions", action, **whole, starts_on="2026-10-01")).json()
    report = await document(admin, plan, "smart")
    assert (report["smart"], report["parts"]) == (False, ["relevant", "time_bound"])
    (told,) = report["actions"]
    assert (told["action_id"], told["task_number"], told["smart"]) == (action["id"], "1.1", False)
    assert [(each["part"], each["member"]) for each in told["missing"]] == [
        ("relevant", "finding_ids"), ("time_bound", "due_on"),
    ]  # fmt: skip
    await changed(admin, "/v1/actions", action, due_on="2026-12-01")
    assert (await document(admin, plan, "smart"))["parts"] == ["relevant"]


async def test_a_plan_becomes_ready_part_by_part(lead: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    """What each rule asks is there to be given through the service."""
    await made(admin, "/v1/measures", **MEASURE)
    days = {"starts_on": "2026-10-01", "ends_on": "2027-03-31"}
    concern = await a_concern(lead, owner="ACC", measure_codes=[MEASURE["code"]], **days)
    about, of = {"force_code": AVON, "concern_ids": [concern["id"]]}, {"concern_ids": [concern["id"]]}
    analysis = {"title": "Why", "method": "five_whys", "conducted_on": "2026-10-01", "conducted_by": "Team"}
    analysed = await made(lead, "/v1/root-cause-analyses", **about, **analysis)
    found = {"title": "Demand", "kind": "root_cause", "theme": "demand", "root_cause_analysis_id": analysed["id"]}
    finding = await made(lead, "/v1/findings", **found, **of)
    board = {"force_code": AVON, "title": "Board", "level": "force", "challenges": True, "escalates": True}
    boards = [(await made(lead, "/v1/boards", **board))["id"]]
    told = {"lead": "DCC", "timeline": "Milestones fall before PPMG.", "board_ids": boards, **days}
    plan = await a_plan(lead, concern, **told, review_interval_days=30, partner_review_interval_days=90)
    whole = {"description": "Consult.", "intended_outputs": ["In force"], "lead": "Supt", "resources": "Two analysts"}
    dated = {"starts_on": "2026-10-01", "due_on": "2026-12-18", "priority": 1}
    linked = {"finding_ids": [finding["id"]], "measure_codes": [MEASURE["code"]]}
    action = await an_action(lead, plan, **whole, **dated, **linked)
    mine = {"pip_id": plan["id"]}
    assert (await document(lead, plan, "readiness"))["verdict"] == "not_ready"
    dip = {"title": "Dip", "what": "Calls", "method": "dip_sample", "by_whom": "Audit", "every_days": 30}
    await made(lead, "/v1/assurance-mechanisms", **mine, **dip)
    await made(
        lead, "/v1/milestones", **mine, title="First", due_on="2026-11-30", update_due=True, action_id=action["id"]
    )
    for kind, origin in (("own_force", "internal"), ("college_resource", "external")):
        await made(lead, "/v1/support-measures", **mine, **of, title=kind, kind=kind, origin=origin)
    lasting = {"title": "A permanent team", "description": "Five posts.", "owner": "Head", "action_ids": [action["id"]]}
    await made(lead, "/v1/sustainability-arrangements", **mine, **lasting)
    report = await document(lead, plan, "readiness")
    assert [each for each in report["results"] if each["result"] in ("fail", "warn")] == []
    assert report["verdict"] == "ready"
    assert (await document(lead, plan, "smart"))["smart"]
