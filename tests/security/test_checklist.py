"""Is every line of the checklist of hostile requests answered for, and every requirement of ASVS that applies?"""

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from tests.named import ROOT, missing, names_in
from tests.service import Record

CHECKLIST: dict[str, Record] = yaml.safe_load(Path(__file__).with_name("checklist.yaml").read_text())
SECURITY = (ROOT / "docs" / "security.md").read_text()
REQUIREMENTS = """
    1.1.1-2 1.2.1-5 1.2.9 1.2.10 1.3.3 1.3.6 1.3.10 1.3.12 1.4.1-3 1.5.2-3
    2.1.1-3 2.2.1-3 2.3.1-5 2.4.1
    3.2.1 3.4.1-2 3.4.4-5 3.5.1-2
    4.1.1-4 4.2.1-5
    5.1.1 5.2.1-4 5.3.2 5.4.1-2
    7.2.1-2 7.4.1-2 7.4.5
    8.1.1-2 8.2.1-3 8.3.1-3 8.4.1
    9.1.1-3 9.2.1-4
    10.1.1 10.3.1-5
    11.1.1-2 11.2.1-3 11.4.1 11.4.3 11.5.1 11.6.1
    12.1.1-2 12.2.1 12.3.1-4
    13.1.1-4 13.2.1-6 13.3.1-2 13.4.1-5
    14.1.1-2 14.2.1-4 14.2.6-7 14.3.2
    15.1.1-4 15.2.1-4 15.3.1-5 15.3.7 15.4.2
    16.1.1 16.2.1-5 16.3.1-4 16.4.1-3 16.5.1-4
"""
"""Of ASVS 5.0.0: what applies of levels 1 and 2, and what was chosen of level 3."""


def numbers() -> Iterator[str]:
    for text in REQUIREMENTS.split():
        section, _, last = text.rpartition(".")
        first, _, end = last.partition("-")
        yield from (f"{section}.{number}" for number in range(int(first), int(end or first) + 1))


def test_each_of_the_66_lines_has_a_test_that_exists_or_a_dated_word() -> None:
    assert list(CHECKLIST) == [f"C{number:02}" for number in range(1, 67)]
    for name, line in CHECKLIST.items():
        assert set(line) in ({"tests"}, {"tests", "date", "says"}, {"date", "says"}), name
        assert missing(line.get("tests", [])) == [], name


def test_a_test_that_is_named_after_a_line_stands_in_the_list() -> None:
    listed = {test for line in CHECKLIST.values() for test in line.get("tests", ())}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        file = path.relative_to(ROOT).as_posix()
        for test in names_in(file):
            if re.match(r"test_c\d\d_", test):
                assert f"{file}::{test}" in listed, test


def test_every_requirement_that_applies_is_answered_for() -> None:
    answered = re.findall(r"^\| (\d+\.\d+\.\d+) \| [^|]+ \| (.+) \|$", SECURITY, re.MULTILINE)
    assert sorted(number for number, _ in answered) == sorted(numbers())
    assert len(answered) == 155
    for number, held in answered:
        named = re.findall(r"`(tests/[^`]+)`", held)
        assert named or re.match(r"2026-\d\d-\d\d: \w", held), number
        assert missing(named) == [], number
