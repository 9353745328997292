"""How would the caller like to be answered (RFC 7240)?"""

from urllib.request import parse_http_list


def preferences(header: str | None) -> dict[str, str]:
    """The preferences by name in lower case; the first of each counts. Parameters of a preference are left out."""
    found: dict[str, str] = {}
    for each in parse_http_list(header or ""):
        name, _, value = each.partition(";")[0].partition("=")
        found.setdefault(name.strip().lower(), value.strip().strip('"'))
    return found
