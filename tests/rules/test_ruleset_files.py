"""Is a file of rules loaded when it is well made, and is every fault of all told at once, before anything serves?"""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pip_api import cli
from pip_api.rules import readiness
from pip_api.rules.ruleset_files import RulesetsRefused, ruleset_files
from tests.rules.plans import plan

RULE = {
    "id": "PIP-GP-20",
    "title": "One person is responsible for the plan",
    "lines": "l.51",
    "says": "A plan has one responsible lead.",
    "severity": "warn",
    "fix": {"method": "PATCH", "path": "/v1/pips/{pip_id}"},
}
MINE = {"id": "mine-1", "title": "Mine", "published_on": "2026-12-01", "source": "A guide of my own", "rules": [RULE]}


def told(given: dict[str, Any], name: str = "mine-1.yaml") -> list[str]:
    with pytest.raises(RulesetsRefused) as refused:
        ruleset_files({name: yaml.safe_dump(given)})
    return str(refused.value).splitlines()


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in place of the one of the package."""
    monkeypatch.setattr(readiness, "_SHIPPED", tmp_path)
    readiness._shipped.cache_clear()
    yield tmp_path
    readiness._shipped.cache_clear()


def test_a_file_that_is_put_there_is_a_ruleset(shipped: Path) -> None:
    (shipped / "mine-1.yaml").write_text(yaml.safe_dump(MINE))
    assert readiness.rulesets() == ["mine-1"]
    report = readiness.readiness(plan({"/pip/lead": None}), readiness.ruleset("mine-1"))
    assert [(each.rule.id, each.result) for each in report.results] == [("PIP-GP-20", "warn")]
    assert report.ready


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"severity": "bad"}, "rules/0/severity: Input should be 'fail' or 'warn'"),
        ({"id": "MY-01"}, "rules/0/id: no function in rules/good_practice.py finds out about MY-01"),
        ({"applies_when": "never"}, "rules/0/applies_when: never is none of always, several_concerns,"),
        ({"colour": "red"}, "rules/0/colour: Extra inputs are not permitted"),
        ({"says": " "}, "rules/0/says: String should have at least 1 character"),
        ({"fix": {"method": "PUT", "path": "/v1/pips"}}, "rules/0/fix/method: Input should be 'POST' or 'PATCH'"),
        ({"fix": {"method": "PATCH", "path": "/v1/pips/{id}"}}, "rules/0/fix/path: String should match pattern"),
    ],
)
def test_what_a_rule_cannot_be_is_refused_with_its_place(change: dict[str, Any], says: str) -> None:
    (line,) = told(MINE | {"rules": [RULE | change]})
    assert line.startswith(f"mine-1.yaml: {says}")


def test_every_fault_of_every_file_is_told_at_once() -> None:
    twice = copy.deepcopy(MINE) | {"rules": [RULE, RULE]}
    with pytest.raises(RulesetsRefused) as refused:
        ruleset_files({
            "a.yaml": yaml.safe_dump(MINE | {"rules": [], "title": ""}),
            "b.yaml": "id: [",
            "mine-1.yaml": yaml.safe_dump(twice),
        })  # fmt: skip
    lines = str(refused.value).splitlines()
    assert [line.split(":")[0] for line in lines if line[1:6] == ".yaml"] == ["a.yaml", "a.yaml", "b.yaml"]
    assert lines[-1] == "mine-1.yaml: rules/1/id: PIP-GP-20 is there twice"
    assert told(MINE, "other.yaml") == ["other.yaml: id: the file of mine-1 is named mine-1.yaml"]


def test_nothing_starts_with_a_rule_that_nothing_finds_out_about(
    shipped: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (shipped / "mine-1.yaml").write_text(yaml.safe_dump(MINE | {"rules": [RULE | {"id": "MY-01"}]}))
    monkeypatch.setattr("sys.argv", ["pip-api", "lint", "plan.json", "--ruleset", "mine-1"])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 2
    assert capsys.readouterr().err == (
        "pip-api: mine-1.yaml: rules/0/id: no function in rules/good_practice.py finds out about MY-01\n"
    )
