"""What is this process busy with, so that the same is not begun twice?"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from weakref import WeakValueDictionary


@dataclass(slots=True)
class Running:
    """Names that are held while something runs. One that nobody holds or waits for is forgotten."""

    _locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    @asynccontextmanager
    async def alone(self, name: str, longest_wait: float) -> AsyncIterator[None]:
        """Holds a name, once nobody else does. Raises TimeoutError after so many seconds."""
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with asyncio.timeout(longest_wait):
            await lock.acquire()
        try:
            yield
        finally:
            lock.release()
