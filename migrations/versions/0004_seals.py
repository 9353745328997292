"""The seals of the ledger: what waits to be sealed, the leaf of each entry, the nodes of the trees, and their heads."""

import sqlalchemy as sa
from alembic import op

from pip_api.db.columns import Code, Instant, Uid
from pip_api.db.guards import append_only, erasable, kept_until, queued

revision = "0004"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "ledger_unsealed",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_table(
        "ledger_leaf",
        sa.Column("log_id", Code, nullable=False),
        sa.Column("leaf_index", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", Uid(), nullable=False),
        sa.Column("salt", sa.String(), nullable=True),
        sa.Column("body_digest", sa.String(), nullable=False),
        sa.Column("leaf_hash", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entry.id"], initially="DEFERRED", deferrable=True),
        sa.PrimaryKeyConstraint("log_id", "leaf_index"),
        sa.UniqueConstraint("entry_id"),
    )
    op.create_table(
        "ledger_node",
        sa.Column("log_id", Code, nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "level", "idx"),
    )
    op.create_table(
        "ledger_head",
        sa.Column("log_id", Code, nullable=False),
        sa.Column("tree_size", sa.BigInteger(), nullable=False),
        sa.Column("root_hash", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("signature", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "tree_size"),
    )
    erasable(
        "ledger_leaf",
        "salt",
        ["log_id", "leaf_index", "entry_id", "body_digest", "leaf_hash"],
        [["log_id", "leaf_index"], ["entry_id"]],
        """SELECT 1 FROM ledger_entry AS e WHERE e.id = NEW.entry_id
            AND coalesce(e.redacted_by, e.retired_by) IS NOT NULL""",
    )
    append_only("ledger_node", [["log_id", "level", "idx"]])
    append_only("ledger_head", [["log_id", "tree_size"]])
    op.execute("INSERT INTO ledger_unsealed (seq) SELECT seq FROM ledger_entry")
    queued("ledger_entry", "ledger_unsealed", "seq")
    kept_until(
        "ledger_unsealed",
        "SELECT 1 FROM ledger_entry AS e JOIN ledger_leaf AS l ON l.entry_id = e.id WHERE e.seq = OLD.seq",
    )


def downgrade() -> None:
    raise RuntimeError("Seals are kept: what was signed cannot be taken back.")
