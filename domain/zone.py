"""Which time zones a person may be in, and what says so.

Zone data is pytz's own; its version is kept with each decision. A number whose area spans
several zones has all of them as candidates, and all must be open.
"""

from __future__ import annotations

from datetime import tzinfo
from enum import StrEnum
from functools import lru_cache
from typing import cast

import phonenumbers
import pytz
from phonenumbers import timezone as phone_timezone
from pydantic import BaseModel, ConfigDict

_UNKNOWN = phone_timezone.UNKNOWN_TIMEZONE


class ZoneSource(StrEnum):
    OWN = "own"
    AREA_CODE = "area_code"
    CAMPAIGN_DEFAULT = "campaign_default"


class ZoneEvidence(BaseModel):
    """The zones a person may be in, and where that is known from."""

    model_config = ConfigDict(frozen=True)

    candidates: tuple[str, ...]
    source: ZoneSource
    data_version: str = f"pytz {pytz.VERSION}, phonenumbers {phonenumbers.__version__}"


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
    e164: str, *, own: str | None = None, campaign_default: str | None = None
) -> ZoneEvidence:
    """The person's own zone, else every zone of the number's area, else the campaign's default.

    Raises UnknownZone when none of them is known.
    """
    if own:
        return ZoneEvidence(candidates=(require_zone(own),), source=ZoneSource.OWN)
    number = phonenumbers.parse(e164)
    zones = tuple(sorted(z for z in phone_timezone.time_zones_for_number(number) if z != _UNKNOWN))
    if zones:
        return ZoneEvidence(candidates=zones, source=ZoneSource.AREA_CODE)
    if campaign_default:
        return ZoneEvidence(candidates=(campaign_default,), source=ZoneSource.CAMPAIGN_DEFAULT)
    raise UnknownZone("no time zone is known for this number; give the person a time_zone")
