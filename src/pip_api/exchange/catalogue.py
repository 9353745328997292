"""What does the service ship: reference data that every installation needs, and one worked example plan?

Everything goes in through the kernel's stories, so it is checked and noted like anything else. What is there already is
left alone: an administrator's edits outlast an upgrade.
"""

import csv
from collections.abc import Iterator
from datetime import date
from functools import partial
from importlib.resources import files
from typing import Any

import yaml

from pip_api.access.principals import Principal, system
from pip_api.db.scopes import EVERY_FORCE
from pip_api.db.session import Session
from pip_api.db.statements import Record
from pip_api.exchange.framework_files import FrameworkFile, framework_files, shipped
from pip_api.kernel import verbs
from pip_api.kernel.call import Call, Services
from pip_api.kernel.resource import Resource
from pip_api.resources.actions import actions
from pip_api.resources.concerns import concerns
from pip_api.resources.figure_operations import put_figure
from pip_api.resources.forces import forces
from pip_api.resources.frameworks import framework_items, frameworks
from pip_api.resources.measures import measures
from pip_api.resources.pips import move, pips
from pip_api.resources.progress import progress_updates
from pip_api.resources.regions import regions
from pip_api.resources.support_levels import support_level_assignments, support_levels
from pip_api.rules.lifecycle import PlanStatus

_SHIPPED = files("pip_api") / "catalogue"


def _table(name: str) -> Iterator[dict[str, str | None]]:
    lines = (_SHIPPED / name).read_text("utf-8").splitlines()
    yield from ({key: value or None for key, value in row.items()} for row in csv.DictReader(lines))


def _document(name: str) -> Any:
    return yaml.load((_SHIPPED / name).read_text("utf-8"), Loader=yaml.BaseLoader)  # noqa: S506  (text only)


class Loader:
    """Creates rows as the service itself, in one transaction."""

    def __init__(self, services: Services, session: Session, by: Principal, request_id: str) -> None:
        self._services = services
        self._session = session
        self._by = by
        self._request_id = request_id

    def call(self, **members: Any) -> Call:
        return Call(self._services, self._session, self._by, self._request_id, **members)

    async def create(self, of: Resource, body: Record) -> Record:
        """A new row. Raises what a request would."""
        answer = await verbs.create(of, self.call(body=lambda: body))
        created: Record = answer.body
        return created

    async def create_missing(self, of: Resource, body: Record) -> Record | None:
        """A new row, unless its code is known."""
        found = of.lookup("code", withdrawn=True)
        if await self._session.fetch(found, names=[body["code"]], forces=of.reached(self._by)):
            return None
        return await self.create(of, body)

    async def create_framework(self, file: FrameworkFile) -> None:
        """A framework with all its items, unless it is there: what changes in one comes as a next edition."""
        if (made := await self.create_missing(frameworks, file.head())) is not None:
            for item in file.sent():
                await self.create(framework_items, item | {"framework_id": str(made["id"])})


async def load_reference(services: Services) -> None:
    """Regions, forces, levels of support and frameworks. Raises FrameworkFileRefused."""
    read = framework_files(shipped())
    async with services.database.transaction(EVERY_FORCE, bulk=True) as session:
        loader = Loader(services, session, await system(session), "pip-api-migrate")
        for row in _table("regions.csv"):
            await loader.create_missing(regions, row)
        for row in _table("forces.csv"):
            await loader.create_missing(forces, row)
        for row in _document("support_levels.yaml"):
            await loader.create_missing(support_levels, _typed(row))
        for file in read:
            await loader.create_framework(file)


async def load_example(services: Services) -> None:
    """The worked example plan, unless it was loaded before."""
    example = _document("example_plan.yaml")
    force = {"force_code": example["force_code"]}
    async with services.database.transaction(EVERY_FORCE, bulk=True) as session:
        loader = Loader(services, session, await system(session), "pip-api-demo")
        known = measures.lookup("code", withdrawn=True)
        if await session.fetch(known, names=[example["measures"][0]["code"]], forces=()):
            return
        await loader.create(support_level_assignments, force | example["level"])
        for measure in example["measures"]:
            await loader.create(measures, measure)
        ids: dict[str, str] = {}
        for concern in example["concerns"]:
            effects = [{"concern_id": ids[each["concern"]], "how": each["how"]} for each in concern.pop("affects", [])]
            key = concern.pop("key")
            ids[key] = str((await loader.create(concerns, force | concern | {"affects": effects}))["id"])
        plan = example["plan"]
        way, covered = plan.pop("way"), [ids[key] for key in plan.pop("concerns")]
        pip = await loader.create(pips, force | plan | {"concern_ids": covered})
        made = [
            await loader.create(actions, action | {"pip_id": str(pip["id"]), "concern_id": ids[action.pop("concern")]})
            for action in example["actions"]
        ]
        for state, day in way.items():
            call = loader.call(query={"reason": example["note"]})
            pip = await move(call, pip, PlanStatus(state), date.fromisoformat(day))
        for update in example["updates"]:
            about = {"action_id": str(made[int(update.pop("action")) - 1]["id"])} if "action" in update else {}
            percent = {"percent_complete": int(update["percent_complete"])}
            await loader.create(progress_updates, update | about | percent | {"pip_id": str(pip["id"])})
        for code, numbers in example["figures"].items():
            for period, value in numbers.items():
                path = {"force": example["force_code"], "measure": code, "period": period}
                body = {"value": value, "narrative": example["note"]}
                await put_figure(loader.call(path=path, body=partial(dict, body)))


def _typed(row: dict[str, str]) -> Record:
    """YAML is read as text, so that 2026-04 stays a period and 61.20 keeps its digits; these are not text."""
    flags = ("pip_expected", "shared_with_partners", "presented_to_ppmg")
    return row | {name: row[name] == "true" for name in flags} | {"level": int(row["level"])}
