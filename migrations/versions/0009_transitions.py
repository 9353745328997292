"""Plans keep who submitted and approved them, are shared with partners, and levels say within how many days."""

import sqlalchemy as sa
from alembic import op

from pip_api.db.columns import Code, Instant, Uid
from pip_api.db.guards import served, versioned

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    for name in ("shared_by", "submitted_to_ppmg_by", "approved_by"):
        op.add_column("pip", sa.Column(name, Uid(), nullable=True))
    for name in ("shared_on", "submitted_to_ppmg_on", "approved_on"):
        op.add_column("pip", sa.Column(name, sa.Date(), nullable=True))
    for name in ("draft", "share", "submit", "present"):
        op.add_column("support_level", sa.Column(f"{name}_within_days", sa.Integer(), nullable=True))
    op.create_table(
        "partner_review",
        sa.Column("id", Uid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.Column("withdrawn_at", Instant(), nullable=True),
        sa.Column("force_code", Code, nullable=False),
        sa.Column("pip_id", Uid(), nullable=False),
        sa.Column("partner", sa.String(), nullable=False),
        sa.Column("shared_on", sa.Date(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("answered_on", sa.Date(), nullable=True),
        sa.Column("comments", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["id", "version"],
            ["ledger_entry.subject_id", "ledger_entry.version"],
            name="partner_review_in_ledger",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(["force_code"], ["force.code"]),
        sa.ForeignKeyConstraint(["pip_id", "force_code"], ["pip.id", "pip.force_code"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("id", "force_code"),
    )
    for name in ("force_code", "pip_id"):
        op.create_index(f"ix_partner_review_{name}", "partner_review", [name])
    versioned("partner_review", [["id"]], ["force_code", "pip_id"])
    served("partner_review", "INSERT", "UPDATE")


def downgrade() -> None:
    raise RuntimeError("Who submitted and approved plans is not forgotten.")
