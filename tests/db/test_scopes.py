import pytest

from pip_api.db.scopes import EVERY_FORCE, Forces
from tests.plans import KENT


def test_names_stand_between_commas() -> None:
    assert Forces(["gwent", KENT], ["national"]).texts == (b",gwent,kent,", b",national,", b"")
    assert Forces().texts == (b"", b"", b"")
    assert Forces(["*"]).texts[0] != EVERY_FORCE.texts[0]


def test_no_name_is_found_as_two() -> None:
    with pytest.raises(ValueError, match="comma"):
        Forces([f"atlantis,{KENT}"])
