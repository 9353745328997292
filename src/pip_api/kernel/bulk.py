"""How do many rows of one resource come in at once: created where their key is new, changed where they differ?"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from pip_api.db.statements import Record
from pip_api.http.problems import fault, pointer
from pip_api.kernel.call import Call
from pip_api.kernel.resource import Resource, RuleContext
from pip_api.kernel.shapes import Shape
from pip_api.kernel.writing import changes, following, fresh, noted
from pip_api.ledger import entries

Outcome = Literal["created", "updated", "unchanged"]


@dataclass(slots=True)
class Upserted:
    """What became of a batch: an outcome or the faults for each row, in the order of the rows."""

    outcomes: list[Outcome | None] = field(default_factory=list)
    faults: dict[int, list[Record]] = field(default_factory=dict)
    entries: list[Record] = field(default_factory=list)


async def upsert(of: Resource, call: Call, batch: Sequence[Shape]) -> Upserted:
    """Writes a batch of a resource without parent or references, known by its key. No key may stand twice in it.

    A member that a row leaves out stays as it is. Rules are those of single requests.
    """
    if of.key is None or of.parent is not None or of.references or of.home is not None:
        raise TypeError(f"a {of.noun} cannot come in so")
    keys = [getattr(row, of.key) for row in batch]
    forces = of.reached(call.by)
    rows = await call.session.fetch(of.lookup(of.key, withdrawn=True), names=keys, forces=forces)
    known = {row[of.key]: row for row in rows}
    made = Upserted()
    inserts: list[Record] = []
    updates: list[Record] = []
    for place, row in enumerate(batch):
        before = known.get(keys[place])
        after = of.with_derived(fresh(of, call, row.model_dump()) if before is None else before | _sent(of, row))
        changed = [] if before is None else [name for name in of.changeable if after[name] != before[name]]
        context = RuleContext(call.by, call.now, call.today, before)
        faults = [problem for rule in of.rules for problem in rule(after, context)]
        if before is not None and before["withdrawn_at"] is not None:
            faults = [fault("withdrawn", "This was withdrawn.", pointer=pointer(of.key))]
        if faults:
            made.faults[place] = faults
            made.outcomes.append(None)
        elif before is None:
            inserts.append(after)
            made.entries.append(noted(of, call, "created", after, changes(of, after, None)))
            made.outcomes.append("created")
        elif changed:
            after |= following(call, before)
            updates.append(of.written(after))
            made.entries.append(noted(of, call, "changed", after, changes(of, after, changed)))
            made.outcomes.append("updated")
        else:
            made.outcomes.append("unchanged")
    await entries.record(call.session, *made.entries)
    await call.session.run_many(of.insert, inserts)
    await call.session.run_many(of.update, updates)
    return made


def _sent(of: Resource, row: Shape) -> Record:
    return row.model_dump(include=row.model_fields_set & set(of.fields.model_fields))
