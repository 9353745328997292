"""Are the shipped frameworks whole, do all rows of reference data stand in them, and is a wrong file refused?"""

import os
import re
from collections import Counter

import pytest

from pip_api.exchange.framework_files import (
    FileItem,
    FrameworkFile,
    FrameworkFileRefused,
    framework_files,
    shipped,
)
from tests.conftest import DATA

SHIPPED = {file.framework.code: file for file in framework_files(shipped())}
ROWS = DATA.parent / "design" / "mission-rows.md"
LANCASHIRE, STRATEGY = "lancashire-12x12", "national-improvement-strategy"
REFERENCE_DATA = ("measure", "diagnostic", "reference", "vision", "statement")


def kinds(code: str) -> Counter[str]:
    return Counter(item.kind for item in SHIPPED[code].items)


def test_the_frameworks_hold_what_their_documents_say() -> None:
    lancashire, strategy = kinds(LANCASHIRE), kinds(STRATEGY)
    assert (lancashire["measure"], lancashire["diagnostic"]) == (12, 12)
    assert [item.code for item in SHIPPED[LANCASHIRE].items if item.by_exception] == ["d6"]
    assert (strategy["capability_area"], strategy["approach"], strategy["organisational_level"]) == (7, 5, 4)
    assert strategy["vision_statement"] == len([*range(11, 40), *range(47, 50)])
    areas = Counter(item.parent for item in SHIPPED[STRATEGY].items if item.kind == "area_for_improvement")
    assert set(areas) == {item.code for item in SHIPPED[STRATEGY].items if item.kind == "capability_area"}
    statements = [item for item in SHIPPED["performance-management-skill"].items if item.kind == "skill_statement"]
    levels = Counter(item.parent for item in statements)
    assert levels == {"level-1": 5, "level-2": 5, "level-3": 5, "level-4": 3, "level-5": 3}
    assert (kinds("peel")["pillar"], kinds("peel")["grade"], kinds("i-serve")["service"]) == (3, 5, 6)


def test_what_the_document_lost_is_marked_as_inferred_and_says_why() -> None:
    for item in measured():
        assert {each.relation for each in item.maps} >= {"peel_heading", "service"}, item.code
        assert all(each.inferred and each.note for each in item.maps), item.code
        assert (item.parent or "").startswith("priority-"), item.code


def measured() -> list[FileItem]:
    return [item for item in SHIPPED[LANCASHIRE].items if item.kind in ("measure", "diagnostic")]


def mapped(item: FileItem, relation: str) -> set[str]:
    """To which items it stands so."""
    return {each.to for each in item.maps if each.relation == relation}


def test_two_thirds_of_what_is_measured_have_judgements() -> None:
    assert sum(item.evidence in ("qualitative", "both") for item in measured()) / len(measured()) == pytest.approx(
        2 / 3
    )


def test_each_measure_has_one_heading_and_some_core_services() -> None:
    """Headings are the pillars of PEEL, and people. People, and a question of PEEL, have a diagnostic of their own."""
    headings = {item.code: mapped(item, "same_as") for item in SHIPPED[LANCASHIRE].items if item.code[:8] == "heading-"}
    assert {code: {to.partition(":")[0] for to in tos} for code, tos in headings.items()} == {
        "heading-efficiency": {"peel"},
        "heading-effectiveness": {"peel"},
        "heading-legitimacy": {"peel"},
        "heading-od": set(),
    }
    for item in measured():
        assert len(mapped(item, "peel_heading") & set(headings)) == 1, item.code
        assert {to.partition(":")[0] for to in mapped(item, "service")} == {"i-serve"}, item.code
    diagnostics = [item for item in measured() if item.kind == "diagnostic"]
    assert [each.code for each in diagnostics if "heading-od" in mapped(each, "peel_heading")] == ["d4"]
    assert [each.code for each in diagnostics if mapped(each, "question") == {"peel:understanding-demand"}] == ["d1"]


def test_priorities_come_from_the_public_and_those_who_set_them() -> None:
    items = {item.code: item for item in SHIPPED[LANCASHIRE].items}
    for number in "1234":
        assert mapped(items[f"priority-{number}"], "comes_from") == {"police-and-crime-plan"}
    plan = items["police-and-crime-plan"]
    assert mapped(plan, "set_by") == {"police-and-crime-commissioner"}
    assert mapped(plan, "comes_from") == {"communities-and-stakeholders"}
    assert mapped(items["police-and-crime-panel"], "holds_to_account") == {"police-and-crime-commissioner"}
    strategy = {item.code: item for item in SHIPPED[STRATEGY].items}
    assert mapped(strategy["local-priorities"], "set_by") == {"local-policing-bodies"}
    assert mapped(strategy["national-priorities"], "set_by") == {"home-office"}


