"""What does the edge cost? The application is called directly, without a server, with a story that answers at once.

python -m benchmarks.edge
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from unittest import mock

import httpx
from fastapi import FastAPI
from starlette.types import Message, Scope

from pip_api.access.principals import system
from pip_api.app import create_app
from pip_api.db.migrate import migrate
from pip_api.http import logs
from pip_api.kernel.call import Answer, Call, Services
from pip_api.resources.clients import create_client
from pip_api.settings import Settings

ROUNDS, REQUESTS = 7, 4_000
PATH = "/v1/pips/01890000-0000-7000-8000-000000000000"


async def main() -> None:
    """Microseconds a request, of the quickest of some rounds: the others were disturbed."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        settings = Settings(
            database_url=f"sqlite:///{directory}/pip.db",
            signing_key_file=directory / "key.pem",
            rate_limit_requests=10**9,
            import_limit_requests=10**9,
        )
        migrate(settings)
        for level in ("warning", "info"):
            logs.configure(json=True, level=level)
            app = create_app(settings)
            async with app.router.lifespan_context(app):
                token = await _token(app, f"bench-{level}")
                for answer in (Answer(304, headers={"ETag": '"v1"'}), Answer(200, {"title": "x" * 500})):
                    print(f"{answer.status}, log level {level}: {await _microseconds(app, token, answer):.1f} us")


async def _token(app: FastAPI, client_id: str) -> str:
    services: Services = app.state.services
    async with services.database.transaction() as session:
        call = Call(services, session, await system(session), "benchmark")
        secret = await create_client(call, client_id, client_id, "national_admin", "national")
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bench.test") as caller:
        form = {"grant_type": "client_credentials"}
        answer = await caller.post("/oauth2/token", data=form, auth=(client_id, secret))
        return str(answer.json()["access_token"])


async def _microseconds(app: FastAPI, token: str, answer: Answer) -> float:
    async def perform(*_: object) -> Answer:
        return answer

    async def receive() -> Message:
        raise AssertionError("a read has no body")

    async def send(message: Message) -> None:
        assert message.get("status", answer.status) == answer.status

    headers = [(b"host", b"bench.test"), (b"authorization", f"Bearer {token}".encode()), (b"user-agent", b"benchmark")]
    scope: Scope = {"type": "http", "method": "GET", "path": PATH, "raw_path": PATH.encode(), "query_string": b""}
    taken = []
    with mock.patch("pip_api.kernel.routes.perform", perform):
        for _ in range(ROUNDS):
            began = perf_counter()
            for _ in range(REQUESTS):
                await app({**scope, "headers": headers}, receive, send)
            taken.append((perf_counter() - began) / REQUESTS)
    return min(taken) * 1_000_000


if __name__ == "__main__":
    with Path("/dev/null").open("w") as nowhere:
        sys.stderr = nowhere  # the lines of the log are written, and read by nobody
        asyncio.run(main())
