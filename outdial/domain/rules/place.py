"""Where a number or an address is: jurisdictions and time zones, with what says so.

A jurisdiction is an ISO 3166 code, `US-FL` or `FR`. A North American number is located by its whole
area code, never by the library's guess for a prefix: three of four prefixes of split area codes
come back with a single zone. Elsewhere a number has the zones of its country by the tz database;
where these show different times, those of its prefix by the national numbering plan, else all.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import cache, lru_cache

import phonenumbers
import pytz
from phonenumbers import timezone as phone_timezone
from phonenumbers.phonenumberutil import COUNTRY_CODE_TO_REGION_CODE

from outdial.domain.clocks import distinct
from outdial.domain.errors import OutdialError
from outdial.domain.numbers.policy import (
    NORTH_AMERICAN,
    NumberType,
    calling_code,
    destination,
    library_number,
    number_policy,
    type_of,
)
from outdial.domain.rules.data import table

UNKNOWN_STATE = "US-unknown"
"""A number of country code 1 without a state: the strictest rules of all hold."""
_TOLL_FREE = ("CA", UNKNOWN_STATE)
_UNKNOWN_ZONE = phone_timezone.UNKNOWN_TIMEZONE
_LONGEST_PREFIX = 8
_NORTH_AMERICAN_LENGTH = len("+12025550123")
_ALL_TELEPHONES = ("US", "CA")
_ALL_ZONES = "*"
_NO_COUNTRY = ("001", "ZZ")


@dataclass(frozen=True, slots=True)
class Place:
    """Zones and jurisdictions that a person may be in by one piece of evidence."""

    zones: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    destination: str = ""
    """Of a number: its country and type, such as `GB/mobile`."""


class UnknownPlace(OutdialError, ValueError):
    """A state or a postal code that is in no table."""

    code = "unknown_place"


def place_of_number(e164: str) -> Place:
    """Every zone and jurisdiction of the number's area; no zones when none is known."""
    if e164.startswith(NORTH_AMERICAN):
        whole = len(e164) == _NORTH_AMERICAN_LENGTH
        place = (_north_american(e164[2:5]) if whole else None) or _special(e164)
        if not place.destination:
            kind = type_of(library_number(e164))
            place = replace(place, destination=destination(place.jurisdictions[0], kind))
    else:
        place = _elsewhere(e164)
    if place.zones:
        return place
    vouched = number_policy().vouched_zones(e164)
    return replace(place, zones=vouched) if vouched else place


def locality(e164: str) -> str:
    """What `place_of_number` depends on: an area code whose numbers are telephones all of one
    place, else the number."""
    if e164.startswith(NORTH_AMERICAN) and len(e164) == _NORTH_AMERICAN_LENGTH:
        place = _north_american(e164[2:5])
        if place is not None and place.destination:
            return e164[:5]
    return e164


@cache
def _north_american(area_code: str) -> Place | None:
    area = table("area_codes")["areas"].get(area_code)
    if area is None:
        return None
    country = area["in"][0].partition("-")[0]
    of = destination(country, NumberType.FIXED_LINE_OR_MOBILE)
    # Elsewhere in country code 1 not every number of an area is a telephone.
    of = of if country in _ALL_TELEPHONES else ""
    return Place(tuple(sorted(area["zones"])), tuple(area["in"]), of)


@lru_cache(maxsize=4096)
def _special(e164: str) -> Place:
    """A number of country code 1 that belongs to no area, such as a toll-free one."""
    number = library_number(e164)
    zones = phone_timezone.time_zones_for_number(number)
    of = destination("US", type_of(number))
    return Place(distinct(zone for zone in zones if zone != _UNKNOWN_ZONE), _TOLL_FREE, of)


def _elsewhere(e164: str) -> Place:
    code = calling_code(e164)
    row = _numbering_row(code, e164)
    country, zones = row if row is not None else (_country(code), _zones_of_code(code))
    of = destination(country, type_of(library_number(e164)))
    return Place(zones, (country,) if country else (), of)


def _country(code: int) -> str:
    """By the calling code, since the library calls an English mobile one of Guernsey's."""
    country = phonenumbers.region_code_for_country_code(code)
    return country if country and country not in _NO_COUNTRY else ""


def _numbering_row(code: int, e164: str) -> tuple[str, tuple[str, ...]] | None:
    """Country and zones of the longest prefix that a numbering plan names."""
    if code not in _planned_codes():
        return None
    rows = _numbering_rows()
    for length in range(_LONGEST_PREFIX, 0, -1):
        row = rows.get(e164[1 : 1 + length])
        if row is not None:
            return row
    return None


@cache
def _planned_codes() -> frozenset[int]:
    return frozenset(calling_code(f"+{prefix}") for prefix in _numbering_rows())


@cache
def _numbering_rows() -> dict[str, tuple[str, tuple[str, ...]]]:
    rows = {}
    for plan in table("number_prefixes")["plans"]:
        country = plan["country"]
        for prefix, zones in plan["prefixes"].items():
            named = zones_of_country(country) if zones == _ALL_ZONES else zones
            rows[prefix] = (country, distinct(named))
    return rows