def test_each_area_for_improvement_says_by_which_approach_and_it_is_marked_as_inferred() -> None:
    approaches = {item.code for item in SHIPPED[STRATEGY].items if item.kind == "approach"}
    for item in SHIPPED[STRATEGY].items:
        if item.kind == "area_for_improvement":
            assert item.text, item.code
            assert len(mapped(item, "approach") & approaches) == 1, item.code
            assert all(each.inferred and each.note for each in item.maps), item.code


@pytest.fixture
def asked() -> dict[str, tuple[str, str]]:
    """The rows of the mission: of which kind each is, and what it asks."""
    if not ROWS.is_file():
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs ../shared/design/mission-rows.md, which is not there.")
        pytest.skip("../shared/design/mission-rows.md is not on this machine")
    found = re.findall(r"^\| ([A-Z]+-[0-9]{3}) \| [^|]* \| (\w+) \| [^|]* \| (.*) \|$", ROWS.read_text(), re.MULTILINE)
    return {row: (kind, text) for row, kind, text in found}


def test_every_row_of_the_mission_that_is_reference_data_is_an_item(asked: dict[str, tuple[str, str]]) -> None:
    answered = {row for file in SHIPPED.values() for item in file.items for row in item.rows}
    named = answered.union(*(file.framework.rows for file in SHIPPED.values()))
    assert named - set(asked) == set(), "there are no such rows"
    assert {row for row, (kind, _) in asked.items() if kind in REFERENCE_DATA} - answered == set(), "without an item"


def printed(item: FileItem) -> tuple[str | None, str | None]:
    """The colours that its document prints beside it: of PEEL, and of local policing."""
    notes = " ".join(each.note for each in item.maps)
    peel, local = (re.search(rf"Printed: {whose} (\w+)", notes) for whose in ("PEEL", "local policing"))
    return peel and peel[1], local and local[1]


def test_an_item_is_of_the_priority_and_has_the_colours_that_its_row_says(asked: dict[str, tuple[str, str]]) -> None:
    looked_at = Counter[str]()
    for item in SHIPPED[LANCASHIRE].items:
        for row in item.rows:
            if asked[row][0] not in ("measure", "diagnostic", "reference"):
                continue
            text = asked[row][1]
            (priority,) = re.findall(r"priority ([1-4])", text)
            assert item.parent == f"priority-{priority}", row
            looked_at[item.kind] += 1
            if item.kind == "measure":
                (colours,) = re.findall(r"PEEL (\(not given\)|\w+), local policing (\(not given\)|\w+)", text)
                assert printed(item) == tuple(None if "not" in each else each.lower() for each in colours), row
    assert looked_at == {"measure": 12, "diagnostic": 12, "supporting_plan": 43}


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
    ("items: [{code: a, kind: pilar, title: A}]", "the item a: kind: Input should be 'value'"),
    ("items: [{code: a, kind: value, title: ''}]", "the item a: title: "),
    ("items: [{code: A B, kind: value, title: A}]", "the item A B: code: "),
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


def test_every_fault_of_every_file_is_said_at_once() -> None:
    texts = {
        "one.yaml": "framework: {code: one, edition: '1', title: One, valid_from: soon}\n"
        "items: [{code: a, kind: pilar, title: A}, {code: b, kind: value, title: B, parent: c}]",
        "two.yaml": HEAD.replace("one", "two")
        + "items: [{code: a, kind: value, title: A, maps: [{to: 'x:y', relation: r}]}]",
    }
    with pytest.raises(FrameworkFileRefused) as refused:
        framework_files(texts)
    said = str(refused.value).removeprefix("The frameworks cannot be loaded: ").split("; ")
    assert [each.split(": ")[:3] for each in said[:2]] == [
        ["one.yaml", "framework", "valid_from"],
        ["one.yaml", "the item a", "kind"],
    ]
    assert said[2:] == [
        "one.yaml: the item b belongs to c, which does not come before it",
        "two.yaml: the item a is mapped to x:y, which is in no file",
    ]


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
