"""What does the edge cost? The application is called directly, without a server, with a story that answers at once.

python -m benchmarks.edge
"""

import asyncio
import sys
import tempfile
from collections.abc import Callable
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

ROUNDS, REQUESTS = 7, 3_000
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
                    print(f"{answer.status}, log level {level}: {await _answered(app, token, answer):.1f} us")


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


async def microseconds(
    app: FastAPI, method: str, path: str, headers: list[tuple[bytes, bytes]], status: int, clock: Callable[[], float]
) -> float:
    """What a request without a body takes by a clock, in the quickest of some rounds."""

    async def receive() -> Message:
        raise AssertionError("the body was read")

    async def send(message: Message) -> None:
        assert message.get("status", status) == status

    scope: Scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b""}
    sent = [(b"host", b"bench.test"), (b"user-agent", b"benchmark"), *headers]
    taken = []
    for _ in range(ROUNDS):
        began = clock()
        for _ in range(REQUESTS):
            await app({**scope, "headers": sent}, receive, send)
        taken.append((clock() - began) / REQUESTS)
    return min(taken) * 1_000_000


async def _answered(app: FastAPI, token: str, answer: Answer) -> float:
    async def perform(*_: object) -> Answer:
        return answer

    with mock.patch("pip_api.kernel.routes.perform", perform):
        headers = [(b"authorization", f"Bearer {token}".encode())]
        return await microseconds(app, "GET", PATH, headers, answer.status, perf_counter)


if __name__ == "__main__":
    with Path("/dev/null").open("w") as nowhere:
        sys.stderr = nowhere  # the lines of the log are written, and read by nobody
        asyncio.run(main())
