"""Is what bears on an item counted for all that it belongs to, and is what is missing told?"""

from typing import Any

from pip_api.rules.coverage import (
    areas_without,
    areas_without_measure,
    evidence,
    levels,
    matrix,
    measures_without_plan,
    missing_levels,
    plans_without_measure,
    reached,
)


def item(code: str, kind: str, parent: str | None = None, **more: Any) -> dict[str, Any]:
    return {"code": code, "kind": kind, "title": code, "parent_code": parent, "evidence_kind": None,
            "measure_code": None} | more  # fmt: skip


STRATEGY = [
    item("leadership", "capability_area"),
    item("efficiency", "capability_area"),
    item("citizens", "approach"),
    item("methods", "approach"),
    item("teams", "organisational_level", "methods"),
    item("service", "organisational_level", "methods"),
    item("vision-17", "vision_statement", "leadership"),
]
BEARING = [reached(STRATEGY, codes) for codes in ({"vision-17", "teams"}, {"leadership"}, {"efficiency", "citizens"})]


def test_what_bears_on_a_statement_bears_on_its_area() -> None:
    table = {
        row["code"]: (row["subjects"], {each["code"]: each["subjects"] for each in row["approaches"]})
        for row in matrix(STRATEGY, BEARING)
    }
    assert table == {
        "leadership": (2, {"citizens": 0, "methods": 1}),
        "efficiency": (1, {"citizens": 1, "methods": 0}),
    }


def test_a_level_with_nothing_is_a_gap() -> None:
    assert [(each["code"], each["subjects"]) for each in levels(STRATEGY, BEARING)] == [("teams", 1), ("service", 0)]
    assert missing_levels(STRATEGY, {"teams"}) == ["service"]


def test_items_that_belong_to_one_another_in_a_ring_end() -> None:
    ring = [item("a", "value", "b"), item("b", "value", "a")]
    assert reached(ring, {"a"}) == {"a", "b"}
    assert reached(ring, {"strange"}) == frozenset()


def test_shares_of_evidence_are_of_what_is_said() -> None:
    kinds = ("quantitative", "quantitative", "both", "qualitative", None)
    measured = [item(f"m{n}", "measure", evidence_kind=kind) for n, kind in enumerate(kinds)]
    found = evidence([*measured, item("v", "value", evidence_kind="qualitative")])
    assert found == {
        "quantitative": 2, "qualitative": 1, "both": 1, "not_said": 1, "quantitative_share": 0.75,
        "qualitative_share": 0.5,
    }  # fmt: skip
    assert evidence([])["qualitative_share"] is None


def test_a_measure_has_a_plan_by_its_item_or_by_its_figures() -> None:
    measured = [item("m1", "measure"), item("m2", "measure", measure_code="calls"), item("d1", "diagnostic")]
    plans: list[dict[str, Any]] = [
        {"codes": {"m1"}, "measures": set()},
        {"codes": set(), "measures": {"calls"}},
        {"codes": {"priority-1"}, "measures": set()},
    ]
    assert [each["code"] for each in measures_without_plan(measured, plans)] == ["d1"]
    assert plans_without_measure(measured, plans) == [plans[2]]
    assert measures_without_plan(measured, []) == measured


def test_an_area_is_measured_by_what_hangs_beneath_it() -> None:
    judged = item("leaders-trained", "measure", "vision-17")
    assert [each["code"] for each in areas_without_measure(STRATEGY)] == ["leadership", "efficiency"]
    assert [each["code"] for each in areas_without_measure([*STRATEGY, judged])] == ["efficiency"]
    assert areas_without(STRATEGY, {"leadership", "efficiency", "citizens"}) == []
