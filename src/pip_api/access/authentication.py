"""Whose request is this? From the Authorization header to a principal, remembered for seconds."""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

import structlog

from pip_api.access.claims import is_name
from pip_api.access.principals import CHALLENGE, Principal, load
from pip_api.access.token_text import TokenRefused
from pip_api.access.tokens import Claims
from pip_api.access.verified_tokens import VerifiedTokens
from pip_api.db.scopes import EVERY_FORCE
from pip_api.db.session import Database
from pip_api.http.metrics import Metrics
from pip_api.http.problems import Problem


class Authentication:
    """Verifies bearer tokens and knows the grants behind them, both for at most `seconds`."""

    def __init__(
        self,
        tokens: VerifiedTokens,
        database: Database,
        clock: Callable[[], datetime],
        seconds: float,
        own_issuer: str,
        note_unknown: Callable[[datetime, str, Claims], Awaitable[None]],
        metrics: Metrics,
        log_key: bytes,
    ) -> None:
        self._tokens = tokens
        self._database = database
        self._own_issuer = own_issuer
        self._note_unknown = note_unknown
        self._clock = clock
        self._seconds = seconds
        self._metrics = metrics
        self._log_key = log_key
        self._log = structlog.get_logger()
        self._principals: dict[Claims, tuple[float, Principal | None]] = {}

    async def __call__(self, authorization: str | None, request_id: str) -> Principal:
        """The caller. Raises 401, in the same words whatever is wrong with the token, and 403 where it is good and
        nobody is known by it: that is noted in the ledger.

        Two Authorization headers come as one with a comma, which no token has.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if authorization is None or scheme.lower() == "basic":  # that is for /oauth2/token
            raise Problem(
                "missing_credentials",
                "Send a bearer token from /oauth2/token.",
                headers={"WWW-Authenticate": CHALLENGE},
            )
        try:
            if scheme.lower() != "bearer":
                raise TokenRefused("scheme")
            claims = await self._tokens.verify(token)
            now = self._clock()
            principal = await self._known(claims, now)
            if principal is not None:
                principal.require_usable(claims, now)
        except TokenRefused as refused:
            self._metrics.token_refused(refused.reason)
            self._log.info("token refused", reason=refused.reason, **self._traces(refused.signed))
            raise _refused() from None
        if principal is None:
            await self._note_unknown(now, request_id, claims)
            raise Problem("unknown_subject", "Ask whoever looks after access for an account.")
        return principal

    async def _known(self, claims: Claims, now: datetime) -> Principal | None:
        """Remembered for each token, since each can be revoked alone. Also that nobody is known is remembered."""
        until, principal = self._principals.get(claims, (0.0, None))
        if not until - self._seconds <= now.timestamp() < until:  # both ends: a clock may step back
            async with self._database.read(EVERY_FORCE) as session:
                principal = await load(session, claims, self._own_issuer, now)
            if len(self._principals) >= 10_000:
                self._principals.clear()
            self._principals[claims] = (now.timestamp() + self._seconds, principal)
        return principal

    def forget(self) -> None:
        """Forgets every token and grant, so that the next request looks at the database again."""
        self._tokens.forget()
        self._principals.clear()

    def forget_one(self, claims: Claims) -> None:
        """Forgets one token, so that the next request with it asks whether it was revoked."""
        self._principals.pop(claims, None)

    def _traces(self, claims: Mapping[str, Any]) -> dict[str, str]:
        """Whose token it was, for the log; a keyed digest stands for the token, which nobody can look up elsewhere."""
        subject, token = claims.get("sub"), claims.get("jti")
        traces = {"subject": subject} if is_name(subject) else {}
        if is_name(token):
            traces["token"] = hmac.new(self._log_key, token.encode(), "sha256").hexdigest()[:16]
        return traces


def _refused() -> Problem:
    return Problem(
        "invalid_token",
        "The token is not accepted. The log of whoever runs the service names the reason under this request id.",
        headers={"WWW-Authenticate": f'{CHALLENGE}, error="invalid_token"'},
    )
