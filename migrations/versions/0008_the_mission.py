"""The parts of plans and what forces keep beside them: each noun a table, with the guards that every noun has."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from pip_api.db.columns import Code, Instant, Json, Uid
from pip_api.db.guards import of_the_same_force, served, versioned

revision = "0008"
down_revision = "0007"

Column = sa.Column[Any]


def text(name: str, *, null: bool = False) -> Column:
    return sa.Column(name, sa.String(), nullable=null)


def code(name: str, *, null: bool = False) -> Column:
    return sa.Column(name, Code, nullable=null)


def day(name: str, *, null: bool = False) -> Column:
    return sa.Column(name, sa.Date(), nullable=null)


def flag(name: str, *, null: bool = False) -> Column:
    return sa.Column(name, sa.Boolean(), nullable=null)


def listed(*names: str) -> list[Column]:
    return [sa.Column(name, Json(), nullable=False) for name in names]


def refers(noun: str, name: str = "", *, null: bool = False) -> Column:
    """A column that holds the id of a row of the same force."""
    return sa.Column(name or f"{noun}_id", Uid(), nullable=null, info={"noun": noun})


def owned(table: str, *columns: Column, parent: str = "", keys: Sequence[Sequence[str]] = ()) -> None:
    """A table of rows that forces own. What a row refers to is of its own force; it never moves to another force, nor
    to another parent."""
    within = [refers(parent)] if parent else []
    noted = sa.ForeignKeyConstraint(
        ["id", "version"],
        ["ledger_entry.subject_id", "ledger_entry.version"],
        name=f"{table}_in_ledger",
        initially="DEFERRED",
        deferrable=True,
    )
    nouns = {column.name: column.info["noun"] for column in (*within, *columns) if "noun" in column.info}
    op.create_table(
        table,
        sa.Column("id", Uid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.Column("withdrawn_at", Instant(), nullable=True),
        sa.Column("force_code", Code, nullable=False),
        *within,
        *columns,
        noted,
        sa.ForeignKeyConstraint(["force_code"], ["force.code"]),
        *(
            sa.ForeignKeyConstraint([name, "force_code"], [f"{noun}.id", f"{noun}.force_code"])
            for name, noun in nouns.items()
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("id", "force_code"),
        *(sa.UniqueConstraint(*key) for key in keys),
    )
    for name in ("force_code", *nouns):
        op.create_index(f"ix_{table}_{name}", table, [name])
    versioned(table, [["id"], *keys], ["force_code", *(column.name for column in within)])
    served(table, "INSERT", "UPDATE")


def upgrade() -> None:
    owned(
        "root_cause_analysis",
        *(text("title"), text("method"), day("conducted_on"), text("conducted_by")),
        *(*listed("concern_ids"), text("summary")),
    )
    owned(
        "finding",
        *(text("title"), text("description"), text("kind"), text("theme"), *listed("concern_ids")),
        *(refers("concern", "cause_concern_id", null=True), text("evidence"), flag("cross_cutting")),
        parent="root_cause_analysis",
    )
    owned(
        "milestone",
        *(text("title"), day("due_on"), day("done_on", null=True), flag("important"), flag("update_due")),
        *(refers("concern", null=True), refers("action", null=True)),
        parent="pip",
    )
    owned(
        "unit",
        *(text("title"), refers("unit", "parent_unit_id", null=True), code("code"), text("kind")),
        keys=[["force_code", "code"]],
    )
    of_the_same_force("figure", "unit_code", "unit", "code")


def downgrade() -> None:
    raise RuntimeError("What plans are made of is not thrown away.")
