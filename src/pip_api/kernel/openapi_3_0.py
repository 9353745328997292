"""How does the OpenAPI document look to tools that only know 3.0? One function derives the older form."""

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

_LITERAL = ("example", "default", "enum", "x-extensible-enum")
_UNKNOWN = ("const", "examples", "propertyNames", "patternProperties", "contentMediaType", "$comment")


def as_3_0(document: Mapping[str, Any]) -> Schema:
    """The same contract in OpenAPI 3.0.3. Nothing is lost but the words that 3.0 has not."""
    old = dict(_part(document))
    info = dict(document["info"])
    info["license"] = {key: value for key, value in info.get("license", {}).items() if key != "identifier"}
    old |= {"openapi": "3.0.3", "info": info}
    old["components"] |= {"schemas": _schemas(document["components"]["schemas"])}
    return old


def _part(node: Any) -> Any:
    """A part of the document that is not itself a schema."""
    if isinstance(node, list):
        return [_part(each) for each in node]
    if not isinstance(node, Mapping):
        return node
    return {
        key: _schema(value) if key == "schema" else value if key in ("schemas", "example") else _part(value)
        for key, value in node.items()
    }


def _schemas(named: Mapping[str, Any]) -> Schema:
    return {name: _schema(each) for name, each in named.items()}


def _schema(schema: Any) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    old: Schema = {}
    for key, value in schema.items():
        if key == "properties":
            old[key] = _schemas(value)
        elif key in ("anyOf", "oneOf", "allOf"):
            old[key] = [_schema(each) for each in value if each != {"type": "null"}]
        elif key not in _UNKNOWN:
            old[key] = value if key in _LITERAL else _schema(value)
    if "const" in schema:
        old["enum"] = [schema["const"]]
    if schema.get("examples"):
        old["example"] = schema["examples"][0]
    for bound in ("Minimum", "Maximum"):
        limit = old.get(f"exclusive{bound}")
        if limit is not None:
            old |= {bound.lower(): limit, f"exclusive{bound}": True}
    return _referring(_nullable(schema, old))


def _nullable(schema: Mapping[str, Any], old: Schema) -> Schema:
    """Null is not a type in 3.0 but a mark beside a type, and a type is one word."""
    kinds = schema.get("type")
    if isinstance(kinds, list):
        others = [kind for kind in kinds if kind != "null"]
        rest = {key: value for key, value in old.items() if key != "type"}
        old = {"anyOf": [{"type": kind, **rest} for kind in others]} if len(others) > 1 else {"type": others[0], **rest}
        return {**old, "nullable": True} if "null" in kinds else old
    if {"type": "null"} in schema.get("anyOf", []):
        typed = [each for each in old["anyOf"] if "type" in each]
        if typed:
            typed[0]["nullable"] = True
        else:
            old["anyOf"].append({"type": "string", "nullable": True, "enum": [None]})
    return old


def _referring(old: Schema) -> Schema:
    """In 3.0 a reference stands alone: what is said beside it would not be heard."""
    if "$ref" in old and len(old) > 1:
        return {**{key: value for key, value in old.items() if key != "$ref"}, "allOf": [{"$ref": old["$ref"]}]}
    return old
