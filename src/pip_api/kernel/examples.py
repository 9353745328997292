"""What does a request or an answer look like, filled in? The examples of the document.

A shape that is created declares its own (`examples` of its schema). The rest follow from these, from the names of
members, which mean the same everywhere, and from the types.
"""

from collections.abc import Mapping
from typing import Any

from pip_api.kernel.schemas import AT

Schema = Mapping[str, Any]

NAMED: Mapping[str, Any] = {
    "act": "pip.changed",
    "allowed": ["draft", "active"],
    "as_of": "2026-11-20T09:15:00Z",
    "at": "2026-11-20T09:15:00Z",
    "client_id": "as-performance-mart",
    "code": "avon-and-somerset",
    "cursor": "a3VyejRfc2VhbGVk",
    "detail": "What is wrong, in a sentence.",
    "figures": 12,
    "first_day": "2026-01-01",
    "force": "avon-and-somerset",
    "force_code": "avon-and-somerset",
    "id": "0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
    "instance": "urn:request:0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
    "kind": "figures",
    "last_day": "2026-12-31",
    "lead": "Chief Superintendent R. Example",
    "level": 3,
    "level_code": "level-3",
    "limit": 50,
    "measure": "answered-in-time",
    "measure_code": "answered-in-time",
    "name": "Avon and Somerset Constabulary",
    "narrative": "Shifts were matched to demand.",
    "op": "replace",
    "overdue_refs": ["2.3"],
    "path": "/status",
    "period": "2026-10",
    "reason": "Agreed at regional triage",
    "ref": "avon-and-somerset-2026-01",
    "region": "south-west",
    "region_code": "south-west",
    "reported_by": "Inspector E. Example",
    "request_id": "0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
    "self": "/v1/pips?limit=50",
    "state": {"ref": "avon-and-somerset-2026-01", "status": "active", "version": 2},
    "status": "active",
    "title": "Answer calls in time",
    "type": "service",
    "unit": "percent",
    "updated_at": "2026-10-05T08:30:00Z",
    "value": "active",
    "version": 1,
}
FORMATS = {
    "date": "2026-10-05",
    "date-time": "2026-10-05T08:30:00Z",
    "uri-reference": "/v1/pips",
    "uuid": "0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
}
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def example(schema: Schema, definitions: Mapping[str, Schema], name: str = "") -> Any:
    """An example of what a schema describes; `name` is that of the member, where it is one."""
    if reference := schema.get("$ref"):
        of = reference.removeprefix(AT)
        return _of_component(of, definitions, name)
    if examples := schema.get("examples"):
        return examples[0]
    kind = schema.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    if "anyOf" in schema:
        return None if {"type": "null"} in schema["anyOf"] else example(schema["anyOf"][0], definitions, name)
    if "const" in schema:
        return schema["const"]
    for choices in ("enum", "x-extensible-enum"):
        if choices in schema:
            return schema[choices][0]
    fits = kind is None or any(isinstance(NAMED.get(name), _TYPES.get(str(each), ())) for each in kinds)
    if name in NAMED and fits and schema.get("format") not in FORMATS:
        return NAMED[name]
    return None if "null" in kinds else _of_type(str(kinds[0]), schema, definitions, name)


def _of_component(of: str, definitions: Mapping[str, Schema], name: str) -> Any:
    """What is read of a thing is what it was created with, and what the service added."""
    schema = definitions[of]
    stem = of.removesuffix("Patch").removesuffix("Read").removesuffix("Revision")
    declaring = definitions.get(f"{stem}Create", definitions.get(f"{stem}Fields", {}))
    created = declaring.get("examples", [{}])[0] if stem != of else {}
    if of.endswith("Patch"):
        changed = [member for member in created if member in schema["properties"]]
        return {member: created[member] for member in changed[:1]} | {"version": 1}
    made = example(schema, definitions, name)
    return {**made, **created} if created else made


def _of_type(kind: str, schema: Schema, definitions: Mapping[str, Schema], name: str) -> Any:
    if kind == "object":
        return {
            member: example(described, definitions, member)
            for member, described in schema.get("properties", {}).items()
            if member in schema.get("required", ()) or "default" not in described
        }
    if kind == "array":
        return [example(schema["items"], definitions, name.removesuffix("s"))]
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    if kind == "boolean":
        return schema.get("default", False)
    return FORMATS.get(schema.get("format", ""), "As it is.")
