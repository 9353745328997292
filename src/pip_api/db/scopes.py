"""Which forces' rows does a session reach? PostgreSQL holds it to that, whatever a statement asks for."""

from collections.abc import Iterable
from typing import Final

from pip_api.db.constructs import array_text


class Forces(tuple[str, ...]):
    """The codes of forces, and PostgreSQL's text of the list: a caller's is written once and sent with each request."""

    text: bytes

    def __new__(cls, codes: Iterable[str] = ()) -> "Forces":
        made = super().__new__(cls, codes)
        made.text = array_text(made).encode()
        return made


def _every_force() -> Forces:
    every = Forces()
    every.text = b"*"  # a list is written in braces, so this is none
    return every


EVERY_FORCE: Final = _every_force()
"""The forces that there are when a statement begins: for what the service does itself, and for bundles of the whole
ledger, whose reader was seen to audit all forces. For no other caller."""
