"""Where a number or an address is: jurisdictions and time zones, with what says so.

A jurisdiction is an ISO 3166 code, `US-FL` or `FR`. A North American number is told by its whole
area code, never by the library's guess for a prefix: three of four prefixes of split area codes
come back with a single zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import phonenumbers
from phonenumbers import timezone as phone_timezone

from domain.data import table

UNKNOWN_STATE = "US-unknown"
"""A number of country code 1 that tells no state: the strictest rules of all hold."""
_TOLL_FREE = ("CA", UNKNOWN_STATE)
_UNKNOWN_ZONE = phone_timezone.UNKNOWN_TIMEZONE


@dataclass(frozen=True, slots=True)
class Place:
    """Everywhere a person may be, as far as one piece of evidence tells."""

    zones: tuple[str, ...]
    jurisdictions: tuple[str, ...]


class UnknownPlace(ValueError):
    """A state or a postal code that is in no table."""


def place_of_number(e164: str) -> Place:
    """Every zone and jurisdiction of the number's area; no zones when nothing tells any."""
    if e164.startswith("+1"):
        return _north_american(e164[2:5]) or _toll_free(e164)
    return _elsewhere(e164)


@cache
def _north_american(area_code: str) -> Place | None:
    area = table("area_codes")["areas"].get(area_code)
    if area is None:
        return None
    return Place(tuple(sorted(area["zones"])), tuple(area["in"]))


def _toll_free(e164: str) -> Place:
    zones = _library_zones(phonenumbers.parse(e164))
    return Place(zones, _TOLL_FREE)


def _elsewhere(e164: str) -> Place:
    number = phonenumbers.parse(e164)
    country = _country(number.country_code or 0, e164)
    for length in _prefix_lengths():
        zones = table("number_prefixes")["prefixes"].get(e164[1 : 1 + length])
        if zones is not None:
            return Place(tuple(sorted(zones)), country)
    return Place(_library_zones(number), country)


def _country(code: int, e164: str) -> tuple[str, ...]:
    """By the calling code, since the library calls an English mobile one of Guernsey's."""
    if e164.startswith(("+76", "+77")):
        return ("KZ",)
    country = phonenumbers.region_code_for_country_code(code)
    return (country,) if country and country != "001" and country != "ZZ" else ()


@cache
def _prefix_lengths() -> tuple[int, ...]:
    lengths = {len(prefix) for prefix in table("number_prefixes")["prefixes"]}
    return tuple(sorted(lengths, reverse=True))


def _library_zones(number: phonenumbers.PhoneNumber) -> tuple[str, ...]:
    zones = phone_timezone.time_zones_for_number(number)
    return tuple(sorted(zone for zone in zones if zone != _UNKNOWN_ZONE))


@lru_cache(maxsize=4096)
def place_of_address(
    state: str | None, postal_code: str | None, north_american: bool
) -> Place | None:
    """What an address tells; None when it tells nothing we have a table for.

    Short names such as FL are read beside a number of country code 1 alone, since many countries
    have a BE or a CA; `US-FL` is read beside any. Raises UnknownPlace for what is in no table.
    """
    found: list[str] = []
    if state:
        found += _by_state(state, north_american)
    if postal_code and north_american:
        found += _by_postal_code(postal_code)
    if not found:
        return None
    places = table("places")["places"]
    zones = sorted({zone for code in found for zone in places[code]["zones"]})
    return Place(tuple(zones), tuple(sorted(set(found))))


def require_jurisdiction(text: str) -> str:
    """An ISO 3166 code that rules or numbers may have. Raises UnknownPlace otherwise."""
    code = text.strip().upper()
    known = {*table("places")["places"], *phonenumbers.SUPPORTED_REGIONS}
    if code in known:
        return code
    country = code.partition("-")[0]
    inside = sorted(name for name in known if name.startswith(f"{country}-"))
    right = f"write one of {', '.join(inside)}" if inside else "write a code such as US-LA or FR"
    raise UnknownPlace(f"found {text!r}, which is no place we have rules or numbers for; {right}")


def _by_state(text: str, north_american: bool) -> list[str]:
    words = " ".join(text.replace(".", "").split()).upper()
    places = table("places")["places"]
    if words in places:
        return [words]
    if not north_american:
        return []
    names = {place["name"].replace(".", "").upper(): code for code, place in places.items()}
    code = names.get(words) or next(
        (f"{country}-{words}" for country in ("US", "CA") if f"{country}-{words}" in places), None
    )
    if code is None:
        raise UnknownPlace(f"found state {text!r}, which is in no table; write a code such as FL")
    return [code]


def _by_postal_code(text: str) -> list[str]:
    code = text.strip().upper()
    digits = code.split("-")[0]
    if digits.isascii() and digits.isdigit() and 3 <= len(digits) <= 5:
        prefix = digits.zfill(5)[:3]
        states = [
            s for first, last, s in table("places")["zip_prefixes"] if first <= prefix <= last
        ]
    else:
        states = table("places")["canadian_letters"].get(code[:1], [])
    if not states:
        raise UnknownPlace(
            f"found postal code {text!r}, which is in no table; write one such as 33101 or M5V 2T6"
        )
    return states
