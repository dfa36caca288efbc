"""Time zones that are not what they seem: H1, H2, H5, and every prefix beside the tz database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import phonenumbers
import pytest
import pytz
from phonenumbers.phonenumberutil import COUNTRY_CODE_TO_REGION_CODE
from phonenumbers.tzdata import TIMEZONE_DATA

from outdial.domain.call.plan import CallPlan, read_plan
from outdial.domain.clocks import clock_of
from outdial.domain.decision.decision import Candidate, Dial, Ledger, Wait
from outdial.domain.decision.planner import decide
from outdial.domain.definition.agent import Agent
from outdial.domain.definition.fields import parse_zone
from outdial.domain.definition.purpose import Purpose
from outdial.domain.definition.schedule import Schedule
from outdial.domain.rules.data import table
from outdial.domain.rules.place import place_of_number
from outdial.domain.rules.zone import zone_evidence, zone_names

OUTSIDE = sorted(code for code in COUNTRY_CODE_TO_REGION_CODE if code != 1)
PLANS = table("number_prefixes")["plans"]
ROWS = {prefix: plan["country"] for plan in PLANS for prefix in plan["prefixes"]}
ALSO = table("number_prefixes")["same_zones_as"]


def clocks(zones: object) -> set[object]:
    return {clock_of(zone) for zone in zones}  # type: ignore[attr-defined]


def tzdb_zones(country: str) -> list[str]:
    return list(pytz.country_timezones.get(ALSO.get(country, country), ()))


def row_of(e164: str) -> str | None:
    prefixes = [prefix for prefix in ROWS if e164[1:].startswith(prefix)]
    return max(prefixes, key=len, default=None)


def every_prefix() -> Iterator[str]:
    """All prefixes of which the phone library knows zones or countries, and all rows of ours."""
    yield from (prefix for prefix in TIMEZONE_DATA if not prefix.startswith("1"))
    yield from map(str, OUTSIDE)
    yield from ROWS


def test_every_prefix_of_every_country_has_the_zones_of_the_tz_database() -> None:
    """All zones are the country's, and they are its whole set unless a numbering plan says less."""
    wrong = []
    for prefix in sorted(set(every_prefix())):
        for filler in ("0", "5", "9"):
            e164 = f"+{prefix}".ljust(12, filler)
            code = next(c for c in OUTSIDE if e164[1:].startswith(str(c)))
            regions = [r for r in COUNTRY_CODE_TO_REGION_CODE[code] if r != "001"]
            row = row_of(e164)
            countries = [ROWS[row]] if row else regions
            expected = clocks(zone for country in countries for zone in tzdb_zones(country))
            actual = clocks(place_of_number(e164).zones)
            whole = row is None or PLAN_ZONES[row] == "*"
            if (actual != expected) if whole else not (actual and actual <= expected):
                wrong.append((e164, place_of_number(e164).zones))
    assert wrong == []


PLAN_ZONES = {prefix: zones for plan in PLANS for prefix, zones in plan["prefixes"].items()}


def test_rows_are_of_known_codes_and_have_sources() -> None:
    for plan in PLANS:
        assert len(plan["source"]) > 30, plan["country"]
        for prefix, zones in plan["prefixes"].items():
            assert any(prefix.startswith(str(code)) for code in OUTSIDE), prefix
            assert zones == "*" or set(zones) <= set(tzdb_zones(plan["country"])), prefix


def test_a_country_of_one_clock_needs_no_row() -> None:
    """Argentina has twelve names for one clock, Germany two."""
    for number in ("+541123456789", "+493012345678", "+4721234567", "+35722345678"):
        assert len(place_of_number(number).zones) == 1, number
    assert place_of_number("+541123456789").zones[0].startswith("America/Argentina/")


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        # H2 and the rest of Australia
        ("+61732101234", {"Australia/Brisbane"}),
        ("+61740501234", {"Australia/Brisbane"}),  # Cairns
        ("+61755361234", {"Australia/Brisbane", "Australia/Sydney"}),  # Tweed Heads
        ("+61298761234", {"Australia/Sydney"}),
        ("+61362221234", {"Australia/Melbourne"}),
        ("+61892211234", {"Australia/Perth"}),
        ("+61882201234", {"Australia/Adelaide"}),
        ("+61889811234", {"Australia/Darwin"}),
        ("+61880881234", {"Australia/Broken_Hill"}),
        ("+61891621234", {"Indian/Cocos"}),
        ("+61891641234", {"Indian/Christmas"}),
        # H5 and the rest of +7
        ("+77011234567", {"Asia/Almaty"}),
        ("+77172123456", {"Asia/Almaty"}),
        ("+74012345678", {"Europe/Kaliningrad"}),
        ("+74951234567", {"Europe/Moscow"}),
        ("+78461234567", {"Europe/Samara"}),
        ("+73432345678", {"Asia/Yekaterinburg"}),
        ("+74232345678", {"Asia/Vladivostok"}),
        ("+74112345678", {"Asia/Yakutsk", "Asia/Ust-Nera", "Asia/Srednekolymsk"}),
        # Brazil: 93 and 94 are Pará
        ("+5593987654321", {"America/Santarem"}),
        ("+5594987654321", {"America/Belem"}),
        ("+5592987654321", {"America/Manaus"}),
        ("+5568987654321", {"America/Rio_Branco"}),
        ("+5511987654321", {"America/Sao_Paulo"}),
        # Mexico
        ("+526141234567", {"America/Chihuahua"}),
        ("+526561234567", {"America/Ciudad_Juarez"}),
        ("+526641234567", {"America/Tijuana"}),
        ("+526621234567", {"America/Hermosillo"}),
        ("+529981234567", {"America/Cancun"}),
        ("+525512345678", {"America/Mexico_City"}),
        ("+528991234567", {"America/Matamoros"}),
        # Chile
        ("+56612345678", {"America/Punta_Arenas"}),
        ("+56672345678", {"America/Coyhaique"}),
        ("+56221234567", {"America/Santiago"}),
        ("+56322100123", {"Pacific/Easter", "America/Santiago"}),
        # and others
        ("+211912345678", {"Africa/Juba"}),
        ("+34928123456", {"Atlantic/Canary"}),
        ("+34912345678", {"Europe/Madrid"}),
        ("+34612345678", {"Europe/Madrid", "Atlantic/Canary"}),
        ("+351296123456", {"Atlantic/Azores"}),
        ("+351291123456", {"Atlantic/Madeira"}),
        ("+351912345678", {"Europe/Lisbon", "Atlantic/Azores"}),
        ("+59352123456", {"America/Guayaquil", "Pacific/Galapagos"}),
        ("+59322123456", {"America/Guayaquil"}),
        ("+6433050123", {"Pacific/Chatham"}),
        ("+6493001234", {"Pacific/Auckland"}),
        ("+262692123456", {"Indian/Reunion"}),
        ("+262639123456", {"Indian/Mayotte"}),
        ("+62361234567", {"Asia/Makassar"}),
        ("+62211234567", {"Asia/Jakarta"}),
        ("+62812345678", {"Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"}),
        ("+243812345678", {"Africa/Kinshasa", "Africa/Lubumbashi"}),
        ("+8613800138000", {"Asia/Shanghai"}),
        ("+869912345678", {"Asia/Shanghai", "Asia/Urumqi"}),
        ("+380501234567", {"Europe/Kyiv"}),
        ("+97611123456", {"Asia/Ulaanbaatar"}),
        ("+97699112233", {"Asia/Ulaanbaatar", "Asia/Hovd"}),
        ("+38344123456", {"Europe/Belgrade"}),
    ],
)
def test_zones_of_numbers(number: str, zones: set[str]) -> None:
    assert clocks(zone_evidence(number).candidates) == clocks(zones)


