"""With what do tests sign in? Keys and assertions made with `cryptography` alone."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from uuid_utils.compat import uuid7

from tests.access.ring import changed, ec_jwk, es, joined
from tests.service import Record, Service

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class OwnKey:
    """A private key of a program, and the assertions that it signs."""

    kid: str = "k1"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def jwk(self) -> Record:
        return ec_jwk(self.kid, self.key, "P-256")

    def assertion(self, service: Service, client_id: str, **claims: object) -> str:
        now = int(service.clock().timestamp())
        usual = {
            "iss": client_id,
            "sub": client_id,
            "aud": f"{service.services.settings.issuer}/oauth2/token",
            "jti": str(uuid7()),
            "iat": now,
            "exp": now + 60,
        }
        header = {"alg": "ES256", "kid": self.kid, "typ": "JWT"}
        return joined(json.dumps(header).encode(), json.dumps(changed(usual, claims)).encode(), es(self.key))

    async def sign_in(self, service: Service, client_id: str, **claims: object) -> httpx.Response:
        return await asked(service, signed(self.assertion(service, client_id, **claims)))


def signed(assertion: str) -> dict[str, str]:
    """The members of a form that is sent with an assertion."""
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}


async def a_keeper(service: Service, place: str = "national") -> httpx.AsyncClient:
    """Who looks after access to a place, and holds what programs hold there."""
    return await service.signed_in(("access_admin", place), ("national_admin", place))


async def asked(service: Service, form: Mapping[str, str], auth: tuple[str, str] | None = None) -> httpx.Response:
    """The answer to a request for a token."""
    data = {"grant_type": "client_credentials", **form}
    answer = await service.http().post("/oauth2/token", data=data, auth=auth or httpx.USE_CLIENT_DEFAULT)
    assert answer.status_code == 429 or answer.headers["cache-control"] == "no-store"
    return answer


async def signed_in(service: Service, client_id: str, secret: str) -> httpx.AsyncClient:
    """A caller with a token for a secret."""
    return bearer(service, await asked(service, {}, (client_id, secret)))


def bearer(service: Service, answer: httpx.Response) -> httpx.AsyncClient:
    """A caller with the token of an answer."""
    document: dict[str, Any] = answer.json()
    assert answer.status_code == 200, document
    return service.http(Authorization=f"Bearer {document['access_token']}")
