"""What do the parts of a plan belong to? A plan with two concerns and an action; and there is another plan."""

import httpx
import pytest

from tests.plans import a_concern, a_plan, an_action
from tests.service import Record


@pytest.fixture
async def whole(lead: httpx.AsyncClient) -> Record:
    """A plan for two concerns."""
    return await a_plan(lead, await a_concern(lead), await a_concern(lead, title="Calls are abandoned"))


@pytest.fixture
async def action(lead: httpx.AsyncClient, whole: Record) -> Record:
    return await an_action(lead, whole)


@pytest.fixture
async def foreign_action(lead: httpx.AsyncClient) -> Record:
    """An action of another plan of the force."""
    return await an_action(lead, await a_plan(lead, await a_concern(lead, title="Something else")))
