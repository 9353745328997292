"""Does `pip-api lint` say offline, a line a rule, whether a plan is ready, and what is no plan document and where?"""

import json
from pathlib import Path
from typing import Any

import pytest

from pip_api.rules.readiness import NEWEST, readiness
from tests.rules.plans import plan
from tests.test_cli import run


def kept(folder: Path, document: Any) -> str:
    path = folder / "plan.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path.name


def test_a_ready_plan_exits_with_0_and_a_line_for_each_rule(tmp_path: Path) -> None:
    done = run(tmp_path, "lint", kept(tmp_path, plan()))
    assert (done.returncode, done.stderr) == (0, "")
    *lines, verdict = done.stdout.splitlines()
    assert verdict == f"ready by {NEWEST}: 30 passed, 0 failed, 0 warned, 0 not applicable"
    assert [line.split()[1] for line in lines] == [f"PIP-GP-{number:02}" for number in range(1, 31)]
    assert {line.split()[0] for line in lines} == {"pass"}


def test_a_plan_that_is_not_ready_exits_with_1_and_says_where(tmp_path: Path) -> None:
    done = run(tmp_path, "lint", kept(tmp_path, plan({"/concerns/0/owner": None})))
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    (place,) = (place for place, line in enumerate(lines) if line.startswith("fail"))
    assert lines[place : place + 2] == [
        "fail           PIP-GP-21  Nobody owns the concern. (#/concerns/0)",
        "               fix        PATCH /v1/concerns/attendance",
    ]
    assert lines[-1] == f"not ready by {NEWEST}: 29 passed, 1 failed, 0 warned, 0 not applicable"


def test_a_warning_alone_leaves_a_plan_ready(tmp_path: Path) -> None:
    done = run(tmp_path, "lint", kept(tmp_path, plan({"/milestones/1/update_due": False})))
    assert done.returncode == 0
    assert any(line.startswith("warn ") for line in done.stdout.splitlines())


@pytest.mark.parametrize(("changes", "code"), [({}, 0), ({"/pip/lead": None}, 1)])
def test_the_report_as_json_is_that_of_the_service(tmp_path: Path, changes: dict[str, Any], code: int) -> None:
    done = run(tmp_path, "lint", kept(tmp_path, plan(changes)), "--json")
    assert done.returncode == code
    assert json.loads(done.stdout) == readiness(plan(changes)).as_json(plan(changes))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"pip": ', "plan.json is not JSON: Expecting value at line 1, column 9."),
        ('{"pip": {"id": "x"}, "actions": [{"title": 1}]}', "plan.json#/actions/0: The member 'id' is needed.\n"),
        ('{"pip": {"id": "x"}}', "plan.json#: The member 'risks' is needed.\n"),
        ('{"risk": []}', "plan.json#/risk: There is no such member here.\n"),
        ("[]", "plan.json#: Input should be an object.\n"),
    ],
)
def test_what_is_no_plan_exits_with_2_and_says_what_is_wrong(tmp_path: Path, text: str, says: str) -> None:
    done = run(tmp_path, "lint", kept(tmp_path, text))
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


def test_the_rules_are_those_of_the_set_that_is_named(tmp_path: Path) -> None:
    named = run(tmp_path, "lint", kept(tmp_path, plan()), "--ruleset", NEWEST)
    assert (named.returncode, named.stdout) == (0, run(tmp_path, "lint", "plan.json").stdout)
    unknown = run(tmp_path, "lint", "plan.json", "--ruleset", "cop-1999")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert unknown.stderr == f"pip-api: There is no ruleset 'cop-1999'. There are: {NEWEST}.\n"


def test_a_file_that_is_not_there_is_said_in_a_sentence(tmp_path: Path) -> None:
    done = run(tmp_path, "lint", "nowhere.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "pip-api: nowhere.json cannot be read: No such file or directory.\n"
