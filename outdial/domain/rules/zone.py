"""Which time zones and jurisdictions a person may be in, and what says so.

Zone data is pytz's own; its version is kept with each decision. A number whose area spans
several zones has all of them as candidates, and all must be open.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any

import phonenumbers
import pytz
from pydantic import BaseModel, ConfigDict, model_validator

from outdial.domain.clocks import lie_within
from outdial.domain.errors import OutdialError
from outdial.domain.numbers.policy import NORTH_AMERICAN, number_policy
from outdial.domain.rules.data import data_version
from outdial.domain.rules.place import Place, UnknownPlace, place_of_address, place_of_number

LONGEST_ADDRESS_PART = 100
"""Characters of a state or postal code, more than any name of one has."""
_MORE = " "
"""Between the destinations of several numbers of one person."""


class ZoneSource(StrEnum):
    OWN = "own"
    ADDRESS = "address"
    ADDRESS_AND_AREA_CODE = "address_and_area_code"
    OWN_AND_OTHERS = "own_and_others"
    """The person's own zone disagrees with the number or the address: all of them hold."""
    AREA_CODE = "area_code"
    CAMPAIGN_DEFAULT = "campaign_default"


def zone_data() -> str:
    """Names the versions of all data that zones are worked out from."""
    vouched = number_policy().vouched
    return f"{_shipped_data()} {vouched}" if vouched else _shipped_data()


@cache
def _shipped_data() -> str:
    return f"pytz {pytz.VERSION}, phonenumbers {phonenumbers.__version__}, {data_version()}"


class ZoneFacts(BaseModel):
    """What zones were worked out from, so that they can be worked out again under newer data."""

    model_config = ConfigDict(frozen=True)

    own: str | None = None
    state: str | None = None
    postal_code: str | None = None
    campaign_default: str | None = None


class ZoneEvidence(BaseModel):
    """The zones and jurisdictions a person may be in, and the evidence for them."""

    model_config = ConfigDict(frozen=True)

    candidates: tuple[str, ...]
    source: ZoneSource
    data_version: str = f"pytz {pytz.VERSION}, phonenumbers {phonenumbers.__version__}"
    jurisdictions: tuple[str, ...] = ()
    """ISO 3166 codes by address and number together; the rules of all of them hold."""
    destinations: tuple[str, ...] = ()
    """Country and type of each of the person's numbers, such as `GB/mobile`."""
    facts: ZoneFacts | None = None

    @model_validator(mode="before")
    @classmethod
    def _stored_earlier(cls, value: Any) -> Any:
        """Recipients enrolled by an earlier version have the facts under another name."""
        if isinstance(value, dict) and "told" in value:
            return {"facts": value["told"]} | value
        return value


class NoPlacesZone(OutdialError, ValueError):
    """An abbreviation or an offset, in place of a time zone."""

    code = "no_places_zone"


class UnknownZone(OutdialError, ValueError):
    """No evidence gives a time zone for this person."""

    code = "unknown_zone"


_ABBREVIATIONS = {
    "EST": "America/New_York",
    "EDT": "America/New_York",
    "EST5EDT": "America/New_York",
    "ET": "America/New_York",
    "CST": "America/Chicago",
    "CDT": "America/Chicago",
    "CST6CDT": "America/Chicago",
    "CT": "America/Chicago",
    "MST": "America/Denver, or America/Phoenix",
    "MDT": "America/Denver",
    "MST7MDT": "America/Denver",
    "MT": "America/Denver",
    "PST": "America/Los_Angeles",
    "PDT": "America/Los_Angeles",
    "PST8PDT": "America/Los_Angeles",
    "PT": "America/Los_Angeles",
    "AKST": "America/Anchorage",
    "AKDT": "America/Anchorage",
    "HST": "Pacific/Honolulu",
    "AST": "America/Halifax, or America/Puerto_Rico",
    "NST": "America/St_Johns",
    "BST": "Europe/London",
    "IST": "Asia/Kolkata, Europe/Dublin or Asia/Jerusalem",
    "WET": "Europe/Lisbon",
    "CET": "Europe/Berlin",
    "CEST": "Europe/Berlin",
    "MET": "Europe/Berlin",
    "EET": "Europe/Athens",
    "EEST": "Europe/Athens",
    "MSK": "Europe/Moscow",
    "JST": "Asia/Tokyo",
    "AEST": "Australia/Sydney, or Australia/Brisbane",
    "AEDT": "Australia/Sydney",
    "ACST": "Australia/Adelaide, or Australia/Darwin",
    "AWST": "Australia/Perth",
    "NZST": "Pacific/Auckland",
    "NZDT": "Pacific/Auckland",
    "EASTERN": "America/New_York",
    "CENTRAL": "America/Chicago",
    "MOUNTAIN": "America/Denver",
    "PACIFIC": "America/Los_Angeles",
}
"""What people write for a zone, and what they probably mean. Some are IANA names of an offset that
knows no daylight saving time, so that a person would be called an hour too late all summer."""
_FIXED = re.compile(r"(?:Etc/)?(?:GMT|UTC)[+-]0*[1-9][0-9]*(?::?[0-9]{2})?")


