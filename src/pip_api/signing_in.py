"""How does a program get a token, end one, and how does anybody check one? The routes of OAuth 2."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from pip_api.access import spent
from pip_api.access.credentials import Client, authenticate
from pip_api.access.oauth import NotTheClient, OAuthRefused, proof_in, read_form, scope_of
from pip_api.access.permissions import PERMISSIONS
from pip_api.access.principals import Principal
from pip_api.access.signatures import ALGORITHMS
from pip_api.access.token_text import TokenRefused
from pip_api.access.tokens import Claims, TokenIssuer
from pip_api.db.errors import Conflict
from pip_api.db.scopes import EVERY_FORCE
from pip_api.http.body import received
from pip_api.http.manners import require_writable
from pip_api.http.rates import Policy, Rates
from pip_api.kernel import open_operations
from pip_api.kernel.call import Services
from pip_api.kernel.open_operations import routed
from pip_api.ledger import entries
from pip_api.ledger.entries import Occasion

LONGEST_FORM = 16_384
TOKEN, REVOCATION, KEYS = "/oauth2/token", "/oauth2/revoke", "/.well-known/jwks.json"
_METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
_FOR_MINUTES = {"Cache-Control": "public, max-age=300"}
"""A key to come is published for longer than this before it signs."""


@dataclass(frozen=True)
class Door:
    """What signing in needs beside the services."""

    issuer: TokenIssuer
    verify: Callable[[str], Awaitable[Claims]]
    forget: Callable[[Claims], None]
    """Forgets that a token was good a moment ago."""
    keys: Sequence[Mapping[str, str]]
    """The public keys whose tokens are accepted as issued here."""
    rates: Rates
    address: str

    @property
    def audiences(self) -> tuple[str, ...]:
        """What an assertion may be made out to."""
        return self.address, self.address + TOKEN


def limits(requests: int, clock: Callable[[], datetime]) -> Rates:
    """Each process counts alone: what is limited is guessing and running wild, not a fair share."""
    names = ("token", "revocation", "failed_sign_in")  # who has had all its tokens can end them all the same
    return Rates([Policy(name, requests, 60) for name in names], clock)


def bind(app: FastAPI) -> None:
    """Adds the routes. The application's state has the services and the door."""

    @app.post(TOKEN, **routed(open_operations.TOKEN))
    async def token(request: Request) -> Response:
        return await _answered(request, _token)

    @app.post(REVOCATION, **routed(open_operations.REVOCATION))
    async def revoke(request: Request) -> Response:
        return await _answered(request, _revoke)

    @app.get("/.well-known/oauth-authorization-server", **routed(open_operations.SERVER_METADATA))
    async def metadata(request: Request) -> Response:
        door: Door = request.app.state.door
        services: Services = request.app.state.services
        return JSONResponse(_metadata(services.settings.issuer, door.address), headers=_FOR_MINUTES)

    @app.get(KEYS, **routed(open_operations.PUBLIC_KEYS))
    async def keys(request: Request) -> Response:
        door: Door = request.app.state.door
        return JSONResponse({"keys": door.keys}, headers=_FOR_MINUTES)


Story = Callable[[Request, Mapping[str, str]], Awaitable[Response]]


async def _answered(request: Request, story: Story) -> Response:
    form = await received(request.receive, request.headers, LONGEST_FORM)
    headers = {"Cache-Control": "no-store"}
    try:
        answer = await story(request, read_form(form))
    except OAuthRefused as error:
        if error.status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="pip_api"'
        refusal = {"error": error.error, "error_description": error.description}
        return JSONResponse(refusal, error.status, headers)
    answer.headers.update(headers)
    return answer


async def _token(request: Request, fields: Mapping[str, str]) -> Response:
    """Who asks is looked at last: a form that is wrong costs no look into the database."""
    services: Services = request.app.state.services
    door: Door = request.app.state.door
    scope = scope_of(fields)
    client = await _signed_in(request, fields)
    await _count(door, client, "token")
    granted = {
        "access_token": door.issuer.issue(client.client_id, client.client_id, scope, client.credential_id),
        "token_type": "Bearer",
        "expires_in": services.settings.token_lifetime_seconds,
    }
    return JSONResponse(granted if scope is None else {**granted, "scope": scope})


async def _revoke(request: Request, fields: Mapping[str, str]) -> Response:
    """RFC 7009. A token that is not good is ended already; one of another client is not ended."""
    services: Services = request.app.state.services
    door: Door = request.app.state.door
    if not fields.get("token"):
        raise OAuthRefused("invalid_request", "The token is missing.")
    client = await _signed_in(request, fields)
    await _count(door, client, "revocation")
    try:
        claims = await door.verify(fields["token"])
    except TokenRefused:
        return Response()
    if (claims.issuer, claims.client_id) != (services.settings.issuer, client.client_id):
        raise OAuthRefused("invalid_grant", "The token was not issued to this client.")
    require_writable(services.settings.read_only)
    by = Principal(client.id, client.client_id, client.name, credential_id=client.credential_id)
    entry = entries.entry(
        Occasion(services.clock(), by, request.scope["request_id"]),
        id=services.new_id(), act="token.revoked", subject_id=client.id, subject_ref=client.client_id, version=None,
        force_code=client.force_code, state={"jti": claims.jti, "expires_at": claims.expires_at}, patch=[],
        kind="credential",
    )  # fmt: skip
    try:
        async with services.database.transaction(EVERY_FORCE) as session:
            await entries.record(session, entry)
            await spent.revoke(session, claims, entry["id"])
    except Conflict as conflict:
        if conflict.kind != "unique":  # it was ended before
            raise
    door.forget(claims)
    return Response()


async def _count(door: Door, client: Client, policy: str) -> None:
    """Raises 429."""
    if (standing := door.rates.standing(client.client_id, policy)) is not None:
        await door.rates.take(standing)


async def _signed_in(request: Request, fields: Mapping[str, str]) -> Client:
    """The client that asks. Raises OAuthRefused, once that is noted, and 429.

    Only failures count against an address: clients share those of their gateways. Once it has no more of them nobody is
    looked at, be it a client that there is or not.
    """
    services: Services = request.app.state.services
    door: Door = request.app.state.door
    standing = door.rates.standing(request.client.host if request.client else "", "failed_sign_in")
    if standing is not None:
        await door.rates.require_left(standing)
    now, named = services.clock(), ""
    try:
        proof = proof_in(fields, request.headers.get("authorization"))
        named = proof.client_id
        unit = services.database.read if proof.assertion is None else services.database.transaction
        async with unit(EVERY_FORCE) as session:
            return await authenticate(session, proof, door.audiences, now)
    except NotTheClient as refusal:
        try:
            if standing is not None:
                await door.rates.take(standing)
        finally:  # also of the last of many that failed at once
            await services.notes.sign_in_refused(
                now, request.scope["request_id"], refusal.error, named, refusal.account
            )
        raise


def _metadata(issuer: str, address: str) -> dict[str, object]:
    """The metadata of the authorization server (RFC 8414). Addresses begin with the issuer, never with what a request
    says the host is.
    """
    methods = {
        f"{endpoint}_endpoint_{name}": values
        for endpoint in ("token", "revocation")
        for name, values in (
            ("auth_methods_supported", _METHODS),
            ("auth_signing_alg_values_supported", sorted(ALGORITHMS)),
        )
    }
    return {
        "issuer": issuer,
        "token_endpoint": address + TOKEN,
        "revocation_endpoint": address + REVOCATION,
        "jwks_uri": address + KEYS,
        "scopes_supported": sorted(PERMISSIONS),
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        **methods,
    }
