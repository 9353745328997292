"""What bytes does an uploaded file hold, once inflated, in which encoding, and are they all there?"""

import gzip as gzip_format
import hashlib
import io
import zlib
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LONGEST_RECORD = 131_072
"""Bytes, three times the longest narrative: one quote that is never closed would else bring in the whole file."""

BUFFER = 65_536
_BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_CHARSETS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "utf-8",
    "windows-1252": "windows-1252",
    "cp1252": "windows-1252",
}
_NOT_TEXT = {
    b"\x1f\x8b": "This is a gzip file: send it with Content-Encoding: gzip.",
    b"PK\x03\x04": "This is a zip file or a workbook, not text.",
}


class Unreadable(Exception):
    """The file as a whole cannot be read. `column` is the name as it stands in the header, or the missing one of ours;
    `extras` are further members of the problem."""

    def __init__(
        self, code: str, detail: str, *, line: int | None = None, column: str | None = None, **extras: object
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.line = line
        self.column = column
        self.extras = extras


def measure(file: BinaryIO) -> tuple[int, str]:
    digest = hashlib.sha256()
    file.seek(0)
    while block := file.read(BUFFER):
        digest.update(block)
    return file.tell(), digest.hexdigest()


class Inflated(io.RawIOBase):
    """The bytes of the file from its start, inflated, and no more of them than allowed."""

    def __init__(self, file: BinaryIO, gzip: bool, limit: int, overlong: str) -> None:
        file.seek(0)
        # read1 gives what could be inflated before the damage, so that the line named is the line that is damaged.
        self._read = gzip_format.GzipFile(fileobj=file).read1 if gzip else file.read
        self._limit = limit
        self._overlong = overlong
        self.count = 0
        self.record_start = 0  # set by the reader of records; runs ahead of the true start by what is buffered

    def head(self) -> bytes:
        """Enough to know the encoding by."""
        return io.BufferedReader(self, 16).read(4)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        try:
            block = self._read(len(view))
        except EOFError:
            raise Unreadable("truncated_gzip", "The gzip file ends too early: it was not sent whole.") from None
        except (gzip_format.BadGzipFile, zlib.error):
            if self.count:
                raise Unreadable("damaged_gzip", "The gzip file is damaged from here on.") from None
            raise Unreadable("not_gzip", "The content was declared as gzip and is not.") from None
        self.count += len(block)
        if self.count > self._limit:
            detail = f"The file is larger than {self._limit:,} bytes when inflated."
            raise Unreadable("file_too_large", detail, max_bytes=self._limit)
        if self.count - self.record_start > LONGEST_RECORD + BUFFER:
            detail = f"The record that starts here is longer than {LONGEST_RECORD:,} bytes."
            raise Unreadable(self._overlong, detail)
        view[: len(block)] = block
        return len(block)


def encoding_of(head: bytes, charset: str | None) -> tuple[str, bytes]:
    """The encoding, and the byte order mark if there is one: a mark knows better than the media type."""
    for magic, detail in _NOT_TEXT.items():
        if head.startswith(magic):
            raise Unreadable("encoding", detail, line=1)
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if head.startswith(mark):
            return encoding, mark
    if b"\0" in head:
        raise Unreadable("encoding", "This looks like UTF-16 or UTF-32; UTF-16 needs its byte order mark.", line=1)
    encoding = _CHARSETS.get(charset or "utf-8", "")
    if not encoding:
        detail = "The declared charset is not read, or needs a byte order mark that is missing."
        raise Unreadable("encoding", detail, line=1, allowed=["utf-8", "windows-1252"])
    return encoding, b""
