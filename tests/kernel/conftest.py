"""Whose stories are told here? Those of the lead of one force."""

import httpx
import pytest

from tests.plans import AVON, a_concern, a_plan
from tests.service import Record, Service


@pytest.fixture
async def lead(service: Service) -> httpx.AsyncClient:
    """The lead of Avon and Somerset."""
    return await service.caller("force_lead", f"force:{AVON}")


@pytest.fixture
async def concern(lead: httpx.AsyncClient) -> Record:
    return await a_concern(lead)


@pytest.fixture
async def plan(lead: httpx.AsyncClient, concern: Record) -> Record:
    return await a_plan(lead, concern)
