"""How far is somebody, a role, a team or a force from the level that is required?"""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from pip_api.rules.skills import ALL, STATEMENTS, Person, Statement, assessed_level, gap, gaps, latest

MET = st.dictionaries(st.sampled_from(ALL), st.sampled_from(["not_yet", "partly", "fully"]))


def up_to(level: int) -> dict[Statement, str]:
    return {each: "fully" for each in ALL if each[0] <= level}


def person(level: int, required: int, role: str = "analyst", team: str = "north") -> Person:
    return Person(role, team, "kent", required, up_to(level))


def test_there_are_twenty_one_statements_at_five_levels() -> None:
    assert STATEMENTS == (5, 5, 5, 3, 3)
    assert len(ALL) == len(set(ALL)) == 21


def test_a_level_is_reached_with_all_its_statements_and_those_below() -> None:
    assert [assessed_level(up_to(level)) for level in range(6)] == [0, 1, 2, 3, 4, 5]
    for missing in ALL:
        assert assessed_level({each: "fully" for each in ALL if each != missing}) == missing[0] - 1
        assert assessed_level(up_to(5) | {missing: "partly"}) == missing[0] - 1


@given(MET, st.sampled_from(ALL))
def test_meeting_one_more_never_lowers_a_level(met: Mapping[Statement, str], one: Statement) -> None:
    before, after = assessed_level(met), assessed_level({**met, one: "fully"})
    assert after >= before
    assert gap(Person("", "", "", 3, {**met, one: "fully"})) <= gap(Person("", "", "", 3, met))


def test_the_newest_assessment_counts_and_on_one_day_the_supervisors() -> None:
    def said(day: str, met: str, by: str = "self") -> dict[str, object]:
        return {"statement": [1, 1], "assessed_on": day, "assessed_by": by, "met": met}

    assert latest([said("2026-02-01", "fully"), said("2026-01-01", "not_yet", "supervisor")]) == {(1, 1): "fully"}
    same_day = [said("2026-01-01", "partly", "supervisor"), said("2026-01-01", "fully")]
    assert latest(same_day) == latest(reversed(same_day)) == {(1, 1): "partly"}


def test_gaps_are_told_by_role_team_and_force() -> None:
    people = [person(2, 3), person(3, 3, team="south"), person(0, 1, "officer"), person(5, 2, "officer", "south")]
    told = {by: [(each.group, each.people, each.at_level, each.mean_gap) for each in gaps(people, by)]
            for by in ("role", "team", "force")}  # fmt: skip
    assert told == {
        "role": [("analyst", 2, 1, 0.5), ("officer", 2, 1, 0.5)],
        "team": [("north", 2, 0, 1.0), ("south", 2, 2, 0.0)],
        "force": [("kent", 4, 2, 0.5)],
    }


def test_missing_statements_are_those_of_required_levels_the_most_common_first() -> None:
    (found,) = gaps([person(1, 2), person(0, 1)], "force")
    assert found.missing == [*(((1, place), 1) for place in range(1, 6)), *(((2, place), 1) for place in range(1, 6))]
    (none,) = gaps([person(5, 5)], "force")
    assert (none.missing, none.mean_gap) == ([], 0)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5), st.sampled_from("abc")), min_size=1))
def test_no_person_is_lost_between_groups(drawn: list[tuple[int, int, str]]) -> None:
    people = [person(level, required, role) for level, required, role in drawn]
    (whole,) = gaps(people, "force")
    parts = gaps(people, "role")
    assert sum(each.people for each in parts) == whole.people == len(drawn)
    assert sum(each.at_level for each in parts) == whole.at_level
    assert abs(sum(each.mean_gap * each.people for each in parts) - whole.mean_gap * whole.people) < 1e-9
