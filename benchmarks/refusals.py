"""What does it cost to refuse a request? Processor time; the application is called directly, and reads nothing.

python -m benchmarks.refusals
"""

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import process_time

from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI

from benchmarks.edge import microseconds
from pip_api.access.keys import SigningKey
from pip_api.access.tokens import TokenIssuer
from pip_api.app import create_app
from pip_api.db.migrate import migrate
from pip_api.http import logs
from pip_api.settings import Settings


async def main() -> None:
    """Microseconds a refusal, of the quickest of some rounds: the others were disturbed."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        settings = Settings(
            database_url=f"sqlite:///{directory}/pip.db",
            signing_key_file=directory / "key.pem",
            sealing_key_file=directory / "sealing-key.pem",
        )
        migrate(settings)
        logs.configure(json=True, level="info")
        app = create_app(settings)
        async with app.router.lifespan_context(app):
            for name, authorization in _bad(app, settings):
                print(f"{name:<24}{await _microseconds(app, authorization):7.0f} us")


def _bad(app: FastAPI, settings: Settings) -> Iterator[tuple[str, str | None]]:
    """Headers that are refused, by what is wrong with them."""
    services, own = app.state.services, app.state.door.issuer
    stranger = SigningKey(ec.generate_private_key(ec.SECP256R1()))
    foreign = TokenIssuer(stranger, settings.issuer, settings.audience, 900, services.clock, services.new_id)
    elsewhere = TokenIssuer(stranger, "https://id.example", settings.audience, 900, services.clock, services.new_id)
    other = own.issue("other", "other", None).rpartition(".")[2]

    def swapped(scope: str | None) -> str:
        """A token with the signature of another."""
        return f"{own.issue('client', 'client', scope).rpartition('.')[0]}.{other}"

    yield "no header", None
    yield "no token", "Bearer x.y.z"
    yield "another issuer", f"Bearer {elsewhere.issue('client', 'client', None)}"
    yield "unknown kid", f"Bearer {foreign.issue('client', 'client', None)}"
    yield "bad signature", f"Bearer {swapped(None)}"
    yield "8 KB, bad signature", f"Bearer {swapped('x' * 5_700)}"


async def _microseconds(app: FastAPI, authorization: str | None) -> float:
    headers = [(b"content-length", b"10000000")]
    if authorization is not None:
        headers.append((b"authorization", authorization.encode()))
    return await microseconds(app, "POST", "/v1/concerns", headers, 401, process_time)


if __name__ == "__main__":
    with Path("/dev/null").open("w") as nowhere:
        sys.stderr = nowhere  # the lines of the log are written, and read by nobody
        asyncio.run(main())
