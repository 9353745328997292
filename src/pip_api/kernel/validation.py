"""Is a body what its shape wants, and if not, what is wrong where?"""

import copy
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from pip_api.db.statements import Record
from pip_api.http.problems import Problem, pointer
from pip_api.kernel.shapes import Shape, faults


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
