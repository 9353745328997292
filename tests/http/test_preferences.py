"""Are preferences read as they are written?"""

import pytest

from pip_api.http.preferences import preferences


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, {}),
        ("", {}),
        ("return=minimal", {"return": "minimal"}),
        (' Return = "minimal" , handling=lenient', {"return": "minimal", "handling": "lenient"}),
        ("return=minimal, return=representation", {"return": "minimal"}),
        ("wait=20; x=1, respond-async", {"wait": "20", "respond-async": ""}),
        ('foo="a, b", return=minimal', {"foo": "a, b", "return": "minimal"}),
        (";;,=,", {"": ""}),
    ],
)
def test_each_preference_has_its_value(header: str | None, expected: dict[str, str]) -> None:
    assert preferences(header) == expected