def require_zone(name: str) -> str:
    """The name of a zone pytz knows. Raises ValueError otherwise, and NoPlacesZone for an
    abbreviation or a fixed offset, which no place keeps to."""
    meant = _ABBREVIATIONS.get(name.upper())
    if meant is not None:
        raise NoPlacesZone(
            f"found {name!r}, which is an abbreviation and says nothing about daylight saving "
            f"time; write the IANA time zone of the place, such as {meant}"
        )
    if _FIXED.fullmatch(name):
        raise NoPlacesZone(
            f"found {name!r}, which is a fixed offset and no place's time zone; "
            "write the IANA time zone of the place, such as America/New_York"
        )
    if name not in pytz.all_timezones_set:
        raise ValueError(
            f"found {name!r}, which is no IANA time zone; write one such as America/New_York"
        )
    return name


@cache
def zone_names() -> tuple[str, ...]:
    """Every name that `require_zone` takes."""
    names = sorted(pytz.all_timezones_set - _ABBREVIATIONS.keys())
    return tuple(name for name in names if not _FIXED.fullmatch(name))


def zone_evidence(
    e164: str,
    *,
    own: str | None = None,
    campaign_default: str | None = None,
    state: str | None = None,
    postal_code: str | None = None,
    others: tuple[str, ...] = (),
) -> ZoneEvidence:
    """Number, address and the person's own zone together: what lies within another is the
    better evidence, and what disagrees holds beside it. Nothing of them: the campaign's default.
    `others` are further numbers (E.164) of the same person.

    Raises UnknownZone when none of them is known, UnknownPlace for an address in no table.
    """
    vouched = number_policy().vouched
    if others:
        numbers = _together(tuple(_place_of(number, vouched) for number in (e164, *others)))
    else:
        numbers = _place_of(e164, vouched)
    american = e164.startswith(NORTH_AMERICAN)
    facts = (own, _brief("state", state), _brief("postal code", postal_code), campaign_default)
    return _evidence(numbers, american, facts, vouched)


def _brief(what: str, text: str | None) -> str | None:
    """Without blanks around it: it is remembered, and kept with the recipient.

    Raises UnknownPlace for what is longer than any such name.
    """
    plain = text.strip() if text is not None else ""
    if len(plain) > LONGEST_ADDRESS_PART:
        raise UnknownPlace(
            f"found a {what} of {len(plain)} characters; write at most {LONGEST_ADDRESS_PART}"
        )
    return plain or None


