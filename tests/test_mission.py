"""Is every row that the source documents ask answered, by something that exists and a test that shows it?

`docs/mission.md` has one line a row: its id, what it asks, what answers it, and what shows that. What answers is
named as

- an operation of the OpenAPI document, such as `createRisk`;
- a member of what an operation answers, such as `risk.kind`;
- a rule, by its id, such as `RSK-002` or `PIP-GP-12`;
- a framework that is shipped, or an item of one, such as `lancashire-12x12:m1`.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from pip_api.app import describe
from pip_api.contract import RESOURCES
from tests.named import ROOT, asks_the_service, missing

COUNTS = {"PIP": 82, "LANC": 159, "SKILL": 42, "NISP": 97}
LINE = re.compile(r"^\| ((?:PIP|LANC|SKILL|NISP)-\d{3}) \|[^|]*\| (.*?) \| (.*?) \|$", re.MULTILINE)
TABLE = LINE.findall((ROOT / "docs" / "mission.md").read_text("utf-8"))


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@cache
def operations() -> frozenset[str]:
    document: Any = describe()
    return frozenset(
        one["operationId"] for path in document["paths"].values() for one in path.values() if "operationId" in one
    )


@cache
def members() -> frozenset[str]:
    return frozenset(f"{each.noun}.{name}" for each in RESOURCES for name in each.names)


@cache
def rules() -> frozenset[str]:
    """The ids that stand in the source as words of their own."""
    source = ROOT / "src" / "pip_api"
    written = [*sorted(source.rglob("*.py")), *sorted((source / "catalogue" / "readiness").glob("*.yaml"))]
    quoted = re.compile(r"\b(?:PIP-GP-\d\d|[A-Z]{3}-\d{3})\b")
    return frozenset(found for path in written for found in quoted.findall(path.read_text("utf-8")))


@cache
def items() -> frozenset[str]:
    found = set()
    for path in sorted((ROOT / "src" / "pip_api" / "catalogue" / "frameworks").glob("*.yaml")):
        text = yaml.safe_load(path.read_text("utf-8"))
        code = text["framework"]["code"]
        found |= {code, *(f"{code}:{item['code']}" for item in text["items"])}
    return frozenset(found)


def exists(name: str) -> bool:
    return name in operations() or name in members() or name in rules() or name in items()


def test_every_row_is_answered_once() -> None:
    ids = [row for row, _, _ in TABLE]
    assert ids == [f"{kind}-{number:03}" for kind, count in COUNTS.items() for number in range(1, count + 1)]


def test_the_rows_are_those_of_the_source_documents(data: Path) -> None:
    rows = (data.parent / "design" / "mission-rows.md").read_text("utf-8")
    asked = re.findall(r"^\| ((?:PIP|LANC|SKILL|NISP)-\d{3}) \|", rows, re.MULTILINE)
    assert sorted(asked) == sorted(row for row, _, _ in TABLE)


@pytest.mark.parametrize("kind", COUNTS)
def test_what_answers_a_row_exists_and_a_test_shows_it(kind: str) -> None:
    lines = [line for line in TABLE if line[0].startswith(f"{kind}-")]
    assert [row for row, answered, shown in lines if not named(answered) or not named(shown)] == []
    assert [(row, name) for row, answered, _ in lines for name in named(answered) if not exists(name)] == []
    assert [(row, name) for row, _, shown in lines for name in missing(named(shown))] == []
    assert [row for row, _, shown in lines if not any(map(asks_the_service, named(shown)))] == []
