"""How are the parts put together? This is the only place that does."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from time import monotonic
from uuid import UUID

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Match
from uuid_utils.compat import uuid7

from pip_api import about, signing_in
from pip_api.access import spent
from pip_api.access.authentication import Authentication
from pip_api.access.issuers import Issuers
from pip_api.access.keys import own_keys, sealing_key, signing_key
from pip_api.access.leases import SharedLeases
from pip_api.access.signatures import VerifyingKeys, require_cryptography_backend
from pip_api.access.tokens import Claims, Terms, TokenIssuer
from pip_api.access.verified_tokens import VerifiedTokens
from pip_api.contract import IMPORTS, OPERATIONS, TAGS
from pip_api.db import open_database
from pip_api.db.columns import to_json
from pip_api.db.errors import Unavailable
from pip_api.db.migrate import head
from pip_api.db.scopes import EVERY_FORCE
from pip_api.exchange.tabular import CSV, NDJSON
from pip_api.http.edge import Edge
from pip_api.http.manners import EXPOSED, FROM_PAGES, Manners, allowed, no_such_method
from pip_api.http.metrics import Metrics
from pip_api.http.problems import Problem
from pip_api.http.rates import Rates, policies, whole_quota
from pip_api.http.reference_pages import reference_pages
from pip_api.kernel import routes
from pip_api.kernel.call import Services
from pip_api.kernel.idempotency import forget_old
from pip_api.kernel.openapi_3_0 import as_3_0
from pip_api.kernel.running import Running
from pip_api.ledger.log_state import LogState, tell_of_missing_key, watch
from pip_api.ledger.notes import Notes
from pip_api.ledger.sealing import Sealer
from pip_api.settings import Settings

log = logging.getLogger("pip_api.app")
RELEASE = version("policing-pip-api")
OFFERED = about.Offered(
    version=RELEASE,
    lists={each.id: each.path for each in OPERATIONS if each.is_entry},
    imports={
        kind.name: {"columns": list(kind.columns), "required": list(kind.required), "key": list(kind.key)}
        for kind in IMPORTS.values()
    },
    import_media_types=(CSV, *NDJSON),
)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def now() -> datetime:
    return datetime.now(UTC)


def create_services(
    settings: Settings, *, clock: Callable[[], datetime] = now, new_id: Callable[[], UUID] = uuid7
) -> Services:
    """What stories need, not yet connected. Raises StartRefused."""
    database = open_database(settings)
    key = signing_key(settings)
    notes = Notes(database, clock, new_id, key.secret("sign-in"), read_only=settings.read_only)
    return Services(settings, database, clock, new_id, key.secret("cursor"), Running(), notes, LogState())


def create_app(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = now,
    elapsed: Callable[[], float] = monotonic,
    new_id: Callable[[], UUID] = uuid7,
) -> FastAPI:
    """The service as an ASGI application. It connects to its database when it starts. Raises StartRefused.

    `elapsed` counts seconds, as a clock does that nobody sets.
    """
    require_cryptography_backend()
    services = create_services(settings, clock=clock, new_id=new_id)
    key, database, seconds = signing_key(settings), services.database, settings.access_memory_seconds
    issuer = TokenIssuer(key, settings.issuer, settings.audience, settings.token_lifetime_seconds, clock, new_id)
    keys, terms = own_keys(key, settings.verifying_key_files), Terms(settings.issuer, settings.audience)
    metrics = Metrics(RELEASE)
    issuers = Issuers(terms, VerifyingKeys(keys), settings.issuers, clock, metrics, elapsed)
    tokens = VerifiedTokens(issuers.verify, clock, seconds)

    async def unknown(at: datetime, request_id: str, claims: Claims) -> None:
        named = f"{claims.issuer}\n{claims.subject}"  # neither has a line feed
        await services.notes.sign_in_refused(at, request_id, "unknown_subject", named, None, issuer=claims.issuer)

    authentication = Authentication(
        tokens, database, clock, seconds, settings.issuer, unknown, metrics, key.secret("log")
    )
    sealer = Sealer(database, clock, sealing_key(settings), services.log)
    services.log.keys = list(own_keys(sealer.key, settings.earlier_sealing_key_files).values())
    metrics.show(services.log.figures(clock))

    app = _application(_lifespan(services, issuers, sealer))
    app.state.services = services
    app.state.sealer = sealer
    app.state.rates = rates(settings, services)
    app.state.metrics = metrics
    app.state.issuers = issuers
    app.state.head = head()
    app.state.door = signing_in.Door(
        issuer=issuer,
        verify=issuers.verify,
        forget=authentication.forget_one,
        keys=list(keys.values()),
        rates=signing_in.limits(settings.token_limit_requests, clock),
        address=settings.issuer.rstrip("/"),
    )
    paths = routes.table(OPERATIONS, services, authentication.forget)
    app.add_middleware(
        Edge, paths=paths, authenticate=authentication, new_id=new_id, guarded="/v1/",
        rates=app.state.rates,
        metrics=metrics,
        manners=Manners(https_only=settings.environment == "production"),
    )  # fmt: skip
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=settings.cors_origins.split(","), allow_methods=METHODS,
            allow_headers=FROM_PAGES, expose_headers=EXPOSED,
        )  # fmt: skip
    app.add_exception_handler(HTTPException, _refused_by_router)
    return app


def rates(settings: Settings, services: Services) -> Rates:
    """The limits. Processes on one PostgreSQL share them; with SQLite there is one process."""
    shared = settings.database_url.startswith("postgresql://") and not settings.read_only
    return Rates(policies(settings), services.clock, SharedLeases(services.database) if shared else whole_quota)


@cache
def describe() -> dict[str, object]:
    """The OpenAPI document; it needs neither settings nor a database."""
    app = _application(None)
    for operation in OPERATIONS:
        routes.bind(app, operation)
    return routes.document(app)


def describe_3_0() -> dict[str, object]:
    """The same for tools that only know OpenAPI 3.0."""
    return as_3_0(describe())


def _application(lifespan: Lifespan | None) -> FastAPI:
    """What the router answers; the edge answers the operations."""
    app = FastAPI(
        title="pip_api",
        version=RELEASE,
        description="Performance Improvement Plans of United Kingdom police forces.",
        contact={"name": "The operator of this service"},
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_tags=[{"name": name, "description": describes} for name, describes in TAGS.items()],
        lifespan=lifespan,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # looking whether it is on costs 4 us a request
        openapi_url=None,
    )
    signing_in.bind(app)
    about.bind(app, OFFERED)
    written = {"/openapi.json": lambda: to_json(describe()), "/openapi-3.0.json": lambda: to_json(describe_3_0())}
    app.router.routes += reference_pages(written)
    return app


def _lifespan(services: Services, issuers: Issuers, sealer: Sealer) -> Lifespan:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await services.database.open()
        await services.database.require_walls()
        await tell_of_missing_key(services.database, services.log)
        await issuers.open()
        every = 0 if services.settings.read_only else services.settings.sealing_interval_ms
        sealing = sealer.run(every / 1_000) if every else watch(services.database, services.log)
        beside = [asyncio.create_task(each) for each in (_clear_up(services), sealing)]
        try:
            yield
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await _note_the_rest(services)
            await issuers.close()
            await services.database.close()

    return lifespan


async def _note_the_rest(services: Services) -> None:
    try:
        await services.notes.close()
    except Unavailable:
        log.exception("how often something was refused in the last minute could not be noted")


async def _clear_up(services: Services) -> None:
    """Each hour, drops what is kept for a time only."""
    while True:
        await asyncio.sleep(3_600)
        try:
            if not services.settings.read_only:
                await forget_what_is_old(services)
        except Exception:
            log.exception("what is old was not cleared up; it is tried again in an hour")


async def forget_what_is_old(services: Services) -> None:
    """Drops what is kept for a time only, and whose time is over."""
    async with services.database.transaction(EVERY_FORCE, bulk=True) as session:  # however many there are
        await forget_old(session, services.clock())
        await spent.forget_old(session, services.clock())


async def _refused_by_router(request: Request, error: Exception) -> Response:
    """What the router refuses, in our form: no such path, or not with this method."""
    if isinstance(error, HTTPException) and error.status_code == 405:
        # The router's own Allow names the methods of the first route at this path only; each of ours has one.
        here = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
        methods = {method for route in here for method in route.methods}
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": allowed(methods)})
        raise no_such_method(methods)
    raise Problem("not_found", "There is nothing at this address.")
