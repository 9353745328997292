"""Where is a role held, or an account at home: everywhere, in a region, or in a force?"""

import re
from dataclasses import dataclass
from typing import Final, Literal, cast

Scope = Literal["national", "region", "force"]
PATTERN: Final = r"^(national|(region|force):[a-z0-9]+([._-][a-z0-9]+)*)$"
_PLACE: Final = re.compile(PATTERN)


@dataclass(frozen=True, slots=True)
class Place:
    """Written as 'national', 'region:south-west' or 'force:avon-and-somerset'."""

    scope: Scope
    code: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Place":
        """Raises ValueError for anything else."""
        if not _PLACE.fullmatch(text):
            raise ValueError("A place is national, region:CODE or force:CODE.")
        scope, _, code = text.partition(":")
        return cls(cast(Scope, scope), code or None)

    def __str__(self) -> str:
        return self.scope if self.code is None else f"{self.scope}:{self.code}"


def force_in(where: str | None) -> str | None:
    """The force that a force's code or a place names, if it names one."""
    if where is None or where == "national":
        return None
    scope, colon, code = where.partition(":")
    return where if not colon else code if scope == "force" else None
