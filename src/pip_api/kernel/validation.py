"""Is a body what its shape wants, and a name in a path what it can be; and if not, what is wrong where?"""

import copy
import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pip_api.db.statements import Record
from pip_api.http.problems import Problem, fault, pointer
from pip_api.kernel.shapes import Shape


def validated(
    shape: type[Shape],
    body: Mapping[str, Any],
    wanted: set[str],
    fixed: Collection[str] = (),
    ignored: list[Record] | None = None,
) -> Record:
    """The wanted members of a body as the shape understands them. Raises 422 with every fault.

    Members that nobody knows are faults, unless there is a list of what was `ignored` for them to go to.
    """
    try:
        return shape.model_validate(body).model_dump(include=wanted)
    except ValidationError as error:
        found = in_document_order(faults(error, shape.model_fields, fixed), body)
        strange = [each for each in found if each["code"] == "unknown_field"]
        if ignored is None or not strange:
            raise invalid(found) from None
    ignored += [{**each, "severity": "warning"} for each in strange]
    return validated(shape, without(body, strange), wanted, fixed)


def without(body: Mapping[str, Any], faults: Iterable[Record]) -> Record:
    """A body without the members that the faults point at."""
    kept: Record = copy.deepcopy(dict(body))
    for wrong in faults:
        *way, last = (part.replace("~1", "/").replace("~0", "~") for part in wrong["pointer"].split("/")[1:])
        place: Any = kept
        for part in way:
            place = place[int(part) if isinstance(place, list) else part]
        del place[last]
    return kept


def in_document_order(errors: list[Record], body: Mapping[str, Any]) -> list[Record]:
    """The faults as they stand in the body; what is missing from it comes last."""
    places = {pointer(name): place for place, name in enumerate(body)}
    return sorted(errors, key=lambda each: places.get("/".join(each["pointer"].split("/")[:2]), len(places)))


def invalid(errors: Sequence[Record]) -> Problem:
    count = "1 problem was" if len(errors) == 1 else f"{len(errors)} problems were"
    return Problem("validation_failed", f"{count} found. Nothing was changed.", errors=errors)


_CODES = {"missing": "required", "extra_forbidden": "unknown_field"}
_WORDS = {
    "missing": "This member is needed.",
    "uuid_parsing": "Input should be a UUID.",
    "uuid_type": "Input should be a UUID.",
    "decimal_parsing": "Input should be a decimal number.",
}


def faults(error: ValidationError, known: Mapping[str, Any], fixed: Collection[str] = ()) -> list[dict[str, Any]]:
    """Every fault of a body, with a pointer that resolves in it. No sent value is echoed.

    `known` are the members that may be sent; `fixed` those that are read and never sent.
    """
    found = error.errors(include_input=False, include_url=False)
    return [_fault(each, known, fixed, place < _MOST_HINTS) for place, each in enumerate(found)]


_MOST_HINTS = 20  # likenesses are slow to find, and a body may have thousands of members that nobody knows


def _fault(error: ErrorDetails, known: Mapping[str, Any], fixed: Collection[str], hint: bool) -> dict[str, Any]:
    kind, path = error["type"], error["loc"]
    code = _CODES.get(kind, kind)
    if kind == "missing":
        return fault("required", f"The member '{path[-1]}' is needed.", pointer=pointer(*path[:-1]))
    if kind == "extra_forbidden" and path[0] in fixed and len(path) == 1:
        return fault("read_only", "This member cannot be set here.", pointer=pointer(*path))
    if kind == "extra_forbidden":
        hint = hint and len(path) == 1 and len(str(path[-1])) <= 100
        extra: dict[str, Any] = {"allowed": sorted(known)} if hint else {}
        if hint and (close := difflib.get_close_matches(str(path[-1]), known, n=1)):
            extra["suggestion"] = close[0]
        return fault(code, "There is no such member here.", pointer=pointer(*path), **extra)
    return fault(code, _WORDS.get(kind, error["msg"].removeprefix("Value error, ") + "."), pointer=pointer(*path))


def identified(name: str, key: str | None) -> tuple[str, Any]:
    """The column that a name in a path is a value of, and the value: a UUID, or else a reference, or else nothing.

    A UUID counts in its usual form only: braces, urn: and upper case would give one thing several addresses.
    """
    try:
        id = UUID(name)
    except ValueError:
        id = None
    if id is not None and str(id) == name:
        return "id", id
    return (key, name.removeprefix("ref:")) if key is not None else ("id", None)
