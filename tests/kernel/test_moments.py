"""Is an answer of the past what was answered then, at every moment?"""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.plans import AVON, CONCERN, KENT, MEASURE, a_concern, a_plan, an_action, changed, made, put
from tests.service import Record, Service, codes, refused
from tests.soak import examples


def told(answer: httpx.Response) -> tuple[int, Any]:
    """What an answer says, but for what each answer has anew."""
    document = answer.json()
    for name in ("request_id", "instance", "links", "as_of"):
        document.pop(name, None)
    return answer.status_code, document


async def test_a_row_is_read_as_it_stood(service: Service, lead: httpx.AsyncClient, concern: Record) -> None:
    path = f"/v1/concerns/{concern['id']}"
    made_at = service.clock()
    service.clock.forward(minutes=5)
    second = (await changed(lead, "/v1/concerns", concern, title="Second")).json()
    service.clock.forward(minutes=5)
    await lead.delete(path, headers={"If-Match": '"v2"'})
    withdrawn_at = service.clock()
    service.clock.forward(minutes=1)

    async def at(moment: datetime) -> httpx.Response:
        return await lead.get(path, params={"as_of": moment.isoformat()})

    instant = timedelta(microseconds=1)
    for moment in (made_at, made_at + timedelta(minutes=5) - instant):
        answer = await at(moment)
        assert (answer.status_code, answer.json(), answer.headers["etag"]) == (200, concern, '"v1"')
    for moment in (made_at + timedelta(minutes=5), withdrawn_at - instant):
        assert (await at(moment)).json() == second
    refused(await at(withdrawn_at), 410, "withdrawn")
    before = refused(await at(made_at - instant), 404, "not_yet_created")
    assert before["created_at"] == concern["created_at"]


async def test_the_answer_says_of_when_it_is(service: Service, lead: httpx.AsyncClient, concern: Record) -> None:
    path = f"/v1/concerns/{concern['id']}"
    then = service.clock()
    service.clock.forward(minutes=5)
    await changed(lead, "/v1/concerns", concern, title="Second")
    by_query = await lead.get(path, params={"as_of": then.isoformat()})
    by_header = await lead.get(path, headers={"Accept-Datetime": format_datetime(then, usegmt=True)})
    for answer in (by_query, by_header):
        assert answer.json()["title"] == concern["title"]
        assert answer.headers["memento-datetime"] == "Sat, 21 Nov 2026 12:00:00 GMT"
        assert answer.links["original timegate"]["url"] == path
        assert answer.links["timemap"]["url"] == f"{path}/versions"
        assert "Accept-Datetime" in answer.headers["vary"]
    listed = await lead.get("/v1/concerns", params={"status": "open", "as_of": then.isoformat()})
    assert listed.links["original timegate"]["url"] == "/v1/concerns?status=open"
    now = await lead.get(path)
    assert now.json()["title"] == "Second"
    assert "memento-datetime" not in now.headers


@pytest.mark.parametrize(
    "moment",
    ["2026-11-21T12:00:01Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2026-10-01", "2026-10-01T09:00:00"],
)
async def test_a_moment_is_in_the_past_and_has_an_offset(lead: httpx.AsyncClient, moment: str) -> None:
    answer = await lead.get("/v1/concerns", params={"as_of": moment})
    refused(answer, 400, "invalid_parameter")
    assert codes(answer) == [("invalid_parameter", "as_of")]


@pytest.mark.parametrize(
    "moment",
    [
        "Sat, 21 Nov 2026 12:00:01 GMT",
        "Sat, 21 Nov 2026 09:00:00 -0000",
        "yesterday",
        "2026-10-01T09:00:00Z",
        "",
        "Sun, 31 Dec 1899 23:59:59 GMT",
    ],
)
async def test_so_has_one_in_a_header(lead: httpx.AsyncClient, moment: str) -> None:
    answer = await lead.get("/v1/concerns", headers={"Accept-Datetime": moment})
    refused(answer, 400, "invalid_parameter")
    assert codes(answer) == [("invalid_parameter", "Accept-Datetime")]


async def test_permissions_are_those_of_today(service: Service, lead: httpx.AsyncClient, concern: Record) -> None:
    other = await service.caller("force_lead", f"force:{KENT}")
    path, params = f"/v1/concerns/{concern['id']}", {"as_of": service.clock().isoformat()}
    assert (await lead.get(path, params=params)).status_code == 200
    refused(await other.get(path, params=params), 404, "not_found")
    assert (await other.get("/v1/concerns", params=params)).json()["items"] == []


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["create", "change", "withdraw", "action", "act", "figure", "plan"]),
        st.integers(0, 5),
        st.sampled_from([0, 0, 1, 60_000_000]),
    ),
    max_size=14,
)


