"""Which operations are at an address?"""

import pytest

from pip_api.contract import OPERATIONS
from pip_api.http.paths import Paths


def found(paths: Paths[str], method: str, path: str) -> tuple[str, dict[str, str]] | None:
    here, values = paths.find(path)
    if method not in here:
        return None
    operation, names = here[method]
    return operation, dict(zip(names, values, strict=True))


@pytest.fixture
def paths() -> Paths[str]:
    made: Paths[str] = Paths()
    for operation in OPERATIONS:
        made.add(operation.method, operation.path, operation.id)
    return made


def test_every_operation_is_at_its_address(paths: Paths[str]) -> None:
    for operation in OPERATIONS:
        name = found(paths, operation.method, operation.path.replace("{", "a-").replace("}", ""))
        assert name is not None
        assert name[0] == operation.id
        assert name[1] == {each: f"a-{each}" for each in name[1]}


def test_the_same_place_has_its_name_from_each_operation(paths: Paths[str]) -> None:
    assert found(paths, "GET", "/v1/forces/kent") == ("getForce", {"id": "kent"})
    figure = {"force": "kent", "measure": "calls", "period": "2026-10"}
    assert found(paths, "PUT", "/v1/forces/kent/measures/calls/figures/2026-10") == ("putFigure", figure)
    assert set(paths.find("/v1/pips/x")[0]) == {"GET", "PATCH", "DELETE"}


def test_a_word_comes_before_a_parameter() -> None:
    paths: Paths[str] = Paths()
    paths.add("GET", "/figures/{id}", "one")
    paths.add("GET", "/figures/totals", "totals")
    assert found(paths, "GET", "/figures/totals") == ("totals", {})
    assert found(paths, "GET", "/figures/total") == ("one", {"id": "total"})


@pytest.mark.parametrize(
    "path",
    ["", "/", "/v1", "/v1/pips/", "//v1/pips", "/v1//pips", "/v1/pips/x/status/", "/v1/pips/x/nothing", "v1/pips"],
)
def test_what_is_nowhere_has_no_operations(paths: Paths[str], path: str) -> None:
    assert not paths.find(path)[0]


def test_an_address_has_one_operation_for_each_method(paths: Paths[str]) -> None:
    with pytest.raises(ValueError, match="GET /v1/pips is there already"):
        paths.add("GET", "/v1/pips", "another")
