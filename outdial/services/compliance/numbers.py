"""Telephone numbers as people write them in a request."""

from __future__ import annotations

from outdial.domain.numbers.phone import BadPhone, parse_phone
from outdial.services.errors import RequestRefused


def parse_number(text: str, region: str | None = None) -> str:
    """E.164 of a number as people write it. Raises RequestRefused."""
    try:
        return parse_phone(text, region)
    except BadPhone as error:
        raise RequestRefused(str(error)) from error
