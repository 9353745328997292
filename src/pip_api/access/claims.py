"""What may the claims of a token be like, whoever signed it?"""

from collections.abc import Mapping
from typing import Any, Final, TypeGuard

from pip_api.access.token_text import TokenRefused

NAME_CHARACTERS: Final = 255
_AUDIENCES: Final = 8
_YEAR_10000: Final = 253_402_300_800


def is_name(value: object) -> TypeGuard[str]:
    # Printable leaves out controls, lone surrogates and characters that turn the reading direction: names go into logs.
    return isinstance(value, str) and 0 < len(value) <= NAME_CHARACTERS and value.isprintable()


def is_for(audience: object, ours: str) -> bool:
    """Whether an `aud` is one name, or a short list of names, and ours is it or in it."""
    if not isinstance(audience, list):
        return audience == ours
    return len(audience) <= _AUDIENCES and all(isinstance(member, str) for member in audience) and ours in audience


def moment(claims: Mapping[str, Any], name: str) -> float:
    """The seconds of the epoch that a claim says. Raises TokenRefused."""
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TokenRefused(f"{name}-type")
    if not 0 < value < _YEAR_10000:
        raise TokenRefused(f"{name}-range")
    return value
