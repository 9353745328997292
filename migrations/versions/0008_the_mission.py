"""The parts of plans and what forces keep beside them: each noun a table, with the guards that every noun has."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from pip_api.db.columns import Amount, Code, Instant, Json, Uid
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


def number(name: str, *, null: bool = False) -> Column:
    return sa.Column(name, sa.Integer(), nullable=null)


def amounts(*names: str) -> list[Column]:
    return [sa.Column(name, Amount(), nullable=True) for name in names]


def coded(noun: str, name: str = "", *, null: bool = True) -> Column:
    """A column that holds the code of a row of reference data."""
    return sa.Column(name or f"{noun}_code", Code, sa.ForeignKey(f"{noun}.code"), nullable=null, index=True)


def refers(noun: str, name: str = "", *, null: bool = False, national: bool = False) -> Column:
    """A column that holds the id of a row of the same force, or of one that no force owns."""
    shared = [] if national else ["force_code"]
    return sa.Column(name or f"{noun}_id", Uid(), nullable=null, info={"noun": noun, "shared": shared})


def more(table: str, *columns: Column) -> None:
    """Further columns of a table with rows: those that must have a value begin as what nobody said anything about."""
    for column in columns:
        if not column.nullable:
            column.server_default = sa.DefaultClause("[]" if isinstance(column.type, Json) else "")
        op.add_column(table, column)


def owned(table: str, *columns: Column, parent: str = "", keys: Sequence[Sequence[str]] = ()) -> None:
    """A table of rows that forces own. What a row refers to is of its own force; it never moves to another force, nor
    to another parent."""
    within = [refers(parent)] if parent else []
    owner = sa.Column("force_code", Code, sa.ForeignKey("force.code"), nullable=False, index=True)
    _made(table, [owner, *within, *columns], [["id", "force_code"], *keys])
    versioned(table, [["id"], *keys], ["force_code", *(column.name for column in within)])
    served(table, "INSERT", "UPDATE")


def national(table: str, *columns: Column, keys: Sequence[Sequence[str]] = ()) -> None:
    """A table of rows that no force owns."""
    _made(table, columns, keys)
    versioned(table, [["id"], *keys])
    served(table, "INSERT", "UPDATE")


def _made(table: str, columns: Sequence[Column], keys: Sequence[Sequence[str]]) -> None:
    nouns = {column.name: column.info for column in columns if "noun" in column.info}
    op.create_table(
        table,
        sa.Column("id", Uid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.Column("withdrawn_at", Instant(), nullable=True),
        *columns,
        sa.ForeignKeyConstraint(
            ["id", "version"],
            ["ledger_entry.subject_id", "ledger_entry.version"],
            name=f"{table}_in_ledger",
            initially="DEFERRED",
            deferrable=True,
        ),
        *(
            sa.ForeignKeyConstraint([name, *to["shared"]], [f"{to['noun']}.{each}" for each in ("id", *to["shared"])])
            for name, to in nouns.items()
        ),
        sa.PrimaryKeyConstraint("id"),
        *(sa.UniqueConstraint(*key) for key in keys),
    )
    for name in nouns:
        op.create_index(f"ix_{table}_{name}", table, [name])


def upgrade() -> None:
    more("concern", day("starts_on", null=True), day("ends_on", null=True))
    owned(
        "board",
        *(text("title"), text("level"), text("party"), flag("challenges"), flag("escalates")),
        *(text("chair", null=True), text("remit"), number("meets_every_days", null=True)),
    )
    more(
        "pip",
        *(text("mandate"), text("governance"), *listed("board_ids"), text("engagement"), text("response_priorities")),
        *(text("timeline"), number("review_interval_days", null=True)),
        *(number("partner_review_interval_days", null=True), day("moved_on", null=True), day("closed_on", null=True)),
    )
    more(
        "action",
        *(*listed("finding_ids", "measure_codes", "contributors"), number("priority", null=True)),
        *(*amounts("budget", "spent", "forecast", "benefit_amount"), text("benefit"), text("benefit_used_for")),
        *(flag("benefit_cashable", null=True), text("delivery_model", null=True)),
    )
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
    owned(
        "support_measure",
        *(text("title"), text("kind"), text("origin"), text("topic", null=True), *listed("concern_ids")),
        *(text("status"), day("asked_on", null=True), day("answered_on", null=True), day("started_on", null=True)),
        *(day("ended_on", null=True), flag("intensive"), text("intensive_reason"), text("discussion")),
        *(day("discussed_on", null=True), text("discussed_with", null=True), coded("force", "provider_force_code")),
        *(*listed("attending_force_codes"), text("question"), text("answer"), text("outcome")),
        parent="pip",
    )
    owned("risk_scale", text("title"), number("size"), *listed("bands"), day("valid_from"))
    owned(
        "risk",
        *(text("title"), text("description"), text("kind"), *listed("action_ids"), refers("risk_scale", "scale_id")),
        *(number("likelihood"), number("impact"), text("status"), text("owner", null=True), day("raised_on")),
        *(text("early_response"), number("score")),
        parent="pip",
    )
    owned(
        "mitigation",
        *(text("title"), text("description"), text("owner", null=True), text("status"), day("due_on", null=True)),
        parent="risk",
    )
    owned(
        "escalation",
        *(text("title"), refers("board", "from_board_id"), refers("board", "to_board_id"), day("raised_on")),
        *(text("reason"), text("result"), day("resolved_on", null=True)),
        parent="pip",
    )
    owned("stakeholder", text("title"), text("body", null=True), text("interest"), text("engagement"), parent="pip")
    owned(
        "assurance_mechanism",
        *(text("title"), text("what"), text("method"), text("by_whom"), number("every_days", null=True)),
        parent="pip",
    )
    owned(
        "assurance_check",
        *(day("done_on"), text("place_tested", null=True), text("finding"), text("learning"), text("outcome")),
        coded("measure"),
        parent="assurance_mechanism",
    )
    owned(
        "review",
        *(text("title"), text("kind"), day("planned_on"), day("held_on", null=True)),
        *(*listed("attendees", "decisions"), day("next_on", null=True)),
        parent="pip",
    )
    owned(
        "sustainability_arrangement",
        *(text("title"), text("description"), text("owner"), *listed("action_ids"), refers("concern", null=True)),
        day("starts_on", null=True),
        parent="pip",
    )
    owned(
        "follow_up",
        *(text("title"), day("due_on"), day("done_on", null=True), flag("holds", null=True), text("finding")),
        parent="pip",
    )
    owned(
        "practice_submission",
        *(text("title"), text("done"), text("result", null=True), text("status"), day("submitted_on", null=True)),
        text("link", null=True),
        parent="pip",
    )
    owned(
        "lesson",
        *(text("title"), text("kind"), text("text"), text("source", null=True), text("strength", null=True)),
        *(refers("pip", null=True), day("noted_on")),
    )
    national(
        "framework",
        *(code("code"), text("edition"), text("title"), text("publisher", null=True), text("status")),
        *(day("valid_from", null=True), day("valid_to", null=True)),
        *(text("source"), text("ambition"), text("mission")),
        *(coded("framework", "reviewed_from"), text("review_reason", null=True)),
        keys=[["code"]],
    )
    national(
        "framework_item",
        *(
            refers("framework", national=True),
            code("code"),
            text("kind"),
            sa.Column("ref", Code, nullable=False, index=True),
            text("title"),
            text("text"),
            number("position"),
        ),
        *(code("parent_code", null=True), text("evidence_kind", null=True), flag("by_exception")),
        *(coded("measure"), *listed("parts", "mappings")),
        keys=[["framework_id", "code"]],
    )
    national(
        "national_service",
        *(text("title"), *listed("success_criteria")),
        *map(text, ("service_level", "cost", "funding", "charging_protocol", "users_engaged", "tailoring")),
        *(text("data_security"), day("evaluated_on", null=True)),
        *map(flag, ("cost_efficiency", "higher_quality", "national_security", "national_provision")),
    )
    owned(
        "tag",
        *(
            code("subject_noun"),
            sa.Column("subject_id", Uid(), nullable=False, index=True),
            refers("framework_item", national=True),
            text("note"),
        ),
    )
    owned(
        "supporting_plan",
        *(
            text("title"),
            text("kind"),
            text("owner", null=True),
            day("starts_on", null=True),
            day("ends_on", null=True),
        ),
        *listed("framework_item_ids"),
    )
    owned(
        "measure_assessment",
        *(coded("measure", null=False), refers("pip", null=True), text("heading"), text("judgement"), text("text")),
        *(text("assessor"), day("assessed_on"), text("what_good_looks_like")),
    )
    owned(
        "story",
        *(refers("pip", null=True), text("title"), text("kind"), text("text"), text("location", null=True)),
        *(day("told_on"), text("learning"), *listed("measure_codes")),
    )
    owned(
        "inspection_grade",
        *(refers("framework_item", national=True), refers("framework_item", "grade_item_id", national=True)),
        *(day("graded_on"), text("kind"), text("report")),
    )
    owned(
        "performance_product",
        *(text("title"), text("purpose"), text("audience", null=True), *listed("measure_codes"), number("uses")),
        *(day("used_on", null=True), day("retired_on", null=True), text("retired_reason")),
    )
    owned(
        "job_role",
        *(text("title"), number("required_skill_level", null=True), text("unit_kind", null=True)),
        *listed("measure_codes", "framework_item_ids"),
    )
    owned(
        "objective",
        *(text("title"), text("success_criteria"), day("starts_on", null=True), day("due_on", null=True)),
        *(text("status"), text("progress"), text("owner", null=True), refers("unit", null=True)),
        *(refers("objective", "parent_objective_id", null=True), *listed("framework_item_ids"), text("tier")),
    )
    owned("person", text("name"), refers("job_role", null=True), refers("unit", null=True))
    owned(
        "skill_assessment",
        *(text("met"), text("evidence"), day("assessed_on"), text("assessed_by")),
        refers("framework_item", "statement_item_id", national=True),
        parent="person",
    )
    owned(
        "personal_objective",
        *(text("title"), text("success_criteria"), day("starts_on", null=True), day("due_on", null=True)),
        *(text("status"), text("progress"), text("kind"), refers("objective", null=True)),
        parent="person",
    )
    owned(
        "conversation",
        *(text("kind"), day("held_on"), text("with_whom"), text("summary"), text("agreed"), day("next_on", null=True)),
        parent="person",
    )
    national(
        "national_meeting",
        *(
            text("title"),
            day("held_on"),
            *listed("agenda", "decisions"),
            day("updates_due_on", null=True),
            text("kind"),
        ),
        coded("region"),
    )
    owned(
        "meeting",
        *(text("title"), day("held_on"), text("theme", null=True), text("kind")),
        *listed("framework_item_ids", "agenda", "attendees", "decisions", "pip_ids"),
        *(day("updates_due_on", null=True), day("inspection_theme_on", null=True)),
        *(refers("board", null=True), refers("national_meeting", null=True, national=True)),
    )
    owned(
        "presentation",
        *(text("outcome", null=True), text("comments"), day("presented_on"), text("presented_by")),
        *(refers("national_meeting", national=True), number("pip_version")),
        *(sa.Column("as_of", Instant(), nullable=False), text("digest")),
        parent="pip",
        keys=[["pip_id", "national_meeting_id"]],
    )


def downgrade() -> None:
    raise RuntimeError("What plans are made of is not thrown away.")
