"""Reads multipart/form-data (RFC 7578) as it arrives: the parts of a form, none of them in memory.

Of a part's headers only its name and encoding are used. The limits of the whole are those of the
request's body.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from outdial.api.admission import BodyInvalid

MEDIA_TYPE = "multipart/form-data"
_IDENTITY = (b"", b"7bit", b"8bit", b"binary")


@dataclass(frozen=True, slots=True)
class PartHead:
    """The beginning of a part."""

    name: str


Event = PartHead | bytes
"""The beginning of a part, or the next bytes of the one that began last."""


def boundary_of(content_type: str) -> bytes:
    """The boundary that a Content-Type names. Raises BodyInvalid."""
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not boundary:
        raise BodyInvalid("body", "found multipart/form-data without a boundary in Content-Type")
    return boundary


class MultipartReader:
    """Fed with a body piece by piece, it gives the parts' beginnings and contents."""

    def __init__(self, boundary: bytes) -> None:
        """Raises BodyInvalid for a boundary that is too long."""
        self.complete = False
        """Whether the closing boundary was read; what follows it is ignored."""
        self._events: list[Event] = []
        self._parts = 0
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = b""
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": self._take_name,
                    "on_header_value": self._take_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._take_content,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise _unreadable(error) from None

    def feed(self, data: bytes) -> Iterator[Event]:
        """What the next bytes of the body bring. Raises BodyInvalid."""
        if self.complete:
            return
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise _unreadable(error) from None
        events, self._events = self._events, []
        yield from events

    def _begin_part(self) -> None:
        self._parts += 1
        self._headers = {}

    def _take_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _take_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _end_headers(self) -> None:
        given = parse_options_header(self._headers.get(b"content-disposition"))[1]
        name = given.get(b"name", b"").decode("utf-8", errors="replace")
        if not name:
            raise BodyInvalid("body", f"found part {self._parts} of the form without a name")
        if self._headers.get(b"content-transfer-encoding", b"").lower() not in _IDENTITY:
            raise BodyInvalid(name, "found a part that is encoded; send it as it is")
        self._events.append(PartHead(name))

    def _take_content(self, data: bytes, start: int, end: int) -> None:
        self._events.append(data[start:end])

    def _end(self) -> None:
        self.complete = True


def _unreadable(error: FormParserError) -> BodyInvalid:
    return BodyInvalid("body", f"found multipart/form-data that can't be read: {error}")
