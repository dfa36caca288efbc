"""The delimiter of a CSV file, from its first line."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain, repeat

DELIMITERS = (",", ";", "\t")
_NAMED_DELIMITER = re.compile(r'\s*"?sep=([^\w\s"]|\t)"?[\s,;]*', re.IGNORECASE)


def sniff_delimiter(lines: Iterator[str], phone_column: str) -> tuple[Iterable[str], str]:
    """The lines up to the first that holds something, which are to be read again, and the
    delimiter: a line `sep=;`, as Excel writes and reads it, names it and is left blank.

    Blank lines are counted and not kept: there may be any number of them."""
    blank = 0
    for line in lines:
        named = _NAMED_DELIMITER.fullmatch(line.rstrip("\r\n"))
        if named is not None:
            return repeat("\n", blank + 1), named.group(1)
        if line.strip():
            return chain(repeat("\n", blank), [line]), _sniff(line, phone_column)
        blank += 1
    return repeat("\n", blank), DELIMITERS[0]


def _sniff(header: str, phone_column: str) -> str:
    """The delimiter under which the header has the phone's column, else the most columns."""

    def merit(delimiter: str) -> tuple[bool, int]:
        try:
            names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter))]
        except csv.Error:
            return False, 0
        return phone_column in names, len(names)

    return max(DELIMITERS, key=merit)
