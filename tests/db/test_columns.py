"""Does a value come back as it was stored, on both databases?"""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeEngine

from pip_api.db.columns import Amount, Instant, Json, Uid, from_json, to_json
from pip_api.db.session import Database
from pip_api.db.statements import Statement

MANY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
AMOUNTS = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places), st.integers(-(10**15) + 1, 10**15 - 1), st.integers(0, 9)
)
INSTANTS = st.datetimes(
    datetime(1900, 1, 1),  # noqa: DTZ001
    datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-3))]),
)
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | AMOUNTS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
SQLITE = sqlite.dialect()
_STATEMENTS: dict[str, Statement] = {}


async def there_and_back(database: Database, type_: TypeEngine[Any], value: Any) -> Any:
    name = type(type_).__name__
    if name not in _STATEMENTS:
        _STATEMENTS[name] = Statement(select(bindparam("value", type_=type_).label("value")))
    async with database.read() as session:
        row = await session.one(_STATEMENTS[name], value=value)
    assert row is not None
    return row["value"]


@MANY
@given(value=AMOUNTS)
async def test_an_amount_keeps_its_digits(database: Database, value: Decimal) -> None:
    back = await there_and_back(database, Amount(), value)
    assert (str(format(back, "f")), type(back)) == (format(value, "f").replace("-0", "0", value == 0), Decimal)


@MANY
@given(value=INSTANTS)
async def test_an_instant_is_the_same_moment_in_utc(database: Database, value: datetime) -> None:
    back = await there_and_back(database, Instant(), value)
    assert (back, back.utcoffset(), back.microsecond) == (value, timedelta(0), value.microsecond)


@MANY
@given(value=st.uuids())
async def test_an_id_is_an_id(database: Database, value: UUID) -> None:
    assert await there_and_back(database, Uid(), value) == value


@MANY
@given(value=JSONS)
async def test_json_keeps_its_numbers(database: Database, value: Any) -> None:
    back = await there_and_back(database, Json(), value)
    assert back == value
    assert written(back) == written(from_json(to_json(value)))


@given(JSONS, st.sampled_from(["", " ", "\n\t "]), st.sampled_from(["", " ", "\r\n"]))
def test_json_may_have_space_around_it(value: Any, before: str, after: str) -> None:
    text = before + to_json(value).decode() + after
    expected = written(json.loads(text, parse_float=Decimal))
    assert [written(from_json(each)) for each in (text, text.encode(), memoryview(text.encode()))] == [expected] * 3


@pytest.mark.parametrize("text", ["", " ", "{", "[1,]", "1 2", "nought", '{"a":1}}'])
def test_what_is_not_json_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match="line 1 column"):
        from_json(text)


def written(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


async def test_nothing_is_nothing(database: Database) -> None:
    for type_ in (Amount(), Instant(), Uid(), Json()):
        assert await there_and_back(database, type_, None) is None


@given(st.lists(INSTANTS, min_size=2, max_size=2))
def test_instants_sort_as_text_on_sqlite(moments: list[datetime]) -> None:
    first, second = (Instant().process_bind_param(moment, SQLITE) for moment in moments)
    assert (first < second) == (moments[0] < moments[1])


def test_only_our_values_become_json() -> None:
    assert to_json({"at": datetime(2026, 10, 5, 9, 30, tzinfo=UTC), "n": Decimal("1E+3")}) == (
        b'{"at":"2026-10-05T09:30:00Z","n":1000}'
    )
    with pytest.raises(TypeError):
        to_json(object())
