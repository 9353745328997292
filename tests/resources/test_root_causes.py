"""What is found behind concerns, and is it shown what is behind several?"""

import httpx

from tests.plans import AVON, a_concern, an_action, changed, made, rules_broken, sees_through
from tests.resources.test_tags import tagged
from tests.service import Record, codes, refused

ANALYSES, FINDINGS = "/v1/root-cause-analyses", "/v1/findings"
ANALYSIS = {"force_code": AVON, "title": "Why calls wait", "method": "fishbone", "conducted_on": "2026-10-12"}
ANALYSIS |= {"conducted_by": "Improvement team"}


async def test_what_is_behind_two_concerns_is_cross_cutting(lead: httpx.AsyncClient) -> None:
    late, abandoned = await a_concern(lead), await a_concern(lead, title="Calls are abandoned")
    both = [late["id"], abandoned["id"]]
    analysis = await made(lead, ANALYSES, **ANALYSIS, concern_ids=both)
    assert {name: analysis[name] for name in ANALYSIS} == ANALYSIS
    about = {"root_cause_analysis_id": analysis["id"], "kind": "root_cause", "theme": "demand"}
    finding = await made(lead, FINDINGS, **about, title="Demand is poorly understood", concern_ids=both)
    assert (finding["cross_cutting"], finding["force_code"]) == (True, AVON)
    narrower = await sees_through(lead, finding, FINDINGS, concern_ids=both[:1])
    assert narrower["cross_cutting"] is False
    caused = await made(
        lead, FINDINGS, **about, title="They wait, so they hang up", concern_ids=both[1:], cause_concern_id=both[0]
    )
    assert (caused["cross_cutting"], caused["cause_concern_id"]) == (False, late["id"])
    listed = (await lead.get(FINDINGS, params={"theme": "demand", "root_cause_analysis": analysis["id"]})).json()
    assert len(listed["items"]) == 2


async def test_the_rules_of_an_analysis_are_named(lead: httpx.AsyncClient) -> None:
    concern, other = await a_concern(lead), await a_concern(lead)
    id = concern["id"]
    late = ANALYSIS | {"conducted_on": "2026-11-22"}
    assert await rules_broken(lead, ANALYSES, **late, concern_ids=[id]) == [("RCA-001", "#/conducted_on")]
    assert await rules_broken(lead, ANALYSES, **ANALYSIS, concern_ids=[id, id]) == [("RCA-002", "#/concern_ids/1")]
    assert codes(await lead.post(ANALYSES, json=ANALYSIS)) == [("required", "#")]
    analysis = await made(lead, ANALYSES, **ANALYSIS, concern_ids=[id])
    about = {"root_cause_analysis_id": analysis["id"], "title": "x", "theme": "skills"}
    wrong: list[tuple[Record, tuple[str, str]]] = [
        ({"kind": "symptom", "concern_ids": [id, id]}, ("FND-001", "#/concern_ids/1")),
        ({"kind": "symptom", "concern_ids": [other["id"]]}, ("FND-002", "#/concern_ids/0")),
        ({"kind": "root_cause", "concern_ids": [id], "cause_concern_id": id}, ("FND-003", "#/cause_concern_id")),
        ({"kind": "symptom", "concern_ids": [id], "cause_concern_id": other["id"]}, ("FND-004", "#/kind")),
    ]
    for body, told in wrong:
        assert await rules_broken(lead, FINDINGS, **about, **body) == [told]


async def test_a_concern_stays_in_an_analysis_as_long_as_something_was_found_of_it(lead: httpx.AsyncClient) -> None:
    late, abandoned = (await a_concern(lead))["id"], (await a_concern(lead))["id"]
    analysis = await made(lead, ANALYSES, **ANALYSIS, concern_ids=[late, abandoned])
    about = {"root_cause_analysis_id": analysis["id"], "kind": "root_cause", "theme": "demand", "title": "Shifts"}
    finding = await made(lead, FINDINGS, **about, concern_ids=[late, abandoned])
    answer = await changed(lead, ANALYSES, analysis, concern_ids=[late])
    assert [each["rule"] for each in refused(answer, 422, "validation_failed")["errors"]] == ["RCA-003"]
    more = await sees_through(lead, analysis, ANALYSES, concern_ids=[late, abandoned, (await a_concern(lead))["id"]])
    await sees_through(lead, finding, FINDINGS, concern_ids=[late])
    assert (await sees_through(lead, more, ANALYSES, concern_ids=[late]))["concern_ids"] == [late]


async def test_an_action_answers_findings(lead: httpx.AsyncClient, whole: Record, action: Record) -> None:
    analysis = await made(lead, ANALYSES, **ANALYSIS, concern_ids=whole["concern_ids"])
    about = {"root_cause_analysis_id": analysis["id"], "title": "x", "kind": "root_cause", "theme": "demand"}
    finding = await made(lead, FINDINGS, **about, concern_ids=whole["concern_ids"])
    other = await made(lead, FINDINGS, **about, concern_ids=whole["concern_ids"][:1])
    ids = [finding["id"], other["id"]]
    answering = await sees_through(lead, action, "/v1/actions", finding_ids=ids, priority=1)
    second = await an_action(lead, whole, finding_ids=ids[:1])  # and a finding is answered by several actions
    assert (answering["finding_ids"], second["finding_ids"]) == (ids, ids[:1])
    gone = await lead.delete(f"{FINDINGS}/{finding['id']}", headers={"If-Match": '"v1"'})
    assert gone.json()["code"] == "in_use"
    shown = await lead.get(f"/v1/actions/{answering['id']}", params={"expand": "findings"})
    assert {each["id"]: each["cross_cutting"] for each in shown.json()["findings"]["items"]} == {
        finding["id"]: True, other["id"]: False,
    }  # fmt: skip


async def test_a_gap_of_skill_is_answered_through_organisational_development(
    lead: httpx.AsyncClient, whole: Record, action: Record
) -> None:
    analysis = await made(lead, ANALYSES, **ANALYSIS, concern_ids=whole["concern_ids"])
    about = {"root_cause_analysis_id": analysis["id"], "title": "Call handlers were not trained", "kind": "root_cause"}
    gap = await made(lead, FINDINGS, **about, theme="skills", concern_ids=whole["concern_ids"])
    answering = await sees_through(lead, action, "/v1/actions", finding_ids=[gap["id"]])
    await tagged(lead, "action", answering, "lancashire-12x12:heading-od")
    found = (await lead.get(FINDINGS, params={"theme": "skills"})).json()["items"]
    assert [each["id"] for each in found] == [gap["id"]]
