"""Which settings does the service take, in which unit, with which default?

Every variable begins with PIP_ (PIP_DATABASE_URL and so on). Nothing secret has a default.
"""

import json
import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

NOBODY = "https://pip-api.invalid"
"""An issuer that is nowhere: tokens in its name are as good as any while there is one service of this name."""


class StartRefused(Exception):
    """The service cannot start with this configuration or database; the message is one sentence for the operator."""


class NamedIssuer(BaseModel):
    """An identity provider whose tokens are taken beside those of the service itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str = Field(description="The `iss` of its tokens, letter by letter; its metadata is found below it.")
    audience: str = Field(min_length=1, description="The `aud` that its tokens for this service have.")
    jwks_uri: str | None = Field(default=None, description="Where its keys are, if its metadata is not to be asked.")
    allow_jwt_typ: bool = Field(default=False, description="Take `typ` JWT beside at+jwt; a nonce is refused then.")
    min_rsa_bits: int = Field(default=3_072, ge=2_048, le=16_384, description="Bits of an RSA key of it, at least.")
    max_lifetime_seconds: int = Field(
        default=3_600, ge=60, le=43_200, description="Seconds from `iat` to `exp` of its tokens, at most."
    )

    @field_validator("issuer", "jwks_uri")
    @classmethod
    def _fetchable(cls, value: str | None) -> str | None:
        if value is not None and not is_fetchable(value):
            raise ValueError("must be an https address without a user or a fragment")
        return value

    @field_validator("issuer")
    @classmethod
    def _without_query(cls, value: str) -> str:
        if "?" in value:
            raise ValueError("an issuer has no query")
        return value


def is_fetchable(address: str) -> bool:
    """Whether keys may be fetched from here: nobody on the way can change them. http is for this machine only."""
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018  (a port that is none is found out when it is asked for)
    except ValueError:
        return False
    host = parts.hostname or ""
    safe = parts.scheme == "https" or (parts.scheme == "http" and host in ("127.0.0.1", "::1", "localhost"))
    plain = address.isascii() and address.isprintable() and not set(address) & set(" #@\\")
    return safe and plain and host != ""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="PIP_", extra="ignore", frozen=True)

    database_url: str = Field(
        default="sqlite:///var/pip.db",
        description="Where the data is: sqlite:///PATH, or postgresql://pip_app@HOST/NAME (PostgreSQL 15 or later).",
    )
    migration_database_url: str | None = Field(
        default=None,
        description="The same PostgreSQL with a login that may become pip_owner: only `pip-api migrate` uses it.",
    )
    database_pool_size: int = Field(default=10, ge=1, le=200, description="Connections held, at most, by one process.")
    database_prepare: bool = Field(
        default=True, description="Prepare statements on the server. Off behind PgBouncer in transaction mode."
    )
    statement_timeout_ms: int = Field(
        default=5_000, ge=100, description="Milliseconds that one statement may take on PostgreSQL; imports are exempt."
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=1, le=65535, description="Port to listen on.")
    environment: Literal["development", "production"] = Field(
        default="development",
        description="In production no signing key is made and no demonstration loaded, and log lines are JSON.",
    )
    signing_key_file: Path = Field(
        default=Path("var/signing-key.pem"),
        description="PEM file of the P-256 private key that signs tokens; made on first use in development only.",
    )
    verifying_key_files: str | None = Field(
        default=None,
        description="PEM files, with commas, of public keys whose tokens count too: the key before, the key to come.",
    )
    sealing_key_file: Path = Field(
        default=Path("var/sealing-key.pem"),
        description="PEM file of the P-256 private key that signs heads of the ledger; made as that one is.",
    )
    earlier_sealing_key_files: str | None = Field(
        default=None, description="PEM files, with commas, of the public keys of heads that were signed before."
    )
    sealing_interval_ms: int = Field(
        default=250,
        ge=0,
        le=60_000,
        description="Milliseconds between two rounds of sealing the ledger; 0 leaves that to other processes.",
    )
    retention_years: int = Field(
        default=7, ge=7, le=100, description="Whole years, after its own, before a log of the ledger may be retired."
    )
    issuer: str = Field(
        default=NOBODY,
        min_length=1,
        description="The `iss` of the tokens issued here: the address of the service. Needed in production.",
    )
    audience: str = Field(default="pip-api", min_length=1, description="The `aud` of the tokens issued and accepted.")
    issuers: Annotated[list[NamedIssuer], NoDecode] = Field(
        default=[],
        description="Identity providers whose tokens are taken too: a JSON list of objects ([how](docs/issuers.md)).",
    )
    token_lifetime_seconds: int = Field(
        default=900, ge=60, le=3_600, description="Seconds that a token is good for; clocks may differ by 30 more."
    )
    token_limit_requests: int = Field(
        default=60,
        ge=0,
        description="Tokens got by one client, tokens ended, failed sign-ins from one address, a minute; 0: no end.",
    )
    access_memory_seconds: float = Field(
        default=5.0,
        ge=0,
        le=5,
        description="Seconds that a token and its grants are remembered: a change counts after at most these.",
    )
    max_body_bytes: int = Field(default=1_048_576, ge=1_024, description="Bytes of a JSON request body, at most.")
    max_import_bytes: int = Field(default=268_435_456, ge=1_024, description="Bytes of an import as sent, at most.")
    max_import_inflated_bytes: int = Field(
        default=2_147_483_648, ge=1_024, description="Bytes of an import after decompression, at most."
    )
    cursor_lifetime_seconds: int = Field(default=86_400, ge=60, description="Seconds that a page cursor is good for.")
    rate_limit_requests: int = Field(
        default=600, ge=0, description="Requests of one client in each window, at most; 0 is no limit. A 304 is free."
    )
    rate_limit_seconds: int = Field(default=60, ge=1, le=86_400, description="Seconds of that window.")
    import_limit_requests: int = Field(
        default=30, ge=0, description="Imports of one client in each window of their own, at most; 0 is no limit."
    )
    import_limit_seconds: int = Field(default=3_600, ge=1, le=86_400, description="Seconds of the window of imports.")
    read_only: bool = Field(default=False, description="Refuse every change, and go on with reads and tokens.")
    stop_grace_seconds: int = Field(
        default=25, ge=0, le=3_600, description="Seconds that requests may still take when the service is to stop."
    )
    metrics_token: SecretStr | None = Field(
        default=None, min_length=16, description="Bearer token for GET /metrics; without it there are no metrics."
    )
    cors_origins: str | None = Field(
        default=None,
        description="Origins of pages that may call the service from a browser, with commas: https://triage.example.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least level logged.")

    @field_validator("database_url", "migration_database_url")
    @classmethod
    def _known_database(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not value.startswith(("sqlite:///", "postgresql://")):
            raise ValueError("must begin with sqlite:/// or postgresql://")
        try:
            url = make_url(value)
        except (ArgumentError, ValueError):
            raise ValueError("cannot be read as an address") from None
        if url.drivername == "sqlite" and url.database in (None, "", ":memory:"):
            raise ValueError("must name a file")
        return value

    @field_validator("cors_origins")
    @classmethod
    def _exact_origins(cls, value: str | None) -> str | None:
        if value and not all(re.fullmatch(r"https?://[a-z0-9.-]+(:[0-9]+)?", each) for each in value.split(",")):
            raise ValueError("must be origins such as https://triage.example, with commas and nothing else between")
        return value

    @field_validator("issuers", mode="before")
    @classmethod
    def _of_json(cls, value: object) -> object:
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError:
            raise ValueError("must be a JSON list of objects") from None

    @model_validator(mode="after")
    def _issuers_differ(self) -> Self:
        names = [self.issuer, *(each.issuer for each in self.issuers)]
        if len(set(names)) < len(names):
            raise ValueError("PIP_ISSUERS names an issuer twice, or names PIP_ISSUER")
        return self


def load() -> Settings:
    """The settings of this process. Raises StartRefused with one sentence that names what is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        wrong = first["msg"].removeprefix("Value error, ")
        if not first["loc"]:
            raise StartRefused(f"The settings do not go together: {wrong}.") from error
        name, *within = map(str, first["loc"])
        where = f"{'.'.join(within)}: " if within else ""
        raise StartRefused(f"The setting PIP_{name.upper()} is not usable: {where}{wrong}.") from error
