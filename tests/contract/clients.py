"""Do makers of clients make clients that compile, and that do the job against the running service?"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.contract.linters import HERE, Refused, node
from tests.serving import ROOT

DOCUMENT = ROOT / "openapi" / "openapi.json"
TOOLS = ROOT / ".venv" / "contract" / "bin"


def run(*command: str | Path, cwd: Path = ROOT, environment: Mapping[str, str] | None = None) -> str:
    """What a command prints. Raises Refused when it fails."""
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env={**os.environ, **(environment or {})}, capture_output=True, text=True
    )
    if done.returncode:
        raise Refused(done.stdout + done.stderr)
    return done.stdout.strip()


def python_client(folder: Path, environment: Mapping[str, str]) -> str:
    """A client by openapi-python-client, made without a warning, compiled, and used."""
    package = folder / "pip_api_client"
    config = HERE / "python-client.yaml"
    made: list[str | Path] = [
        "generate",
        "--path",
        DOCUMENT,
        "--config",
        config,
        "--output-path",
        package,
        "--meta",
        "none",
    ]
    run(TOOLS / "openapi-python-client", *made, "--fail-on-warning")
    run(TOOLS / "python", "-m", "compileall", "-q", package)
    told = run(TOOLS / "python", HERE / "scenario.py", environment={**environment, "PYTHONPATH": str(folder)})
    modules = [path for path in (package / "api").glob("*/*.py") if path.name != "__init__.py"]
    return f"openapi-python-client: {len(modules)} operations, scenario of {told}"


def typescript_client(folder: Path, environment: Mapping[str, str]) -> str:
    """Types by openapi-typescript, held by a strict compiler, and used through openapi-fetch."""
    for name in ("scenario.ts", "tsconfig.json", "package.json"):
        shutil.copy(HERE / name, folder)
    (folder / "node_modules").symlink_to(HERE / "node_modules")
    node("openapi-typescript", DOCUMENT, "--default-non-nullable=false", "--output", folder / "schema.d.ts")
    run(HERE / "node_modules" / ".bin" / "tsc", "--project", folder, "--strict", "--noEmit")
    run(HERE / "node_modules" / ".bin" / "tsc", "--project", folder, "--strict")
    told = run("node", folder / "built" / "scenario.js", environment=environment)
    return f"openapi-typescript, tsc --strict, openapi-fetch: scenario of {told}"
