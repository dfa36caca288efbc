"""The lines of a contact file: decoded one by one, so that a file of any size can be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from outdial.domain.errors import OutdialError

MAX_LINE = 1_000_000
"""Bytes. A longer line is no row of contacts; the file is read no further, to bound memory."""
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class NotOpened(OutdialError):
    """The file can't be opened; says what was found and what would be right."""

    code = "csv_not_opened"


class NotReadable(OutdialError):
    """The file can't be read beyond a line."""

    code = "csv_not_readable"

    def __init__(self, line: int, message: str) -> None:
        super().__init__(line, message)
        self.line, self.message = line, message


@dataclass(frozen=True, slots=True)
class BadByte:
    """A byte that is not UTF-8."""

    line: int
    byte: int
    before: str
    """What stands before it in its line."""


class CsvLines:
    """Iterates over the lines of a file. Bytes that are not UTF-8 are replaced, and the first is
    kept in `bad_byte`: a file in another encoding has one mistake, not thousands."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.bad_byte: BadByte | None = None

    def __iter__(self) -> Iterator[str]:
        """Raises NotOpened, NotReadable."""
        try:
            stream = self._path.open("rb")
        except FileNotFoundError:
            raise NotOpened(f"found no file {str(self._path)!r}; check the path") from None
        except IsADirectoryError:
            raise NotOpened(f"found a folder, {str(self._path)!r}; name the file in it") from None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise NotOpened(f"found a file that can't be read: {reason}") from error
        with stream:
            number = 0
            while data := stream.readline(MAX_LINE + 1):
                number += 1
                yield self._decode(data, number)

    def _decode(self, data: bytes, number: int) -> str:
        if number == 1:
            if data.startswith(_UTF16_MARKS):
                raise NotReadable(1, "found UTF-16; save the file as UTF-8 (in Excel: CSV UTF-8)")
            data = data.removeprefix(_UTF8_MARK)
        if len(data) > MAX_LINE:
            raise NotReadable(number, f"found a line of more than {MAX_LINE} bytes; break it up")
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            text = data.decode("utf-8", errors="replace")
            if self.bad_byte is None:
                before = data[: error.start].decode("utf-8")
                self.bad_byte = BadByte(number, data[error.start], before)
            return text
