"""What can be done next with what an answer tells of? The links of the document, from answers to operations."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

Schema = dict[str, Any]
Paths = Mapping[str, Mapping[str, Schema]]

IF_MATCH = "#/components/parameters/IfMatchHeader"


def add_links(paths: Paths) -> None:
    """Adds links to the answers: with the id that an answer tells, and with its ETag where a version is needed."""
    for path, item in paths.items():
        for method, operation in item.items():
            for status in operation["responses"].keys() & {"200", "201", "207"}:
                answer = operation["responses"][status]
                links = dict(_links(paths, path, method, "ETag" in answer.get("headers", {})))
                answer |= {"links": links} if links else {}


def _links(paths: Paths, path: str, method: str, tagged: bool) -> Iterator[tuple[str, Schema]]:
    for below, item in paths.items():
        values = _values(path, below, method)
        for other, target in item.items() if values else ():
            if (path, method) == (below, other) or (method == "get" and other != "get" and path != below):
                continue
            name = target["operationId"]
            yield name, {"operationId": name, "parameters": {**values, **(_version(target) if tagged else {})}}


def _values(path: str, below: str, method: str) -> Schema:
    """What stands for the names in a path, as far as an answer of another path can tell; nothing when it cannot."""
    known, wanted = _names(path), _names(below)
    if not (below == path or below.startswith(f"{path}/")) or not set(wanted) <= {*known, "id"}:
        return {}
    of_body = "$response.body#/id" if method != "get" else "$response.body#/items/0/id"
    return {name: f"$request.path.{name}" if name in known else of_body for name in wanted}


def _names(path: str) -> list[str]:
    return re.findall(r"{(\w+)}", path)


def _version(target: Schema) -> Schema:
    takes = any(each.get("$ref", "").startswith(IF_MATCH) for each in target.get("parameters", ()))
    return {"If-Match": "$response.header.ETag"} if takes else {}
