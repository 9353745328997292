"""What counts no more although its time is not over: tokens that were ended, assertions that were used."""

import sqlalchemy as sa
from alembic import op

from pip_api.db.columns import Code, Instant, Uid
from pip_api.db.guards import kept_for_a_time, resting_on_ledger, served

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "used_assertion",
        sa.Column("client_id", Code, nullable=False),
        sa.Column("jti", Code, nullable=False),
        sa.Column("kept_until", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "jti"),
    )
    op.create_index("used_assertion_kept_until", "used_assertion", ["kept_until"])
    op.create_table(
        "revoked_token",
        sa.Column("issuer", Code, nullable=False),
        sa.Column("jti", Code, nullable=False),
        sa.Column("kept_until", Instant(), nullable=False),
        sa.Column("entry_id", Uid(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entry.id"], initially="DEFERRED", deferrable=True),
        sa.PrimaryKeyConstraint("issuer", "jti"),
    )
    op.create_index("revoked_token_kept_until", "revoked_token", ["kept_until"])
    for table, key in (("used_assertion", ("client_id", "jti")), ("revoked_token", ("issuer", "jti"))):
        kept_for_a_time(table, "kept_until", keys=[key])
        served(table, "INSERT", "DELETE")
    resting_on_ledger("revoked_token")


def downgrade() -> None:
    op.drop_table("revoked_token")
    op.drop_table("used_assertion")
