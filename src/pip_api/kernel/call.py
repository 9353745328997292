"""What does a story know of the request that it answers?"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, BinaryIO
from uuid import UUID
from zoneinfo import ZoneInfo

from pip_api.access.principals import Principal
from pip_api.db.session import Database, Session
from pip_api.db.statements import Record
from pip_api.http.problems import bad_parameter
from pip_api.kernel.running import Running
from pip_api.ledger import entries
from pip_api.ledger.entries import Occasion
from pip_api.ledger.log_state import LogState
from pip_api.ledger.notes import Notes
from pip_api.settings import Settings

LONGEST_REASON = 1_000
Permit = tuple[str, str | None]
"""A permission that a request took, and for which force."""
LONDON = ZoneInfo("Europe/London")


@dataclass(frozen=True, slots=True)
class Services:
    """What the stories need from outside. Time and ids are among it, so that a test can turn them."""

    settings: Settings
    database: Database
    clock: Callable[[], datetime]
    new_id: Callable[[], UUID]
    cursor_key: bytes
    running: Running
    notes: Notes
    log: LogState


@dataclass(frozen=True, slots=True)
class Upload:
    """A body that is too large to hold, on disk."""

    file: BinaryIO
    media_type: str
    gzip: bool

    def digest(self) -> str:
        """SHA-256 of the bytes as sent."""
        self.file.seek(0)
        digest = hashlib.sha256()
        while chunk := self.file.read(1_048_576):
            digest.update(chunk)
        return digest.hexdigest()


@dataclass(slots=True)
class Call:
    """One request, as the stories see it."""

    services: Services
    session: Session
    by: Principal
    request_id: str
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    check_media_type: Callable[[], None] = lambda: None
    """Raises 415. Its turn comes after visibility and permission, and before preconditions."""
    body: Callable[[], dict[str, Any]] = dict
    """Reads the JSON body: its turn comes after preconditions."""
    upload: Upload | None = None
    accept: str = "application/json"
    """The media type of the answer that suits the caller best; empty when none does."""
    if_match: str | None = None
    if_none_match: str | None = None
    moment: datetime | None = None
    """Of which moment the answer is to be, when not of now."""
    ignored: list[dict[str, Any]] | None = None
    """Takes up the faults of members that nobody knows, for a caller who prefers them to be ignored."""
    overrides: bool = False
    """Whether it changes a row whose version the caller did not name."""
    rehearsed: bool = False
    """Whether this is a dry run, of which nothing is kept."""
    now: datetime = field(init=False)
    made: set[UUID] = field(default_factory=set, init=False)
    """The ids that were made up for this request."""
    entry_id: UUID | None = field(default=None, init=False)
    """The last entry of the ledger that was written for this request."""
    permits: list["Permit"] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self.now = self.services.clock().astimezone(UTC)

    @property
    def today(self) -> date:
        """The civil date in London, at the moment that is asked for: due dates are London dates."""
        return (self.moment or self.now).astimezone(LONDON).date()

    def new_id(self) -> UUID:
        id = self.services.new_id()
        self.made.add(id)
        return id

    def require_for(self, permission: str, force: str | None) -> None:
        """Raises 403 unless the permission is held for this force, or nationally where no force owns the thing."""
        self.by.require_for(permission, force)
        self.permits.append((permission, force))

    async def record(self, noted: Record) -> None:
        """Writes an entry of the ledger, which the answer names."""
        await entries.record(self.session, noted)
        self.entry_id = noted["id"]

    def occasion(self) -> Occasion:
        """What the ledger keeps of the request. Raises 400 for a reason that is too long."""
        reason = self.query.get("reason")
        if reason is not None and len(reason) > LONGEST_REASON:
            raise bad_parameter("reason", f"'reason' has at most {LONGEST_REASON} characters.")
        return Occasion(self.now, self.by, self.request_id, reason, self.overrides)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a story answers; `body` is plain data, rendered once by the route, or bytes of `media_type`, or such bytes
    piece by piece, which are made when the story is over."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"
