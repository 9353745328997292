"""The house: reference data, concerns, plans, actions, progress, figures, access, and the ledger under all of them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from pip_api.db.columns import Amount, Code, Instant, Json, Uid
from pip_api.db.guards import append_only, never_overlapping, resting_on_ledger, versioned

revision = "0001"
down_revision = None

KINDS = ("change", "denied", "read", "export", "credential", "grant", "redaction", "system")
SAID_BY_EVERY_ENTRY = ("id", "act", "noun", "actor_type", "actor_id", "actor_name", "client_id", "request_id")
ACCESS = {
    "account": ([["client_id"], ["issuer", "subject"]], ["place", "kind"]),
    "credential": ([], ["place", "account_id", "kind"]),
    "access_grant": ([], ["place", "account_id", "role"]),
}
OWNED = ("support_level_assignment", "concern", "pip", "action", "progress_update")
OWN_KEYS = {
    "region": [["code"], ["gss_code"]],
    "force": [["code"]],
    "support_level": [["code"]],
    "support_level_assignment": [],
    "measure": [["code"]],
    "concern": [],
    "pip": [["ref"]],
    "action": [["pip_id", "task_number"]],
    "progress_update": [],
}


def row() -> list[sa.Column[Any]]:
    """The columns that every versioned row has."""
    return [
        sa.Column("id", Uid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.Column("withdrawn_at", Instant(), nullable=True),
    ]


def in_ledger(table: str) -> sa.ForeignKeyConstraint:
    """A version without its ledger entry cannot be committed."""
    return sa.ForeignKeyConstraint(
        ["id", "version"],
        ["ledger_entry.subject_id", "ledger_entry.version"],
        name=f"{table}_in_ledger",
        initially="DEFERRED",
        deferrable=True,
    )


def of_same_force(noun: str) -> sa.ForeignKeyConstraint:
    """What a row refers to belongs to the row's own force."""
    return sa.ForeignKeyConstraint([f"{noun}_id", "force_code"], [f"{noun}.id", f"{noun}.force_code"])


