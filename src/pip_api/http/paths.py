"""Which operations are at an address?

A router that tries one pattern after another costs two microseconds for each of our sixty; this table costs one in all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Place(Generic[T]):
    """What is at one address, by method, with the names of its parameters; and the places below it."""

    here: dict[str, tuple[T, tuple[str, ...]]] = field(default_factory=dict)
    words: "dict[str, _Place[T]]" = field(default_factory=dict)
    parameter: "_Place[T] | None" = None


class Paths(Generic[T]):
    """Operations by path template and method. A word of a template comes before a parameter at the same place."""

    def __init__(self) -> None:
        self._root: _Place[T] = _Place()

    def add(self, method: str, template: str, operation: T) -> None:
        """Puts an operation at an address such as /v1/pips/{id}. Raises ValueError when there is one already."""
        place, names = self._root, []
        for segment in template.split("/"):
            if segment.startswith("{"):
                names.append(segment[1:-1])
                place.parameter = place.parameter or _Place()
                place = place.parameter
            else:
                place = place.words.setdefault(segment, _Place())
        if method in place.here:
            raise ValueError(f"{method} {template} is there already")
        place.here[method] = operation, tuple(names)

    def find(self, path: str) -> tuple[Mapping[str, tuple[T, tuple[str, ...]]], Sequence[str]]:
        """The operations at a path by method, each with the names of its parameters, and the parameters' values."""
        place, values = self._root, []
        for segment in path.split("/"):
            below = place.words.get(segment)
            if below is None:
                below = place.parameter
                if below is None or not segment:
                    return {}, ()
                values.append(segment)
            place = below
        return place.here, values
