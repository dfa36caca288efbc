"""The delimiter of a CSV file, from its first line."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

DELIMITERS = (",", ";", "\t")
_NAMED_DELIMITER = re.compile(r'\s*"?sep=([^\w\s"]|\t)"?[\s,;]*', re.IGNORECASE)


def sniff_delimiter(lines: Iterator[str], phone_column: str) -> tuple[list[str], str]:
    """The lines up to the first that holds something, which are to be read again, and the
    delimiter: a line `sep=;`, as Excel writes and reads it, names it and is left blank."""
    first: list[str] = []
    for line in lines:
        named = _NAMED_DELIMITER.fullmatch(line.rstrip("\r\n"))
        if named is not None:
            return [*first, "\n"], named.group(1)
        first.append(line)
        if line.strip():
            return first, _sniff(line, phone_column)
    return first, DELIMITERS[0]


def _sniff(header: str, phone_column: str) -> str:
    """The delimiter under which the header has the phone's column, else the most columns."""

    def merit(delimiter: str) -> tuple[bool, int]:
        try:
            names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter))]
        except csv.Error:
            return False, 0
        return phone_column in names, len(names)

    return max(DELIMITERS, key=merit)