def decided(number: str, hours: str, at: str, **address: str) -> object:
    evidence = zone_evidence(number, **address)  # type: ignore[arg-type]
    plan = CallPlan(
        purpose=Purpose.INFORMATIONAL,
        line="simulated",
        agent=Agent(id="a"),
        schedule=Schedule.model_validate({"hours": hours}),
    )
    candidate = Candidate(zones=evidence.candidates, jurisdictions=evidence.jurisdictions)
    return decide(candidate, plan, Ledger(), datetime.fromisoformat(at).astimezone(UTC))


def test_h2_brisbane_is_not_called_on_the_clocks_of_sydney() -> None:
    assert isinstance(decided("+61732101234", "09:00-18:00", "2027-01-12T08:05+10:00"), Wait)
    assert isinstance(decided("+61732101234", "09:00-18:00", "2027-01-12T09:05+10:00"), Dial)
    assert isinstance(decided("+5593987654321", "09:00-18:00", "2027-01-12T18:05-03:00"), Wait)


def test_h5_a_kazakh_mobile_can_be_called() -> None:
    assert isinstance(decided("+77011234567", "09:00-18:00", "2027-01-12T09:05+05:00"), Dial)
    assert isinstance(decided("+77011234567", "09:00-18:00", "2027-01-12T18:05+05:00"), Wait)


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("EST", "America/New_York"),
        ("MST", "America/Denver"),
        ("HST", "Pacific/Honolulu"),
        ("EST5EDT", "America/New_York"),
        ("PST8PDT", "America/Los_Angeles"),
        ("CET", "Europe/Berlin"),
        ("PST", "America/Los_Angeles"),
        ("IST", "Asia/Kolkata"),
        ("est", "America/New_York"),
        ("Etc/GMT+5", "of the place"),
        ("Etc/GMT-10", "of the place"),
        ("GMT+5", "of the place"),
        ("UTC-05:00", "of the place"),
    ],
)
def test_h1_abbreviations_and_offsets_are_refused_with_a_suggestion(
    written: str, right: str
) -> None:
    with pytest.raises(ValueError, match=r"no place's time zone|abbreviation") as refused:
        parse_zone(written)
    assert right in str(refused.value)


def test_no_zone_is_taken_whose_name_is_an_offset_but_for_utc() -> None:
    refused = pytz.all_timezones_set - set(zone_names())
    assert {"EST", "MST", "HST", "CET", "MET", "EET", "WET", "Etc/GMT+5"} <= refused
    named = {zone for zones in pytz.country_timezones.values() for zone in zones}
    assert named <= set(zone_names())
    for zone in zone_names():
        assert parse_zone(zone) == zone
        if zone not in named and len(clock_of(zone)) == 1:
            # A link: it shows some place's time, or it is UTC.
            assert clock_of(zone) in clocks(named), zone


def test_the_library_alone_is_wrong() -> None:
    """Why there are rows at all: what the library says today of numbers above."""
    from phonenumbers import timezone as library

    queensland = phonenumbers.parse("+61732101234")
    assert library.time_zones_for_number(queensland) == ("Australia/Sydney",)


def test_a_stored_plan_with_a_zone_that_is_refused_by_now_is_still_read() -> None:
    text = (
        '{"purpose": "informational", "line": "simulated", "agent": {"id": "a"},'
        ' "schedule": {"hours": ["09:00-18:00"], "time_zone": "EST"}}'
    )
    assert read_plan(text).schedule.time_zone == "EST"
    with pytest.raises(ValueError, match="abbreviation"):
        CallPlan.model_validate_json(text)
