"""Are the shipped frameworks whole, do all rows of reference data stand in them, and is a wrong file refused?"""

import os
import re
from collections import Counter

import pytest

from pip_api.exchange.framework_files import FrameworkFile, FrameworkFileRefused, framework_files, shipped
from tests.conftest import DATA

SHIPPED = {file.framework.code: file for file in framework_files(shipped())}
ROWS = DATA.parent / "design" / "mission-rows.md"
REFERENCE_DATA = ("measure", "diagnostic", "reference", "vision", "statement")


def kinds(code: str) -> Counter[str]:
    return Counter(item.kind for item in SHIPPED[code].items)


def test_the_frameworks_hold_what_their_documents_say() -> None:
    lancashire, strategy = kinds("lancashire-12x12"), kinds("national-improvement-strategy")
    assert (lancashire["measure"], lancashire["diagnostic"]) == (12, 12)
    assert [item.code for item in SHIPPED["lancashire-12x12"].items if item.by_exception] == ["d6"]
    assert (strategy["capability_area"], strategy["approach"], strategy["organisational_level"]) == (7, 5, 4)
    assert strategy["vision_statement"] == len([*range(11, 40), *range(47, 50)])
    statements = [item for item in SHIPPED["performance-management-skill"].items if item.kind == "skill_statement"]
    levels = Counter(item.parent for item in statements)
    assert levels == {"level-1": 5, "level-2": 5, "level-3": 5, "level-4": 3, "level-5": 3}
    assert (kinds("peel")["pillar"], kinds("peel")["grade"], kinds("i-serve")["service"]) == (3, 5, 6)


def test_what_the_document_lost_is_marked_as_inferred_and_says_why() -> None:
    measured = [item for item in SHIPPED["lancashire-12x12"].items if item.kind in ("measure", "diagnostic")]
    for item in measured:
        assert {each.relation for each in item.maps} >= {"peel_heading", "service"}, item.code
        assert all(each.inferred and each.note for each in item.maps), item.code
        assert (item.parent or "").startswith("priority-"), item.code


def test_every_row_of_the_mission_that_is_reference_data_is_an_item() -> None:
    if not ROWS.is_file():
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs ../shared/design/mission-rows.md, which is not there.")
        pytest.skip("../shared/design/mission-rows.md is not on this machine")
    kind_of = dict(re.findall(r"^\| ([A-Z]+-[0-9]{3}) \| [^|]* \| (\w+) \|", ROWS.read_text(), re.MULTILINE))
    answered = {row for file in SHIPPED.values() for item in file.items for row in item.rows}
    named = answered.union(*(file.framework.rows for file in SHIPPED.values()))
    assert named - set(kind_of) == set(), "there are no such rows"
    assert {row for row, kind in kind_of.items() if kind in REFERENCE_DATA} - answered == set(), "rows without an item"


HEAD = "framework: {code: one, edition: '1', title: One}\n"
WRONG = [
    ("items: []", "items: List should have at least 1 item"),
    ("items: [{code: a, kind: value}]", "items/0/title: Field required"),
    ("items: [{code: a, kind: value, title: A, colour: blue}]", "items/0/colour: Extra inputs are not permitted"),
    ("items: [{code: a, kind: value, title: A, rows: [LANC-1]}]", "items/0/rows/0: String should match pattern"),
    (
        "items: [{code: a, kind: value, title: A, by_exception: x}]",
        "items/0/by_exception: Input should be a valid bool",
    ),
    ("items: [{code: a, kind: value, title: How?}]", "expected ',' or '}'"),
    ("items: [{code: a, kind: value, title: A}, {code: a, kind: value, title: A}]", "the item a is there twice"),
    ("items: [{code: a, kind: value, title: A, parent: b}]", "the item a belongs to b, which does not come before it"),
    (
        "items: [{code: a, kind: value, title: A, maps: [{to: b, relation: r}]}]",
        "the item a is mapped to b, which does not come before it",
    ),
    (
        "items: [{code: a, kind: value, title: A, maps: [{to: 'two:b', relation: r}]}]",
        "the item a is mapped to two:b, which is in no file",
    ),
]


@pytest.mark.parametrize(("text", "fault"), WRONG, ids=[fault for _, fault in WRONG])
def test_a_file_that_is_wrong_is_refused_with_its_fault(text: str, fault: str) -> None:
    with pytest.raises(FrameworkFileRefused) as refused:
        framework_files({"one.yaml": HEAD + text})
    assert "one" in str(refused.value)
    assert fault in str(refused.value)


def test_files_are_checked_together() -> None:
    def file(code: str, to: str = "") -> str:
        maps = f", maps: [{{to: '{to}', relation: r}}]" if to else ""
        return f"framework: {{code: {code}, edition: '1', title: T}}\nitems: [{{code: a, kind: value, title: A{maps}}}]"

    def order(*texts: str) -> list[str]:
        read: list[FrameworkFile] = framework_files({f"{place}.yaml": text for place, text in enumerate(texts)})
        return [each.framework.code for each in read]

    assert order(file("one", "two:a"), file("two")) == ["two", "one"]
    with pytest.raises(FrameworkFileRefused, match="in a ring"):
        order(file("one", "two:a"), file("two", "one:a"))
    with pytest.raises(FrameworkFileRefused, match="in another file already"):
        order(file("one"), file("one"))
