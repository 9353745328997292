"""Which text stands for which bytes in tokens, keys, heads and cursors? Base64url without padding (RFC 4648, 5), where
one text stands for one row of bytes and for no other.
"""

import base64
import binascii
import re
from typing import Final

_ALPHABET: Final = re.compile(r"[A-Za-z0-9_-]+")


class NotBase64url(ValueError):
    """The message says in a word what is wrong."""


def written(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def read(text: str) -> bytes:
    """Raises NotBase64url."""
    if not _ALPHABET.fullmatch(text):
        raise NotBase64url("alphabet")
    try:
        value = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise NotBase64url("noncanonical") from error
    # The unused bits of the last character are free: without this several texts would be one.
    if written(value) != text:
        raise NotBase64url("noncanonical")
    return value
