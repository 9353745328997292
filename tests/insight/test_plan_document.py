"""Does the document of a plan have all its parts, as its nouns answer them, as they are and as they stood?"""

import json
from pathlib import Path

import httpx
import pytest

from pip_api.insight.plan_document import PlanDocumentRead
from pip_api.insight.plan_parts import BESIDE, needs, parts
from pip_api.resources import nouns
from pip_api.resources.pips import pips
from pip_api.rules.plan_document import LISTS, PlanDocument
from tests.plans import AVON, DEVON, a_concern, a_plan, an_action, changed, made
from tests.service import Record, Service, refused
from tests.test_cli import run

AT_THREE = {"force_code": AVON, "level_code": "level-3", "decided_by": "PPMG", "reason": "Two enduring concerns."}


@pytest.fixture
async def plan(admin: httpx.AsyncClient) -> Record:
    """A plan for two concerns with an action for each."""
    first, second = await a_concern(admin, owner="ACC"), await a_concern(admin, title="Demand")
    plan = await a_plan(admin, second, first, lead="DCC")
    for number, concern in enumerate((first, second, first)):
        await an_action(admin, plan, concern_id=concern["id"], title=f"Action {number}")
    return plan


async def document(caller: httpx.AsyncClient, plan: Record, what: str = "document", **query: str) -> Record:
    answer = await caller.get(f"/v1/pips/{plan['id']}/{what}", params=query)
    assert answer.status_code == 200, answer.text
    found: Record = answer.json()
    return found


def same(told: Record, row: Record) -> bool:
    """Whether a part is what its noun answers; of times only the same moment is asked."""
    return {name: told[name] for name in row if not name.endswith("_at")} == {
        name: value for name, value in row.items() if not name.endswith("_at")
    }


async def test_a_document_has_the_parts_as_their_nouns_answer_them(admin: httpx.AsyncClient, plan: Record) -> None:
    found = await document(admin, plan)
    assert same(found["pip"], plan)
    actions = (await admin.get("/v1/actions", params={"pip": plan["id"], "sort": "task_number"})).json()["items"]
    assert len(actions) == len(found["actions"]) == 3
    assert all(map(same, found["actions"], actions))
    assert [each["id"] for each in found["concerns"]] == plan["concern_ids"]
    assert {name for name in found if name not in ("pip", "level")} == set(LISTS)
    assert (found["level"], found["known_concerns"]) == (None, [])


async def test_known_concerns_are_those_that_are_left_out(admin: httpx.AsyncClient, plan: Record) -> None:
    covered = await a_concern(admin, title="Covered elsewhere")
    left_out = await a_concern(admin, title="Left out", source="ppmg")
    await a_concern(admin, title="Over", status="resolved")
    await a_concern(admin, title="Another force's", force_code=DEVON)
    await a_plan(admin, covered)
    found = (await document(admin, plan))["known_concerns"]
    assert [(each["id"], each["covered_elsewhere"]) for each in found] == [
        (covered["id"], True),
        (left_out["id"], False),
    ]
    results = {each["rule"]: each for each in (await document(admin, plan, "readiness"))["results"]}
    assert [
        (results[rule]["result"], results[rule]["evidence"]) for rule in ("PIP-GP-01", "PIP-GP-02", "PIP-GP-03")
    ] == [
        ("fail", ["#/known_concerns/1"]),
        ("warn", ["#/concerns/0", "#/concerns/1"]),  # nobody said how they bear on each other
        ("fail", ["#/concerns/0", "#/concerns/1"]),  # nor what lies behind them
    ]


async def test_the_level_is_that_of_today(admin: httpx.AsyncClient, plan: Record) -> None:
    await made(admin, "/v1/support-level-assignments", **AT_THREE, starts_on="2026-01-01", ends_on="2026-11-21")
    level = (await document(admin, plan))["level"]
    assert (level["code"], level["level"], level["since"]) == ("level-3", 3, "2026-01-01")
    assert (level["pip_expected"], level["presented_to_ppmg"]) == (True, True)


async def test_a_document_of_a_moment_is_what_was_answered_then(
    service: Service, admin: httpx.AsyncClient, plan: Record
) -> None:
    before, moment = await document(admin, plan), service.clock.time.isoformat().replace("+00:00", "Z")
    service.clock.forward(seconds=1)
    await changed(admin, "/v1/pips", plan, title="Another", concern_ids=plan["concern_ids"][:1])
    await an_action(admin, plan, title="Later")
    now = await document(admin, plan)
    assert (now["pip"]["title"], len(now["actions"])) == ("Another", 4)
    assert await document(admin, plan, as_of=moment) == before


async def test_a_document_is_one_statement(admin: httpx.AsyncClient, plan: Record, counted: list[str]) -> None:
    path = f"/v1/pips/{plan['id']}/document"
    counted.clear()
    tag = (await admin.get(path)).headers["etag"]
    assert len([each for each in counted if "ledger_unsealed" not in each]) == 1
    assert (await admin.get(path, headers={"If-None-Match": tag})).status_code == 304


