"""Which time zones and jurisdictions a person may be in, and what says so.

Zone data is pytz's own; its version is kept with each decision. A number whose area spans
several zones has all of them as candidates, and all must be open.
"""

from __future__ import annotations

from datetime import tzinfo
from enum import StrEnum
from functools import cache, lru_cache
from typing import cast

import phonenumbers
import pytz
from pydantic import BaseModel, ConfigDict

from domain.data import data_version
from domain.place import Place, place_of_address, place_of_number


class ZoneSource(StrEnum):
    OWN = "own"
    ADDRESS = "address"
    ADDRESS_AND_AREA_CODE = "address_and_area_code"
    AREA_CODE = "area_code"
    CAMPAIGN_DEFAULT = "campaign_default"


@cache
def zone_data() -> str:
    """Names the versions of all data that zones are told from."""
    return f"pytz {pytz.VERSION}, phonenumbers {phonenumbers.__version__}, {data_version()}"


class Told(BaseModel):
    """What was known of a person when the zones were told, so that they can be told anew."""

    model_config = ConfigDict(frozen=True)

    own: str | None = None
    state: str | None = None
    postal_code: str | None = None
    campaign_default: str | None = None


class ZoneEvidence(BaseModel):
    """The zones and jurisdictions a person may be in, and where that is known from."""

    model_config = ConfigDict(frozen=True)

    candidates: tuple[str, ...]
    source: ZoneSource
    data_version: str = f"pytz {pytz.VERSION}, phonenumbers {phonenumbers.__version__}"
    jurisdictions: tuple[str, ...] = ()
    """ISO 3166 codes by address and number together; the rules of all of them hold."""
    told: Told | None = None


class UnknownZone(ValueError):
    """Nothing says in which time zone this person is."""


def require_zone(name: str) -> str:
    """The name of a zone pytz knows. Raises ValueError otherwise."""
    if name not in pytz.all_timezones_set:
        raise ValueError(
            f"found {name!r}, which is no IANA time zone; write one such as America/New_York"
        )
    return name


@lru_cache(maxsize=1024)
def load_zone(name: str) -> tzinfo:
    return cast("tzinfo", pytz.timezone(name))


def zone_evidence(
    e164: str,
    *,
    own: str | None = None,
    campaign_default: str | None = None,
    state: str | None = None,
    postal_code: str | None = None,
    others: tuple[str, ...] = (),
) -> ZoneEvidence:
    """The person's own zone; else the address with the area code; else the area code; else the
    campaign's default. `others` are further numbers (E.164) of the same person.

    Raises UnknownZone when none of them is known, UnknownPlace for an address in no table.
    """
    numbers = _together(tuple(_place_of(number) for number in (e164, *others)))
    address = place_of_address(state, postal_code, e164.startswith("+1"))
    told = _told(own, state, postal_code, campaign_default)
    zones: tuple[str, ...]
    if own:
        zones, source = (require_zone(own),), ZoneSource.OWN
    elif address is not None:
        zones, source = _address_zones(address, numbers)
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
        told=told,
    )


def told_anew(evidence: ZoneEvidence, e164: str, others: tuple[str, ...] = ()) -> ZoneEvidence:
    """The same evidence under today's data. Raises UnknownZone when it tells no zone any more."""
    if evidence.data_version == zone_data():
        return evidence
    told = evidence.told or _told_by(evidence)
    return zone_evidence(
        e164,
        own=told.own,
        campaign_default=told.campaign_default,
        state=told.state,
        postal_code=told.postal_code,
        others=others,
    )


def _told_by(evidence: ZoneEvidence) -> Told:
    """What evidence that names none of it must have been told from."""
    only = evidence.candidates[0] if len(evidence.candidates) == 1 else None
    if evidence.source is ZoneSource.OWN:
        return Told(own=only)
    if evidence.source is ZoneSource.CAMPAIGN_DEFAULT:
        return Told(campaign_default=only)
    return Told()


@lru_cache(maxsize=4096)
def _place_of(e164: str) -> Place:
    return place_of_number(e164)


def _together(places: tuple[Place, ...]) -> Place:
    if len(places) == 1:
        return places[0]
    # A number that tells nothing says nothing about where its owner is not.
    zones = {zone for place in places for zone in place.zones}
    jurisdictions = {code for place in places for code in place.jurisdictions}
    return Place(tuple(sorted(zones)), tuple(sorted(jurisdictions)))


def _address_zones(address: Place, numbers: Place) -> tuple[tuple[str, ...], ZoneSource]:
    """Where the area code admits the address, the address; where it disagrees, both."""
    if not numbers.zones or set(address.zones) <= set(numbers.zones):
        return address.zones, ZoneSource.ADDRESS
    both = set(address.zones) | set(numbers.zones)
    return tuple(sorted(both)), ZoneSource.ADDRESS_AND_AREA_CODE


def _jurisdictions(address: Place | None, numbers: Place) -> tuple[str, ...]:
    if address is None:
        return numbers.jurisdictions
    return tuple(sorted({*address.jurisdictions, *numbers.jurisdictions}))


@lru_cache(maxsize=1024)
def _told(
    own: str | None, state: str | None, postal_code: str | None, campaign_default: str | None
) -> Told:
    return Told(own=own, state=state, postal_code=postal_code, campaign_default=campaign_default)
