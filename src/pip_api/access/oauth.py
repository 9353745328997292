"""How does a program say who it is, and ask for a token? Client credentials (RFC 6749, section 4.4; RFC 7523)."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote_plus
from uuid import UUID

from pip_api.access import assertions
from pip_api.access.permissions import PERMISSIONS
from pip_api.access.token_text import TokenRefused

_ASSERTION = ("client_assertion", "client_assertion_type")


class OAuthRefused(Exception):
    """A refusal in the form of RFC 6749, section 5.2."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


class Named(NamedTuple):
    """An account that somebody names without having proved to be it."""

    id: UUID
    client_id: str
    force_code: str | None
    """The force that it belongs to, if it is one's."""


class NotTheClient(OAuthRefused):
    """Whoever asks did not prove to be the client that it names. `account` is the one named, if there is such a one;
    what is answered does not tell."""

    def __init__(self, description: str = "", account: Named | None = None) -> None:
        usual = "The client is unknown, or what it proves itself with is not good."
        super().__init__("invalid_client", description or usual, 401)
        self.account = account


@dataclass(frozen=True, slots=True)
class Proof:
    """Which client somebody claims to be, and with what it is to be proved: a secret, or an assertion."""

    client_id: str
    secret: str | None = field(default=None, repr=False)
    assertion: str | None = field(default=None, repr=False)


def read_form(form: bytes) -> dict[str, str]:
    """Raises OAuthRefused."""
    try:
        pairs = parse_qsl(form.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError:
        raise OAuthRefused("invalid_request", "The form is not URL-encoded text.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise OAuthRefused("invalid_request", "A parameter was sent more than once.")
    return fields


def scope_of(fields: Mapping[str, str]) -> str | None:
    """What a token is to be narrowed to. Raises OAuthRefused."""
    if "grant_type" not in fields:
        raise OAuthRefused("invalid_request", "The grant_type is missing.")
    if fields["grant_type"] != "client_credentials":
        raise OAuthRefused("unsupported_grant_type", "The only grant_type is client_credentials.")
    if "scope" not in fields:
        return None
    scope = " ".join(fields["scope"].split())
    if not scope or not PERMISSIONS.issuperset(scope.split()):
        raise OAuthRefused("invalid_scope", "The scope names a permission that there is not.")
    return scope


def proof_in(fields: Mapping[str, str], authorization: str | None) -> Proof:
    """What a client sent of itself: HTTP Basic, id and secret in the form, or an assertion, and one of them only.

    Raises OAuthRefused.
    """
    sent = [authorization is not None, "client_secret" in fields, any(name in fields for name in _ASSERTION)]
    if sum(sent) > 1:
        raise OAuthRefused("invalid_request", "Send the credentials in one place only.")
    if authorization is not None:
        proof = _basic(authorization)
    elif sent[2]:
        proof = _assertion(fields)
    elif "client_id" in fields and "client_secret" in fields:
        proof = Proof(fields["client_id"], fields["client_secret"])
    else:
        raise NotTheClient("Send the client's id, with its secret or an assertion.")
    if fields.get("client_id", proof.client_id) != proof.client_id:
        raise OAuthRefused("invalid_request", "The form and the credentials name different clients.")
    if "\0" in proof.client_id:  # no name of ours has one, and PostgreSQL refuses text that does
        raise NotTheClient
    return proof


def _basic(authorization: str) -> Proof:
    """RFC 6749, section 2.3.1: both parts are form-encoded inside."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError
        client_id, colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        if not colon:
            raise ValueError
    except (ValueError, binascii.Error):
        raise NotTheClient("The Authorization header is not HTTP Basic.") from None
    return Proof(unquote_plus(client_id), unquote_plus(secret))


def _assertion(fields: Mapping[str, str]) -> Proof:
    if fields.get("client_assertion_type") != assertions.TYPE or "client_assertion" not in fields:
        raise OAuthRefused("invalid_request", f"A client_assertion has the client_assertion_type {assertions.TYPE}.")
    try:
        client_id = assertions.claimed_client(fields["client_assertion"])
    except TokenRefused:
        raise NotTheClient from None
    return Proof(client_id, assertion=fields["client_assertion"])
