"""What does the table say of a noun with the usual operations, and how is a row of it made?"""

from dataclasses import dataclass
from typing import Any

ALL_VERBS = ("list", "read", "create", "change", "withdraw")


def _stem(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


@dataclass(frozen=True)
class Noun:
    """One entry of the table's section `nouns`."""

    name: str
    read: list[str]
    write: list[str]
    send: dict[str, Any]
    change: dict[str, Any] | None = None
    itself: dict[str, Any] | None = None
    parent: str | None = None
    scope: str = "force"
    verbs: tuple[str, ...] = ALL_VERBS
    pair: bool = False
    plural: str | None = None
    of: str | None = None

    @property
    def kind(self) -> str:
        """By which name its rows are known in a world."""
        return self.of or self.name

    @property
    def path(self) -> str:
        return "/v1/" + (self.plural or f"{self.name}s").replace("_", "-")

    @property
    def goes(self) -> bool:
        return "withdraw" in self.verbs

    @property
    def shape(self) -> tuple[object, ...]:
        """What the kernel looks at to tell who may do what with it: nouns of one shape go the same ways."""
        return self.scope, self.parent is not None, tuple(self.verbs), tuple(self.read), tuple(self.write)

    def lines(self) -> dict[str, dict[str, Any]]:
        """What the table says of each of its operations."""
        stem, many = _stem(self.name), _stem(self.plural or f"{self.name}s")
        reading: dict[str, Any] = {
            "may": self.read,
            "scope": "force" if self.scope == "force" else "reference",
            "of": self.kind,
        }
        writing: dict[str, Any] = {"may": self.write, "scope": self.scope, "of": self.kind, "sees": f"get{stem}"}
        stays = {} if self.goes else {"withdrawn": None}
        past = reading | {"withdrawn": 200 if self.goes else None}
        sees, sent = f"get{_stem(self.parent or self.name)}", self.send | (self.itself or {})
        usual: dict[str, tuple[str, dict[str, Any]]] = {
            "list": (f"list{many}", reading),
            "read": (f"get{stem}", reading | stays),
            "create": (f"create{stem}", writing | {"sees": sees, "send": sent}),
            "change": (f"change{stem}", writing | stays | {"send": self.change}),
            "withdraw": (f"withdraw{stem}", writing | {"of": f"lonely_{self.kind}"}),
        }
        return {
            **dict(usual[verb] for verb in self.verbs),
            f"list{stem}Versions": past,
            f"get{stem}Version": past,
            f"diff{stem}": past | {"query": {"from": 1}},
        }


def nouns(section: dict[str, dict[str, Any]]) -> dict[str, Noun]:
    return {name: Noun(name, **says) for name, says in section.items()}


def marked(template: Any, word: str, code: str) -> Any:
    """A template with a word for every text in it, and a code where it asks for one."""
    if isinstance(template, dict):
        return {name: marked(each, word, code) for name, each in template.items()}
    if isinstance(template, list):
        return [marked(each, word, code) for each in template]
    return {"x": word, "new-one": code}.get(template, template) if isinstance(template, str) else template
