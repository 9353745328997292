"""How is a version of a row written? Always together with its ledger entry, and nowhere else."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pip_api.db.errors import Conflict
from pip_api.db.statements import Record
from pip_api.http.preconditions import stale
from pip_api.http.problems import Problem, fault, pointer
from pip_api.kernel.call import Call
from pip_api.kernel.resource import Resource
from pip_api.ledger import entries


def fresh(of: Resource, call: Call, new: Record) -> Record:
    """The first version of a row, from what was sent."""
    stamps = {"id": call.new_id(), "version": 1, "created_at": call.now, "updated_at": call.now}
    return dict.fromkeys(of.names) | new | stamps


def following(call: Call, before: Record) -> Record:
    """What the next version says of itself. Of one row a later version is never of an earlier moment, whatever the
    clocks of two machines say: else nobody could tell what stood when."""
    return {"version": before["version"] + 1, "updated_at": max(call.now, before["updated_at"])}


def changes(of: Resource, after: Record, changed: Iterable[str] | None) -> list[Record]:
    """The JSON Patch that leads to a version from the one before, or from nothing to a first one."""
    if changed is None:
        return [{"op": "add", "path": "", "value": _state(of, after)}]
    return [{"op": "replace", "path": f"/{name}", "value": after[name]} for name in (*changed, "version", "updated_at")]


def noted(of: Resource, call: Call, act: str, row: Record, patch: list[Record]) -> Record:
    """The ledger entry of a new version."""
    return entries.entry(
        replace(call.occasion(), at=row["updated_at"]),
        id=call.new_id(),
        act=f"{of.noun}.{act}",
        subject_id=row["id"],
        subject_ref=of.reference_of(row),
        version=row["version"],
        force_code=of.force_of(row),
        state=_state(of, row),
        patch=patch,
    )


async def write(
    of: Resource, call: Call, act: str, row: Record, patch: list[Record], given: Iterable[str] = ()
) -> None:
    """The one place where a row is written: always with its ledger entry. Raises 409 and 412.

    `given` are the columns that the service filled in itself: when one is taken, another request was quicker.
    """
    try:
        await call.record(noted(of, call, act, row, patch))
        if act == "created":
            await call.session.run(of.insert, **row)
            return
        statement = of.withdraw if act == "withdrawn" else of.update
        touched = await call.session.run(statement, **of.written(row))
    except Conflict as conflict:
        raise refused(of, conflict, given) from conflict
    if touched == 0:
        raise stale(row["version"])


async def write_new(of: Resource, call: Call, rows: Sequence[Record]) -> None:
    """New rows of a kind, with their entries, in a few statements however many they are. Raises 409."""
    try:
        await entries.record(call.session, *(noted(of, call, "created", row, changes(of, row, None)) for row in rows))
        await call.session.run_many(of.insert, rows)
    except Conflict as conflict:
        raise refused(of, conflict) from conflict


def refused(of: Resource, conflict: Conflict, given: Iterable[str] = ()) -> Problem:
    """What a refusal of the database means to the caller."""
    if conflict.kind == "overlap":
        return Problem("period_overlap", f"Another {of.label} covers part of this period.")
    if conflict.kind == "unique":
        if any(name in conflict.detail for name in ("ledger_entry", *given)):
            return Problem("concurrent_write", "Read it again and repeat your change.", headers={"Retry-After": "1"})
        # The database names the constraint or its columns; the longest name of ours in it is the one to blame.
        taken = max((name for name in of.names if name in conflict.detail), key=len, default=of.key or "id")
        detail = f"There is {of.a_label} with this {taken.replace('_', ' ')} already."
        wrong = fault("duplicate_reference", "This is taken.", pointer=pointer(taken))
        return Problem("duplicate_reference", detail, errors=[wrong])
    raise conflict


def _state(of: Resource, row: Record) -> Record:
    return {name: row[name] for name in of.names}
