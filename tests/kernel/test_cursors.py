"""Is a cursor only good for whom, for what and for how long it was made?"""

from datetime import UTC, datetime
from typing import Any

import pytest

from pip_api.http.problems import Problem
from pip_api.kernel.cursors import Cursors, Place

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class TestCursors:
    cursors = Cursors(b"k" * 32, 60)

    @pytest.mark.parametrize("keys", [[], ["x"], [1, "é", None, "2026-12-01"]])
    @pytest.mark.parametrize(("snapshot", "taken_at"), [(None, None), ("7:9:8", NOW)])
    def test_what_was_put_in_comes_out(self, keys: list[Any], snapshot: str | None, taken_at: datetime | None) -> None:
        place = Place(keys, snapshot, taken_at)
        assert self.cursors.read(self.cursors.make(place, "q", NOW), "q", NOW) == place

    def test_every_altered_character_is_noticed(self) -> None:
        cursor = self.cursors.make(Place(["2026-12-01", "x"]), "q", NOW)
        for place, character in enumerate(cursor):
            altered = cursor[:place] + ("A" if character != "A" else "g") + cursor[place + 1 :]
            with pytest.raises(Problem) as refusal:
                self.cursors.read(altered, "q", NOW)
            assert refusal.value.status == 400
        for cut in range(len(cursor)):
            with pytest.raises(Problem, match="not a cursor"):
                self.cursors.read(cursor[:cut], "q", NOW)

    def test_another_key_and_another_query_are_noticed(self) -> None:
        cursor = self.cursors.make(Place(["x"]), "q", NOW)
        with pytest.raises(Problem, match="not a cursor of yours"):
            Cursors(b"l" * 32, 60).read(cursor, "q", NOW)
        with pytest.raises(Problem, match="other filters") as refusal:
            self.cursors.read(cursor, "r", NOW)
        assert refusal.value.code == "cursor_filter_mismatch"
