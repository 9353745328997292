"""Does the README say what is true? Its commands are run as they stand there, and its table is that of the settings."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from pydantic_core import PydanticUndefined

from pip_api.settings import Settings
from tests.serving import free_port, serving

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def settings_table() -> str:
    rows = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default is PydanticUndefined else f"`{field.default}`"
        rows.append(f"| `PIP_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(["| variable | default | what it is |", "| --- | --- | --- |", *rows])


def test_the_table_of_settings_is_that_of_the_service() -> None:
    shown = README.split("<!-- settings: checked by tests/test_readme.py -->\n")[1].split("\n<!-- /settings -->")[0]
    assert shown == settings_table()


def test_every_module_is_on_the_map_and_no_other() -> None:
    parts = re.search(r"## The map of the source(.*?)## How to add", README, re.DOTALL)
    assert parts is not None
    for directory, cell in re.findall(r"^\| `(\w+)/` \| (.*) \|$", parts[1], re.MULTILINE):
        folder = ROOT / "src" / "pip_api" / directory
        assert folder.is_dir(), directory
        known = {path.stem for path in folder.glob("*.py")} - {"__init__"}
        assert {name for name in known if not name.endswith("_operations")} <= named(cell) <= known, directory


def named(cell: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", cell))


def commands(text: str) -> str:
    return "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))


def test_the_trials_of_people_and_of_keys_work_as_written(tmp_path: Path) -> None:
    """A person of an issuer on loopback becomes an administrator, and a program signs in with a key."""
    people, programs = [(ROOT / "docs" / name).read_text("utf-8") for name in ("issuers.md", "clients.md")]
    (tmp_path / ".venv").symlink_to(Path(sys.prefix))
    (tmp_path / "var").mkdir(mode=0o700)
    issuer = f"http://127.0.0.1:{free_port()}"
    (named,) = re.findall(r"PIP_ISSUERS='(.*?)'", people)
    (publish,) = re.findall(r"^\$ (python3 -m http.server .*)$", people, re.MULTILINE)
    publish = publish.replace("9000", issuer.rpartition(":")[2])
    made_first, then = commands(people).split("person() {")
    settings = {"PIP_ISSUERS": named.replace("http://127.0.0.1:9000", issuer)}

    ran(made_first, tmp_path, ISSUER=issuer)
    words, unbuffered = ["bash", "-c", f"exec {publish}"], {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        words, cwd=tmp_path, env=unbuffered, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as publishing:
        assert publishing.stdout is not None
        assert publishing.stdout.readline().startswith("Serving HTTP")
        try:
            with serving(tmp_path, "--demo", **settings) as server:
                written = f"person() {{{then}{commands(programs)}"
                told = ran(written, tmp_path, ISSUER=issuer, PIP_SERVER=server.url, **settings)
        finally:
            publishing.kill()
    assert "jo holds access_admin on national." in told
    assert '"client_id":"pip-api"' in told  # which made what the auditor sees
    assert '"secret":null' in told
    assert '"grants":[{"role":"force_lead","place":"force:avon-and-somerset"' in told


def test_the_job_in_five_minutes_and_the_frameworks_work_as_written_and_again(tmp_path: Path) -> None:
    job = README.split("## The job in five minutes")[1].split("\n## ")[0]
    frameworks = commands((ROOT / "docs" / "frameworks.md").read_text("utf-8"))
    (tmp_path / ".venv").symlink_to(Path(sys.prefix))
    with serving(tmp_path, "--demo") as server:
        told = ran(commands(job), tmp_path, PIP_SERVER=server.url)
        again = ran(commands(job), tmp_path, PIP_SERVER=server.url)
        of_frameworks = [ran(frameworks, tmp_path, PIP_SERVER=server.url) for _ in range(2)]
    assert "2 rows: 1 created, 1 unchanged." in told
    assert '"overdue":1' in told
    assert '"failed":1,"warned":0' in told
    assert '"fix":{"method":"POST","href":"/v1/mitigations"}' in told
    assert "pass           PIP-GP-25" in told
    assert "force_code,force_name,region_code,level" in told
    assert '"reason":"Handover"' in told
    assert "2 rows: 2 unchanged." in again
    assert '"failed":0,"warned":0' in again
    assert [said.count('"left_out":[],') for said in of_frameworks] == [1, 1]
    assert all('"measures":[{"code":"demo.101-abandoned"' in said for said in of_frameworks)
    assert not re.search(r"}{", told + "".join(of_frameworks))  # each answer begins a line


def test_the_life_of_a_plan_works_as_written(tmp_path: Path) -> None:
    script = commands((ROOT / "docs" / "plans.md").read_text("utf-8"))
    (tmp_path / ".venv").symlink_to(Path(sys.prefix))
    with serving(tmp_path, "--demo") as server:
        told = ran(script, tmp_path, PIP_SERVER=server.url)
    assert '"verdict":"not_ready","score":{"passed":5,"failed":15,"warned":2,"not_applicable":8}' in told
    assert "PIP-GP-07  The action is not specific, measurable, achievable, time-bound. (#/actions/0)" in told
    assert '"unaltered":true' in told
    assert '"verdict":"ready"' in told
    assert [told.count(f'"status":"{state}","moved_on"') for state in ("active", "closed")] == [1, 1]


def ran(script: str, folder: Path, **environment: str) -> str:
    """What commands print that all succeed."""
    words = ["bash", "-euo", "pipefail", "-c", script]
    known = {**os.environ, **environment}
    done = subprocess.run(words, cwd=folder, env=known, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_the_lines_that_serve_prints_work_when_pasted(tmp_path: Path) -> None:
    with serving(tmp_path, "--demo") as server:
        token = next(line.split("token", 1)[1].strip() for line in server.printed if line.startswith("  token"))
        curls = [line.strip() for line in server.printed if line.strip().startswith("curl")]
        assert len(curls) == 3
        for curl in curls:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", f"{token}\n{curl} --fail"],
                cwd=tmp_path,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stderr
            assert '"items":[{' in done.stdout
        docs = httpx.get(f"{server.url}/docs")
        assert docs.status_code == 200


@pytest.mark.parametrize("command", ["make run", "make test"])
def test_the_two_commands_are_named(command: str) -> None:
    assert command in README
