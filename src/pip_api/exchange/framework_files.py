"""What do the framework files say that the service ships, and is each of them well made?"""

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from importlib.resources import files
from typing import Annotated
from uuid import UUID

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from pip_api.db.statements import Record
from pip_api.http.problems import Problem
from pip_api.kernel.resource import Resource
from pip_api.resources.frameworks import framework_items, frameworks
from pip_api.settings import StartRefused

Rows = list[Annotated[str, StringConstraints(pattern=r"^(PIP|LANC|SKILL|NISP)-[0-9]{3}$")]]
"""The rows of the mission that an item answers; they stay in the file."""


class FrameworkFileRefused(StartRefused):
    """Files of frameworks that cannot be loaded, and why."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FrameworkHead(_Part):
    code: str
    edition: str
    title: str
    publisher: str | None = None
    status: str = "in_force"
    valid_from: str | None = None
    valid_to: str | None = None
    source: str = ""
    ambition: str = ""
    mission: str = ""
    rows: Rows = []


class ItemMapping(_Part):
    to: str
    relation: str
    inferred: bool = False
    note: str = ""


class FileItem(_Part):
    code: str
    kind: str
    title: str
    text: str = ""
    parent: str | None = None
    evidence: str | None = None
    by_exception: bool = False
    parts: list[str] = []
    measure: str | None = None
    maps: list[ItemMapping] = []
    rows: Rows = []


class FrameworkFile(_Part):
    """One file: a framework and its items in order. Notes are words that several items share."""

    framework: FrameworkHead
    notes: dict[str, str] = {}
    items: list[FileItem] = Field(min_length=1)

    def head(self) -> Record:
        """What is sent to create the framework."""
        return self.framework.model_dump(exclude={"rows"})

    def ref(self, code: str) -> str:
        """An item's code with that of its framework."""
        return code if ":" in code else f"{self.framework.code}:{code}"

    def sent(self) -> Iterator[Record]:
        """What is sent to create each item."""
        places: dict[str, int] = {}
        for item in self.items:
            places[item.kind] = places.get(item.kind, 0) + 1
            yield item.model_dump(include={"code", "kind", "title", "text", "by_exception", "parts"}) | {
                "position": places[item.kind],
                "parent_code": item.parent,
                "evidence_kind": item.evidence,
                "measure_code": item.measure,
                "mappings": [each.model_dump(exclude={"to"}) | {"item_code": self.ref(each.to)} for each in item.maps],
            }

    def rests_on(self) -> set[str]:
        """The other frameworks that its items are mapped to."""
        named = {self.ref(each.to).partition(":")[0] for item in self.items for each in item.maps}
        return named - {self.framework.code}


def shipped() -> dict[str, str]:
    """The text of each file, by its name."""
    folder = files("pip_api") / "catalogue" / "frameworks"
    names = sorted(each.name for each in folder.iterdir() if each.name.endswith(".yaml"))
    return {name: (folder / name).read_text("utf-8") for name in names}


def framework_files(texts: Mapping[str, str]) -> list[FrameworkFile]:
    """The files in the order in which they can be loaded, checked each and together. Raises FrameworkFileRefused with
    every fault."""
    read: dict[str, FrameworkFile] = {}
    names: dict[str, str] = {}
    faults: list[str] = []
    for name, text in texts.items():
        try:
            file = FrameworkFile.model_validate(yaml.load(text, Loader=yaml.BaseLoader))  # noqa: S506  (text only)
        except yaml.YAMLError as error:
            faults.append(f"{name}: {error}")
        except ValidationError as error:
            faults += [f"{name}: {'/'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        else:
            if read.setdefault(file.framework.code, file) is not file:
                faults.append(f"{name}: the framework {file.framework.code} is in another file already")
            names[file.framework.code] = name
            faults += [f"{name}: {each}" for each in _faults_of(file)]
    if len(read) == len(texts):  # else what is named may well be in a file that cannot be read yet
        faults += [f"{names[code]}: {each}" for code, file in read.items() for each in _strangers(file, read)]
    if not faults:
        try:
            return [read[code] for code in TopologicalSorter({c: f.rests_on() for c, f in read.items()}).static_order()]
        except CycleError as error:
            faults.append(f"frameworks are mapped to one another in a ring: {', '.join(error.args[1])}")
    raise FrameworkFileRefused(f"The frameworks cannot be loaded: {'; '.join(faults)}")


def _faults_of(file: FrameworkFile) -> Iterator[str]:
    """What the service would not take, and what the file says twice, or names before it says it."""
    yield from _refused(frameworks, file.head(), "framework")
    seen: set[str] = set()
    for item, sent in zip(file.items, file.sent(), strict=True):
        yield from _refused(framework_items, sent | {"framework_id": str(UUID(int=0))}, f"the item {item.code}")
        if item.code in seen:
            yield f"the item {item.code} is there twice"
        if item.parent is not None and item.parent not in seen:
            yield f"the item {item.code} belongs to {item.parent}, which does not come before it"
        for each in item.maps:
            if ":" not in each.to and each.to not in seen:
                yield f"the item {item.code} is mapped to {each.to}, which does not come before it"
        seen.add(item.code)


def _refused(of: Resource, sent: Record, what: str) -> Iterator[str]:
    """What a request that sent this would be told."""
    try:
        of.accepted(sent)
    except Problem as problem:
        yield from (f"{what}: {each['pointer'].removeprefix('#/')}: {each['detail']}" for each in problem.errors)


def _strangers(file: FrameworkFile, read: Mapping[str, FrameworkFile]) -> Iterator[str]:
    """What a file names in others, where it is not."""
    known = {other.ref(item.code) for other in read.values() for item in other.items}
    for item in file.items:
        for each in item.maps:
            if file.ref(each.to) not in known:
                yield f"the item {item.code} is mapped to {each.to}, which is in no file"
