"""${message}"""
<%def name="literal(value)">${repr(value).replace("'", '"')}</%def>\

from alembic import op
${imports + "\n" if imports else ""}\

revision = ${literal(up_revision)}
down_revision = ${literal(down_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
