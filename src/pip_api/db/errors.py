"""What can a database refuse, in words that do not depend on which database it is?"""

import sqlite3
from typing import Literal

import psycopg

DRIVER_ERRORS = (psycopg.Error, sqlite3.Error)
"""What the drivers raise, where none of the words below fits."""
Kind = Literal["unique", "overlap", "foreign_key", "refused"]


class Conflict(Exception):
    """The database refused a write: a key exists, periods overlap, a referenced row is absent, or a guard said no."""

    def __init__(self, kind: Kind, detail: str) -> None:
        super().__init__(detail)
        self.kind: Kind = kind
        self.detail = detail


class OutOfScope(Exception):
    """The database refused a write for a force that the session does not reach."""


class Unavailable(Exception):
    """The database cannot be reached, is out of connections, or gave up waiting. Trying again may help."""


class StillHeld(Unavailable):
    """Another transaction held what was asked for too long."""


class ReadOnly(Unavailable):
    """The database takes no changes just now: it is a standby, or was set so."""


class GaveWay(Unavailable):
    """Two transactions waited for each other, and this one was ended so that the other can go on."""
