"""Telephone numbers: read once at the border, E.164 ever after.

Never call this from a workflow: the library loads its metadata lazily.
"""

from __future__ import annotations

import re

import phonenumbers

_E164 = re.compile(r"\+[1-9][0-9]{7,14}")


class BadPhone(ValueError):
    """This is no telephone number that can be dialed."""


def parse_phone(text: str, region: str | None = None) -> str:
    """E.164 of a number written with its country code, or without one in `region`.

    Raises BadPhone saying what was found and what would be right.
    """
    try:
        number = phonenumbers.parse(str(text), region)
    except phonenumbers.NumberParseException as error:
        if error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
            hint = "write it with + and the country code, such as +12025550123"
            if region is None and not str(text).strip().startswith("+"):
                hint += ", or set default_region"
            raise BadPhone(f"found {text!r}, which has no country code; {hint}") from error
        raise BadPhone(
            f"found {text!r}, which is no telephone number; write one such as +12025550123"
        ) from error
    if not phonenumbers.is_valid_number(number):
        raise BadPhone(
            f"found {text!r}, which is not a number of any numbering plan; check its digits"
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def is_e164(text: str) -> bool:
    """Whether it is written as E.164, though perhaps a number that nobody can have."""
    return _E164.fullmatch(text) is not None


def mask_phone(e164: str) -> str:
    """`+1202•••0123`: enough to recognise a number that one knows, not to dial it."""
    if len(e164) < 9:
        return "•" * len(e164)
    return f"{e164[:-7]}•••{e164[-4:]}"
