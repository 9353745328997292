"""Which texts are places?"""

import pytest

from pip_api.access.places import Place, force_in


@pytest.mark.parametrize(
    ("text", "scope", "code", "force"),
    [
        ("national", "national", None, None),
        ("region:south-west", "region", "south-west", None),
        ("force:kent", "force", "kent", "kent"),
    ],
)
def test_a_place_is_read_and_written(text: str, scope: str, code: str | None, force: str | None) -> None:
    place = Place.parse(text)
    assert (place.scope, place.code, force_in(text), str(place)) == (scope, code, force, text)


@pytest.mark.parametrize(
    "text", ["", "kent", "national:kent", "force", "force:", "region:", "county:kent", "force:Kent", "force:kent\n"]
)
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="A place is national, region:CODE or force:CODE"):
        Place.parse(text)


def test_a_force_is_named_by_its_code_alone_too() -> None:
    assert force_in("kent") == "kent"
    assert force_in(None) is None