@cache
def _zones_of_code(code: int) -> tuple[str, ...]:
    """Those of every country that has the code."""
    countries = COUNTRY_CODE_TO_REGION_CODE.get(code, ())
    return distinct(zone for country in countries for zone in zones_of_country(country))


def zones_of_country(country: str) -> tuple[str, ...]:
    """The tz database's zones of a country; those that name a clock best come first."""
    plans = table("number_prefixes")
    zones = pytz.country_timezones.get(plans["same_zones_as"].get(country, country), ())
    return tuple(sorted(zones, key=lambda zone: zone not in plans["named_first"]))


@lru_cache(maxsize=4096)
def place_of_address(
    state: str | None, postal_code: str | None, north_american: bool
) -> Place | None:
    """Zones and jurisdictions of an address; None for one that no table covers.

    Short names such as FL are read beside a number of country code 1 alone, since many countries
    have a BE or a CA; `US-FL` is read beside any. Raises UnknownPlace for what is in no table.
    """
    codes = address_codes(state, postal_code, north_american)
    if not codes:
        return None
    places = table("places")["places"]
    zones = sorted({zone for code in codes for zone in places[code]["zones"]})
    return Place(tuple(zones), tuple(sorted(set(codes))))


def address_codes(
    state: str | None, postal_code: str | None, north_american: bool
) -> tuple[str, ...]:
    """The jurisdictions of an address. Its zones depend on them alone. Raises UnknownPlace."""
    by_state = _by_state(state, north_american) if state else ()
    return by_state + (_by_postal_code(postal_code) if postal_code and north_american else ())


def require_jurisdiction(text: str) -> str:
    """An ISO 3166 code that rules or numbers may have. Raises UnknownPlace otherwise."""
    code = text.strip().upper()
    jurisdictions = {*table("places")["places"], *phonenumbers.SUPPORTED_REGIONS}
    if code in jurisdictions:
        return code
    country = code.partition("-")[0]
    inside = sorted(name for name in jurisdictions if name.startswith(f"{country}-"))
    right = f"write one of {', '.join(inside)}" if inside else "write a code such as US-LA or FR"
    raise UnknownPlace(f"found {text!r}, which is no place we have rules or numbers for; {right}")


_ZIP = re.compile(r"([0-9]{3,5})|([0-9]{5})-?[0-9]{4}|([0-9]{3,5})-[0-9]{4}")
"""Five digits, with four more or without; spreadsheets drop the zeros in front."""
_CANADIAN = re.compile(
    r"([ABCEGHJ-NPRSTVXY])[0-9][ABCEGHJ-NPRSTV-Z][ -]?[0-9][ABCEGHJ-NPRSTV-Z][0-9]"
)
_MILITARY = re.compile(r"09[0-9]{3}|340[0-9]{2}|96[2-6][0-9]{2}")
_ALSO_CALLED = {"FLA": "US-FL", "WASHINGTON DC": "US-DC", "WASHINGTON D C": "US-DC"}


@lru_cache(maxsize=4096)
def _by_state(text: str, north_american: bool) -> tuple[str, ...]:
    # Québec and Hawaiʻi are written with their marks and without.
    marked = unicodedata.normalize("NFKD", text).replace("ʻ", "")
    plain = "".join(each for each in marked if not unicodedata.combining(each))
    words = " ".join(plain.replace(".", "").replace(",", " ").split()).upper()
    places = table("places")["places"]
    if words in places:
        return (words,)
    if not north_american:
        return ()
    code = _states_by_name().get(words) or next(
        (f"{country}-{words}" for country in ("US", "CA") if f"{country}-{words}" in places), None
    )
    if code is None:
        raise UnknownPlace(f"found state {text!r}, which is in no table; write a code such as FL")
    return (code,)


@cache
def _states_by_name() -> dict[str, str]:
    places = table("places")["places"]
    names = {place["name"].replace(".", "").upper(): code for code, place in places.items()}
    return names | _ALSO_CALLED


@cache
def _states_by_zip(prefix: str) -> tuple[str, ...]:
    """Of the first three digits."""
    return tuple(s for first, last, s in table("places")["zip_prefixes"] if first <= prefix <= last)


def _by_postal_code(text: str) -> tuple[str, ...]:
    """The whole code is read, though its beginning would do: half a code is a wrong one."""
    code = text.strip().upper()
    canadian = _CANADIAN.fullmatch(code)
    if canadian is not None:
        return tuple(table("places")["canadian_letters"][canadian.group(1)])
    match = _ZIP.fullmatch(code)
    if match is None:
        raise UnknownPlace(
            f"found postal code {text!r}, which is none of the United States or Canada; write all "
            "of it, such as 33101, 33101-1234 or M5V 2T6"
        )
    whole = next(filter(None, match.groups())).zfill(5)
    if _MILITARY.fullmatch(whole):
        raise UnknownPlace(
            f"found postal code {text!r}, which is the armed forces' and tells no place; "
            "leave it out, and write a time_zone"
        )
    prefix = whole[:3]
    states = _states_by_zip(prefix)
    if not states:
        raise UnknownPlace(
            f"found postal code {text!r}, whose beginning {prefix} no state has; check its digits"
        )
    return states
