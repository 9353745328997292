"""How do the shapes that operations name look as JSON Schemas, for callers and for the makers of clients?"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

Schema = dict[str, Any]
Shapes = Iterable[type[BaseModel]]

AT = "#/components/schemas/"
SAFE_INTEGER = 2**53 - 1  # the largest that every reader of JSON keeps exactly
NULL: Schema = {"type": "null"}


def component_schemas(answers: Shapes, bodies: Shapes) -> dict[str, Schema]:
    """The schemas of shapes by name. In an answer an enumeration is open: a client must expect values to come."""
    answered, sent = list(answers), list(bodies)
    _, made = models_json_schema([(shape, "validation") for shape in (*answered, *sent)], ref_template=AT + "{model}")
    definitions = {name: _plain(schema) for name, schema in made.get("$defs", {}).items()}
    only_answered = _reached(definitions, answered) - (of_bodies := _reached(definitions, sent))
    closed = {name for name, schema in definitions.items() if "enum" in schema}
    opened = {name: f"{name}Read" for name in closed}
    for name in sorted(only_answered - closed):
        definitions[name] = _renamed(definitions[name], opened)
    for name in sorted(closed):
        values = definitions[name]
        definitions[opened[name]] = {
            **{key: value for key, value in values.items() if key != "enum"},
            "x-extensible-enum": values["enum"],
        }
    for name in of_bodies:
        definitions[name] = _without_nul(definitions[name])
    kept = _reached(definitions, answered) | of_bodies
    return {name: schema for name, schema in sorted(definitions.items()) if name in kept}


def references(node: Any) -> Iterator[str]:
    """The names of the schemas that something refers to."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref" and isinstance(value, str) and value.startswith(AT):
                yield value.removeprefix(AT)
            else:
                yield from references(value)
    elif isinstance(node, list):
        for each in node:
            yield from references(each)


def _reached(definitions: Mapping[str, Schema], shapes: Shapes) -> set[str]:
    """The names of the schemas that these shapes are made of."""
    waiting, found = [shape.__name__ for shape in shapes], set[str]()
    while waiting:
        if (name := waiting.pop()) not in found:
            found.add(name)
            waiting += references(definitions[name])
    return found


def _renamed(node: Any, names: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        reference = node.get("$ref")
        if isinstance(reference, str) and (name := reference.removeprefix(AT)) in names:
            return {**{key: value for key, value in node.items() if key != "$ref"}, "$ref": AT + names[name]}
        return {key: _renamed(value, names) for key, value in node.items()}
    return [_renamed(each, names) for each in node] if isinstance(node, list) else node


def _without_nul(node: Any) -> Any:
    """No text that is sent has a NUL, wherever it stands."""
    if isinstance(node, list):
        return [_without_nul(each) for each in node]
    if not isinstance(node, dict):
        return node
    free = "string" in node.get("type", ()) and not node.keys() & {"pattern", "format", "enum", "const"}
    return {key: _without_nul(value) for key, value in node.items()} | ({"pattern": r"^[^\x00]*$"} if free else {})


def _plain(node: Any) -> Any:
    """Without the titles that Pydantic makes up, and in words that every maker of clients understands."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not isinstance(node, dict):
        return node
    kept = {key: value for key, value in node.items() if not (key == "title" and isinstance(value, str))}
    plain = {key: value if key in ("examples", "default") else _plain(value) for key, value in kept.items()}
    if plain.get("type") == "integer":
        plain = {"format": "int64", "minimum": 0, "maximum": SAFE_INTEGER, **plain}
    if "const" in plain:
        plain = {**{key: value for key, value in plain.items() if key != "const"}, "enum": [plain["const"]]}
    choices = plain.get("anyOf")
    if isinstance(choices, list) and NULL in choices and len(choices) == 2:
        other = next(each for each in choices if each != NULL)
        if "anyOf" in other:
            plain["anyOf"] = [*other["anyOf"], NULL]
        elif isinstance(other.get("type"), str):
            del plain["anyOf"]
            plain |= {**other, "type": [other["type"], "null"]}
    return plain
