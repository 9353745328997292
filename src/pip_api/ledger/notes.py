"""How is noted what changes nothing: refusals, reads that count, exports, sign-ins that failed?

Each note is an entry of the ledger in a short transaction of its own, committed before the answer leaves. What cannot
be noted is not done: the answer is 503 then.
"""

import asyncio
import hmac
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from pip_api.access.oauth import Named
from pip_api.access.principals import ANONYMOUS
from pip_api.db.errors import ReadOnly
from pip_api.db.scopes import EVERY_FORCE
from pip_api.db.session import Database
from pip_api.db.statements import Record
from pip_api.ledger import entries
from pip_api.ledger.entries import Occasion

APART = timedelta(minutes=1)


@dataclass(slots=True)
class _Series:
    """Notes of one name within a minute: the first was written, the others are counted."""

    until: datetime
    last: Record
    first_at: datetime | None = None
    """Of those that were only counted."""
    times: int = 0


class Notes:
    """Writes notes. In read-only mode it writes none, so whatever needs one is refused. `key` is what names that are no
    names of ours are digested with."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        new_id: Callable[[], UUID],
        key: bytes,
        *,
        read_only: bool = False,
    ) -> None:
        self._database = database
        self._clock = clock
        self._new_id = new_id
        self._key = key
        self._read_only = read_only
        self._series: dict[Hashable, _Series] = {}
        self._writing = asyncio.Lock()

    async def note(self, *noted: Record) -> None:
        """Writes entries, made with `entries.entry`. Raises Unavailable."""
        if self._read_only:
            raise ReadOnly("the ledger takes no entry in read-only mode")
        async with self._database.transaction(EVERY_FORCE) as session:  # also of a force that was out of reach
            await entries.record(session, *noted)

    async def note_seldom(self, name: Hashable, noted: Record) -> None:
        """Writes the first entry of this name in a minute. Further ones are counted, and their number is noted when
        the minute is over and something else is noted, or the process ends. Raises Unavailable.
        """
        if self._counted(name, noted):
            return
        async with self._writing:  # of many at once, one is the first
            if self._counted(name, noted):
                return
            due = [series for series in self._series.values() if noted["at"] >= series.until]
            await self.note(noted, *(self._sum(series) for series in due if series.times))
            self._series = {key: series for key, series in self._series.items() if noted["at"] < series.until}
            self._series[name] = _Series(noted["at"] + APART, noted)

    async def sign_in_refused(
        self, at: datetime, request_id: str, error: str, named: str, account: Named | None, **state: str
    ) -> None:
        """Notes that somebody could not sign in as whom they named. `account` is the one that this is, if there is such
        a one; its force's auditor sees it. Whatever else is sent as a name is not kept: it may be a secret in the wrong
        place. A keyed digest tells one from another, and who is known is noted as often as who is not, so that what
        the notes cost tells nobody which names there are. `state` is what else is known of them.
        """
        id, name, force = account or (None, None, None)
        digest = hmac.digest(self._key, named.encode(), "sha256").hex()[:16]
        noted = entries.entry(
            Occasion(at, ANONYMOUS, request_id),
            id=self._new_id(), act="sign_in.refused", subject_id=id, subject_ref=name, version=None, force_code=force,
            state={"error": error, "named": digest, **state}, patch=[], kind="denied",
        )  # fmt: skip
        await self.note_seldom(("sign_in", digest, error), noted)

    async def close(self) -> None:
        """Writes what was only counted so far. Raises Unavailable."""
        async with self._writing:
            if counted := [self._sum(series) for series in self._series.values() if series.times]:
                await self.note(*counted)
            self._series.clear()

    def _counted(self, name: Hashable, noted: Record) -> bool:
        series = self._series.get(name)
        if series is None or noted["at"] >= series.until:
            return False
        series.first_at = series.first_at or noted["at"]
        series.last, series.times = noted, series.times + 1
        return True

    def _sum(self, series: _Series) -> Record:
        """The entry of those that were only counted: of the moment at which it is written, since heads that were signed
        meanwhile say that nothing else had happened before them."""
        last = series.last
        counted = {"further": series.times, "first_at": series.first_at, "last_at": last["at"]}
        return {**last, "id": self._new_id(), "at": self._clock(), "state": {**last["state"], **counted}}
