"""How does a program get a token? The client credentials grant of OAuth 2 (RFC 6749, section 4.4)."""

import base64
import binascii
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from pip_api.access.credentials import authenticate
from pip_api.access.permissions import PERMISSIONS
from pip_api.access.tokens import TokenIssuer
from pip_api.db.session import Session


class OAuthRefused(Exception):
    """A refusal in the form of RFC 6749, section 5.2."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


async def grant_token(
    session: Session,
    issuer: TokenIssuer,
    lifetime_seconds: int,
    form: bytes,
    authorization: str | None,
    now: datetime,
) -> dict[str, Any]:
    """The answer to a token request; `form` is its body, `authorization` its header. Raises OAuthRefused."""
    try:
        pairs = parse_qsl(form.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError:
        raise OAuthRefused("invalid_request", "The form is not URL-encoded text.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise OAuthRefused("invalid_request", "A parameter was sent more than once.")
    client_id, secret = _credentials(fields, authorization)
    if "grant_type" not in fields:
        raise OAuthRefused("invalid_request", "The grant_type is missing.")
    if fields["grant_type"] != "client_credentials":
        raise OAuthRefused("unsupported_grant_type", "The only grant_type is client_credentials.")
    scope = None
    if "scope" in fields:
        scope = " ".join(fields["scope"].split())
        if not scope or not PERMISSIONS.issuperset(scope.split()):
            raise OAuthRefused("invalid_scope", "The scope names a permission that there is not.")
    client = None if "\0" in client_id else await authenticate(session, client_id, secret, now)
    if client is None:
        raise OAuthRefused("invalid_client", "The client is unknown, or its secret is wrong.", 401)
    token = issuer.issue(client["client_id"], client["client_id"], scope)
    answer = {"access_token": token, "token_type": "Bearer", "expires_in": lifetime_seconds}
    return answer if scope is None else {**answer, "scope": scope}


def _credentials(fields: dict[str, str], authorization: str | None) -> tuple[str, str]:
    """Id and secret from HTTP Basic (RFC 6749, section 2.3.1) or from the form, never from both."""
    if authorization is None:
        if "client_id" not in fields or "client_secret" not in fields:
            raise OAuthRefused("invalid_client", "Send the client's id and secret.", 401)
        return fields["client_id"], fields["client_secret"]
    if "client_secret" in fields:
        raise OAuthRefused("invalid_request", "Send the credentials in one place only.")
    scheme, _, encoded = authorization.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError
        client_id, colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        raise OAuthRefused("invalid_client", "The Authorization header is not HTTP Basic.", 401) from None
    if not colon:
        raise OAuthRefused("invalid_client", "The Authorization header is not HTTP Basic.", 401)
    if fields.get("client_id", unquote_plus(client_id)) != unquote_plus(client_id):
        raise OAuthRefused("invalid_request", "The form and the Authorization header name different clients.")
    return unquote_plus(client_id), unquote_plus(secret)
