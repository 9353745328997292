"""What do the files of rulesets say, and is each of them well made?"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from pip_api.rules.conditions import CONDITIONS
from pip_api.rules.good_practice import CHECKS

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Path = Annotated[str, StringConstraints(pattern=r"^/v1(/([a-z-]+|\{(pip_id|row_id|collection)\}))+$")]


class RulesetsRefused(ValueError):
    """Files of rulesets that cannot be loaded, and why."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FileFix(_Part):
    method: Literal["POST", "PATCH"]
    path: Path


class FileRule(_Part):
    id: Text
    title: Text
    lines: Text
    says: Text
    severity: Literal["fail", "warn"]
    applies_when: str = "always"
    fix: FileFix


class RulesetFile(_Part):
    """One file: where its rules come from, and the rules in the order in which they are told."""

    id: Text
    title: Text
    published_on: date
    source: Text
    rules: list[FileRule] = Field(min_length=1)


def ruleset_files(texts: Mapping[str, str]) -> dict[str, RulesetFile]:
    """The files by the ids of their rulesets, from texts by name. Raises RulesetsRefused with every fault."""
    read: dict[str, RulesetFile] = {}
    faults: list[str] = []
    for name, text in sorted(texts.items()):
        try:
            file = RulesetFile.model_validate(yaml.load(text, Loader=yaml.BaseLoader))  # noqa: S506  (text only)
        except yaml.YAMLError as error:
            faults.append(f"{name}: {error}")
        except ValidationError as error:
            faults += [f"{name}: {'/'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        else:
            read[file.id] = file
            faults += [f"{name}: {each}" for each in _faults_of(file, name)]
    if faults:
        raise RulesetsRefused("\n".join(faults))
    return read


def _faults_of(file: RulesetFile, name: str) -> Iterator[str]:
    if name != f"{file.id}.yaml":
        yield f"id: the file of {file.id} is named {file.id}.yaml"
    seen: set[str] = set()
    for place, rule in enumerate(file.rules):
        if rule.id in seen:
            yield f"rules/{place}/id: {rule.id} is there twice"
        if rule.id not in CHECKS:
            yield f"rules/{place}/id: no function in rules/good_practice.py finds out about {rule.id}"
        if rule.applies_when not in CONDITIONS:
            yield f"rules/{place}/applies_when: {rule.applies_when} is none of {', '.join(CONDITIONS)}"
        seen.add(rule.id)
