"""What does the service ship that every installation needs: regions, forces, levels of support and frameworks?

Everything goes in through the kernel's stories, so it is checked and noted like anything else. What is there already is
left alone: an administrator's edits outlast an upgrade.
"""

import csv
import re
from collections.abc import Iterator
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
from pip_api.resources.forces import forces
from pip_api.resources.frameworks import framework_items, frameworks
from pip_api.resources.regions import regions
from pip_api.resources.support_levels import support_levels

_SHIPPED = files("pip_api") / "catalogue"


def _table(name: str) -> Iterator[dict[str, str | None]]:
    lines = (_SHIPPED / name).read_text("utf-8").splitlines()
    yield from ({key: value or None for key, value in row.items()} for row in csv.DictReader(lines))


class Plainly(yaml.SafeLoader):
    """Reads only flags and whole numbers as such: 2026-04 stays a period, and 61.20 keeps its digits."""


Plainly.yaml_implicit_resolvers = {}
Plainly.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), [*"tf"])
Plainly.add_implicit_resolver("tag:yaml.org,2002:int", re.compile("(?:0|[1-9][0-9]*)$"), [*"0123456789"])


def document(name: str) -> Any:
    """What a YAML file that is shipped says."""
    return yaml.load((_SHIPPED / name).read_text("utf-8"), Loader=Plainly)  # noqa: S506  (it is a SafeLoader)


class Loader:
    """Creates rows as the service itself, in one transaction."""

    def __init__(self, services: Services, session: Session, by: Principal, request_id: str) -> None:
        self._services = services
        self.session = session
        self.by = by
        self._request_id = request_id

    def call(self, **members: Any) -> Call:
        return Call(self._services, self.session, self.by, self._request_id, **members)

    async def create(self, of: Resource, body: Record) -> Record:
        """A new row. Raises what a request would."""
        answer = await verbs.create(of, self.call(body=lambda: body))
        created: Record = answer.body
        return created

    async def create_missing(self, of: Resource, body: Record) -> Record | None:
        """A new row, unless its code is known."""
        found = of.lookup("code", withdrawn=True)
        if await self.session.fetch(found, names=[body["code"]], forces=of.reached(self.by)):
            return None
        return await self.create(of, body)

    async def create_framework(self, file: FrameworkFile) -> None:
        """A framework with all its items, unless it is there: what changes in one comes as a next edition."""
        if (made := await self.create_missing(frameworks, file.head())) is not None:
            for item in file.sent():
                await self.create(framework_items, item | {"framework_id": str(made["id"])})


async def load_reference(services: Services) -> None:
    """Regions, forces, levels of support and frameworks. Raises FrameworkFileRefused with every fault."""
    read = framework_files(shipped())
    async with services.database.transaction(EVERY_FORCE, bulk=True) as session:
        loader = Loader(services, session, await system(session), "pip-api-migrate")
        for row in _table("regions.csv"):
            await loader.create_missing(regions, row)
        for row in _table("forces.csv"):
            await loader.create_missing(forces, row)
        for row in document("support_levels.yaml"):
            await loader.create_missing(support_levels, row)
        for file in read:
            await loader.create_framework(file)
