"""In which two ways does the database let a row of an append-only table be changed?"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from pip_api.db.guards import TRIGGER


def retires(least_years: int) -> str:
    """That the words of an entry, and the names in it, go for good, and nothing else of it. `retired_by` then names the
    entry that closed a log, which is the entry's own or a later one, once so many whole years were over. A version goes
    only when the next one is of such a log too: what stood at the end is what the rows of now are built on."""
    postgresql = op.get_bind().dialect.name == "postgresql"

    def year(moment: str) -> str:
        return f"to_char({moment} AT TIME ZONE 'UTC', 'YYYY')" if postgresql else f"substr({moment}, 1, 4)"

    same = " AND ".join(
        f"NEW.{column['name']} IS NOT DISTINCT FROM OLD.{column['name']}"
        if postgresql
        else f"NEW.{column['name']} IS OLD.{column['name']}"
        for column in sa.inspect(op.get_bind()).get_columns("ledger_entry")
        if column["name"] not in ("state", "patch", "reason", "subject_ref", "actor_name", "retired_by")
    )
    return f"""{same} AND NEW.state = '{{}}' AND NEW.patch = '[]' AND NEW.reason IS NULL AND NEW.subject_ref IS NULL
        AND NEW.actor_name = '[retired]' AND OLD.retired_by IS NULL AND OLD.act <> 'log.retired'
        AND EXISTS (
            SELECT 1 FROM retired_log AS closed JOIN ledger_entry AS r ON r.id = closed.entry_id
            WHERE r.id = NEW.retired_by AND r.kind = 'system' AND r.act = 'log.retired'
            AND {year("OLD.at")} <= closed.log_id
            AND CAST({year("r.at")} AS integer) > CAST(closed.log_id AS integer) + {least_years}
            AND (OLD.version IS NULL OR OLD.subject_id IS NULL OR EXISTS (
                SELECT 1 FROM ledger_entry AS n WHERE n.subject_id = OLD.subject_id AND n.version = OLD.version + 1
                AND {year("n.at")} <= closed.log_id)))"""


def redactable(table: str, documents: Sequence[str], text: str, also: str) -> None:
    """Of an append-only table: texts inside these documents, and this one text, may become "[redacted]", and nothing
    else may change. `redacted_by` then names the entry of an approval, by another than whoever asked, whose
    `state.entries` names the row.

    `also` is another change of OLD to NEW that is let through."""
    free = (*documents, text, "redacted_by")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            """
            CREATE FUNCTION only_redacted(before jsonb, after jsonb) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
            BEGIN
                IF before = after OR (jsonb_typeof(before) = 'string' AND after = '"[redacted]"') THEN
                    RETURN true;
                ELSIF jsonb_typeof(before) <> jsonb_typeof(after) THEN
                    RETURN false;
                ELSIF jsonb_typeof(before) = 'object' THEN
                    RETURN NOT EXISTS (
                        SELECT FROM jsonb_each(before) AS b FULL JOIN jsonb_each(after) AS a USING (key)
                        WHERE b.value IS NULL OR a.value IS NULL OR NOT only_redacted(b.value, a.value));
                ELSIF jsonb_typeof(before) = 'array' THEN
                    RETURN jsonb_array_length(before) = jsonb_array_length(after) AND NOT EXISTS (
                        SELECT FROM jsonb_array_elements(before) WITH ORDINALITY AS b(value, place)
                        JOIN jsonb_array_elements(after) WITH ORDINALITY AS a(value, place) USING (place)
                        WHERE NOT only_redacted(b.value, a.value));
                END IF;
                RETURN false;
            END $$
            """
        )
        same = " AND ".join(f"only_redacted(OLD.{each}, NEW.{each})" for each in documents)
        left = ", ".join(f"'{each}'" for each in free)
        op.execute(
            f"""
            CREATE FUNCTION refuse_all_but_redaction() {TRIGGER} AS $$
            BEGIN
                IF to_jsonb(NEW) - ARRAY[{left}] = to_jsonb(OLD) - ARRAY[{left}] AND {same}
                    AND (NEW.{text} IS NOT DISTINCT FROM OLD.{text}
                         OR (OLD.{text} IS NOT NULL AND NEW.{text} IS NOT DISTINCT FROM '[redacted]'))
                    AND EXISTS (SELECT FROM {table} AS r WHERE r.id = NEW.redacted_by AND r.act = 'redaction.approved'
                                AND r.state ->> 'approved_by' <> r.state ->> 'asked_by'
                                AND r.state -> 'entries' ? OLD.id::text)
                THEN RETURN NEW; END IF;
                IF {also} THEN RETURN NEW; END IF;
                RAISE EXCEPTION '%: update is refused', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
            END $$
            """
        )
        op.execute(f"DROP TRIGGER {table}_kept_row ON {table}")
        op.execute(
            f"CREATE TRIGGER {table}_kept_row BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_kept_update BEFORE UPDATE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_all_but_redaction()"
        )
        return
    others = [column["name"] for column in sa.inspect(op.get_bind()).get_columns(table) if column["name"] not in free]
    wrong = [
        *(f"NEW.{each} IS NOT OLD.{each}" for each in others),
        f"NEW.{text} IS NOT OLD.{text} AND (OLD.{text} IS NULL OR NEW.{text} IS NOT '[redacted]')",
        *(
            f"""EXISTS (SELECT 1 FROM json_tree(NEW.{each}) AS n LEFT JOIN json_tree(OLD.{each}) AS o USING (fullkey)
                WHERE o.type IS NOT n.type OR (n.atom IS NOT o.atom AND n.atom IS NOT '[redacted]'))
            OR (SELECT count(*) FROM json_tree(NEW.{each})) <> (SELECT count(*) FROM json_tree(OLD.{each}))"""
            for each in documents
        ),
        f"""NOT EXISTS (SELECT 1 FROM {table} AS r, json_each(r.state, '$.entries') AS named
            WHERE r.id = NEW.redacted_by AND r.act = 'redaction.approved' AND named.value = OLD.id
            AND json_extract(r.state, '$.approved_by') <> json_extract(r.state, '$.asked_by'))""",
    ]
    op.execute(f"DROP TRIGGER {table}_kept_update")
    op.execute(
        f"""
        CREATE TRIGGER {table}_kept_update BEFORE UPDATE ON {table}
        WHEN ({" OR ".join(f"({each})" for each in wrong)}) AND NOT coalesce(({also}), 0)
        BEGIN SELECT RAISE(ABORT, '{table}: update is refused'); END
        """
    )
