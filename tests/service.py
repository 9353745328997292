"""What do tests talk to? The whole service in process, over HTTP, on a database of its own.

Two walls stand between a caller and the rows of other forces: the doors of the kernel, and on PostgreSQL row-level
security. To prove one alone, run a second service on the same database with the other one off:

    async with running(service.services.settings, first_wall=False) as opened: ...

and speak to it with the tokens that `service` gave (`opened.http(Authorization=caller.headers["Authorization"])`).
With the first wall off each permission that a caller holds reaches every force, while its scope, which is what
PostgreSQL goes by, stays its own. With the second off the service logs in as a role that no policy holds for.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import bindparam, or_, select
from uuid_utils.compat import uuid7

from pip_api.access.key_sets import FixedKeys
from pip_api.access.keys import load_signing_key
from pip_api.access.permissions import ROLES, is_for_people, is_personal
from pip_api.access.principals import Principal, system
from pip_api.access.signatures import VerifyingKeys
from pip_api.access.tables import ACCOUNT, FORCE, GRANT
from pip_api.access.tokens import Terms, TokenIssuer, TokenVerifier
from pip_api.app import create_app
from pip_api.db import open_database
from pip_api.db.columns import Code, Uid
from pip_api.db.scopes import EVERY_FORCE
from pip_api.db.session import Database, Session
from pip_api.db.statements import Statement
from pip_api.http.problems import REGISTERED
from pip_api.kernel import verbs
from pip_api.kernel.call import Call, Services
from pip_api.kernel.resource import Resource
from pip_api.ledger.sealing import Sealer
from pip_api.resources.accounts import accounts
from pip_api.resources.clients import create_client
from pip_api.resources.grants import grants
from pip_api.settings import Settings
from tests.postgres import UNWALLED, as_role, unguarded
from tests.straight import StraightClient

Record = dict[str, Any]
PEOPLE = "https://id.test"
"""The issuer of people, in the tests. Its keys are those of the service, and at hand."""
_BY_CLIENT_ID = Statement(
    select(*ACCOUNT.c).where(
        or_(*(ACCOUNT.c[name] == bindparam("client_id", type_=Code) for name in ("client_id", "subject")))
    )
)
_CODES = Statement(select(FORCE.c.code))
_GRANTS_OF = Statement(select(*GRANT.c).where(GRANT.c.account_id == bindparam("account_id", type_=Uid())))


@dataclass
class Clock:
    """A clock that tests turn."""

    time: datetime = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def forward(self, **span: float) -> None:
        self.time += timedelta(**span)


@dataclass
class Service:
    app: FastAPI
    clock: Clock
    _clients: int = 0
    _opened: list[httpx.AsyncClient] = field(default_factory=list, repr=False)
    _people: dict[httpx.AsyncClient, tuple[str, str | None]] = field(default_factory=dict, repr=False)
    _secrets: dict[httpx.AsyncClient, tuple[str, str]] = field(default_factory=dict, repr=False)
    _forms: dict[httpx.AsyncClient, dict[str, str]] = field(default_factory=dict, repr=False)

    @property
    def services(self) -> Services:
        services: Services = self.app.state.services
        return services

    def http(self, **headers: str) -> httpx.AsyncClient:
        """A caller with these headers only."""
        client = StraightClient(self.app, base_url="http://pip-api.test", headers=headers)
        self._opened.append(client)
        return client

    async def caller(
        self, role: str, on: str | None = None, scope: str | None = None, *, needs_keys: bool = False
    ) -> httpx.AsyncClient:
        """A client of its own with this role, and a token for it; a person, where programs may not have the role.

        It holds the role nationally where nothing is said and that can be.
        """
        client = self.http()
        on = on or ("force:avon-and-somerset" if any(map(is_personal, ROLES[role])) else "national")
        if any(map(is_for_people, ROLES[role])):
            self._people[client] = (await self.person((role, on)), scope)
            return await self.again(client)
        client_id, secret = await self.new_client(role, on, needs_keys=needs_keys)
        self._forms[client] = {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}
        self._secrets[client] = (client_id, secret)
        return await self.again(client)

    async def again(self, client: httpx.AsyncClient) -> httpx.AsyncClient:
        """The same caller with a new token, for when its own has expired."""
        if client in self._people:
            client.headers["Authorization"] = f"Bearer {self.token_of(*self._people[client])}"
            return client
        answer = await self.http().post("/oauth2/token", data=self._forms[client], auth=self._secrets[client])
        assert answer.status_code == 200, answer.text
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return client

    async def person(self, *roles: tuple[str, str]) -> str:
        """The subject of a new person who holds these roles at these places."""
        self._clients += 1
        subject = f"person-{self._clients}"
        who = {"kind": "person", "name": subject, "issuer": PEOPLE, "subject": subject, "place": "national"}
        account = str((await self.create(accounts, **who))["id"])
        for role, place in roles:
            await self.create(grants, account_id=account, role=role, place=place, reason="for a test")
        return subject

    def token_of(self, subject: str, scope: str | None = None) -> str:
        """A token that a person got by signing in with a program in the browser."""
        settings = self.services.settings
        key = load_signing_key(settings.signing_key_file)
        issuer = TokenIssuer(key, PEOPLE, settings.audience, 900, self.clock, self.services.new_id)
        return issuer.issue(subject, "browser", scope)

    async def signed_in(self, *roles: tuple[str, str], scope: str | None = None) -> httpx.AsyncClient:
        """A new person with these roles, signed in."""
        client = self.http()
        self._people[client] = (await self.person(*roles), scope)
        return await self.again(client)

    async def new_client(self, role: str, on: str = "national", *, needs_keys: bool = False) -> tuple[str, str]:
        """The id and the secret of a new client."""
        self._clients += 1
        client_id = f"{role.replace('_', '-')}-{self._clients}"
        async with self.at_the_command_line() as call:
            return client_id, await create_client(call, client_id, client_id, role, on, needs_keys=needs_keys)

    @asynccontextmanager
    async def at_the_command_line(self, **members: Any) -> AsyncIterator[Call]:
        """A call of the service itself, in one transaction."""
        members = {"query": {"reason": "for a test"}, "if_match": "*", **members}
        async with self.services.database.transaction(EVERY_FORCE) as session:
            yield Call(self.services, session, await system(session), "tests", **members)

    async def create(self, of: Resource, **body: Any) -> Record:
        """A row that the service itself makes."""
        async with self.at_the_command_line(body=lambda: body) as call:
            row: Record = (await verbs.create(of, call)).body
            return row

    async def change(self, of: Resource, id: object, **patch: Any) -> Record:
        """A change that the service itself makes, whatever the version."""
        async with self.at_the_command_line(path={"id": str(id)}, body=lambda: patch) as call:
            row: Record = (await verbs.change(of, call)).body
            return row

    async def account(self, client_id: str) -> Record:
        """The account of a program, or a person, by the name that its token has."""
        async with self.services.database.read(EVERY_FORCE) as session:
            (found,) = await session.fetch(_BY_CLIENT_ID, client_id=client_id)
            return found

    def name_of(self, client: httpx.AsyncClient) -> str:
        """The client id of a caller, or the subject of a person."""
        return self._people[client][0] if client in self._people else self._secrets[client][0]

    async def grant_of(self, client_id: str) -> Record:
        """The one grant of a program."""
        account = await self.account(client_id)
        async with self.services.database.read(EVERY_FORCE) as session:
            (found,) = await session.fetch(_GRANTS_OF, account_id=account["id"])
            return found

    async def seal(self) -> int:
        """Seals what waits; gives the number of entries."""
        sealer: Sealer = self.app.state.sealer
        return await sealer.round()

    def new_number(self) -> int:
        """A number that was not given before: for codes."""
        self._clients += 1
        return self._clients

    @asynccontextmanager
    async def unguarded(self) -> AsyncIterator[Session]:
        """A transaction of somebody who has every right, and sees the rows of every force."""
        settings = self.services.settings
        whole = {"database_url": unguarded(settings), "database_pool_size": 1}
        database = open_database(settings.model_copy(update=whole))
        await database.open()
        try:
            async with database.transaction(EVERY_FORCE) as session:
                yield session
        finally:
            await database.close()

    async def close(self) -> None:
        for client in self._opened:
            await client.aclose()


@asynccontextmanager
async def running(
    settings: Settings, elapsed: Callable[[], float] = monotonic, *, first_wall: bool = True, second_wall: bool = True
) -> AsyncIterator[Service]:
    """The service, started and in the end stopped; without one of its walls where a test proves the other alone."""
    clock = Clock()
    if not second_wall:
        settings = settings.model_copy(update={"database_url": as_role(settings.database_url, UNWALLED)})
    app = create_app(settings, clock=clock, elapsed=elapsed, new_id=uuid7)
    if not second_wall:
        let_in(app)
    key = load_signing_key(settings.signing_key_file)
    verifier = TokenVerifier(Terms(PEOPLE, settings.audience), clock)
    app.state.issuers._believed[PEOPLE] = verifier, FixedKeys(VerifyingKeys({key.kid: key.public_jwk()}))
    if not first_wall:
        _open_doors(app)
    async with app.router.lifespan_context(app):
        service = Service(app, clock)
        yield service
        await service.close()


def let_in(app: FastAPI) -> None:
    """Lets this application alone start as a role that no policy holds for."""

    async def ask_nothing() -> None:
        pass

    app.state.services.database.require_walls = ask_nothing


def _open_doors(app: FastAPI) -> None:
    """Takes the first wall away from this application alone."""
    (edge,) = (each for each in app.user_middleware if "authenticate" in each.kwargs)
    real: Any = edge.kwargs["authenticate"]
    database: Database = app.state.services.database

    async def authenticate(*asked: Any) -> Principal:
        caller: Principal = await real(*asked)
        async with database.read() as session:
            everywhere = tuple(row["code"] for row in await session.fetch(_CODES))
        opened = replace(caller, held=replace(caller.held, forces=dict.fromkeys(caller.held.forces, everywhere)))
        object.__setattr__(opened, "scope", caller.scope)
        return opened

    edge.kwargs["authenticate"] = authenticate


def patched(state: Record, patch: list[Record]) -> Record:
    """A state with a JSON Patch applied that replaces members of it."""
    assert all(each["op"] == "replace" for each in patch)
    return state | {each["path"].removeprefix("/"): each["value"] for each in patch}


def codes(answer: httpx.Response) -> list[tuple[str, str | None]]:
    """The faults of a refusal: what is wrong, and where."""
    return [
        (each["code"], each.get("pointer") or each.get("parameter") or each.get("header"))
        for each in answer.json().get("errors", [])
    ]


def refused(answer: httpx.Response, status: int, code: str) -> Record:
    """Checks that an answer is a well-formed refusal, and gives its document."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: Record = answer.json()
    assert (document["status"], document["code"]) == (status, code), document
    assert document["request_id"] == answer.headers["x-request-id"]
    assert document["type"] == REGISTERED.get(code, f"/problems/{code.replace('_', '-')}")
    return document
