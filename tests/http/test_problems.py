"""Does a refusal look the same wherever it comes from?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pip_api.http.problems import CATALOGUE, MOST_ERRORS, REGISTERED, Problem, fault, pointer
from tests.service import Service, refused


def resolved(document: object, fragment: str) -> object:
    """What a JSON Pointer means, as RFC 6901 says it is read."""
    for part in fragment.removeprefix("#").split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        document = document[int(name)] if isinstance(document, list) else document[name]  # type: ignore[index]
    return document


@given(st.lists(st.text(max_size=5) | st.integers(0, 3), max_size=4))
def test_a_pointer_resolves(path: list[str | int]) -> None:
    document: object = "found"
    for part in reversed(path):
        document = [None] * part + [document] if isinstance(part, int) else {part: document}
    assert resolved(document, pointer(*path)) == "found"


def test_no_more_faults_are_told_than_can_be_read() -> None:
    faults = [fault("x", "X.", pointer=pointer(place)) for place in range(MOST_ERRORS + 1)]
    members = Problem("validation_failed", "Much is wrong.", errors=faults).document("request-1")
    assert (len(members["errors"]), members["errors_total"], members["errors_truncated"]) == (1000, 1001, True)
    assert "errors" not in Problem("not_found", "Nothing.").document("request-1")


def test_an_unknown_code_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        Problem("no_such_code", "x").document("request-1")


async def test_the_catalogue_explains_every_refusal(service: Service) -> None:
    anybody = service.http()
    listed = (await anybody.get("/problems")).json()["items"]
    assert {each["code"]: (each["status"], each["title"]) for each in listed} == CATALOGUE
    for each in listed:
        assert (await anybody.get(f"/problems/{each['code'].replace('_', '-')}")).json() == each
        assert each["type"] == REGISTERED.get(each["code"], f"/problems/{each['code'].replace('_', '-')}")
    refused(await anybody.get("/problems/not-there"), 404, "not_found")
