"""What does access read of the tables that are declared in layers above it?"""

from sqlalchemy import Boolean, String, column, table

from pip_api.db.columns import Code, Instant, Json, Uid

ACCOUNT = table(
    "account",
    column("id", Uid()),
    column("kind", String()),
    column("name", String()),
    column("place", Code),
    column("client_id", Code),
    column("issuer", Code),
    column("subject", Code),
    column("disabled_at", Instant()),
    column("not_before", Instant()),
    column("needs_keys", Boolean()),
)
CREDENTIAL = table(
    "credential",
    column("id", Uid()),
    column("account_id", Uid()),
    column("kind", String()),
    column("secret_hash", String()),
    column("jwk", Json()),
    column("valid_from", Instant()),
    column("expires_at", Instant()),
    column("withdrawn_at", Instant()),
)
GRANT = table(
    "access_grant",
    column("id", Uid()),
    column("account_id", Uid()),
    column("role", String()),
    column("place", Code),
    column("valid_from", Instant()),
    column("valid_to", Instant()),
    column("withdrawn_at", Instant()),
)
FORCE = table("force", column("code", Code), column("region_code", Code))
