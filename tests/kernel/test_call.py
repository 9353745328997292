"""Which day is it in London?"""

from datetime import UTC, datetime, timedelta, timezone

import httpx
import pytest

from tests.plans import CONCERN
from tests.service import Service, codes


@pytest.mark.parametrize(
    ("moment", "today"),
    [
        (datetime(2026, 7, 1, 22, 59, tzinfo=UTC), "2026-07-01"),
        (datetime(2026, 7, 1, 23, 0, tzinfo=UTC), "2026-07-02"),  # summer time
        (datetime(2026, 12, 1, 23, 59, tzinfo=UTC), "2026-12-01"),
        (datetime(2026, 12, 2, 1, 0, tzinfo=timezone(timedelta(hours=2))), "2026-12-01"),
    ],
)
@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_a_day_begins_in_london(service: Service, moment: datetime, today: str) -> None:
    service.clock.time = moment
    admin: httpx.AsyncClient = await service.caller("national_admin")
    tomorrow = (datetime.fromisoformat(today) + timedelta(days=1)).date().isoformat()
    answer = await admin.post("/v1/concerns", json=CONCERN | {"identified_on": tomorrow})
    assert codes(answer) == [("in_the_future", "#/identified_on")]
    answer = await admin.post("/v1/concerns", json=CONCERN | {"identified_on": today})
    assert answer.status_code == 201
    assert datetime.fromisoformat(answer.json()["created_at"]) == moment
    assert answer.json()["created_at"].endswith("Z")
