"""Whose stories are told here? Those of the lead of one force."""

import httpx
import pytest

from tests.plans import a_plan
from tests.service import Record


@pytest.fixture
async def plan(lead: httpx.AsyncClient, concern: Record) -> Record:
    return await a_plan(lead, concern)