def upgrade() -> None:
    op.create_table(
        "ledger_entry",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            sa.Identity(always=True),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("id", Uid(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False, server_default="change"),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("noun", sa.String(), nullable=False),
        sa.Column("subject_id", Uid(), nullable=True),
        sa.Column("subject_ref", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("force_code", Code, nullable=True),
        sa.Column("actor_type", sa.String(), nullable=False),
        sa.Column("actor_id", Uid(), nullable=False),
        sa.Column("actor_name", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("credential_id", Uid(), nullable=True),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("overridden", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("state", Json(), nullable=False),
        sa.Column("patch", Json(), nullable=False),
        sa.Column("redacted_by", Uid(), nullable=True),
        sa.Column("retired_by", Uid(), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("id"),
        sa.UniqueConstraint("subject_id", "version", name="ledger_entry_subject_version"),
        sa.CheckConstraint(f"kind IN ({', '.join(map(repr, KINDS))})", name="ledger_entry_kind"),
        sa.CheckConstraint(
            "version IS NULL OR (version > 0 AND kind NOT IN ('denied', 'read', 'export'))",
            name="ledger_entry_versions_are_changes",
        ),
        sa.CheckConstraint(
            " AND ".join(f"length(trim(CAST({name} AS TEXT))) > 0" for name in SAID_BY_EVERY_ENTRY),
            name="ledger_entry_says_who_and_in_which_request",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_ledger_entry_request_id", "ledger_entry", ["request_id"])
    op.create_index("ledger_entry_at", "ledger_entry", ["at", "seq"])
    op.create_index("ledger_entry_force", "ledger_entry", ["force_code", "at", "seq"])
    op.create_index("ledger_entry_actor", "ledger_entry", ["actor_id", "at"])
    op.create_index("ledger_entry_client", "ledger_entry", ["client_id", "at"])
    here = sa.text("credential_id IS NOT NULL")
    op.create_index(
        "ledger_entry_credential", "ledger_entry", ["credential_id", "at"], postgresql_where=here, sqlite_where=here
    )
    beside = sa.text("kind <> 'change'")
    op.create_index(
        "ledger_entry_kind_at", "ledger_entry", ["kind", "at"], postgresql_where=beside, sqlite_where=beside
    )
    op.create_index("ledger_entry_noun_at", "ledger_entry", ["noun", "at"])
    op.create_table(
        "account",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("disabled_at", Instant(), nullable=True),
        sa.Column("not_before", Instant(), nullable=True),
        sa.Column("needs_keys", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("place", Code, nullable=False),
        sa.Column("client_id", Code, nullable=True),
        sa.Column("issuer", Code, nullable=True),
        sa.Column("subject", Code, nullable=True),
        *row(),
        in_ledger("account"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("client_id"),
        sa.UniqueConstraint("issuer", "subject"),
        sa.UniqueConstraint("id", "place"),
    )
    op.create_index("ix_account_place", "account", ["place"])
    op.create_table(
        "credential",
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("account_id", Uid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("jwk", Json(), nullable=True),
        *row(),
        sa.Column("valid_from", Instant(), nullable=False),
        sa.Column("secret_hash", sa.String(), nullable=True),
        sa.Column("place", Code, nullable=False),
        sa.ForeignKeyConstraint(["account_id", "place"], ["account.id", "account.place"]),
        in_ledger("credential"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_credential_account_id", "credential", ["account_id"])
    op.create_index("ix_credential_place", "credential", ["place"])
    op.create_table(
        "access_grant",
        sa.Column("valid_to", Instant(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("account_id", Uid(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("place", Code, nullable=False),
        *row(),
        sa.Column("valid_from", Instant(), nullable=False),
        sa.Column("granted_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"]),
        in_ledger("access_grant"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_access_grant_account_id", "access_grant", ["account_id"])
    op.create_index("ix_access_grant_place", "access_grant", ["place"])
    op.create_table(
        "idempotency_key",
        sa.Column("client_id", Uid(), nullable=False),
        sa.Column("operation", Code, nullable=False),
        sa.Column("key", Code, nullable=False),
        sa.Column("asked", Json(), nullable=False),
        sa.Column("permits", Json(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", Json(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("answered_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "operation", "key"),
    )
    op.create_index("idempotency_key_answered_at", "idempotency_key", ["answered_at"])
    op.create_table(
        "rate_count",
        sa.Column("client_id", Code, nullable=False),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("window_start", sa.BigInteger(), nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.Column("granted", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "policy"),
        prefixes=["UNLOGGED"] if op.get_bind().dialect.name == "postgresql" else [],
    )
    op.create_table(
        "measure",
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("unit", sa.String(length=50), nullable=False),
        sa.Column("cadence", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("target", Amount(), nullable=True),
        sa.Column("baseline", Amount(), nullable=True),
        sa.Column("definition", sa.String(), nullable=False),
        sa.Column("source", sa.String(length=500), nullable=False),
        sa.Column("code", Code, nullable=False),
        *row(),
        in_ledger("measure"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_table(
        "region",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("code", Code, nullable=False),
        sa.Column("gss_code", sa.String(), nullable=False),
        *row(),
        in_ledger("region"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
        sa.UniqueConstraint("gss_code"),
    )
    op.create_table(
        "support_level",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("definition", sa.String(), nullable=False),
        sa.Column("pip_expected", sa.Boolean(), nullable=False),
        sa.Column("shared_with_partners", sa.Boolean(), nullable=False),
        sa.Column("presented_to_ppmg", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("code", Code, nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        *row(),
        in_ledger("support_level"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_table(
        "force",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("short_name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("nation", sa.String(), nullable=False),
        sa.Column("gss_code", sa.String(), nullable=True),
        sa.Column("region_code", Code, nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("successor_code", Code, nullable=True),
        sa.Column("code", Code, nullable=False),
        *row(),
        in_ledger("force"),
        sa.ForeignKeyConstraint(["region_code"], ["region.code"]),
        sa.ForeignKeyConstraint(["successor_code"], ["force.code"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_index("ix_force_region_code", "force", ["region_code"])
    op.create_table(
        "concern",
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("identified_by", sa.String(), nullable=False),
        sa.Column("identified_on", sa.Date(), nullable=False),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("measure_codes", Json(), nullable=False),
        sa.Column("affects", Json(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("force_code", Code, nullable=False),
        *row(),
        sa.ForeignKeyConstraint(["force_code"], ["force.code"]),
        in_ledger("concern"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("id", "force_code"),
    )
    op.create_index("ix_concern_force_code", "concern", ["force_code"])
    op.create_table(
        "figure",
        sa.Column("value", Amount(), nullable=False),
        sa.Column("numerator", Amount(), nullable=True),
        sa.Column("denominator", Amount(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("narrative", sa.String(), nullable=False),
        sa.Column("source_system", sa.String(), nullable=True),
        sa.Column("source_run", sa.String(), nullable=True),
        sa.Column("force_code", Code, nullable=False),
        sa.Column("measure_code", Code, nullable=False),
        sa.Column("unit_code", Code, nullable=False, server_default=""),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("entry_id", Uid(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entry.id"], initially="DEFERRED", deferrable=True),
        sa.ForeignKeyConstraint(["force_code"], ["force.code"]),
        sa.ForeignKeyConstraint(["measure_code"], ["measure.code"]),
        sa.PrimaryKeyConstraint("force_code", "measure_code", "unit_code", "period_start", "period_end", "revision"),
    )
    op.create_index("figure_of_entry", "figure", ["entry_id"])
    op.create_table(
        "pip",
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("summary", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("lead", sa.String(), nullable=True),
        sa.Column("concern_ids", Json(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("sustainability", sa.String(), nullable=False),
        sa.Column("force_code", Code, nullable=False),
        *row(),
        sa.Column("ref", Code, nullable=False),
        sa.ForeignKeyConstraint(["force_code"], ["force.code"]),
        in_ledger("pip"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("id", "force_code"),
        sa.UniqueConstraint("ref"),
    )
    op.create_index("ix_pip_force_code", "pip", ["force_code"])
    op.create_table(
        "support_level_assignment",
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("force_code", Code, nullable=False),
        sa.Column("level_code", Code, nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        *row(),
        sa.ForeignKeyConstraint(["force_code"], ["force.code"]),
        in_ledger("support_level_assignment"),
        sa.ForeignKeyConstraint(["level_code"], ["support_level.code"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_support_level_assignment_force_code", "support_level_assignment", ["force_code"])
    op.create_table(
        "action",
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("intended_outputs", Json(), nullable=False),
        sa.Column("lead", sa.String(), nullable=True),
        sa.Column("resources", sa.String(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("completed_on", sa.Date(), nullable=True),
        sa.Column("pip_id", Uid(), nullable=False),
        sa.Column("concern_id", Uid(), nullable=False),
        sa.Column("task_number", Code, nullable=True),
        *row(),
        sa.Column("force_code", Code, nullable=False),
        sa.Column("original_due_on", sa.Date(), nullable=True),
        of_same_force("concern"),
        sa.ForeignKeyConstraint(["force_code"], ["force.code"]),
        in_ledger("action"),
        of_same_force("pip"),
        sa.UniqueConstraint("pip_id", "task_number"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("id", "force_code"),
    )
    op.create_index("ix_action_concern_id", "action", ["concern_id"])
    op.create_index("ix_action_force_code", "action", ["force_code"])
    op.create_index("ix_action_pip_id", "action", ["pip_id"])
    op.create_table(
        "progress_update",
        sa.Column("pip_id", Uid(), nullable=False),
        sa.Column("concern_id", Uid(), nullable=True),
        sa.Column("action_id", Uid(), nullable=True),
        sa.Column("reported_on", sa.Date(), nullable=False),
        sa.Column("reported_by", sa.String(), nullable=False),
        sa.Column("narrative", sa.String(), nullable=False),
        sa.Column("brag", sa.String(), nullable=True),
        sa.Column("percent_complete", sa.Integer(), nullable=True),
        *row(),
        sa.Column("force_code", Code, nullable=False),
        of_same_force("action"),
        of_same_force("concern"),
        sa.ForeignKeyConstraint(["force_code"], ["force.code"]),
        in_ledger("progress_update"),
        of_same_force("pip"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_progress_update_action_id", "progress_update", ["action_id"])
    op.create_index("ix_progress_update_concern_id", "progress_update", ["concern_id"])
    op.create_index("ix_progress_update_force_code", "progress_update", ["force_code"])
    op.create_index("ix_progress_update_pip_id", "progress_update", ["pip_id"])
    append_only("ledger_entry", [["seq"], ["id"], ["subject_id", "version"]])
    append_only("figure", [["force_code", "measure_code", "unit_code", "period_start", "period_end", "revision"]])
    resting_on_ledger("figure")
    for table, keys in OWN_KEYS.items():
        versioned(table, [["id"], *keys], ["force_code"] if table in OWNED else [])
    for table, (keys, fixed) in ACCESS.items():
        versioned(table, [["id"], *keys], fixed)
    never_overlapping("support_level_assignment", "force_code", "starts_on", "ends_on")


def downgrade() -> None:
    raise RuntimeError("The first migration has nothing before it to go back to.")
