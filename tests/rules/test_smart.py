"""Is each part of SMART that an action lacks named?"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pip_api.rules.smart import PARTS, missing, smart
from tests.rules.plans import BASE, plan

WHOLE = BASE["actions"][0]
CAUSES = frozenset({"demand"})
GIVEN_BY = {
    "specific": ["title", "description"],
    "measurable": ["intended_outputs", "measure_codes"],
    "achievable": ["resources", "lead"],
    "relevant": ["finding_ids", "concern_id"],
    "time_bound": ["starts_on", "due_on"],
}


def test_a_whole_action_lacks_nothing() -> None:
    assert missing(WHOLE, CAUSES) == []
    assert [each.missing for each in smart(plan())] == [[], []]


@pytest.mark.parametrize("part", PARTS)
@given(blank=st.sampled_from([None, "", "  ", []]))
def test_a_part_that_is_missing_is_named_alone(part: str, blank: Any) -> None:
    lacking = missing(WHOLE | dict.fromkeys(GIVEN_BY[part], blank), CAUSES)
    assert {each.part for each in lacking} == {part}
    assert {each.member for each in lacking} <= set(GIVEN_BY[part])


@given(st.sets(st.sampled_from([name for names in GIVEN_BY.values() for name in names])))
def test_what_is_told_grows_with_what_is_missing(blank: set[str]) -> None:
    told = {each.part for each in missing(WHOLE | dict.fromkeys(blank), CAUSES)}
    either = {"intended_outputs", "measure_codes"}
    assert told == {
        part for part, names in GIVEN_BY.items() if (either <= blank if part == "measurable" else blank & set(names))
    }


def test_a_measure_does_as_well_as_an_output() -> None:
    assert missing(WHOLE | {"intended_outputs": []}, CAUSES) == []


def test_a_symptom_makes_no_action_relevant() -> None:
    symptom = plan({"/root_cause_analyses/0/findings/1/kind": "symptom"})
    first, second = smart(symptom)
    assert first.missing == []
    assert [(second.pointer, each.part, each.member) for each in second.missing] == [
        ("#/actions/1", "relevant", "finding_ids")
    ]
