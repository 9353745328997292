"""How does a program get a token, and how does anybody check one? The routes of OAuth 2."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from pip_api.access.oauth import OAuthRefused, grant_token
from pip_api.access.permissions import PERMISSIONS
from pip_api.access.tokens import TokenIssuer
from pip_api.http.body import received
from pip_api.kernel import open_operations
from pip_api.kernel.call import Services
from pip_api.kernel.open_operations import routed

LONGEST_FORM = 8_192
TOKEN, KEYS = "/oauth2/token", "/.well-known/jwks.json"
_METHODS = ["client_secret_basic", "client_secret_post"]
_FOR_MINUTES = {"Cache-Control": "public, max-age=300"}
"""A key to come is published for longer than this before it signs."""


@dataclass(frozen=True)
class Door:
    """What signing in needs beside the services."""

    issuer: TokenIssuer
    keys: Sequence[Mapping[str, str]]
    """The public keys whose tokens are accepted as issued here."""


def bind(app: FastAPI) -> None:
    """Adds the routes. The application's state has the services and the door."""

    @app.post(TOKEN, **routed(open_operations.TOKEN))
    async def token(request: Request) -> Response:
        services: Services = request.app.state.services
        door: Door = request.app.state.door
        lifetime = services.settings.token_lifetime_seconds
        form = await received(request.receive, request.headers, LONGEST_FORM)
        headers = {"Cache-Control": "no-store"}
        try:
            async with services.database.read() as session:
                basic = request.headers.get("authorization")
                granted = await grant_token(session, door.issuer, lifetime, form, basic, services.clock())
        except OAuthRefused as error:
            if error.status == 401:
                headers["WWW-Authenticate"] = 'Basic realm="pip_api"'
            refusal = {"error": error.error, "error_description": error.description}
            return JSONResponse(refusal, error.status, headers)
        return JSONResponse(granted, headers=headers)

    @app.get("/.well-known/oauth-authorization-server", **routed(open_operations.SERVER_METADATA))
    async def metadata(request: Request) -> Response:
        services: Services = request.app.state.services
        return JSONResponse(_metadata(services.settings.issuer), headers=_FOR_MINUTES)

    @app.get(KEYS, **routed(open_operations.PUBLIC_KEYS))
    async def keys(request: Request) -> Response:
        door: Door = request.app.state.door
        return JSONResponse({"keys": door.keys}, headers=_FOR_MINUTES)


def _metadata(issuer: str) -> dict[str, object]:
    """The metadata of the authorization server (RFC 8414). Addresses begin with the issuer, never with what a request
    says the host is.
    """
    address = issuer.rstrip("/")
    return {
        "issuer": issuer,
        "token_endpoint": address + TOKEN,
        "jwks_uri": address + KEYS,
        "scopes_supported": sorted(PERMISSIONS),
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": _METHODS,
    }
