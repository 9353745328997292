"""What did the query string say, taken strictly?"""

import difflib
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import parse_qsl

from pip_api.http.problems import Problem, bad_parameter, fault

LONGEST_VALUE = 8_000  # characters
MOST_VALUES = 100  # of a list in one parameter
LONGEST_OF_SEVERAL = 200


def parameters(
    query_string: bytes, allowed: Collection[str], longest: Mapping[str, int] | None = None
) -> dict[str, str]:
    """The parameters by name. An unknown, repeated, empty or too long one is refused, all of them at once.

    `longest` says for some of them how many characters they may have.
    """
    most = longest or {}
    found: dict[str, str] = {}
    if not query_string:
        return found
    errors: list[dict[str, Any]] = []
    try:
        pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError:
        raise Problem("invalid_parameter", "The query string is not percent-encoded UTF-8 text.") from None
    for name, value in pairs:
        if name not in allowed:
            errors.append(unknown(name, allowed))
        elif name in found:
            detail = f"'{name}' was sent more than once; put several values into one, with commas."
            errors.append(fault("repeated_query_parameter", detail, "query", parameter=name))
        elif not value:
            errors.append(fault("invalid_parameter", f"'{name}' has no value.", "query", parameter=name))
        elif len(value) > most.get(name, LONGEST_VALUE):
            detail = f"'{name}' has at most {most.get(name, LONGEST_VALUE)} characters."
            errors.append(fault("invalid_parameter", detail, "query", parameter=name))
        elif "\0" in value:
            detail = f"'{name}' has a NUL, which is not accepted in text."
            errors.append(fault("invalid_parameter", detail, "query", parameter=name))
        found[name] = value
    if errors:
        raise Problem(errors[0]["code"], errors[0]["detail"], errors=errors)
    return found


def several(name: str, text: str) -> list[str]:
    """The values that stand in a parameter with commas between. Raises 400 for empty, long or too many."""
    values = text.split(",")
    if not all(values):
        raise bad_parameter(name, f"'{name}' has an empty value.")
    if len(values) > MOST_VALUES or max(map(len, values)) > LONGEST_OF_SEVERAL:
        told = f"'{name}' has at most {MOST_VALUES} values of at most {LONGEST_OF_SEVERAL} characters."
        raise bad_parameter(name, told)
    return values


def unknown(
    name: str, allowed: Collection[str], parameter: str | None = None, kind: str = "parameter"
) -> dict[str, Any]:
    """The fault of a name that is not known, itself or in the value of a parameter; with what is, and the likeliest."""
    shown = name if name.replace(":", "", 1).replace(".", "", 1).isidentifier() and len(name) <= 64 else "this"
    members: dict[str, Any] = {"parameter": parameter or shown, "allowed": sorted(allowed)}
    if close := difflib.get_close_matches(name, allowed, n=1):
        members["suggestion"] = close[0]
    code = "unknown_query_parameter" if parameter is None else "invalid_parameter"
    return fault(code, f"There is no {kind} '{shown}' here.", "query", **members)
