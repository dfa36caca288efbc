"""Which numbers this installation calls: types of numbers, countries, new area codes.

Set once when a process has read its settings; every decision about a number asks here. Without
any settings the defaults hold: ordinary telephones in the countries of `data/destinations.json`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, lru_cache

import phonenumbers
from phonenumbers.phonenumberutil import COUNTRY_CODE_TO_REGION_CODE

from outdial.domain.rules.data import table

NORTH_AMERICAN = "+1"


class NumberType(StrEnum):
    """What a number is, by its numbering plan."""

    FIXED_LINE = "fixed_line"
    MOBILE = "mobile"
    FIXED_LINE_OR_MOBILE = "fixed_line_or_mobile"
    VOIP = "voip"
    TOLL_FREE = "toll_free"
    PREMIUM_RATE = "premium_rate"
    SHARED_COST = "shared_cost"
    PERSONAL = "personal"
    PAGER = "pager"
    UAN = "uan"
    """A company's number for a whole country."""
    VOICEMAIL = "voicemail"
    SATELLITE = "satellite"
    """Satellite telephones and international networks."""
    UNKNOWN = "unknown"


ORDINARY = frozenset(
    {
        NumberType.FIXED_LINE,
        NumberType.MOBILE,
        NumberType.FIXED_LINE_OR_MOBILE,
        NumberType.VOIP,
        NumberType.UNKNOWN,
    }
)
"""Always called. UNKNOWN are numbers of new area codes that the settings name."""
SPECIAL_TYPES = tuple(kind.value for kind in NumberType if kind not in ORDINARY)
"""Called where the settings say so."""

_LIBRARY: dict[int, NumberType] = {
    phonenumbers.PhoneNumberType.FIXED_LINE: NumberType.FIXED_LINE,
    phonenumbers.PhoneNumberType.MOBILE: NumberType.MOBILE,
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE: NumberType.FIXED_LINE_OR_MOBILE,
    phonenumbers.PhoneNumberType.VOIP: NumberType.VOIP,
    phonenumbers.PhoneNumberType.TOLL_FREE: NumberType.TOLL_FREE,
    phonenumbers.PhoneNumberType.PREMIUM_RATE: NumberType.PREMIUM_RATE,
    phonenumbers.PhoneNumberType.SHARED_COST: NumberType.SHARED_COST,
    phonenumbers.PhoneNumberType.PERSONAL_NUMBER: NumberType.PERSONAL,
    phonenumbers.PhoneNumberType.PAGER: NumberType.PAGER,
    phonenumbers.PhoneNumberType.UAN: NumberType.UAN,
    phonenumbers.PhoneNumberType.VOICEMAIL: NumberType.VOICEMAIL,
}
_GLOBAL_TYPES = {
    800: NumberType.TOLL_FREE,
    808: NumberType.SHARED_COST,
    870: NumberType.SATELLITE,
    878: NumberType.PERSONAL,
    881: NumberType.SATELLITE,
    882: NumberType.SATELLITE,
    883: NumberType.SATELLITE,
    888: NumberType.SHARED_COST,
    979: NumberType.PREMIUM_RATE,
}
"""ITU-T E.164.1: codes that belong to no country. All others are as expensive."""


@cache
def default_countries() -> frozenset[str]:
    return frozenset(table("destinations")["countries"])


@dataclass(frozen=True, slots=True, eq=False)
class NumberPolicy:
    """What an installation calls, and which area codes it knows beyond the phone library."""

    countries: frozenset[str] | None = field(default_factory=default_countries)
    """ISO 3166 codes; None: all."""
    types: frozenset[NumberType] = frozenset()
    """Beyond the ordinary ones."""
    vouched: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """New area codes as prefixes of E.164, each with its zones; without zones they are unknown."""

    def vouched_zones(self, e164: str) -> tuple[str, ...] | None:
        """The zones of the longest prefix that the settings vouch for; None without any."""
        matching = [each for each in self.vouched if e164.startswith(each[0])]
        return max(matching, key=lambda each: len(each[0]))[1] if matching else None


class _Installed:
    policy = NumberPolicy()


def use_policy(policy: NumberPolicy) -> None:
    """Set the policy of this process; done once, after the settings are read."""
    _Installed.policy = policy


def number_policy() -> NumberPolicy:
    """The policy of this process."""
    return _Installed.policy


def calling_code(e164: str) -> int:
    """The country calling code; 0 for a number of none."""
    for length in (1, 2, 3):
        code = int(e164[1 : 1 + length] or 0)
        if code in COUNTRY_CODE_TO_REGION_CODE:
            return code
    return 0


def library_number(e164: str) -> phonenumbers.PhoneNumber:
    """The library's value of a number in E.164, made without its parser, which is for what people
    write."""
    code = calling_code(e164)
    rest = e164[1 + len(str(code)) :]
    number = phonenumbers.PhoneNumber(country_code=code, national_number=int(rest or 0))
    zeros = len(rest) - len(rest.lstrip("0"))
    if zeros:
        number.italian_leading_zero = True
        if zeros > 1:
            number.number_of_leading_zeros = zeros
    return number


def type_of(number: phonenumbers.PhoneNumber) -> NumberType:
    """The type by the numbering plan; UNKNOWN for a number that is in none."""
    code = number.country_code or 0
    if code in _GLOBAL_TYPES:
        valid = phonenumbers.is_valid_number(number)
        return _GLOBAL_TYPES[code] if valid else NumberType.UNKNOWN
    kind = phonenumbers.number_type(number)
    return _LIBRARY.get(kind, NumberType.UNKNOWN)


def destination(country: str, kind: NumberType) -> str:
    """How evidence notes what a number is, such as `GB/mobile`."""
    return f"{country}/{kind.value}"


def refusal(destinations: Iterable[str], policy: NumberPolicy | None = None) -> str | None:
    """Why a recipient with these numbers is not callable; None when all numbers may be called."""
    return _refusal_of(tuple(destinations), policy or _Installed.policy)


@lru_cache(maxsize=1024)
def _refusal_of(destinations: tuple[str, ...], policy: NumberPolicy) -> str | None:
    return next(filter(None, (_refusal(each, policy) for each in destinations)), None)


def _refusal(of: str, policy: NumberPolicy) -> str | None:
    country, _, name = of.partition("/")
    kind = NumberType(name)
    if kind not in ORDINARY and kind not in policy.types:
        return (
            f"it is a number of the type {kind.value}, which this installation does not call; "
            f"name {kind.value} in numbers.types of the settings to allow it"
        )
    if country and policy.countries is not None and country not in policy.countries:
        return (
            f"it is a number of {country}, which this installation does not call; "
            f"name {country} in numbers.countries of the settings to allow it"
        )
    return None
