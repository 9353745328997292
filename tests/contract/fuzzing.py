"""Does Schemathesis find a request that the service answers otherwise than the document says?"""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from uuid import uuid4

from pip_api.access.keys import load_signing_key
from pip_api.access.signatures import JWK
from pip_api.resources.measures import measures
from pip_api.settings import Settings
from tests.matrix.accounts import add_account, sign_in
from tests.matrix.table import HERE, TABLE, Caller
from tests.matrix.world import seed
from tests.service import PEOPLE, Record, running
from tests.serving import COMMAND, ROOT, Server, serving

CONFIG = Path(__file__).with_name("schemathesis.toml")


def demonstration(folder: Path, server: Server, client: str = "demo-admin") -> dict[str, str]:
    """A token of a demonstration client, and its id and secret, as the tools are told them."""
    command = [COMMAND, "token", client, "--server", server.url]
    token = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
    secret = json.loads((folder / "var" / "demo-clients.json").read_text())[client]
    return {
        "PIP_TOKEN": token,
        "PIP_TOKENS": json.dumps({client: token}),
        "PIP_CLIENT_ID": client,
        "PIP_CLIENT_SECRET": secret,
    }


def fuzzed(
    folder: Path, server: Server, asked_by: Mapping[str, str], examples: int, *options: str
) -> tuple[Record, str]:
    """The report of a run against a server, and what it printed."""
    report = folder / f"report-{uuid4()}.json"
    command = [Path(sys.executable).with_name("st"), "--config-file", CONFIG, "run", f"{server.url}/openapi.json"]
    command += ["--checks=all", f"--max-examples={examples}", "--report=json", f"--report-json-path={report}", *options]
    done = subprocess.run(
        [str(each) for each in command],
        cwd=folder,
        env={**os.environ, **asked_by, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )
    if not report.exists():
        raise AssertionError(done.stdout + done.stderr)
    return json.loads(report.read_text()), re.sub(r"0{200,}", "0...0", done.stdout)


def migrated(folder: Path) -> Settings:
    """A database of its own, with the reference data."""
    settings = Settings(
        database_url=f"sqlite:///{folder}/roles.db",
        signing_key_file=folder / "roles.pem",
        sealing_key_file=folder / "roles-seals.pem",
        sealing_interval_ms=0,
        rate_limit_requests=0,
    )
    subprocess.run([COMMAND, "migrate"], env={**os.environ, **_environment(settings)}, cwd=folder, check=True)
    return settings


def _environment(settings: Settings) -> dict[str, str]:
    return {
        "PIP_DATABASE_URL": settings.database_url,
        "PIP_SIGNING_KEY_FILE": str(settings.signing_key_file),
        "PIP_SEALING_KEY_FILE": str(settings.sealing_key_file),
        "PIP_RATE_LIMIT_REQUESTS": "0",
    }


@contextmanager
def every_role(settings: Settings, folder: Path) -> Iterator[tuple[Server, dict[str, str]]]:
    """A server with the world of the matrix, and for each role a token of somebody who holds it."""
    asked_by = asyncio.run(_made(settings))
    key = load_signing_key(settings.signing_key_file)
    with _published(key.public_jwk()) as address:
        people = {"issuer": PEOPLE, "audience": settings.audience, "jwks_uri": address}
        with serving(folder, **_environment(settings), PIP_ISSUERS=json.dumps([people])) as server:
            yield server, asked_by


async def _made(settings: Settings) -> dict[str, str]:
    async with running(settings) as service:
        service.clock.time = datetime.now(UTC) - timedelta(hours=27)
        await seed(service)
        service.clock.time = datetime.now(UTC)
        measure = {"name": "Calls", "unit": "count", "cadence": "month", "code": "demo.101-abandoned"}
        await service.create(measures, **measure)
        client, secret = await service.new_client("national_admin")
        tokens = {}
        for role, scopes in TABLE["roles"].items():
            caller = Caller(f"fuzzing-{role}".replace("_", "-"), ((role, HERE[scopes[0]]),))
            credential = await add_account(service, caller.name, caller)
            tokens[role] = sign_in(service, caller, credential).headers["Authorization"].removeprefix("Bearer ")
    return {"PIP_TOKENS": json.dumps(tokens), "PIP_CLIENT_ID": client, "PIP_CLIENT_SECRET": secret}


@contextmanager
def _published(key: JWK) -> Iterator[str]:
    """The address of the keys of those who vouch for people."""
    body = json.dumps({"keys": [key]}).encode()

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/jwk-set+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Keys) as provider:
        Thread(target=provider.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{provider.server_port}/keys"
        provider.shutdown()
