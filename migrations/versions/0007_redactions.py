"""Redactions, logs whose time is over, and what may go of an entry then and in no other way."""

import sqlalchemy as sa
from alembic import op

from pip_api.db.columns import Code, Instant, Json, Uid
from pip_api.db.guards import SERVICE, append_only, frozen, not_yet_over, served, versioned
from pip_api.db.redactable import redactable, retires

revision = "0007"
down_revision = "0006"

YEARS = 7
ASKED = ["force_code", "noun", "subject_id", "members", "entries", "asked_by", "lapses_at"]
"""What is approved is what was asked for."""


def upgrade() -> None:
    create_retired_log()
    redactable("ledger_entry", ["state", "patch"], "reason", also=retires(least_years=YEARS))
    op.create_table(
        "redaction",
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("approved_by", Uid(), nullable=True),
        sa.Column("approved_by_name", sa.String(), nullable=True),
        sa.Column("entries", Json(), nullable=False),
        sa.Column("force_code", Code, nullable=False),
        sa.Column("noun", sa.String(), nullable=False),
        sa.Column("subject_id", Uid(), nullable=False),
        sa.Column("members", Json(), nullable=False),
        sa.Column("legal_basis", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("id", Uid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.Column("withdrawn_at", Instant(), nullable=True),
        sa.Column("asked_by", Uid(), nullable=False),
        sa.Column("asked_by_name", sa.String(), nullable=False),
        sa.Column("lapses_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["force_code"], ["force.code"]),
        sa.ForeignKeyConstraint(
            ["id", "version"],
            ["ledger_entry.subject_id", "ledger_entry.version"],
            name="redaction_in_ledger",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.CheckConstraint("approved_by IS NULL OR approved_by <> asked_by", name="redaction_takes_two"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_redaction_force_code", "redaction", ["force_code"])
    op.create_index("ix_redaction_subject_id", "redaction", ["subject_id"])
    versioned("redaction", [["id"]], ASKED)
    served("redaction", "INSERT", "UPDATE")
    if op.get_bind().dialect.name == "postgresql":
        changed = "state, patch, reason, subject_ref, actor_name, redacted_by, retired_by"
        op.execute(f"GRANT UPDATE ({changed}) ON ledger_entry TO {SERVICE}")


def create_retired_log() -> None:
    """The logs whose time is over. Nothing comes into them any more."""
    op.create_table(
        "retired_log",
        sa.Column("log_id", Code, nullable=False),
        sa.Column("entry_id", Uid(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entry.id"], initially="DEFERRED", deferrable=True),
        sa.PrimaryKeyConstraint("log_id"),
        sa.UniqueConstraint("entry_id"),
    )
    append_only("retired_log", [["log_id"], ["entry_id"]])
    served("retired_log", "INSERT")
    frozen("retired_log", not_yet_over("NEW.log_id", YEARS))
    for table in ("ledger_leaf", "ledger_head"):
        frozen(table, "SELECT 1 FROM retired_log AS r WHERE r.log_id = NEW.log_id")


def downgrade() -> None:
    raise RuntimeError("What was redacted cannot be brought back.")
