"""Is a value taken for what it is, and for nothing else?"""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from pip_api.kernel.shapes import CodeText, Day, Exact, Flag, Line, Moment, Shape, Whole, patch_shape
from pip_api.kernel.validation import faults
from pip_api.resources.actions import ActionFields
from pip_api.resources.concerns import ConcernCreate


def read(kind: Any, value: Any) -> Any:
    return TypeAdapter(kind).validate_python(value)


@given(st.dates(date(1900, 1, 1), date(2199, 12, 31)))
def test_a_day_is_an_iso_date(day: date) -> None:
    assert read(Day, day.isoformat()) == day


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Day, 20261005), (Day, 0), (Day, True), (Day, "1790035200"), (Day, "2026-10-05T00:00:00Z"), (Day, "2026-W41-1"),
        (Day, "5 Oct 2026"), (Day, "2026-02-30"), (Day, " 2026-10-5"), (Day, ""),
        (Moment, 1790000000), (Moment, "2026-10-05T09:30:00"), (Moment, "2026-10-05"), (Moment, "1790000000"),
        (Whole, True), (Whole, "2"), (Whole, Decimal("2.0")), (Whole, 2.0), (Whole, None),
        (Exact, True), (Exact, 0.1), (Exact, "NaN"), (Exact, "Infinity"), (Exact, "1e400"), (Exact, "1234567890123456"),
        (Exact, Decimal("0.1234567890")), (Exact, "ten"), (Exact, ""), (Exact, [1]),
        (Exact, "0" * 41), (Flag, "true"), (Flag, 1),
        (Line, ""), (Line, "two\nlines"), (Line, "x" * 201), (Line, 1), (Line, "delete\x7f"),
        (CodeText, "A"), (CodeText, "a--b"), (CodeText, "a-"), (CodeText, "é"), (CodeText, "a b"), (CodeText, "a\n"),
    ],
)  # fmt: skip
def test_what_only_looks_like_it_is_refused(kind: Any, value: Any) -> None:
    with pytest.raises(ValidationError):
        read(kind, value)


@given(st.integers(-(10**15) + 1, 10**15 - 1), st.integers(0, 9))
def test_a_number_keeps_its_digits(digits: int, places: int) -> None:
    number = Decimal(digits).scaleb(-places)
    for sent in (number, format(number, "f")):
        taken = read(Exact, sent)
        assert taken == number
        assert format(taken, "f") == format(number, "f").replace("-0", "0", not number)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *((Day, day) for day in ("0001-01-01", "1899-12-31", "2200-01-01", "9999-12-31", date(9999, 1, 1))),
        *((Moment, f"{day}T23:59:59+00:00") for day in ("0001-01-01", "1899-12-31", "2200-01-01", "9999-12-31")),
        (Moment, "1900-01-01T00:00:00+00:01"), (Moment, "0001-01-01T00:00:00+14:00"),
        (Moment, "9999-12-31T23:59:59-14:00"), (Moment, datetime(9999, 1, 1, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_what_is_of_another_age_is_refused_by_its_years(kind: Any, value: Any) -> None:
    with pytest.raises(ValidationError, match="of the years 1900 to 2199"):
        read(kind, value)


def test_a_moment_may_come_from_anywhere() -> None:
    assert read(Moment, "2026-10-05T10:30:00+01:00") == datetime(2026, 10, 5, 9, 30, tzinfo=UTC)


@given(st.dictionaries(st.sampled_from(sorted(ActionFields.model_fields)), st.none()))
def test_null_is_a_value_only_where_it_may_be(body: dict[str, None]) -> None:
    shape = patch_shape("ActionPatch", ActionFields)
    nullable = {
        *("lead", "starts_on", "due_on", "completed_on", "priority", "budget", "spent", "forecast"),
        *("benefit_amount", "benefit_cashable", "delivery_model"),
    }
    try:
        taken = shape.model_validate(body).model_dump(include=set(body))
    except ValidationError as error:
        refused = {fault["pointer"].removeprefix("#/") for fault in faults(error, shape.model_fields)}
        assert refused == set(body) - nullable != set()
    else:
        assert set(body) <= nullable
        assert taken == body


def test_a_patch_has_only_what_was_sent() -> None:
    shape = patch_shape("ActionPatch", ActionFields)
    assert shape.model_validate({}).model_dump(exclude_unset=True) == {}
    assert shape.model_validate({"title": "x"}).model_fields_set == {"title"}
    assert [name for name, field in shape.model_fields.items() if field.is_required()] == []


def test_a_fault_never_echoes_what_was_sent() -> None:
    secret = "hunter2-hunter2"
    body = dict.fromkeys((*ConcernCreate.model_fields, "unknown"), secret) | {"affects": [{"concern_id": secret}]}
    with pytest.raises(ValidationError) as error:
        ConcernCreate.model_validate(body)
    found = faults(error.value, ConcernCreate.model_fields)
    assert len(found) >= 5
    assert secret not in str(found)


def test_a_shape_refuses_what_it_does_not_declare() -> None:
    class Pair(Shape):
        left: int = 0

    with pytest.raises(ValidationError) as error:
        Pair.model_validate({"lefft": 1})
    (fault,) = faults(error.value, Pair.model_fields)
    assert (fault["code"], fault["pointer"], fault["suggestion"]) == ("unknown_field", "#/lefft", "left")
