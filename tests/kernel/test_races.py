"""What happens when two callers write at the same time?"""

import asyncio
import os
import subprocess
from collections import Counter
from pathlib import Path

import httpx
import pytest

from pip_api.settings import Settings
from tests.plans import AVON, CONCERN, MEASURE, a_concern, a_plan, an_action
from tests.service import Record, refused
from tests.serving import COMMAND, Server, serving
from tests.soak import LONG, examples


async def test_of_two_changes_with_one_tag_one_is_made(lead: httpx.AsyncClient, concern: Record) -> None:
    path = f"/v1/concerns/{concern['id']}"
    rounds = examples(20, 10_000)
    for version in range(1, rounds + 1):
        tag = {"If-Match": f'"v{version}"'}
        answers = await asyncio.gather(
            *(lead.patch(path, json={"title": f"{name} {version}"}, headers=tag) for name in ("Hill", "Dale"))
        )
        (made,) = [each for each in answers if each.status_code == 200]
        (late,) = [each for each in answers if each.status_code != 200]
        assert refused(late, 412, "version_mismatch")["current_version"] == version + 1
        assert made.json() == (await lead.get(path)).json()
    versions = (await lead.get(f"{path}/versions")).json()["items"]
    assert [each["version"] for each in versions][:21] == list(range(rounds + 1, rounds - 20, -1))


async def test_of_a_change_and_a_withdrawal_one_is_made(lead: httpx.AsyncClient, concern: Record) -> None:
    path, tag = f"/v1/concerns/{concern['id']}", {"If-Match": '"v1"'}
    answers = await asyncio.gather(
        lead.patch(path, json={"title": "Hill"}, headers=tag), lead.delete(path, headers=tag)
    )
    assert sorted(each.status_code for each in answers) in ([200, 412], [204, 410])
    assert len((await lead.get(f"{path}/versions")).json()["items"]) == 2


async def test_plans_made_at_once_have_references_of_their_own(lead: httpx.AsyncClient) -> None:
    body = {"force_code": AVON, "title": "Answer calls in time"}
    answers = [
        each for _ in range(4) for each in await asyncio.gather(*(lead.post("/v1/pips", json=body) for _ in range(3)))
    ]
    assert [each.status_code for each in answers] == [201] * 12
    assert sorted(each.json()["ref"] for each in answers) == [f"{AVON}-2026-{n:02}" for n in range(1, 13)]


async def test_actions_made_at_once_have_numbers_of_their_own(lead: httpx.AsyncClient, plan: Record) -> None:
    answers: list[Record] = []
    for _ in range(4):
        answers += await asyncio.gather(*(an_action(lead, plan) for _ in range(3)))
    assert sorted(int(each["task_number"].removeprefix("1.")) for each in answers) == list(range(1, 13))


async def test_nothing_is_added_to_a_plan_while_it_is_withdrawn(lead: httpx.AsyncClient, concern: Record) -> None:
    for _ in range(10):
        plan = await a_plan(lead, concern)
        body = {"pip_id": plan["id"], "concern_id": plan["concern_ids"][0], "title": "x"}
        added, withdrawn = await asyncio.gather(
            lead.post("/v1/actions", json=body), lead.delete(f"/v1/pips/{plan['id']}", headers={"If-Match": '"v1"'})
        )
        assert (added.status_code, withdrawn.status_code) in ((201, 409), (422, 204))


async def test_two_that_wait_for_each_other_are_both_made(lead: httpx.AsyncClient) -> None:
    """On PostgreSQL one of them is ended by the database, and tried again."""
    for _ in range(10):
        pair = [await a_concern(lead), await a_concern(lead)]
        answers = await asyncio.gather(
            *(
                lead.patch(
                    f"/v1/concerns/{one['id']}",
                    json={"affects": [{"concern_id": other["id"], "how": "The same officers."}]},
                    headers={"If-Match": '"v1"'},
                )
                for one, other in (pair, reversed(pair))
            )
        )
        assert [each.status_code for each in answers] == [200, 200]


async def test_of_two_with_one_code_one_is_made(admin: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(admin.post("/v1/measures", json=MEASURE) for _ in range(4)))
    assert Counter(each.status_code for each in answers) == {201: 1, 409: 3}
    assert len((await admin.get("/v1/measures?code=answered-in-time")).json()["items"]) == 1


def secret_of_a_new_writer(environment: dict[str, str]) -> str:
    create = [COMMAND, "client", "create", "writer", "--role", "force_lead", "--on", f"force:{AVON}"]
    made = subprocess.run(create, env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    return made.stdout.strip()


@pytest.mark.skipif(not LONG, reason="processes are killed with SOAK=1 only")
async def test_a_process_that_is_killed_leaves_one_effect_or_none(settings: Settings, tmp_path: Path) -> None:
    environment = {
        "PIP_DATABASE_URL": settings.database_url,
        "PIP_SIGNING_KEY_FILE": str(settings.signing_key_file),
        "PIP_SEALING_KEY_FILE": str(settings.sealing_key_file),
        "PIP_RATE_LIMIT_REQUESTS": "0",
    }
    credentials = ("writer", secret_of_a_new_writer(environment))

    async def ask(server: Server, key: int, times: int) -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=30) as http:
            token = await http.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=credentials)
            http.headers["Authorization"] = f"Bearer {token.json()['access_token']}"
            headers = {"Idempotency-Key": f'"{key}"'}
            asked = [
                asyncio.create_task(http.post("/v1/concerns", json=CONCERN, headers=headers)) for _ in range(times)
            ]
            if times > 1:
                await asyncio.sleep(0.01 * key)
                server.process.kill()
            answers = await asyncio.gather(*asked, return_exceptions=times > 1)
            told = [each for each in answers if isinstance(each, httpx.Response)]
            return told if times > 1 else [*told, await http.get("/v1/concerns?include_total=true&limit=1")]

    cut_off = 0
    for key in range(1, 11):
        with serving(tmp_path, **environment) as server:
            before = [each for each in await ask(server, key, 50) if each.status_code == 201]
        with serving(tmp_path, **environment) as server:
            answer, page = await ask(server, key, 1)
        assert answer.status_code == 201
        assert {each.content for each in before} <= {answer.content}
        assert not before or answer.headers["idempotency-replayed"] == "true"
        assert page.json()["page"]["total"] == key
        cut_off += len(before) < 50
    assert cut_off
