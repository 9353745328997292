"""What do Spectral, with three sets of rules, and Redocly say of the two documents?"""

import json
import re
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.service import Record
from tests.serving import ROOT

HERE = Path(__file__).parent
DOCUMENTS = ("openapi.json", "openapi-3.0.json")
RULES = ("oas", "owasp", "ibm")


class Refused(Exception):
    """What a judge has against the service or its document."""


@dataclass
class Waiver:
    """An error that is let pass."""

    linter: str
    rule: str
    where: str
    reason: str
    has: str | None = None
    only: str | None = None
    used: int = 0

    def covers(self, linter: str, document: str, fault: Record, place: Any) -> bool:
        here = (self.linter, self.rule) == (linter, fault["code"]) and self.only in (None, document)
        member = self.has is None or (isinstance(place, dict) and self.has in place)
        return here and member and re.fullmatch(self.where, "/".join(map(str, fault["path"]))) is not None


def waivers() -> list[Waiver]:
    return [Waiver(**each) for each in tomllib.loads((HERE / "waivers.toml").read_text())["waiver"]]


def node(*command: str | Path) -> str:
    """What a tool of npm prints. How it ends is judged by what it prints."""
    tool = HERE / "node_modules" / ".bin" / str(command[0])
    done = subprocess.run([tool, *map(str, command[1:])], cwd=HERE, capture_output=True, text=True)
    if not done.stdout:
        raise Refused(done.stderr)
    return done.stdout


def lint() -> list[str]:
    """One line for each set of rules. Raises Refused for an error that is not waived, and for an idle waiver."""
    known, told = waivers(), []
    for rules in RULES:
        told.append(f"spectral {rules}: 0 errors" + _lint(rules, known))
    if idle := [f"{each.rule} {each.where}" for each in known if not each.used]:
        raise Refused(f"waivers that nothing needs: {idle}")
    return [*told, _redocly()]


def _lint(rules: str, known: list[Waiver]) -> str:
    waived, unwaived = 0, list[str]()
    for document in DOCUMENTS:
        path = ROOT / "openapi" / document
        printed = node("spectral", "lint", path, "--ruleset", HERE / "rules" / f"{rules}.yaml", "-f", "json", "-D")
        content = json.loads(path.read_text())
        faults, _ = json.JSONDecoder().raw_decode(printed)
        for fault in (each for each in faults if each["severity"] == 0):
            fitting = [each for each in known if each.covers(rules, document, fault, _place(content, fault["path"]))]
            if fitting:
                fitting[0].used += 1
                waived += 1
            else:
                where = "/".join(map(str, fault["path"]))
                unwaived.append(f"{document} {fault['code']} at {where}: {fault['message']}")
    if unwaived:
        raise Refused("\n".join(unwaived))
    return f", {waived} waived" if waived else ""


def _place(content: Any, path: list[str | int]) -> Any:
    for step in path:
        try:
            content = content[int(step) if isinstance(content, list) else str(step)]
        except (KeyError, IndexError, TypeError, ValueError):
            return None
    return content


def _redocly() -> str:
    warnings = 0
    for document in DOCUMENTS:
        found = json.loads(node("redocly", "lint", ROOT / "openapi" / document, "--format=json"))
        errors = [each for each in found["problems"] if each["severity"] == "error"]
        if errors:
            raise Refused(f"{document}: {errors[0]['ruleId']}: {errors[0]['message']}")
        warnings += len(found["problems"])
    return f"redocly recommended: 0 errors, {warnings} warnings"
