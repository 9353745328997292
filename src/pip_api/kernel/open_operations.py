"""Which operations are open to all, without a token, and how are they described?"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from pip_api.kernel.document import Schema, path_parameter
from pip_api.kernel.openapi import answers, refusals


class Signing(BaseModel):
    """How a client proves who it is in a form, where it does not use HTTP Basic."""

    client_id: str | None = Field(default=None, max_length=200)
    client_secret: str | None = Field(default=None, max_length=200)
    client_assertion_type: str | None = Field(
        default=None, max_length=100, description="urn:ietf:params:oauth:client-assertion-type:jwt-bearer, if any."
    )
    client_assertion: str | None = Field(
        default=None,
        max_length=8_192,
        description="A JWT that one of its keys signed, good for 5 minutes at most and once (RFC 7523).",
    )


class TokenRequest(Signing):
    """The client credentials grant (RFC 6749, 4.4). Id and secret go here or into HTTP Basic."""

    grant_type: Literal["client_credentials"]
    scope: str | None = Field(
        default=None, max_length=2_000, description="Permissions with blanks between, to narrow the token."
    )


class RevocationRequest(Signing):
    """A token to be ended (RFC 7009)."""

    token: str = Field(min_length=1, max_length=8_192, description="One that was issued to this client.")
    token_type_hint: str | None = Field(default=None, max_length=200, description="Not looked at: there is one type.")


class Token(BaseModel):
    """A bearer token (RFC 6749, 5.1)."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int = Field(ge=1, description="Seconds.")
    scope: str | None = Field(default=None, description="The permissions it was narrowed to.")


class TokenRefused(BaseModel):
    """A refusal in the form of RFC 6749, 5.2."""

    error: str = Field(json_schema_extra={"examples": ["invalid_client"]})
    error_description: str


class ServerMetadata(BaseModel):
    """Where and how tokens are to be had (RFC 8414)."""

    issuer: str = Field(json_schema_extra={"examples": ["https://pip-api.example"]})
    token_endpoint: str = Field(json_schema_extra={"examples": ["https://pip-api.example/oauth2/token"]})
    revocation_endpoint: str = Field(json_schema_extra={"examples": ["https://pip-api.example/oauth2/revoke"]})
    jwks_uri: str = Field(json_schema_extra={"examples": ["https://pip-api.example/.well-known/jwks.json"]})
    scopes_supported: list[str] = Field(json_schema_extra={"examples": [["pip:read", "pip:write"]]})
    response_types_supported: list[str] = Field(
        description="None: nobody signs in here through a browser.", json_schema_extra={"examples": [[]]}
    )
    grant_types_supported: list[str] = Field(json_schema_extra={"examples": [["client_credentials"]]})
    token_endpoint_auth_methods_supported: list[str] = Field(json_schema_extra={"examples": [["client_secret_basic"]]})
    token_endpoint_auth_signing_alg_values_supported: list[str] = Field(json_schema_extra={"examples": [["ES256"]]})
    revocation_endpoint_auth_methods_supported: list[str] = Field(
        json_schema_extra={"examples": [["client_secret_basic"]]}
    )
    revocation_endpoint_auth_signing_alg_values_supported: list[str] = Field(
        json_schema_extra={"examples": [["ES256"]]}
    )


class PublicKeys(BaseModel):
    """A JWK Set (RFC 7517)."""

    keys: list["PublicKey"]


class PublicKey(BaseModel):
    """One public key (RFC 7517)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "crv": "P-256",
                    "kty": "EC",
                    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
                    "kid": "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U",
                    "alg": "ES256",
                    "use": "sig",
                }
            ]
        }
    )

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: str
    y: str
    kid: str = Field(description="Its RFC 7638 thumbprint.")
    alg: Literal["ES256"]
    use: Literal["sig"]


class Condition(BaseModel):
    """Whether the service can work."""

    status: str = Field(json_schema_extra={"examples": ["ready"]})
    warnings: list[str] = Field(default_factory=list, description="What an operator has to look at soon, in sentences.")


class ProblemKind(BaseModel):
    """One kind of refusal."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "/problems/version-mismatch",
                    "code": "version_mismatch",
                    "status": 412,
                    "title": "The resource has changed since you read it",
                }
            ]
        }
    )

    type: str
    code: str
    status: int = Field(ge=400, le=599)
    title: str


class ProblemKinds(BaseModel):
    """The catalogue of refusals."""

    items: list[ProblemKind]


