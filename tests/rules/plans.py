"""On which plan documents are rules tried? A plan that keeps to all of them, and changes to it as pointers."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pip_api.rules.plan_document import PlanDocument, read

READINESS = Path(__file__).parent / "readiness"


class _Texts(yaml.SafeLoader):
    """Reads days as texts, as they stand in JSON."""


_Texts.yaml_implicit_resolvers = {
    first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def written(path: Path) -> Any:
    return yaml.load(path.read_text("utf-8"), Loader=_Texts)


BASE = written(READINESS / "base.yaml")


def plan(changes: Mapping[str, Any] | None = None) -> PlanDocument:
    """The base plan, with what stands at these pointers in place of its own; `-` is the place after the last."""
    whole = copy.deepcopy(dict(read(copy.deepcopy(BASE))))
    for pointer, value in (changes or {}).items():
        *way, last = pointer.split("/")[1:]
        place: Any = whole
        for part in way:
            place = place[int(part) if isinstance(place, list) else part]
        if last == "-":
            place.append(value)
        else:
            place[int(last) if isinstance(place, list) else last] = value
    return read(whole)