async def test_a_plan_out_of_reach_has_no_document(service: Service, admin: httpx.AsyncClient, plan: Record) -> None:
    other = await service.caller("force_lead", f"force:{DEVON}")
    refused(await other.get(f"/v1/pips/{plan['id']}/document"), 404, "not_found")
    lonely = await made(admin, "/v1/pips", force_code=AVON, title="A first draft")
    await admin.delete(f"/v1/pips/{lonely['id']}", headers={"If-Match": '"v1"'})
    refused(await admin.get(f"/v1/pips/{lonely['id']}/document"), 410, "withdrawn")


async def test_a_plan_can_be_read_as_text(admin: httpx.AsyncClient, plan: Record) -> None:
    await changed(admin, "/v1/pips", plan, title="Answer *calls* <in> time", summary="Two\nlines | and a bar")
    answer = await admin.get(f"/v1/pips/{plan['id']}/document", headers={"Accept": "text/markdown"})
    assert answer.headers["content-type"].startswith("text/markdown")
    lines = answer.text.splitlines()
    assert lines[:3] == [r"# Answer \*calls\* \<in\> time", "", r"Two lines \| and a bar"]
    assert "- Responsible lead: DCC" in lines
    assert "| Task | Action | Status |" in lines
    assert [line for line in lines if line.startswith("| 2.1 |")] == ["| 2.1 | Action 0 | not started |"]
    assert "## Risks" not in lines


async def test_a_text_has_words_for_codes_and_says_how_grave_and_what_about(
    admin: httpx.AsyncClient, plan: Record
) -> None:
    bands = [{"name": "low", "from_score": 1}, {"name": "high", "from_score": 12}]
    scale = await made(
        admin, "/v1/risk-scales", force_code=AVON, title="Ours", size=5, bands=bands, valid_from="2026-04-01"
    )
    action = (await document(admin, plan))["actions"][0]
    about = {"pip_id": plan["id"]}
    for title, impact in (("Staff leave", 1), ("Work stops", 4)):
        await made(
            admin, "/v1/risks", **about, title=title, kind="barrier", action_ids=[action["id"]],
            scale_id=scale["id"], likelihood=3, impact=impact, raised_on="2026-11-02",
        )  # fmt: skip
    late, early = {"due_on": "2026-12-01"}, {"due_on": "2026-11-10", "done_on": "2026-11-12"}
    await made(admin, "/v1/milestones", **about, **late, title="Calls counted", concern_id=plan["concern_ids"][1])
    await made(admin, "/v1/milestones", **about, **early, title="Shifts begun", action_id=action["id"])
    await made(admin, "/v1/partner-reviews", **about, partner="home_office", shared_on="2026-11-20")
    done = {"title": "Count at source", "done": "not_started", "result": "did_not_work"}
    await made(admin, "/v1/practice-submissions", **about, **done)
    answer = await admin.get(f"/v1/pips/{plan['id']}/document", headers={"Accept": "text/markdown"})
    lines = answer.text.splitlines()
    concern = (await document(admin, plan))["concerns"][1]
    for line in (
        "- Status: draft",
        f"| Calls counted | {concern['title']} | 2026-12-01 |  |",
        f"| Shifts begun | {action['title']} | 2026-11-10 | 2026-11-12 |",
        r"| Count at source | not\_started | did not work |",  # what was done is prose, the result a choice
    ):
        assert line in lines
    (shared,) = (line for line in lines if line.startswith("| the Home Office |"))
    assert "2026-11-20" in shared
    gravest, slight = (line for line in lines if "barrier" in line)
    assert gravest.startswith(f"| Work stops | barrier | {action['task_number']} | 3 | 4 | 12 | high |")
    assert slight.startswith(f"| Staff leave | barrier | {action['task_number']} | 3 | 1 | 3 | low |")


async def test_what_is_answered_can_be_looked_through_offline(
    admin: httpx.AsyncClient, plan: Record, tmp_path: Path
) -> None:
    (tmp_path / "plan.json").write_text(json.dumps(await document(admin, plan)))
    done = run(tmp_path, "lint", "plan.json", "--json")
    assert done.returncode == 1
    assert {"pip_id": plan["id"], "pip_ref": plan["ref"], **json.loads(done.stdout)} == await document(
        admin, plan, "readiness"
    )


def test_every_part_of_the_document_is_described_and_is_a_noun() -> None:
    assert set(PlanDocumentRead.model_fields) == set(PlanDocument.__annotations__)
    assert {child.plural for child in pips.children} <= {*LISTS, "progress_updates"}
    assert set(BESIDE) < set(LISTS)
    assert {of.noun for of in parts().values()} < set(nouns())
    assert {"pip:read", "action:read", "concern:read"} <= set(needs())
