"""What does the demonstration show: which rows of which nouns, how its plan came to where it is, and which figures?

The file says what a caller would send, noun by noun. It goes in by the stories of the service's own operations, so a
noun that is added needs no line here.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import partial
from typing import Any

from pip_api.access.principals import system
from pip_api.db.scopes import EVERY_FORCE
from pip_api.db.statements import Record
from pip_api.exchange.catalogue import Loader, Plainly, document
from pip_api.kernel.call import Services
from pip_api.kernel.document import Operation, Story
from pip_api.kernel.verbs import find
from pip_api.resources import nouns
from pip_api.resources.figure_operations import put_figure
from pip_api.resources.measures import measures
from pip_api.resources.pips import move, pips
from pip_api.rules.lifecycle import PlanStatus


class _Named(str):
    """The id of the row that has this key in the file (`!id key`)."""


Plainly.add_constructor("!id", lambda loader, node: _Named(node.value))


async def load_example(services: Services, operations: Iterable[Operation]) -> None:
    """The worked example, by the operations of the service, unless it was loaded before."""
    told = document("example_plan.yaml")
    creating = {each.path: each.story for each in operations if each.method == "POST"}
    async with services.database.transaction(EVERY_FORCE, bulk=True) as session:
        example = _Example(services, session, await system(session), "pip-api-demo")
        known = measures.lookup("code", withdrawn=True)
        if await session.fetch(known, names=[told["figures"][0]["measure"]], forces=()):
            return
        for step in told["steps"]:
            if "moves" in step:
                await example.move(**step, reason=told["note"])
            elif "known" in step:
                await example.look_up(**step)
            else:
                await example.send(creating, **step)
        for series in told["figures"]:
            await example.put(told["force_code"], **series, narrative=told["note"])


class _Example(Loader):
    """What was sent so far, by the keys of the file."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.ids: dict[str, str] = {}

    async def look_up(self, noun: str, known: Mapping[str, str]) -> None:
        """Rows that are there already."""
        of = nouns()[noun]
        found = await self.session.fetch(of.lookup(of.known_as), names=[*known.values()], forces=of.reached(self.by))
        ids = {row[of.known_as]: str(row["id"]) for row in found}
        self.ids |= {key: ids[name] for key, name in known.items()}

    async def send(
        self, creating: Mapping[str, Story], noun: str, rows: list[Record], each: Record | None = None
    ) -> None:
        """Rows, as POST takes them; `each` is what all of them share."""
        for row in rows:
            key = row.pop("key", None)
            body: Record = self._resolved((each or {}) | row)
            answer = await creating[nouns()[noun].path](self.call(body=partial(dict, body)))
            if key is not None:
                self.ids[key] = str(answer.body["id"])

    async def move(self, moves: str, to: Mapping[str, str], reason: str) -> None:
        """A plan from state to state, each on its day."""
        for state, day in to.items():
            call = self.call(query={"reason": reason})
            await move(call, await find(pips, call, self.ids[moves]), PlanStatus(state), date.fromisoformat(day))

    async def put(self, force: str, measure: str, values: Mapping[str, str], narrative: str, unit: str = "") -> None:
        """A series of figures, of the force or of a unit of it."""
        for period, value in values.items():
            path = {"force": force, "measure": measure, "period": period}
            sent = {"value": value, "narrative": narrative}
            await put_figure(self.call(path=path, query={"unit": unit} if unit else {}, body=partial(dict, sent)))

    def _resolved(self, value: Any) -> Any:
        """The same with the ids that it names."""
        if isinstance(value, _Named):
            return self.ids[value]
        if isinstance(value, dict):
            return {name: self._resolved(each) for name, each in value.items()}
        return [self._resolved(each) for each in value] if isinstance(value, list) else value
