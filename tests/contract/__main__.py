"""Everything that nobody here wrote, judging the contract: `make contract` runs this."""

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from pip_api.http.logs import configure
from tests.contract.clients import TOOLS, python_client, run, typescript_client
from tests.contract.fuzzing import demonstration, every_role, fuzzed, migrated
from tests.contract.linters import HERE, Refused, lint
from tests.service import Record
from tests.serving import Server, serving

EXAMPLES = {"demo-admin": 200, "demo-force": 50, "demo-triage": 50}
"""For each client of the demonstration: a narrower one is refused more, and by other checks."""
TURNS = 140
"""For the fourteen roles in turn."""
PLAN = "/v1/pips/avon-and-somerset-2026-01"
RESOURCES = (
    "/v1/pips",
    PLAN,
    f"{PLAN}/status",
    f"{PLAN}/versions",
    "/v1/triage?region=south-west",
    "/v1/figures?measure=demo.101-abandoned",
    "/v1/forces/avon-and-somerset",
    "/v1/pips/none",
    "/problems",
    "/openapi.json",
    "/docs",
    "/reference/swagger-ui.css",
)


def manners(server: Server, token: str) -> str:
    """REDbot, which has httplint look at every answer, on a dozen resources: no bad note."""
    counted = {"good": 0, "warning": 0, "bad": 0}
    for path in RESOURCES:
        header = f"Authorization: Bearer {token}"
        notes = json.loads(run(TOOLS / "python", HERE / "redbot_notes.py", server.url + path, header))
        if bad := [note["says"] for note in notes if note["level"] == "bad"]:
            raise Refused(f"{path}: {bad}")
        for note in notes:
            if note["level"] in counted:
                counted[note["level"]] += 1
    return f"redbot and httplint: {len(RESOURCES)} resources, {counted['bad']} bad notes, {counted['warning']} warnings"


def pages(server: Server) -> str:
    """Swagger UI and Redoc in Chromium, with no name resolved."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        raise Refused("There is no Chromium: apt-get install chromium")
    return "chromium: " + ", ".join(run("node", HERE / "browser.mjs", server.url, chromium).splitlines())


def fuzzing(folder: Path, server: Server, client: str) -> list[str]:
    """Schemathesis with every check as one client: also without its token, with another, and along stateful links."""
    phases = [] if client == "demo-admin" else ["--phases=fuzzing,stateful"]  # what is left out depends on no role
    examples, asked_by = EXAMPLES[client], demonstration(folder, server, client)
    return _found_nothing(client, examples, fuzzed(folder, server, asked_by, examples, *phases))


def fuzzing_in_turns(folder: Path) -> list[str]:
    """The same as each role in turn: first those that may do an operation, and then the others."""
    with every_role(migrated(folder), folder) as (server, asked_by):
        return _found_nothing("each role in turn", TURNS, fuzzed(folder, server, asked_by, TURNS, "--phases=fuzzing"))


def _found_nothing(who: str, examples: int, found: tuple[Record, str]) -> list[str]:
    report, printed = found
    if report["failures"] or report["errors"]:
        raise Refused(printed)
    tried, operations = report["test_cases"]["generated"], report["operations"]["tested"]
    each = f"{examples} examples an operation, {operations} operations, {tried} cases"
    return [f"schemathesis as {who}: 0 failures at {each}"]


def judged(name: str, judge: Callable[[], Iterable[str]]) -> bool:
    """Prints what a judge says, and whether it was content."""
    started = time.monotonic()
    try:
        told, content = list(judge()), True
    except Refused as refusal:
        told, content = [f"{name}: FAILED", str(refusal)], False
    for line in told:
        print(line)
    print(f"  ({name} took {time.monotonic() - started:.0f} s)", flush=True)
    return content


def main() -> int:
    if shutil.which("node") is None:
        print("There is no Node.js: apt-get install nodejs npm")
        return 2
    configure(json=False, level="warning")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with serving(
            folder, "--demo", PIP_TOKEN_LIFETIME_SECONDS="3600", PIP_LOG_LEVEL="info", PIP_RATE_LIMIT_REQUESTS="0"
        ) as server:
            known = {"PIP_SERVER": server.url, **demonstration(folder, server)}
            contents = [judged(name, judge) for name, judge in _judges(folder, server, known).items()]
    return 0 if all(contents) else 1


def _judges(folder: Path, server: Server, known: Mapping[str, str]) -> dict[str, Callable[[], Iterable[str]]]:
    made = folder / "clients"
    made.mkdir()
    return {
        "linters": lint,
        "python client": lambda: [python_client(made, known)],
        "typescript client": lambda: [typescript_client(made, known)],
        "manners": lambda: [manners(server, known["PIP_TOKEN"])],
        "pages": lambda: [pages(server)],
        **{f"fuzzing as {client}": partial(fuzzing, folder, server, client) for client in EXAMPLES},
        "fuzzing as every role": partial(fuzzing_in_turns, folder),
    }


if __name__ == "__main__":
    sys.exit(main())
