"""The second wall: on PostgreSQL a session reaches the rows of the forces in its scope, whatever it asks for."""

from pip_api.db.guards import scopes, served

revision = "0005"
down_revision = "0004"

RIGHTS: dict[str, tuple[str, ...]] = {
    "alembic_version": (),
    "ledger_entry": ("INSERT",),
    "ledger_unsealed": ("INSERT", "DELETE"),
    "ledger_leaf": ("INSERT", "UPDATE (salt)"),
    "ledger_node": ("INSERT",),
    "ledger_head": ("INSERT",),
    "figure": ("INSERT",),
    "account": ("INSERT", "UPDATE"),
    "credential": ("INSERT", "UPDATE"),
    "access_grant": ("INSERT", "UPDATE"),
    "idempotency_key": ("INSERT", "DELETE"),
    "rate_count": ("INSERT", "UPDATE"),
    "region": ("INSERT", "UPDATE"),
    "force": ("INSERT", "UPDATE"),
    "support_level": ("INSERT", "UPDATE"),
    "support_level_assignment": ("INSERT", "UPDATE"),
    "measure": ("INSERT", "UPDATE"),
    "concern": ("INSERT", "UPDATE"),
    "pip": ("INSERT", "UPDATE"),
    "action": ("INSERT", "UPDATE"),
    "progress_update": ("INSERT", "UPDATE"),
}


def upgrade() -> None:
    scopes()
    for table, rights in RIGHTS.items():
        served(table, *rights)


def downgrade() -> None:
    raise RuntimeError("A wall between forces is not taken down.")