@settings(max_examples=examples(10, 1_000), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_every_moment_is_as_it_was(service: Service, lead: httpx.AsyncClient, steps: list[Any]) -> None:
    """P28: what was answered then is kept aside, and asked for again with as_of."""
    await tell_and_retell(service, lead, steps)


async def tell_and_retell(service: Service, lead: httpx.AsyncClient, steps: list[Any]) -> None:
    """Runs a script of edits, and holds each answer as of a moment against the one that was given then."""
    admin = await service.caller("national_admin")
    service.clock.forward(seconds=1)
    number, began = service.new_number(), service.clock()
    codes_of = [f"m{number}-a", f"m{number}-b"]
    for code in codes_of:
        await made(admin, "/v1/measures", **(MEASURE | {"code": code, "target": "61.40"}))
    lead = await service.again(lead)
    one = await a_concern(lead, measure_codes=codes_of)
    plan = await a_plan(lead, one)
    concerns, actions = [one], [await an_action(lead, plan, due_on="2026-12-01")]
    own = f"updated_after={(began - timedelta(microseconds=1)).isoformat().replace('+', '%2B')}&limit=500"
    paths = [
        f"/v1/concerns?{own}",
        f"/v1/concerns?status=open&sort=title&{own}",
        f"/v1/concerns?include_withdrawn=true&sort=-updated_at&include_total=true&{own}",
        f"/v1/actions?sort=task_number&{own}",
        f"/v1/pips/{plan['id']}/status",
        f"/v1/pips/{plan['ref']}",
        f"/v1/pips/{plan['id']}?expand=actions.concern",
        f"/v1/figures?measure={','.join(codes_of)}",
        f"/v1/figures/totals?by=measure&measure={','.join(codes_of)}",
    ]
    if number < 100:  # it shows the plans of all scripts
        paths.append("/v1/triage?region=south-west")
    seen: list[tuple[str, str, Any]] = []
    last: str | None = None
    for step, pick, microseconds in [("start", 0, 1), *steps]:
        if microseconds:  # what happens at one and the same instant is seen as a whole
            if last is not None:
                seen += [(last, path, told(await lead.get(path))) for path in paths]
            service.clock.forward(microseconds=microseconds)
        row, action = concerns[pick % len(concerns)], actions[pick % len(actions)]
        if step == "create":
            concerns.append(await a_concern(lead, title=f"Concern {pick}"))
        elif step == "change":
            answer = await changed(lead, "/v1/concerns", row, title=f"Title {pick}", status="resolved")
            concerns[pick % len(concerns)] = answer.json() if answer.is_success else row
        elif step == "withdraw":
            await lead.delete(f"/v1/concerns/{row['id']}", headers={"If-Match": f'"v{row["version"]}"'})
        elif step == "action":
            actions.append(await an_action(lead, plan, due_on=f"2026-12-{pick + 1:02}"))
        elif step == "act":
            answer = await changed(lead, "/v1/actions", action, status="in_progress", title=f"Act {pick}")
            actions[pick % len(actions)] = answer.json() if answer.is_success else action
        elif step == "figure":
            await put(lead, (AVON, codes_of[pick % 2], f"2026-0{pick % 2 + 1}"), f"{pick}.50")
        elif step == "plan":
            plan = (await changed(lead, "/v1/pips", plan, title=f"Plan {pick}")).json()
        last = service.clock().isoformat()
    service.clock.forward(seconds=1)
    for moment, path, then in seen:
        sign = "&" if "?" in path else "?"
        answer = await lead.get(f"{path}{sign}as_of={moment.replace('+', '%2B')}")
        assert told(answer) == then, (moment, path)


async def test_a_figure_is_read_as_it_was_known(service: Service, admin: httpx.AsyncClient) -> None:
    await made(admin, "/v1/measures", **MEASURE)
    place = (AVON, str(MEASURE["code"]), "2026-10")
    path = f"/v1/forces/{AVON}/measures/{MEASURE['code']}/figures/2026-10"
    moments = []
    for value in ("61.40", "62"):
        await put(admin, place, value)
        moments.append(service.clock().isoformat())
        service.clock.forward(hours=1)
        admin = await service.again(admin)
    answers = [await admin.get(path, params={"as_of": moment}) for moment in moments]
    assert [(each.json()["value"], each.headers["etag"]) for each in answers] == [(61.40, '"v1"'), (62, '"v2"')]
    early = datetime(2026, 11, 1, tzinfo=UTC).isoformat()
    refused(await admin.get(path, params={"as_of": early}), 404, "not_found")


async def test_days_are_counted_from_the_moment(service: Service, lead: httpx.AsyncClient, plan: Record) -> None:
    """What is overdue today was not so before its day."""
    await an_action(lead, plan, due_on="2026-11-25")
    then = service.clock().isoformat()
    service.clock.forward(days=10)
    lead = await service.again(lead)
    path = f"/v1/pips/{plan['id']}/status"
    assert (await lead.get(path)).json()["actions"]["overdue"] == 1
    assert (await lead.get(path, params={"as_of": then})).json()["actions"]["overdue"] == 0


async def test_a_list_of_the_past_is_walked_page_by_page(service: Service, lead: httpx.AsyncClient) -> None:
    rows = [await made(lead, "/v1/concerns", **CONCERN, owner=f"Owner {n}") for n in range(5)]
    then = service.clock().isoformat()
    service.clock.forward(minutes=1)
    for row in rows[::2]:
        await changed(lead, "/v1/concerns", row, owner="Nobody")
    walked: list[Record] = []
    following: str | None = f"/v1/concerns?limit=2&as_of={then.replace('+', '%2B')}"
    while following:
        page = (await lead.get(following)).json()
        walked += page["items"]
        following = page["links"].get("next")
        await made(lead, "/v1/concerns", **CONCERN)
    assert walked == rows


async def test_a_walk_that_began_with_a_header_goes_on_by_its_links(service: Service, lead: httpx.AsyncClient) -> None:
    rows = [await a_concern(lead) for _ in range(3)]
    then = format_datetime(service.clock(), usegmt=True)
    service.clock.forward(minutes=1)
    await a_concern(lead)
    page = (await lead.get("/v1/concerns?limit=2", headers={"Accept-Datetime": then})).json()
    following = (await lead.get(page["links"]["next"])).json()
    assert page["items"] + following["items"] == rows
    assert following["page"]["has_more"] is False
