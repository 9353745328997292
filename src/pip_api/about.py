"""What can anybody ask the service about itself: what it offers, which release it is, whether it is well?"""

import hmac
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from pip_api.access.issuers import Issuers
from pip_api.db.migrate import REVISION
from pip_api.http.manners import LONGEST_TARGET
from pip_api.http.metrics import MEDIA_TYPE, Metrics
from pip_api.http.problems import CATALOGUE, Problem, type_of
from pip_api.http.query import parameters
from pip_api.http.rates import Rates
from pip_api.http.strict_json import DEEPEST
from pip_api.kernel import open_operations
from pip_api.kernel.call import LONGEST_REASON, Services
from pip_api.kernel.document import JSON, MERGE_PATCH
from pip_api.kernel.idempotency import RETENTION
from pip_api.kernel.open_operations import routed
from pip_api.kernel.query import DEFAULT_LIMIT, MOST_LIMIT
from pip_api.ledger.log_state import LONGEST_LAG
from pip_api.rules.periods import FORMS

_CHALLENGE = 'Bearer realm="pip_api metrics"'


@dataclass(frozen=True)
class Offered:
    """What the parts put together say of themselves."""

    version: str
    lists: dict[str, str]
    """The addresses of the resources, by their names."""
    imports: dict[str, Any]
    """The kinds of imports, with their columns."""
    import_media_types: tuple[str, ...]


def bind(app: FastAPI, offered: Offered) -> None:
    """Adds the routes. The application's state has the services, the rates, the metrics and the migration's head."""

    @app.get("/v1", **routed(open_operations.CAPABILITIES))
    async def capabilities(request: Request) -> Response:
        parameters(request.scope["query_string"], ())
        return JSONResponse(_capabilities(offered, request.app.state.services, request.app.state.rates))

    @app.get("/version", **routed(open_operations.VERSION))
    async def version() -> Response:
        return JSONResponse({"name": "pip_api", "version": offered.version})

    @app.get("/healthz", **routed(open_operations.HEALTH))
    async def healthz() -> Response:
        return JSONResponse({"status": "alive"})

    @app.get("/readyz", **routed(open_operations.READINESS))
    async def readyz(request: Request) -> Response:
        services: Services = request.app.state.services
        async with services.database.read() as session:
            found = await session.one(REVISION)
        if found is None or found["version_num"] != request.app.state.head:
            raise Problem("not_ready", "The database is not migrated to this release.", headers={"Retry-After": "5"})
        issuers: Issuers = request.app.state.issuers
        if await issuers.never_loaded():
            raise Problem("not_ready", "The keys of an issuer were never had yet.", headers={"Retry-After": "5"})
        lag = services.log.lag(services.clock())
        warned = (
            {"warnings": [f"An entry of the ledger has waited {lag:.0f} s for its seal."]} if lag > LONGEST_LAG else {}
        )
        return JSONResponse({"status": "ready", **warned})

    @app.get("/metrics", operation_id="getMetrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        _require_metrics_token(request)
        counted: Metrics = request.app.state.metrics
        return Response(counted.page(), media_type=MEDIA_TYPE)

    @app.get("/problems", **routed(open_operations.PROBLEMS))
    async def problems() -> Response:
        items = [{"type": type_of(code), "code": code, **kind._asdict()} for code, kind in CATALOGUE.items()]
        return JSONResponse({"items": items})

    @app.get("/problems/{name}", **routed(open_operations.PROBLEM))
    async def problem(name: str) -> Response:
        code = name.replace("-", "_")
        if code not in CATALOGUE:
            raise Problem("not_found", "There is no such problem.")
        return JSONResponse({"type": type_of(code), "code": code, **CATALOGUE[code]._asdict()})


def _require_metrics_token(request: Request) -> None:
    """Raises 404 when metrics are not offered, and 401 for whoever has not their token.

    They tell who asks how much of what, so nobody gets them unless the operator gave a token for it.
    """
    services: Services = request.app.state.services
    token = services.settings.metrics_token
    if token is None:
        raise Problem("not_found", "There is nothing at this address.")
    given = request.headers.get("authorization", "").encode("latin-1")
    if not hmac.compare_digest(given, b"Bearer " + token.get_secret_value().encode()):
        raise Problem("invalid_token", "The token is not that of metrics.", headers={"WWW-Authenticate": _CHALLENGE})


def _capabilities(offered: Offered, services: Services, rates: Rates) -> dict[str, Any]:
    settings = services.settings
    return {
        "name": "pip_api",
        "version": offered.version,
        "read_only": settings.read_only,
        "links": {
            "self": "/v1",
            "token": "/oauth2/token",
            "authorization_server": "/.well-known/oauth-authorization-server",
            "document": "/openapi.json",
            "documentation": "/docs",
            "problems": "/problems",
            "version": "/version",
            **offered.lists,
        },
        "media_types": {
            "answers": [*JSON, "text/csv", "application/problem+json"],
            "bodies": list(JSON),
            "patches": list(MERGE_PATCH),
            "imports": list(offered.import_media_types),
        },
        "limits": {
            "page": {"usual": DEFAULT_LIMIT, "most": MOST_LIMIT},
            "body_bytes": settings.max_body_bytes,
            "json_depth": DEEPEST,
            "target_bytes": LONGEST_TARGET,
            "reason_characters": LONGEST_REASON,
            "import_bytes": settings.max_import_bytes,
            "import_inflated_bytes": settings.max_import_inflated_bytes,
            "import_rows": None,
        },
        "rates": [
            {"policy": each.name, "quota": each.quota, "seconds": each.seconds} for each in rates.policies.values()
        ],
        "cursor_lifetime_seconds": settings.cursor_lifetime_seconds,
        "idempotency_retention_days": RETENTION.days,
        "id_schemes": ["uuid", "ref:"],
        "imports": offered.imports,
        "periods": FORMS,
    }
