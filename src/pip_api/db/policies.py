"""Which rows does a policy let a session reach, and what does it ask to know that?"""

from collections.abc import Mapping

POLICY = "in_scope"

# In a subselect the list is asked for once a statement and table, and not for each row; the cast says that it is one
# list. Were it not for IS TRUE, it would be a condition of indexes too, and sorted anew for each row that is looked up.
_REACHED = "({1} = ANY ((SELECT pip.scope_{0}s() AS scope_{0}s)::text[])) IS TRUE"
FORCE, PLACE = _REACHED.format("force", "force_code"), _REACHED.format("place", "place")
NATIONAL_TOO = f"force_code IS NULL OR {FORCE}"


def _asked(setting: str) -> str:
    return f"""
        SELECT CASE current_setting('pip.{setting}s', true)
            WHEN '*' THEN pip.every_{setting}() ELSE nullif(current_setting('pip.{setting}s', true), '')::text[]
        END
    """


FUNCTIONS = {
    "pip.every_force()": ("text[]", "SELECT coalesce(array_agg(code::text), '{}') FROM public.force"),
    "pip.every_place()": (
        "text[]",
        """
        SELECT array_agg(place) FROM (
            SELECT 'national' AS place
            UNION ALL SELECT 'region:' || code FROM public.region UNION ALL SELECT 'force:' || code FROM public.force
        ) AS places
        """,
    ),
    "pip.scope_forces()": ("text[]", _asked("force")),
    "pip.scope_places()": ("text[]", _asked("place")),
    "pip.is_own(account uuid)": ("boolean", "SELECT current_setting('pip.account', true) IN ('*', account::text)"),
}
"""What each gives, and its text, which becomes a part of each statement. The star is what the service's own work sends:
it reaches all that the statement sees. Without a scope nothing is reached, and that is no error."""

OWN = {
    "account": (f"pip.is_own(id) OR {PLACE}", PLACE),
    "credential": (f"pip.is_own(account_id) OR {PLACE}",) * 2,
    "access_grant": (f"pip.is_own(account_id) OR {PLACE}", PLACE),
    "idempotency_key": ("pip.is_own(client_id)",) * 2,
}
"""Of the tables in which somebody has rows of their own: which rows are seen, and which may be written."""


def wall_of(table: str, nullable: Mapping[str, bool]) -> tuple[str, str] | None:
    """Which rows of a table with these columns are seen, and which may be written; None for one without a wall."""
    if "force_code" in nullable:
        return (NATIONAL_TOO if nullable["force_code"] else FORCE,) * 2
    return OWN.get(table)


def normal(condition: str) -> str:
    """A condition without what varies between how it is written and how the server tells it back, as a literal."""
    return "'" + condition.translate(str.maketrans("", "", "() ")).replace("::text", "") + "'"


def normalised(sql: str) -> str:
    """The same, asked of the server."""
    return f"replace(translate({sql}, '() ', ''), '::text', '')"
