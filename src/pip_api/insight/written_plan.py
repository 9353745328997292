"""Is what a program saved or wrote a plan document as the service answers it, and if not, what is wrong where?"""

import copy
import json
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model
from pydantic.fields import FieldInfo

from pip_api.insight.plan_parts import BELOW, parts
from pip_api.kernel.resource import Resource
from pip_api.kernel.shapes import Day
from pip_api.kernel.validation import faults
from pip_api.resources.concerns import concerns
from pip_api.resources.pips import pips
from pip_api.resources.support_levels import support_levels
from pip_api.rules.plan_document import Fault, NotAPlan, PlanDocument, read

_NUMBERS: dict[Any, Any] = {Decimal: float, Decimal | None: float | None}
_NEEDED: Any = ...


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


def read_written(given: object) -> PlanDocument:
    """A plan document from plain JSON, each member of which is known and has a value that its noun takes.

    What the service fills in, or has a default for, may be left out of a row, but no list; and any text may stand where
    an id does. Raises NotAPlan with every fault.
    """
    try:
        _document().validate_json(json.dumps(given))
    except ValidationError as error:
        found = [each for each in faults(error, {}) if each["code"] != "uuid_parsing"]
        if found:
            raise NotAPlan(Fault(each["pointer"], each["detail"]) for each in found) from None
    return read(given)


@cache
def _document() -> TypeAdapter[Any]:
    """The shape of the whole, made of the nouns' own fields."""
    lists = {name: _row(of, of.children) for name, of in parts().items()}
    lists["known_concerns"] = _row(concerns, covered_elsewhere=bool)
    whole: dict[str, Any] = {name: (list[row], _NEEDED) for name, row in lists.items()}  # type: ignore[valid-type]
    whole["pip"] = (_row(pips, status=pips.row.model_fields["status"].annotation), _NEEDED)
    whole["level"] = (_row(support_levels, since=Day) | None, _NEEDED)
    return TypeAdapter(create_model("PlanDocumentWritten", __base__=_Strict, **whole))


def _row(of: Resource, children: Sequence[Resource] = (), **beside: Any) -> Any:
    """The shape of a row: what its noun cannot be made without is needed, but for where it belongs."""
    sent = of.create_shape.model_fields
    needed = {"id", *(name for name, field in sent.items() if field.is_required())} - {of.parent_field, "force_code"}
    members: dict[str, Any] = {name: _member(of.row.model_fields[name], name in needed) for name in of.names}
    below = {BELOW.get(child.plural, child.plural): list[_row(child)] for child in children}  # type: ignore[misc]
    members |= {name: (kind, _NEEDED) for name, kind in {**below, **beside}.items()}
    return create_model(of.stem, __base__=_Strict, **members)


def _member(field: FieldInfo, needed: bool) -> tuple[Any, Any]:
    kind = _NUMBERS.get(field.annotation)
    if kind is not None:
        return kind, None
    field = copy.copy(field)
    if not needed:
        field.default, field.default_factory = None, None
    return field.annotation, field
