"""Ordinary telephones of the United States and Canada, known by one pattern over their digits.

The phone library reads any text of any country, but takes twenty times as long. The pattern is put
together from the library's own metadata, by the steps it takes for a number of country code 1.
"""

from __future__ import annotations

import re
from functools import cache

from phonenumbers import PhoneMetadata
from phonenumbers.phonemetadata import PhoneNumberDesc
from phonenumbers.phonenumberutil import COUNTRY_CODE_TO_REGION_CODE

_REGIONS = ("US", "CA")
"""In the library's order; both are found by their patterns, the others by their area codes."""
_WRITTEN = re.compile(
    r"(\+?1[ .-]?)?(?:\(([2-9][0-9]{2})\) ?|([2-9][0-9]{2})[ .-]?)([0-9]{3})[ .-]?([0-9]{4})"
)
_LENGTH = 10
_SPECIAL = (
    "premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan",
    "voicemail",
)  # fmt: skip


def american_number(text: str, region: str | None) -> str | None:
    """E.164 of an ordinary telephone of the United States or Canada, fixed line or mobile.

    None for any other text: most are numbers too, which the strict reader knows.
    """
    if ordinary_numbers().fullmatch(text):
        return text
    written = _WRITTEN.fullmatch(text)
    if written is None:
        return None
    code, bracketed, plain, exchange, line = written.groups()
    if region not in _REGIONS and not (code and code.startswith("+")):
        return None
    e164 = f"+1{bracketed or plain}{exchange}{line}"
    return e164 if ordinary_numbers().fullmatch(e164) else None


@cache
def ordinary_numbers() -> re.Pattern[str]:
    """The country code and a number that the library says is a fixed line or a mobile."""
    regions = COUNTRY_CODE_TO_REGION_CODE[1]
    excluded = [
        _patterns(region, *_SPECIAL) if region in _REGIONS else _area_codes(region)
        for region in regions
    ]
    lines, before = [], r"(?!)"
    for region in _REGIONS:
        general, fixed, mobile = (
            _pattern(region, name) for name in ("general_desc", "fixed_line", "mobile")
        )
        lines.append(rf"(?!(?:{before})\Z)(?={general}\Z)(?={fixed}\Z){mobile}")
        before = f"{fixed}|{mobile}"
    return re.compile(rf"\+1(?!(?:{'|'.join(excluded)})\Z)(?:{'|'.join(lines)})", re.ASCII)


def _patterns(region: str, *names: str) -> str:
    return "|".join(_pattern(region, name) for name in names)


def _pattern(region: str, name: str) -> str:
    """Of the ten-digit numbers of one type; one that nothing matches where there are none."""
    metadata = PhoneMetadata.metadata_for_region(region, None)
    type_of_number: PhoneNumberDesc | None = getattr(metadata, name)
    if type_of_number is None or not type_of_number.national_number_pattern:
        return r"(?!)"
    lengths = type_of_number.possible_length
    if lengths and _LENGTH not in lengths:
        return r"(?!)"
    return f"(?:{type_of_number.national_number_pattern})"


def _area_codes(region: str) -> str:
    """Every number of a region; without area codes of its own it may have any number."""
    metadata = PhoneMetadata.metadata_for_region(region, None)
    digits = metadata.leading_digits if metadata is not None else None
    return f"(?:{digits or ''})[0-9]*"
