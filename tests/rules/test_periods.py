"""Which days does each way to write a period mean?"""

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pip_api.rules.periods import Period, parse, written

DAYS = st.dates()


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-10", "2026-10-01", "2026-10-31"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2026-Q1", "2026-01-01", "2026-03-31"),
        ("2026-Q4", "2026-10-01", "2026-12-31"),
        ("2026-W01", "2025-12-29", "2026-01-04"),
        ("2026-W41", "2026-10-05", "2026-10-11"),
        ("2026-W53", "2026-12-28", "2027-01-03"),
        ("2026-10-05", "2026-10-05", "2026-10-05"),
        ("2026-FY", "2026-04-01", "2027-03-31"),
        ("2026-10-05..2026-11-04", "2026-10-05", "2026-11-04"),
        ("2026-10-05/2026-11-04", "2026-10-05", "2026-11-04"),
    ],
)
def test_a_period_is_read(text: str, start: str, end: str) -> None:
    assert parse(text) == (date.fromisoformat(start), date.fromisoformat(end))


@pytest.mark.parametrize(
    "text",
    [
        "", "2026", "26-10", "2026-1", "2026-13", "2026-00", "2026-10-32", "2026-02-30", "2025-02-29", "2026-Q0",
        "2026-Q5", "2026-q4", "2026-W00", "2025-W53", "2026-W54", "2026-W1", "2026-fy", "2026-FY27", "0000-01",
        "9999-FY", "9999-W52", " 2026-10", "2026-10 ", "2026-10\n", "2026-10-05..", "2026-10-05..2026-10-04",
        "2026-10..2026-11", "2026-10-05-2026-11-04", "+2026-10", "٢٠٢٦-10",
    ],
)  # fmt: skip
def test_what_is_not_a_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^[a-zA-Z]"):
        parse(text)


@pytest.mark.parametrize(
    "text",
    ["2026-10", "2026-Q4", "2026-W41", "2026-10-05", "2026-FY", "2026-10-05..2026-11-04", "0999-01", "0001-W01"],
)
def test_the_shortest_way_is_written(text: str) -> None:
    assert written(parse(text)) == text


@given(DAYS, DAYS)
@example(date(9999, 1, 1), date(9999, 12, 31))
@example(date(9999, 4, 1), date(9999, 12, 31))
@example(date(9999, 12, 27), date(9999, 12, 31))
@example(date(999, 2, 1), date(999, 2, 28))
def test_what_is_written_is_read_back(one: date, other: date) -> None:
    period = Period(min(one, other), max(one, other))
    assert parse(written(period)) == period


@given(st.integers(1, 9998), st.sampled_from(["-{0:02}", "-Q{1}", "-FY", "-W{2:02}", "-{0:02}-{3:02}"]), st.data())
def test_what_is_read_is_written_as_it_was(year: int, form: str, data: st.DataObject) -> None:
    numbers = [data.draw(st.integers(1, most), label=str(most)) for most in (12, 4, 52, 28)]
    text = f"{year:04}{form.format(*numbers)}"
    assert written(parse(text)) == text


@given(st.text(alphabet="0123456789-QWFY./", max_size=24))
def test_any_other_text_is_refused_in_order(text: str) -> None:
    try:
        start, end = parse(text)
    except ValueError:
        return
    assert start <= end
