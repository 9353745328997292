"""Is only let pass what has a reason?"""

from types import SimpleNamespace

import pytest

from tests.contract.hooks import good_as_sent


@pytest.mark.parametrize(
    ("query", "good"),
    [
        ("unit=0.0&sort=-name&limit=5&include_withdrawn=false", True),
        ("", True),
        ("limit=0", False),
        ("limit=x", False),
        ("unit=", False),
        ("sort=x", False),
        ("other=1", False),
        ("code=a,,b", False),
        ("limit=1&limit=2", False),
        ("evidence=both,x", False),
    ],
)
def test_a_query_is_read_as_it_was_sent(query: str, good: bool) -> None:
    case = SimpleNamespace(operation=SimpleNamespace(path="/v1/measures", method="get"))
    assert good_as_sent(case, f"http://127.0.0.1/v1/measures?{query}") is good


def test_a_write_is_never_let_pass_for_its_query() -> None:
    case = SimpleNamespace(operation=SimpleNamespace(path="/v1/measures", method="post"))
    assert not good_as_sent(case, "http://127.0.0.1/v1/measures")
