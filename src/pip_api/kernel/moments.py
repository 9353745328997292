"""Of which moment does a request ask, and how does an answer say of which it is (RFC 7089)?"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from pip_api.http.problems import Problem, bad_parameter, fault
from pip_api.kernel.call import Answer
from pip_api.kernel.document import header, query
from pip_api.kernel.query import Filter
from pip_api.kernel.shapes import FIRST_YEAR, LAST_YEAR, in_bounds

AS_OF = query(
    "as_of",
    "The whole answer as it would have been at this moment, by today's permissions.",
    {"type": "string", "format": "date-time"},
    example="2026-10-01T09:30:00Z",
)
ACCEPT_DATETIME = header(
    "Accept-Datetime",
    "The same as `as_of`, as an HTTP date; `as_of` goes first.",
    {
        "type": "string",
        "pattern": "^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$",
        "maxLength": 29,
    },
    example="Thu, 01 Oct 2026 09:30:00 GMT",
)
MOMENT = (AS_OF, ACCEPT_DATETIME)


def asked_moment(asked: Mapping[str, str], headers: Mapping[str, str], now: datetime) -> datetime | None:
    """The moment asked for, if one is. Raises 400."""
    if "as_of" in asked:
        return read_moment("as_of", asked["as_of"], now)
    if (given := headers.get("accept-datetime")) is None:
        return None
    try:
        moment = parsedate_to_datetime(given)
        if moment.tzinfo is None:  # -0000 says that nobody knows the offset
            raise ValueError
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _bad_header("'Accept-Datetime' must be an HTTP date, such as Thu, 01 Oct 2026 09:30:00 GMT.") from None
    if not in_bounds(moment):
        raise _bad_header(f"'Accept-Datetime' must be of the years {FIRST_YEAR} to {LAST_YEAR}.")
    if moment > now:
        raise _bad_header("'Accept-Datetime' is in the future.")
    return moment


def read_moment(name: str, text: str, now: datetime) -> datetime:
    """The moment that a parameter names. Raises 400."""
    moment: datetime = Filter(name, "", "moment", "").read(text)
    if moment > now:
        raise bad_parameter(name, f"'{name}' is in the future.")
    return moment


def require_kept(moment: datetime, kept_from: datetime | None) -> None:
    """Raises 410 for a moment of which the ledger is no longer kept whole."""
    if kept_from is not None and moment < kept_from:
        detail = f"What was before {kept_from.date()} is no longer kept."
        raise Problem("retired", detail, extra={"kept_from": kept_from})


def memento(answer: Answer, moment: datetime, url: str) -> Answer:
    """The answer with the headers that tell of which moment it is, and where the present is."""
    original = f'<{url}>; rel="original timegate"'
    links = ", ".join(link for link in (answer.headers.get("Link"), original) if link)
    told = {"Memento-Datetime": format_datetime(moment, usegmt=True), "Link": links}
    return replace(answer, headers={**answer.headers, **told})


def _bad_header(detail: str) -> Problem:
    wrong = fault("invalid_parameter", detail, "header", header="Accept-Datetime")
    return Problem("invalid_parameter", detail, errors=[wrong])
