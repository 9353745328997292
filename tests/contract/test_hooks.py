"""Is only let pass what has a reason?"""

from types import SimpleNamespace

import pytest

from tests.contract import hooks
from tests.contract.hooks import good_as_sent, turns


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


def test_those_who_may_ask_first_and_everybody_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        hooks, "TOKENS", {role: role for role in ("auditor", "force_lead", "redactor", "national_admin")}
    )
    asked = turns("changePip")
    once = [next(asked) for _ in range(4)]
    assert (set(once[:2]), set(once[2:])) == ({"force_lead", "national_admin"}, {"auditor", "redactor"})
    assert [next(asked) for _ in range(4)] == once
