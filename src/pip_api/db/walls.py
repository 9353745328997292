"""Does the database hold every session to its scope, and keep its other promises? The service asks before it serves.

A role that owns the tables, is a superuser or has BYPASSRLS walks past every policy, and that is the most common way in
which row-level security is there and does nothing. Nor does it do anything when the function that it asks says yes.
"""

from functools import cache
from importlib.resources import files
from typing import Final

from sqlalchemy import String, bindparam, column, text

from pip_api.db.guards import SERVICE
from pip_api.db.policies import FORCE, NATIONAL_TOO, OWN, POLICY, normal, normalised
from pip_api.db.statements import Statement

_UNDO = "run pip-api migrate with this release, or undo what was changed by hand."
_OF_THEIR_OWN = ", ".join(f"('{name}', {normal(seen)}, {normal(written)})" for name, (seen, written) in OWN.items())
_AS_MADE = "md5(replace(translate({}, '() ', ''), 'public.', ''))"
_OURS = "nspname IN ('public', 'pip')"

PROMISES: Final = f"""
    SELECT 'function ' || nspname || '.' || proname AS what,
        md5(concat_ws(' ', prosrc, array_to_string(proconfig, ' '))) AS digest
    FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace JOIN pg_language l ON l.oid = prolang
    WHERE {_OURS} AND lanname IN ('sql', 'plpgsql') AND NOT prosecdef
    UNION ALL
    SELECT 'trigger ' || tgname || ' of ' || relname, {_AS_MADE.format("pg_get_triggerdef(t.oid)")}
    FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid JOIN pg_namespace n ON n.oid = relnamespace
    WHERE {_OURS} AND NOT tgisinternal AND tgenabled IN ('O', 'A')
    UNION ALL
    SELECT 'constraint ' || conname || ' of ' || relname, {_AS_MADE.format("pg_get_constraintdef(k.oid)")}
    FROM pg_constraint k JOIN pg_class c ON c.oid = conrelid JOIN pg_namespace n ON n.oid = relnamespace
    WHERE {_OURS} AND confrelid = to_regclass('public.ledger_entry') AND convalidated AND NOT EXISTS (
        SELECT FROM pg_trigger t WHERE t.tgconstraint = k.oid AND tgenabled NOT IN ('O', 'A')
    )
"""
"""What the database promises besides its policies, and a digest of how: the functions, the triggers, and that every
version has its entry in the ledger."""

GAPS = Statement(
    text(
        f"""
        WITH me AS (SELECT oid, rolname AS name, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user),
        kept AS (
            SELECT c.oid, c.relname AS name, c.relowner, c.relrowsecurity AND c.relforcerowsecurity AS walled,
                CASE WHEN a.attname <> 'force_code' OR a.attname IS NULL THEN o.seen
                    WHEN a.attnotnull THEN {normal(FORCE)} ELSE {normal(NATIONAL_TOO)} END AS seen,
                o.written
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN pg_attribute a
                ON a.attrelid = c.oid AND a.attname IN ('force_code', 'place') AND NOT a.attisdropped
            LEFT JOIN (VALUES {_OF_THEIR_OWN}) AS o (name, seen, written) ON o.name = c.relname
            WHERE c.relkind IN ('r', 'p') AND (a.attname IS NOT NULL OR o.name IS NOT NULL)
            AND n.nspname NOT LIKE 'pg!_%' ESCAPE '!'
        )
        SELECT 'The service connects to PostgreSQL as ' || name || ', which ' || CASE
            WHEN rolsuper THEN 'is a superuser'
            WHEN rolbypassrls THEN 'has BYPASSRLS'
            ELSE 'owns its tables'
        END || ' and sees the rows of every force: let PIP_DATABASE_URL name {SERVICE}.' AS told
        FROM me WHERE rolsuper OR rolbypassrls
        OR EXISTS (SELECT FROM kept WHERE pg_has_role(me.oid, kept.relowner, 'MEMBER'))
        UNION ALL
        SELECT 'The login ' || current_user || ' has session_replication_role = ' || role
            || ', with which no trigger and no foreign key is asked: take that setting back.'
        FROM current_setting('session_replication_role') AS role WHERE role <> 'origin'
        UNION ALL
        SELECT * FROM (
            SELECT 'The table ' || name || ' does not keep the forces apart (row-level security'
                || CASE WHEN walled THEN ' with the policy {POLICY} and no other' ELSE ', enabled and forced' END
                || '): {_UNDO}'
            FROM kept WHERE NOT walled OR 1 IS DISTINCT FROM (
                SELECT count(*) FILTER (
                    WHERE p.polname = '{POLICY}' AND p.polcmd = '*' AND p.polpermissive AND p.polroles = '{{0}}'
                    AND {normalised("pg_get_expr(p.polqual, p.polrelid)")} = seen
                    AND {normalised("pg_get_expr(p.polwithcheck, p.polrelid)")} = coalesce(written, seen)
                ) * count(*)
                FROM pg_policy p WHERE p.polrelid = kept.oid
            )
            ORDER BY name
        ) AS unwalled
        UNION ALL
        SELECT * FROM (
            SELECT 'The ' || made.what || ' is missing, switched off or not as this release makes it: {_UNDO}'
            FROM json_each_text(CAST(:promises AS json)) AS made (what, digest)
            LEFT JOIN ({PROMISES}) AS found ON found.what = made.what AND found.digest = made.digest
            WHERE found.what IS NULL ORDER BY made.what
        ) AS broken
        """
    )
    .bindparams(bindparam("promises", type_=String()))
    .columns(column("told", String()))
)
"""A sentence for each gap, the role's first."""


@cache
def promises() -> str:
    """What the migrations of this release make, in JSON; `python -m tests.db.promises` writes the file anew."""
    return files("pip_api.db").joinpath("promises.json").read_text()
