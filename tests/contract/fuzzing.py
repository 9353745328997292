"""Does Schemathesis find a request that the service answers otherwise than the document says?"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.service import Record
from tests.serving import COMMAND, ROOT, Server

CONFIG = Path(__file__).with_name("schemathesis.toml")


def demonstration(folder: Path, server: Server, client: str = "demo-admin") -> dict[str, str]:
    """A token of a demonstration client, and its id and secret, as the tools are told them."""
    command = [COMMAND, "token", client, "--server", server.url]
    token = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
    secret = json.loads((folder / "var" / "demo-clients.json").read_text())[client]
    return {"PIP_TOKEN": token, "PIP_CLIENT_ID": client, "PIP_CLIENT_SECRET": secret}


def fuzzed(
    folder: Path, server: Server, examples: int, *options: str, client: str = "demo-admin"
) -> tuple[Record, str]:
    """The report of a run as one client against a server with the demonstration, and what it printed."""
    report = folder / f"report-{client}.json"
    command = [Path(sys.executable).with_name("st"), "--config-file", CONFIG, "run", f"{server.url}/openapi.json"]
    command += ["--checks=all", f"--max-examples={examples}", "--report=json", f"--report-json-path={report}", *options]
    done = subprocess.run(
        [str(each) for each in command],
        cwd=folder,
        env={**os.environ, **demonstration(folder, server, client), "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )
    if not report.exists():
        raise AssertionError(done.stdout + done.stderr)
    return json.loads(report.read_text()), re.sub(r"0{200,}", "0...0", done.stdout)