class Capabilities(BaseModel):
    """What the service offers, and its limits."""

    name: str
    version: str
    read_only: bool
    links: "Addresses"
    media_types: "MediaTypes"
    limits: "Limits"
    rates: list["RatePolicy"]
    cursor_lifetime_seconds: int
    idempotency_retention_days: int
    id_schemes: list[str] = Field(description="In which ways a row can be named in an address.")
    imports: "ImportKinds"
    periods: "PeriodForms"


class Addresses(RootModel[dict[str, str]]):
    """Where things are, by the ids of their operations."""


class MediaTypes(RootModel[dict[str, list[str]]]):
    """The media types that are spoken, by where."""


class PageSizes(BaseModel):
    """How many items a page has."""

    usual: int = Field(description="Where no `limit` is sent.")
    most: int


class Limits(BaseModel):
    """How much is taken at once; null is without limit."""

    page: PageSizes
    body_bytes: int
    json_depth: int
    target_bytes: int
    reason_characters: int
    import_bytes: int
    import_inflated_bytes: int
    import_rows: int | None


class RatePolicy(BaseModel):
    """How many requests a client has in a span of time; none is without limit."""

    policy: str
    quota: int
    seconds: int


class ImportKind(BaseModel):
    """What a file of this kind holds."""

    columns: list[str]
    required: list[str]
    key: list[str]


class ImportKinds(RootModel[dict[str, ImportKind]]):
    """The kinds of imports."""


class PeriodForms(RootModel[dict[str, str]]):
    """How periods are written, by kind."""


class Release(BaseModel):
    """The release that answers."""

    name: str
    version: str


def _open(id: str, tag: str, summary: str, shape: type[BaseModel] | None, *refused: int, **more: object) -> Schema:
    responses = answers({200: shape}) | refusals(refused)
    names = {"operationId": id, "tags": [tag], "summary": summary, "description": f"{summary}. It needs no token."}
    return {**names, "security": [], **more, "responses": responses}


def _for_clients(told: Schema, form: type[BaseModel], example: Schema, describes: str) -> Schema:
    """An operation of OAuth 2 that a client asks for with a form, and proves who it is."""
    content = {"application/x-www-form-urlencoded": {"schema": form, "example": example}}
    told |= {"requestBody": {"required": True, "content": content}}
    told |= {"security": [{"client": []}, {}], "description": describes}
    for status, description in ((400, "Refused (RFC 6749, 5.2)."), (401, "The client is unknown or its proof wrong.")):
        told["responses"] |= {str(status): answers({200: TokenRefused})["200"] | {"description": description}}
    return told


def routed(told: Schema) -> Schema:
    """How FastAPI is given an operation, which has its name also for the logs."""
    return {"operation_id": told["operationId"], "openapi_extra": told}


TOKEN = _for_clients(
    _open("createToken", "access", "Get a token", Token, 413, 429, 500, 503),
    TokenRequest, {"grant_type": "client_credentials"},
    "A bearer token, for a client's id and its secret, or an assertion that it signed.",
)  # fmt: skip
REVOCATION = _for_clients(
    _open("revokeToken", "access", "End a token", None, 413, 429, 500, 503),
    RevocationRequest, {"token": "eyJhbGciOiJFUzI1NiJ9.e30.c2ln"},
    "Ends a token of the client that asks (RFC 7009), within seconds everywhere. What is no good token has ended.",
)  # fmt: skip
SERVER_METADATA = _open("getServerMetadata", "access", "Where and how tokens are to be had", ServerMetadata, 500)
PUBLIC_KEYS = _open("listPublicKeys", "access", "The keys that sign tokens here", PublicKeys, 500)
CAPABILITIES = _open("getCapabilities", "operation", "What the service offers, and its limits", Capabilities, 400, 500)
VERSION = _open("getVersion", "operation", "The release that answers", Release, 500)
HEALTH = _open("getHealth", "operation", "Whether the process answers", Condition, 500)
READINESS = _open("getReadiness", "operation", "Whether the database and the keys are there", Condition, 500, 503)
PROBLEMS = _open("listProblems", "operation", "The catalogue of refusals", ProblemKinds, 500)
PROBLEM = _open(
    "getProblem", "operation", "One kind of refusal", ProblemKind, 404, 500,
    parameters=[path_parameter("name", "The code, with hyphens.", example="version-mismatch")],
)  # fmt: skip
