"""What does the service offer? Every noun, every operation, every kind of import, and what they are about."""

from pip_api.exchange import figures as figure_imports
from pip_api.exchange import imports
from pip_api.exchange import measures as measure_imports
from pip_api.insight import (
    audit_events,
    audit_log,
    bundles,
    comparison,
    coverage,
    dashboards,
    force_calendar,
    me,
    merit,
    plan_dashboard,
    plan_document,
    plan_duties,
    plan_status,
    presenting,
    proofs,
    readiness,
    skills_gaps,
    totals,
    transitions,
    triage,
)
from pip_api.kernel import routes
from pip_api.resources import credential_operations, figure_operations, framework_editions, nouns
from pip_api.resources.redactions import operations as redacting

RESOURCES = tuple(nouns().values())
IMPORTS = {kind.name: kind for kind in (figure_imports.KIND, measure_imports.KIND)}
OPERATIONS = (
    *me.operations(RESOURCES),
    *plan_status.operations,
    *plan_document.operations,
    *readiness.operations,
    *plan_duties.operations,
    *transitions.operations,
    *triage.operations,
    *totals.operations,
    *comparison.operations,
    *dashboards.operations,
    *plan_dashboard.operations,
    *force_calendar.operations,
    *presenting.operations,
    *skills_gaps.operations,
    *coverage.operations,
    *merit.operations,
    *audit_events.operations(RESOURCES),
    *audit_log.operations,
    *proofs.operations,
    *bundles.operations(RESOURCES),
    *figure_operations.operations,
    *credential_operations.operations,
    *redacting,
    *framework_editions.operations,
    *(operation for resource in RESOURCES for operation in routes.operations(resource)),
    *imports.operations(IMPORTS),
)
TAGS = {
    **{each.plural: each.describes for each in RESOURCES},
    "figures": "The numbers of forces, by measure and period, with every revision.",
    "dashboards": "How plans, forces, places and teams stand, with judgements beside figures.",
    "triage": "Where every plan stands, in one call.",
    "audit": "Who did what, when and why, and who was refused.",
    "imports": "Whole files of rows, and what became of them.",
    "access": "Tokens for programs, and what a caller may do.",
    "operation": "How the service is, and what its refusals mean.",
}
