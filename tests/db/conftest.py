"""On which database do the statements run?"""

from collections.abc import AsyncIterator

import pytest

from pip_api.db import open_database
from pip_api.db.session import Database
from pip_api.settings import Settings


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """An open database with the reference data."""
    opened = open_database(settings)
    await opened.open()
    yield opened
    await opened.close()
