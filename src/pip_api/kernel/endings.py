"""Is it over with a row, or with what it belongs to, so that nobody writes it any more?"""

from pip_api.db.session import Session
from pip_api.db.statements import Record
from pip_api.http.problems import Problem
from pip_api.kernel.resource import Resource


def ended(of: Resource, row: Record | None, parent: Record | None) -> Resource | None:
    """What it is over with: the row, or its parent where it does not outlive it."""
    if row is not None and of.over is not None and of.over(row):
        return of
    if parent is not None and of.parent is not None and of.parent.over is not None and not of.outlives:
        return of.parent if of.parent.over(parent) else None
    return None


def require_going_on(of: Resource, row: Record | None, parent: Record | None) -> None:
    """Raises 409 for a row that has ended, or belongs to what has ended."""
    if (what := ended(of, row, parent)) is not None:
        raise Problem("ended", f"The {what.label} has ended, and is kept as it was.")


async def parent_of(of: Resource, session: Session, row: Record) -> Record | None:
    """What a row belongs to, where that may end. It is found by the row's own force: whoever writes the row may not be
    shown it."""
    if of.parent is None or of.parent.over is None or of.outlives or (name := of.parent_field) is None:
        return None
    found = await session.fetch(of.parent.lookup("id"), names=[row[name]], forces=(row["force_code"],))
    return found[0] if found else None
