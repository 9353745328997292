"""Which days does a period mean? Months, quarters, weeks, days, financial years, and plain intervals.

Quarters are those of the calendar; a financial year begins on 1 April and bears the year of that day (2026-FY is
1 April 2026 to 31 March 2027).
"""

import re
from calendar import monthrange
from contextlib import suppress
from datetime import date
from typing import NamedTuple


class Period(NamedTuple):
    """A span of whole days, the first and the last included."""

    start: date
    end: date


_FORMS = re.compile(
    r"(?P<year>\d{4})-(?:(?P<month>\d{2})(?:-(?P<day>\d{2}))?|Q(?P<quarter>[1-4])|W(?P<week>\d{2})|(?P<financial>FY))",
    re.ASCII,
)
FORMS = {
    "month": "2026-10",
    "quarter": "2026-Q4",
    "week": "2026-W41",
    "day": "2026-10-05",
    "financial_year": "2026-FY",
    "interval": "2026-10-05..2026-11-04",
}
"""How each type of period is written, by example."""
_WRITTEN_AS = "A period is written as 2026-10, 2026-Q4, 2026-W41, 2026-10-05, 2026-FY or START..END."
_INTERVAL = re.compile(r"(\d{4}-\d{2}-\d{2})(?:/|\.\.)(\d{4}-\d{2}-\d{2})", re.ASCII)


def parse(text: str) -> Period:
    """The days of a period written as 2026-10, 2026-Q4, 2026-W41, 2026-10-05, 2026-FY or 2026-10-05..2026-11-04.

    Raises ValueError with what is wrong in one sentence, without the text itself.
    """
    try:
        period = _parsed(text)
    except ValueError:  # of a date, such as a thirteenth month
        raise ValueError(_WRITTEN_AS) from None
    if period.end < period.start:
        raise ValueError("The period ends before it starts.")
    return period


def _parsed(text: str) -> Period:
    if interval := _INTERVAL.fullmatch(text):
        return Period(*map(date.fromisoformat, interval.groups()))
    form = _FORMS.fullmatch(text)
    if form is None:
        raise ValueError(_WRITTEN_AS)
    year = int(form["year"])
    if form["financial"]:
        return Period(date(year, 4, 1), date(year + 1, 3, 31))
    if form["week"]:
        monday, sunday = (date.fromisocalendar(year, int(form["week"]), day) for day in (1, 7))
        return Period(monday, sunday)
    if form["quarter"]:
        last = int(form["quarter"]) * 3
        return Period(date(year, last - 2, 1), _last_day(year, last))
    month = int(form["month"])
    if form["day"]:
        return Period(*[date(year, month, int(form["day"]))] * 2)
    return Period(date(year, month, 1), _last_day(year, month))


def written(period: Period) -> str:
    """The shortest way to write a period; `parse` reads it back."""
    start, end = period
    if start == end:
        return start.isoformat()
    year, week = f"{start.year:04}", start.isocalendar()
    candidates = [f"{year}-{start.month:02}", f"{year}-Q{(start.month + 2) // 3}", f"{year}-FY"]
    candidates.append(f"{week.year:04}-W{week.week:02}")
    for text in candidates:
        with suppress(ValueError):  # a year or week that would end after the last day that a date can be
            if parse(text) == period:
                return text
    return f"{start.isoformat()}..{end.isoformat()}"


def _last_day(year: int, month: int) -> date:
    return date(year, month, monthrange(year, month)[1])
