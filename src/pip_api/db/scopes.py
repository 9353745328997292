"""Whose rows does a session reach? PostgreSQL holds it to that, whatever a statement asks for."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from pip_api.db.constructs import array_text

SETTINGS: Final = ("pip.forces", "pip.places", "pip.account")


class Forces(tuple[str, ...]):
    """The codes of forces, and with them what is reached of the rows about access: those of some places, and of the
    caller's own account. `texts` are the values of PostgreSQL's settings, written once and sent with each request.
    """

    texts: tuple[bytes, ...]

    def __new__(cls, codes: Iterable[str] = (), places: Iterable[str] = (), account: UUID | None = None) -> "Forces":
        made = super().__new__(cls, codes)
        made.texts = array_text(made).encode(), array_text(tuple(places)).encode(), str(account or "").encode()
        return made


def _every_force() -> Forces:
    every = Forces()
    every.texts = (b"*",) * len(SETTINGS)  # a list is written in braces, so this is none
    return every


EVERY_FORCE: Final = _every_force()
"""The forces, places and accounts that there are when a statement begins: for what the service does itself, and for
bundles of the whole ledger, whose reader was seen to audit all forces. For no other caller."""
