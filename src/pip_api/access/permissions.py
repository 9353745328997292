"""Which role may do what? The one table of roles and permissions; nothing else in the service names a role.

A permission is `noun:verb`. Reading is wider than writing: a regional triage reads its region and writes nothing of it.
"""

from typing import Final

OWN: Final = frozenset({"credential:rotate"})
"""What every caller may do with what is its own."""

REFERENCE: Final = OWN | {"region:read", "force:read", "support_level:read", "measure:read"}
"""What every caller needs in order to understand anything else; national and not confidential."""

PLAN: Final = frozenset(
    {"support_level_assignment:read", "concern:read", "pip:read", "action:read", "progress_update:read"}
)
FIGURES: Final = frozenset({"figure:read"})
DRAFTING: Final = frozenset({"concern:write", "pip:write", "action:write", "progress_update:write"})
OVERSIGHT: Final = REFERENCE | PLAN | FIGURES | {"triage:read"}

OVERRIDE: Final = "version:override"
"""To change something whatever its version is (If-Match: *)."""

SELF: Final = "self:read"
"""To ask who one is and what one may do."""

EVERY_ACCOUNT: Final = frozenset({SELF, "head:read"})
"""What every account may, whatever it was granted: heads of the ledger are for whoever does not trust this service."""

ROLES: Final[dict[str, frozenset[str]]] = {
    "force_reader": REFERENCE | PLAN | FIGURES,
    "force_contributor": REFERENCE | PLAN | FIGURES | DRAFTING | {"figure:write"},
    "force_lead": REFERENCE | PLAN | FIGURES | DRAFTING | {"figure:write", "import:run"},
    "force_approver": REFERENCE | PLAN | FIGURES | {"pip:write"},
    "data_submitter": REFERENCE | FIGURES | {"figure:write", "import:run"},
    "regional_triage": OVERSIGHT,
    "ppmg_member": OVERSIGHT | {"support_level_assignment:write", "concern:write"},
    "reviewer_home_office": OVERSIGHT,
    "reviewer_hmicfrs": OVERSIGHT | {"concern:write"},
    "reviewer_college": OVERSIGHT,
    "national_admin": OVERSIGHT
    | DRAFTING
    | {
        OVERRIDE,
        "region:write",
        "force:write",
        "support_level:write",
        "support_level_assignment:write",
        "measure:write",
        "figure:write",
        "import:run",
    },
    "redactor": REFERENCE | PLAN | FIGURES | {"redaction:read", "redaction:write", "redaction:approve"},
    "auditor": frozenset({"audit:read"}),
    "access_admin": REFERENCE
    | {"account:read", "account:write", "grant:read", "grant:write", "credential:read", "credential:write"},
}

PERMISSIONS: Final = EVERY_ACCOUNT.union(*ROLES.values())


def is_for_people(permission: str) -> bool:
    """Whether only a person may hold it: programs neither give access, read who did what, nor erase it."""
    return permission.partition(":")[0] in ("account", "grant", "audit", "redaction")
