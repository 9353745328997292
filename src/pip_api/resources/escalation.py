"""Does somebody give, or let somebody else use, more than they hold themselves?

Kubernetes calls it the escalate rule: whoever could would hold it soon.
"""

from datetime import datetime
from uuid import UUID

from pip_api.access.permissions import ROLES
from pip_api.access.principals import Principal, grants_of
from pip_api.db.session import Session
from pip_api.db.statements import Record
from pip_api.kernel.resource import RuleContext

GIVING = "grant:write"


def lacking(by: Principal, role: str, place: str) -> list[str]:
    """What somebody who gives this role there would have to hold over the whole of the place, and does not."""
    needed = ROLES.get(role, frozenset()) | {GIVING}
    return sorted(each for each in needed if not by.held.holds(each, place))


async def outranked(session: Session, account_id: UUID, on: RuleContext) -> bool:
    """Whether an account holds, now or later, what the caller could not give it. Which roles those are is not told:
    they may be held where the caller sees nothing."""
    grants = await grants_of(session, account_id)
    return any(lacking(on.by, each.role, str(each.place)) for each in grants if not _is_over(each.valid_to, on.now))


def _is_over(end: datetime | None, now: datetime) -> bool:
    return end is not None and end <= now


def ends_later(after: Record, before: Record, end: str) -> bool:
    """Whether the end of something is put off, or taken away."""
    return before[end] is not None and (after[end] is None or after[end] > before[end])
