"""Frameworks are reviewed each year and consulted on, and what forces do stands in their terms."""

import sqlalchemy as sa
from alembic import op

from pip_api.db.columns import Code, Instant, Json, Uid
from pip_api.db.guards import served, versioned

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    nothing = sa.DefaultClause("")
    op.add_column("framework", sa.Column("review_discussion", sa.String(), nullable=False, server_default=nothing))
    op.add_column("framework", sa.Column("review_due_on", sa.Date(), nullable=True))
    op.add_column("framework_item", sa.Column("emphasis", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("objective", sa.Column("set_by", sa.String(), nullable=True))
    for table, name in (("meeting", "assurance_check_ids"), ("supporting_plan", "commitments")):
        empty = sa.DefaultClause("[]")
        op.add_column(table, sa.Column(name, Json(), nullable=False, server_default=empty))
    op.create_table(
        "consultation_response",
        sa.Column("id", Uid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.Column("withdrawn_at", Instant(), nullable=True),
        sa.Column("force_code", Code, nullable=False),
        sa.Column("framework_id", Uid(), nullable=False),
        sa.Column("respondent", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("framework_item_ids", Json(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["id", "version"],
            ["ledger_entry.subject_id", "ledger_entry.version"],
            name="consultation_response_in_ledger",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(["force_code"], ["force.code"]),
        sa.ForeignKeyConstraint(["framework_id"], ["framework.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("id", "force_code"),
    )
    for name in ("force_code", "framework_id"):
        op.create_index(f"ix_consultation_response_{name}", "consultation_response", [name])
    versioned("consultation_response", [["id"]], ["force_code"])
    served("consultation_response", "INSERT", "UPDATE")


def downgrade() -> None:
    raise RuntimeError("What was said of frameworks is not thrown away.")
