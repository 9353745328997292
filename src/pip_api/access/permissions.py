"""Which role may do what? The one table of roles and permissions; nothing else in the service names a role.

A permission is `noun:verb`. Reading is wider than writing: a regional triage reads its region and writes nothing of it.
"""

from typing import Final

OWN: Final = frozenset({"credential:rotate"})
"""What every caller may do with what is its own."""

NATIONAL_NOUNS: Final = (
    "force",
    "framework",
    "framework_item",
    "measure",
    "national_meeting",
    "national_service",
    "region",
    "support_level",
)
"""What everybody needs in order to understand anything else; not confidential, and changed by the administrator."""

PLAN_NOUNS: Final = (
    "action",
    "assurance_check",
    "assurance_mechanism",
    "board",
    "concern",
    "consultation_response",
    "escalation",
    "finding",
    "follow_up",
    "inspection_grade",
    "job_role",
    "lesson",
    "measure_assessment",
    "meeting",
    "milestone",
    "mitigation",
    "objective",
    "partner_review",
    "performance_product",
    "pip",
    "practice_submission",
    "presentation",
    "progress_update",
    "review",
    "risk",
    "risk_scale",
    "root_cause_analysis",
    "stakeholder",
    "story",
    "support_measure",
    "supporting_plan",
    "sustainability_arrangement",
    "tag",
    "unit",
)
"""What plans are made of, and what forces keep beside them: whoever reads plans reads it, and who drafts writes it."""

PERSONAL_NOUNS: Final = (
    "conversation",
    "person",
    "personal_objective",
    "skill_assessment",
)
"""What is known of single people: for those who lead them in a force or a region, and never for the nation."""


WITHHELD: Final = {noun: f"{noun}:read" for noun in PERSONAL_NOUNS} | {"individual_figure": "person:read"}
"""Of the ledger's entries of these nouns, whoever audits is told the words only with this permission for the force."""


def every(verb: str, nouns: tuple[str, ...]) -> frozenset[str]:
    return frozenset(f"{noun}:{verb}" for noun in nouns)


REFERENCE: Final = OWN | every("read", NATIONAL_NOUNS)
PLAN: Final = every("read", PLAN_NOUNS) | {"support_level_assignment:read", "coverage:read"}
FIGURES: Final = frozenset({"figure:read", "unit:read"})
DRAFTING: Final = every("write", PLAN_NOUNS)
OVERSIGHT: Final = REFERENCE | PLAN | FIGURES | {"triage:read"}


def answering(*partners: str) -> frozenset[str]:
    """To say what these partners think of a plan that was shared with them."""
    return frozenset({"partner_review:write", *(f"partner_review:answer_{each}" for each in partners)})


OVERRIDE: Final = "version:override"
"""To change something whatever its version is (If-Match: *)."""

MOVE: Final = "pip:move"
"""To move plans from state to state; each move asks for one permission more (rules/lifecycle.py)."""
PAST_GATE: Final = "readiness:override"
"""To move a plan past the gate of readiness, with a reason."""

INSPECT: Final = "inspection_grade:inspect"
"""To write grades of inspections; those of a force by itself take the other."""
SELF_ASSESS: Final = "inspection_grade:self_assess"

SELF: Final = "self:read"
"""To ask who one is and what one may do."""

EVERY_ACCOUNT: Final = frozenset({SELF, "head:read"})
"""What every account may, whatever it was granted: heads of the ledger are for whoever does not trust this service."""

ROLES: Final[dict[str, frozenset[str]]] = {
    "force_reader": REFERENCE | PLAN | FIGURES,
    "force_contributor": REFERENCE | PLAN | FIGURES | DRAFTING | {MOVE, SELF_ASSESS, "figure:write"},
    "force_lead": REFERENCE
    | PLAN
    | FIGURES
    | DRAFTING
    | {MOVE, SELF_ASSESS, "pip:submit", PAST_GATE, "figure:write", "import:run"},
    "force_approver": REFERENCE | PLAN | FIGURES | {MOVE, "pip:approve", PAST_GATE},
    "data_submitter": REFERENCE | FIGURES | {"figure:write", "import:run"},
    "people_lead": REFERENCE
    | FIGURES
    | {"job_role:read", "objective:read"}
    | every("read", PERSONAL_NOUNS)
    | every("write", PERSONAL_NOUNS),
    "regional_triage": OVERSIGHT,
    "ppmg_member": OVERSIGHT
    | {MOVE, "pip:present", PAST_GATE}
    | {"support_level_assignment:write", "concern:write", "national_meeting:write", "presentation:write"},
    "reviewer_home_office": OVERSIGHT | answering("home_office"),
    "reviewer_hmicfrs": OVERSIGHT | answering("hmicfrs") | {"concern:write", "inspection_grade:write", INSPECT},
    "reviewer_college": OVERSIGHT | answering("college"),
    "national_admin": OVERSIGHT
    | DRAFTING
    | every("write", NATIONAL_NOUNS)
    | answering("home_office", "hmicfrs", "college")
    | {MOVE, "pip:submit", "pip:approve", "pip:present", PAST_GATE, INSPECT, SELF_ASSESS}
    | {OVERRIDE, "support_level_assignment:write", "figure:write", "import:run"},
    "redactor": REFERENCE | PLAN | FIGURES | {"redaction:read", "redaction:write", "redaction:approve"},
    "auditor": frozenset({"audit:read"}),
    "access_admin": REFERENCE
    | {"account:read", "account:write", "grant:read", "grant:write", "credential:read", "credential:write"},
}

PERMISSIONS: Final = EVERY_ACCOUNT.union(*ROLES.values())


def is_for_people(permission: str) -> bool:
    """Whether only a person may hold it: programs neither give access, read who did what, nor erase it."""
    return permission.partition(":")[0] in ("account", "grant", "audit", "redaction")


def is_personal(permission: str) -> bool:
    """Whether it reads or writes what is known of single people."""
    return permission.partition(":")[0] in PERSONAL_NOUNS
