"""Reads multipart/form-data (RFC 7578) as it arrives: the parts of a form, none of them in memory.

Of a part's headers only its name and media type are used. The limits of the whole are those of the
request's body.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

from outdial.api.admission import BodyInvalid

MEDIA_TYPE = "multipart/form-data"
_MOST_HEADERS = 8_192
"""Bytes of headers that a part may have."""
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")
"""RFC 2046, section 5.1.1."""
_IDENTITY = ("", "7bit", "8bit", "binary")


@dataclass(frozen=True, slots=True)
class PartHead:
    """The beginning of a part."""

    name: str


Event = PartHead | bytes
"""The beginning of a part, or the next bytes of the one that began last."""


def boundary_of(content_type: str) -> bytes:
    """The boundary that a Content-Type names. Raises BodyInvalid."""
    boundary = _parameter("content-type", content_type, "boundary") or ""
    if _BOUNDARY.fullmatch(boundary) is None:
        raise BodyInvalid("body", "found multipart/form-data without a boundary in Content-Type")
    return boundary.encode("ascii")


class MultipartReader:
    """Fed with a body piece by piece, it gives the parts' beginnings and contents."""

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"\r\n--" + boundary
        # The first boundary may stand at the very beginning, without a line end before it.
        self._rest = b"\r\n"
        self._read = self._preamble
        self._parts = 0
        self.complete = False
        """Whether the closing boundary was read; what follows it is ignored."""

    def feed(self, data: bytes) -> Iterator[Event]:
        """What the next bytes of the body bring. Raises BodyInvalid."""
        self._rest += data
        while not self.complete:
            before = len(self._rest), self._read
            yield from self._read()
            if before == (len(self._rest), self._read):
                return

    def _preamble(self) -> Iterator[Event]:
        for _ in self._content():
            pass
        yield from ()

    def _content(self) -> Iterator[Event]:
        end = self._rest.find(self._delimiter)
        if end >= 0:
            content, self._rest = self._rest[:end], self._rest[end + len(self._delimiter) :]
            self._read = self._after_delimiter
        else:
            kept = len(self._delimiter) - 1
            content, self._rest = self._rest[:-kept], self._rest[-kept:]
        if content:
            yield content

    def _after_delimiter(self) -> Iterator[Event]:
        """`--` closes the form; a line end, perhaps behind spaces, begins a part."""
        line, end, rest = self._rest.partition(b"\r\n")
        if self._rest.startswith(b"--"):
            self.complete = True
            self._rest = b""
        elif end and not line.strip(b" \t"):
            self._rest, self._read = b"\r\n" + rest, self._headers
        elif end or len(self._rest) > _MOST_HEADERS:
            raise BodyInvalid("body", "found text after a boundary of multipart/form-data")
        yield from ()

    def _headers(self) -> Iterator[Event]:
        head, end, rest = self._rest.partition(b"\r\n\r\n")
        if len(head) > _MOST_HEADERS:
            raise BodyInvalid(
                "body", f"found a part with more than {_MOST_HEADERS} bytes of headers"
            )
        if not end:
            return
        self._rest, self._read = rest, self._content
        self._parts += 1
        yield _head_of(head, self._parts)


def _head_of(head: bytes, part: int) -> PartHead:
    headers: dict[str, str] = {}
    for line in head.decode("utf-8", errors="replace").split("\r\n"):
        header, _, value = line.partition(":")
        headers[header.strip().lower()] = value.strip()
    name = _parameter("content-disposition", headers.get("content-disposition", ""), "name")
    if not name:
        raise BodyInvalid("body", f"found part {part} of the form without a name")
    if headers.get("content-transfer-encoding", "").lower() not in _IDENTITY:
        raise BodyInvalid(name, "found a part that is encoded; send it as it is")
    return PartHead(name)


def _parameter(header: str, value: str, parameter: str) -> str | None:
    message = Message()
    message[header] = value.replace("\r", " ").replace("\n", " ")
    given = message.get_param(parameter, header=header)
    return given if isinstance(given, str) else None
