"""Escapes cells of CSV files that a spreadsheet would evaluate as a formula.

A cell that begins so is written behind an apostrophe, which spreadsheets show as text; reading
takes it away again. Numbers, `+12125550143` among them, compute nothing and stay as they are.
"""

from __future__ import annotations

import re

_FORMULA = re.compile(r"'*\s*[=+@\-\t\r\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?[0-9][0-9.,]*")


def escape_cell(text: str) -> str:
    """The text as a spreadsheet shows it, whatever it begins with."""
    return f"'{text}" if _begins_formula(text) else text


def unescape_cell(text: str) -> str:
    """What `escape_cell` was given."""
    rest = text.removeprefix("'")
    return rest if rest != text and _begins_formula(rest) else text


def _begins_formula(text: str) -> bool:
    return text.startswith(("\t", "\r")) or bool(
        _FORMULA.match(text) and not _NUMBER.fullmatch(text)
    )