@lru_cache(maxsize=4096)
def _evidence(
    numbers: Place,
    north_american: bool,
    facts: tuple[str | None, str | None, str | None, str | None],
    vouched: object,
) -> ZoneEvidence:
    """Cached: a roster has few kinds of people."""
    own, state, postal_code, campaign_default = facts
    address = place_of_address(state, postal_code, north_american)
    zones: tuple[str, ...]
    if own or address is not None:
        theirs = (require_zone(own),) if own else ()
        zones, source = _agreed(numbers.zones, address.zones if address else (), theirs)
    elif numbers.zones:
        zones, source = numbers.zones, ZoneSource.AREA_CODE
    elif campaign_default:
        zones, source = (campaign_default,), ZoneSource.CAMPAIGN_DEFAULT
    else:
        raise UnknownZone("no time zone is known for this number; give the person a time_zone")
    return ZoneEvidence(
        candidates=zones,
        source=source,
        data_version=zone_data(),
        jurisdictions=_jurisdictions(address, numbers),
        destinations=tuple(numbers.destination.split(_MORE)),
        facts=ZoneFacts(
            own=own, state=state, postal_code=postal_code, campaign_default=campaign_default
        ),
    )


def renew_evidence(evidence: ZoneEvidence, e164: str, others: tuple[str, ...] = ()) -> ZoneEvidence:
    """The same evidence under today's data. Raises UnknownZone when that gives no zone any more."""
    if evidence.data_version == zone_data():
        return evidence
    facts = evidence.facts or _facts_of(evidence)
    return zone_evidence(
        e164,
        own=_accepted_zone(facts.own),
        campaign_default=_accepted_zone(facts.campaign_default),
        state=facts.state,
        postal_code=facts.postal_code,
        others=others,
    )


def _accepted_zone(zone: str | None) -> str | None:
    """A zone that was accepted once; None for one that is refused by now, such as EST."""
    try:
        return require_zone(zone) if zone else None
    except ValueError:
        return None


def _facts_of(evidence: ZoneEvidence) -> ZoneFacts:
    """What evidence without its facts must have been worked out from."""
    only = evidence.candidates[0] if len(evidence.candidates) == 1 else None
    if evidence.source is ZoneSource.OWN:
        return ZoneFacts(own=only)
    if evidence.source is ZoneSource.CAMPAIGN_DEFAULT:
        return ZoneFacts(campaign_default=only)
    return ZoneFacts()


@lru_cache(maxsize=4096)
def _place_of(e164: str, vouched: object) -> Place:
    """`vouched` is what the settings vouch for: part of the key of what is remembered."""
    return place_of_number(e164)


def _together(places: tuple[Place, ...]) -> Place:
    if len(places) == 1:
        return places[0]
    # A number without a zone does not limit where its owner may be.
    zones = {zone for place in places for zone in place.zones}
    jurisdictions = {code for place in places for code in place.jurisdictions}
    destinations = sorted({place.destination for place in places})
    return Place(tuple(sorted(zones)), tuple(sorted(jurisdictions)), _MORE.join(destinations))


def _agreed(
    numbers: tuple[str, ...], address: tuple[str, ...], own: tuple[str, ...]
) -> tuple[tuple[str, ...], ZoneSource]:
    """Zones that must all be open, and their source.

    Evidence in which other evidence lies is wider than need be, and left out; a number's zones
    are never made wider by an address or a zone in which they lie.
    """
    sources_of = [
        (zones, source)
        for zones, source in (
            (numbers, ZoneSource.AREA_CODE),
            (own, ZoneSource.OWN),
            (address, ZoneSource.ADDRESS),
        )
        if zones
    ]
    narrowest = [
        (zones, source)
        for at, (zones, source) in enumerate(sources_of)
        if not any(
            lie_within(others, zones) and (not lie_within(zones, others) or before < at)
            for before, (others, _) in enumerate(sources_of)
            if before != at
        )
    ]
    if len(narrowest) == 1:
        zones, source = narrowest[0]
        alike = [named for also, named in sources_of if lie_within(also, zones)]
        return zones, ZoneSource.OWN if ZoneSource.OWN in alike else source
    sources = [source for _, source in narrowest]
    own_too = ZoneSource.OWN in sources
    together = tuple(sorted({zone for zones, _ in narrowest for zone in zones}))
    return together, ZoneSource.OWN_AND_OTHERS if own_too else ZoneSource.ADDRESS_AND_AREA_CODE


def _jurisdictions(address: Place | None, numbers: Place) -> tuple[str, ...]:
    if address is None:
        return numbers.jurisdictions
    return tuple(sorted({*address.jurisdictions, *numbers.jurisdictions}))
