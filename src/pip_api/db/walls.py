"""Does the database hold every session to its scope? The service asks before it serves.

A role that owns the tables, is a superuser or has BYPASSRLS walks past every policy, and that is the most common way in
which row-level security is there and does nothing.
"""

from sqlalchemy import String, column, text

from pip_api.db.guards import POLICY, SERVICE
from pip_api.db.statements import Statement

_REACHED = "force_code=ANYSELECTpip.scope_forcesASscope_forces[]"  # as the server writes it, without what varies

GAPS = Statement(
    text(
        f"""
        WITH me AS (SELECT oid, rolname AS name, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user),
        owned AS (
            SELECT c.oid, c.relname AS name, c.relowner, c.relrowsecurity AND c.relforcerowsecurity AS walled
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relkind IN ('r', 'p') AND a.attname = 'force_code' AND NOT a.attisdropped
            AND n.nspname NOT LIKE 'pg!_%' ESCAPE '!'
        )
        SELECT 'The service connects to PostgreSQL as ' || name || ', which ' || CASE
            WHEN rolsuper THEN 'is a superuser'
            WHEN rolbypassrls THEN 'has BYPASSRLS'
            ELSE 'owns its tables'
        END || ' and sees the rows of every force: let PIP_DATABASE_URL name {SERVICE}.' AS told
        FROM me WHERE rolsuper OR rolbypassrls
        OR EXISTS (SELECT FROM owned WHERE pg_has_role(me.oid, owned.relowner, 'MEMBER'))
        UNION ALL
        SELECT * FROM (
            SELECT 'The table ' || name || ' does not keep the forces apart (row-level security'
                || CASE WHEN walled THEN ' with the policy {POLICY} and no other' ELSE ', enabled and forced' END
                || '): run pip-api migrate with this release, or undo what was changed by hand.'
            FROM owned WHERE NOT walled OR 1 <> (
                SELECT count(*) FILTER (
                    WHERE p.polname = '{POLICY}' AND p.polcmd = '*' AND p.polpermissive AND p.polroles = '{{0}}'
                    AND pg_get_expr(p.polwithcheck, p.polrelid) = pg_get_expr(p.polqual, p.polrelid)
                    AND replace(translate(pg_get_expr(p.polqual, p.polrelid), '() ', ''), '::text', '')
                    IN ('{_REACHED}', 'force_codeISNULLOR{_REACHED}')
                ) * count(*)
                FROM pg_policy p WHERE p.polrelid = owned.oid
            )
            ORDER BY name
        ) AS unwalled
        """
    ).columns(column("told", String()))
)
"""A sentence for each gap, the role's first."""
