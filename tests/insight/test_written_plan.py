"""Is what the service answers a plan document as it stands, and is all else refused with every fault and its place?"""

from typing import Any

import httpx
import pytest

from pip_api.insight.written_plan import read_written
from pip_api.rules.plan_document import LISTS, NotAPlan
from tests.exchange.test_example import loaded
from tests.plans import changed
from tests.rules.plans import plan
from tests.service import Record, Service


def faults(given: Any) -> list[tuple[str, str]]:
    with pytest.raises(NotAPlan) as refused:
        read_written(given)
    return [tuple(each) for each in refused.value.faults]  # type: ignore[misc]


async def test_what_is_answered_is_a_plan_document_now_and_as_of_before(
    service: Service, admin: httpx.AsyncClient
) -> None:
    await loaded(service)

    async def told(path: str, **query: str) -> Record:
        answer = await admin.get(path, params=query)
        assert answer.status_code == 200, answer.text
        found: Record = answer.json()
        return found

    demo = "/v1/pips/avon-and-somerset-2026-01"
    first, then = await told(f"{demo}/document"), service.clock.time.isoformat().replace("+00:00", "Z")
    service.clock.forward(minutes=1)
    pip = await told(demo)
    assert (await changed(admin, "/v1/pips", pip, timeline="", board_ids=[])).status_code == 200
    now, before = await told(f"{demo}/document"), await told(f"{demo}/document", as_of=then)
    for document in (first, now, before):
        assert read_written(document) == document
    assert before["boards"]
    assert not now["boards"]
    (presented, *_) = (await told("/v1/presentations", pip=pip["id"]))["items"]
    seen = (await told(f"/v1/presentations/{presented['id']}/document"))["document"]
    assert read_written(seen) == seen
    assert len([name for name in LISTS if now[name]]) > 15, "a plan with few parts says little here"
    renamed = dict(now)
    renamed["risk"] = renamed.pop("risks")
    assert faults(renamed) == [("#", "The member 'risks' is needed."), ("#/risk", "There is no such member here.")]


def test_what_a_program_writes_may_leave_out_what_has_a_default() -> None:
    assert read_written(plan()) == plan()


@pytest.mark.parametrize("name", [*LISTS, "level"])
def test_no_list_may_be_left_out(name: str) -> None:
    assert faults({each: value for each, value in plan().items() if each != name}) == [
        ("#", f"The member '{name}' is needed.")
    ]


@pytest.mark.parametrize(
    ("pointer", "value", "says"),
    [
        ("/pip/status", "activ", "Input should be 'draft'"),
        ("/pip/led", "Chief", "There is no such member here."),
        ("/actions/1/status", "doing", "Input should be 'not_started'"),
        ("/milestones/0/title", None, "Input should be a valid string."),
        ("/risks/0/likelihood", 99, "Input should be less than or equal to 6."),
        ("/risks/0/likelihood", "3", "Input should be a valid integer."),
        ("/risks/0/mitigations/0/state", "agreed", "There is no such member here."),
        ("/root_cause_analyses/0/findings/0/kind", "cause", "Input should be 'root_cause'"),
        ("/concerns/0/affects/0/as", "x", "There is no such member here."),
        ("/actions/0/due_on", "soon", "Input should be a date such as 2026-10-05."),
        ("/level/presented_to_ppmg", "yes", "Input should be a valid boolean."),
        ("/known_concerns", {}, "Input should be a valid"),
    ],
)
def test_what_no_noun_takes_is_refused_where_it_stands(pointer: str, value: Any, says: str) -> None:
    given: Any = plan()
    *way, last = pointer.split("/")[1:]
    place = given
    for part in way:
        place = place[int(part) if isinstance(place, list) else part]
    place[last] = value
    ((where, detail),) = faults(given)
    assert where == f"#{pointer}"
    assert detail.startswith(says)


def test_all_faults_are_told_at_once() -> None:
    given: Any = plan()
    del given["level"], given["milestones"][1]["title"], given["pip"]["status"]
    given["known_concern"] = given.pop("known_concerns")
    assert {pointer for pointer, _ in faults(given)} == {"#", "#/milestones/1", "#/pip", "#/known_concern"}
    assert len(faults(given)) == 5
    assert [where for where, _ in faults({"pip": {"id": "x"}})].count("#") == len(LISTS) + 1
    assert faults([]) == [("#", "Input should be an object.")]
