"""Which of the media types that there are does a caller want its answer in?"""

from functools import lru_cache

from mimeparse import MimeTypeParseException, best_match

from pip_api.http.problems import Problem

LONGEST = 1_000  # characters of an Accept header; a browser sends some 150


def preferred(offers: tuple[str, ...], accept: str | None) -> str | None:
    """The offer that suits an Accept header best, the first one in doubt, or None when it excludes them all."""
    if not offers:
        return None
    if not accept or accept == "*/*":
        return offers[0]
    return _best(offers, accept) if len(accept) <= LONGEST else None


@lru_cache(maxsize=1_024)
def _best(offers: tuple[str, ...], accept: str) -> str | None:
    try:
        return best_match(offers[::-1], accept.lower()) or None
    except MimeTypeParseException:
        return None


def require_acceptable(offers: tuple[str, ...], accept: str | None) -> None:
    """Raises 406 when an operation that answers with content has none that the caller accepts."""
    if offers and preferred(offers, accept) is None:
        listed = ", ".join(offers)
        raise Problem("not_acceptable", f"Accept one of: {listed}.", extra={"available": list(offers)})
