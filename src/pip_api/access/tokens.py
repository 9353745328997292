"""Who is asking? Access tokens (RFC 9068) made, and judged by what was agreed with whoever made them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from pip_api.access.claims import NAME_CHARACTERS, is_for, is_name, moment
from pip_api.access.keys import SigningKey
from pip_api.access.signatures import Signer, Unverified, VerifyingKeys
from pip_api.access.token_text import LONGEST_TOKEN, TokenRefused

Clock = Callable[[], datetime]

LONGEST_LIFETIME_SECONDS: Final = 12 * 3600

_SCOPE: Final = re.compile(r"[!#-\[\]-~]+(?: [!#-\[\]-~]+)*")
_KINDS: Final = frozenset({"at+jwt", "application/at+jwt"})
_JWT: Final = "jwt"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says. A subject is somebody only together with its issuer."""

    issuer: str
    subject: str
    client_id: str
    jti: str
    issued_at: datetime
    expires_at: datetime
    scope: frozenset[str] | None
    credential_id: UUID | None = None
    """With which credential it was got, if it was issued here."""


class TokenIssuer:
    def __init__(
        self,
        key: SigningKey,
        issuer: str,
        audience: str,
        lifetime_seconds: int,
        clock: Clock,
        new_id: Callable[[], UUID | str],
    ) -> None:
        _require_lifetime(lifetime_seconds)
        self._signer = Signer(key, "at+jwt")
        self._issuer = issuer
        self._audience = audience
        self._lifetime_seconds = lifetime_seconds
        self._clock = clock
        self._new_id = new_id

    def issue(self, subject: str, client_id: str, scope: str | None, credential_id: UUID | None = None) -> str:
        """Raises ValueError for what no verifier of ours would accept."""
        if not (is_name(subject) and is_name(client_id)):
            raise ValueError(f"A subject and a client id are 1 to {NAME_CHARACTERS} printable characters.")
        if scope is not None and not _SCOPE.fullmatch(scope):
            raise ValueError("A scope is one or more words with one space between them.")
        now = int(self._clock().timestamp())
        claims: dict[str, str | int] = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": subject,
            "client_id": client_id,
            "jti": str(self._new_id()),
            "iat": now,
            "exp": now + self._lifetime_seconds,
        }
        if scope is not None:
            claims["scope"] = scope
        if credential_id is not None:
            claims["credential_id"] = str(credential_id)
        token = self._signer.sign(claims)
        if len(token) > LONGEST_TOKEN:
            raise ValueError(f"The token would be longer than {LONGEST_TOKEN} characters.")
        return token


@dataclass(frozen=True, slots=True)
class Terms:
    """What the tokens of one issuer have to be like."""

    issuer: str
    audience: str
    leeway_seconds: int = 30
    longest_lifetime_seconds: int = 3600
    allow_jwt_typ: bool = False
    """Whether `typ` may be JWT, for an issuer that cannot do better. An ID token says that too, but has a nonce."""

    def __post_init__(self) -> None:
        _require_lifetime(self.longest_lifetime_seconds)

    @property
    def kinds(self) -> frozenset[str | None]:
        return _KINDS | {_JWT} if self.allow_jwt_typ else _KINDS


class TokenVerifier:
    """Accepts the access tokens that keep to the terms."""

    def __init__(self, terms: Terms, clock: Clock) -> None:
        self._terms = terms
        self._kinds = terms.kinds
        self._clock = clock

    def verify(self, token: Unverified, keys: VerifyingKeys) -> Claims:
        """`keys` are those of the issuer and of nobody else. Raises TokenRefused, and nothing else."""
        claims = keys.verified(token, self._kinds)
        try:
            if token.kind == _JWT and "nonce" in claims:
                raise TokenRefused("nonce")
            return self._judged(claims)
        except TokenRefused as refused:
            refused.signed = claims
            raise

    def _judged(self, claims: Mapping[str, Any]) -> Claims:
        if claims.get("iss") != self._terms.issuer:
            raise TokenRefused("iss")
        if not is_for(claims.get("aud"), self._terms.audience):
            raise TokenRefused("aud")
        for name in ("sub", "client_id", "jti"):
            if not is_name(claims.get(name)):
                raise TokenRefused(name)
        issued, expires = self._checked_times(claims)
        return Claims(
            issuer=self._terms.issuer,
            subject=claims["sub"],
            client_id=claims["client_id"],
            jti=claims["jti"],
            issued_at=datetime.fromtimestamp(issued, UTC),
            expires_at=datetime.fromtimestamp(expires, UTC),
            scope=_scope(claims),
            credential_id=_credential(claims),
        )

    def _checked_times(self, claims: Mapping[str, Any]) -> tuple[float, float]:
        expires, issued = moment(claims, "exp"), moment(claims, "iat")
        now, leeway = self._clock().timestamp(), self._terms.leeway_seconds
        if now >= expires + leeway:
            raise TokenRefused("exp")
        if now < issued - leeway:
            raise TokenRefused("iat-future")
        if "nbf" in claims and now < moment(claims, "nbf") - leeway:
            raise TokenRefused("nbf")
        if not 0 < expires - issued <= self._terms.longest_lifetime_seconds:
            raise TokenRefused("lifetime")
        return issued, expires


def _require_lifetime(seconds: int) -> None:
    if not 0 < seconds <= LONGEST_LIFETIME_SECONDS:
        raise ValueError(f"A token may live for 1 to {LONGEST_LIFETIME_SECONDS} seconds, not {seconds}.")


def _scope(claims: Mapping[str, Any]) -> frozenset[str] | None:
    if "scope" not in claims:
        return None
    scope = claims["scope"]
    if not isinstance(scope, str) or not _SCOPE.fullmatch(scope):
        raise TokenRefused("scope")
    return frozenset(scope.split(" "))


def _credential(claims: Mapping[str, Any]) -> UUID | None:
    """Only the service itself says this, and says it well."""
    try:
        return UUID(claims["credential_id"])
    except (KeyError, TypeError, AttributeError, ValueError):
        return None
