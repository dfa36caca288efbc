"""Which telephone numbers this installation calls."""

from __future__ import annotations

import re

import phonenumbers
from pydantic import BaseModel, ConfigDict, field_validator

from outdial.domain.definition.fields import parse_zone
from outdial.domain.numbers.policy import SPECIAL_TYPES, NumberPolicy, NumberType, default_countries

DEFAULT, ALL = "default", "*"
_PREFIX = re.compile(r"\+[1-9][0-9]{2,8}")


class NumberSettings(BaseModel):
    """Numbers of other types and countries are refused on entry, and once more at the fence,
    so that a leaked key can't run up a bill."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    countries: tuple[str, ...] = (DEFAULT,)
    """ISO 3166 codes. `default` stands for the list that ships, `*` for all countries: write
    `["default", "KZ"]` for one country more."""
    types: tuple[str, ...] = ()
    """Special types that are called nevertheless, such as `toll_free`."""
    area_codes: dict[str, tuple[str, ...]] = {}
    """New area codes that the phone library does not know yet, as prefixes such as `+1729`, each
    with its time zones; an empty list where the contact file has them."""

    @field_validator("countries")
    @classmethod
    def _known_countries(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in (DEFAULT, ALL) and name not in phonenumbers.SUPPORTED_REGIONS:
                raise ValueError(
                    f"found {name!r}, which is no ISO 3166 country code; write one such as KZ, "
                    f"or {DEFAULT}, or {ALL}"
                )
        if not value:
            raise ValueError(f"found no country; write some, or {DEFAULT}, or {ALL}")
        return value

    @field_validator("types")
    @classmethod
    def _known_types(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in SPECIAL_TYPES:
                types = ", ".join(SPECIAL_TYPES)
                raise ValueError(f"found {name!r}, which is no special type; write some of {types}")
        return value

    @field_validator("area_codes")
    @classmethod
    def _prefixes(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for prefix, zones in value.items():
            if not _PREFIX.fullmatch(prefix):
                raise ValueError(f"found {prefix!r}; write + and digits, such as +1729")
            for zone in zones:
                parse_zone(zone)
        return value

    def policy(self) -> NumberPolicy:
        countries = {name for name in self.countries if name != DEFAULT}
        if DEFAULT in self.countries:
            countries |= default_countries()
        return NumberPolicy(
            countries=None if ALL in self.countries else frozenset(countries),
            types=frozenset(NumberType(name) for name in self.types),
            vouched=tuple(sorted(self.area_codes.items())),
        )
