"""Where a person may be, and what says so."""

from __future__ import annotations

import pytest

from outdial.domain.clocks import clock_of
from outdial.domain.rules.place import UNKNOWN_STATE, UnknownPlace
from outdial.domain.rules.zone import (
    UnknownZone,
    ZoneEvidence,
    ZoneFacts,
    ZoneSource,
    renew_evidence,
    zone_data,
    zone_evidence,
)

NEW_YORK_CLOCK = "America/Grand_Turk"
"""The first of the library's names with the clock of New York."""
NEW_YORK, CHICAGO, DENVER = "America/New_York", "America/Chicago", "America/Denver"


@pytest.mark.parametrize(
    ("number", "zones", "jurisdictions"),
    [
        ("+12122030000", {NEW_YORK}, {"US-NY"}),
        # The library says Chicago for each of these; their area codes have both, or neither.
        ("+18506812011", {CHICAGO, NEW_YORK}, {"US-FL"}),
        ("+16892011234", {NEW_YORK}, {"US-FL"}),
        ("+16052011234", {CHICAGO, DENVER}, {"US-SD"}),
        ("+14743001234", {"America/Regina", "America/Edmonton"}, {"CA-SK"}),
        # A Bermudian mobile: the library lists all of country code 1.
        ("+14413001234", {"Atlantic/Bermuda"}, {"BM"}),
        ("+17875551234", {"America/Puerto_Rico"}, {"US-PR"}),
        # An English mobile is not Guernsey's; Recife is not Noronha alone.
        (
            "+447911123456",
            {"Europe/London"},
            {"GB"},
        ),
        ("+5581987654321", {"America/Recife", "America/Noronha"}, {"BR"}),
        ("+212612345678", {"Africa/Casablanca"}, {"MA"}),
        ("+77172123456", {"Asia/Almaty"}, {"KZ"}),
    ],
)
def test_the_area_of_a_number(number: str, zones: set[str], jurisdictions: set[str]) -> None:
    evidence = zone_evidence(number)
    assert set(evidence.candidates) == zones
    assert set(evidence.jurisdictions) == jurisdictions
    assert evidence.source is ZoneSource.AREA_CODE
    assert evidence.data_version == zone_data()


def test_a_toll_free_number_may_be_anywhere_and_has_the_strictest_rules() -> None:
    evidence = zone_evidence("+18005551234")
    assert {NEW_YORK_CLOCK, "Pacific/Honolulu", "Pacific/Guam"} <= set(evidence.candidates)
    assert len(set(map(clock_of, evidence.candidates))) == len(evidence.candidates) == 18
    assert evidence.destinations == ("US/toll_free",)
    assert evidence.jurisdictions == ("CA", UNKNOWN_STATE)


@pytest.mark.parametrize(
    ("address", "zones", "source"),
    [
        # The area code admits the address: the address it is.
        ({"state": "IL"}, {CHICAGO}, ZoneSource.ADDRESS),
        ({"postal_code": "60601"}, {CHICAGO}, ZoneSource.ADDRESS),
        # It does not: both.
        ({"state": "Texas"}, {CHICAGO, DENVER, NEW_YORK}, ZoneSource.ADDRESS_AND_AREA_CODE),
        ({"state": "us-co"}, {DENVER, CHICAGO, NEW_YORK}, ZoneSource.ADDRESS_AND_AREA_CODE),
        (
            {"postal_code": "V5K 0A1"},
            {
                "America/Vancouver",
                "America/Edmonton",
                "America/Fort_Nelson",
                "America/Dawson_Creek",
                "America/Creston",
                CHICAGO,
                NEW_YORK,
            },
            ZoneSource.ADDRESS_AND_AREA_CODE,
        ),
        # So it is with the person's own zone.
        ({"own": CHICAGO}, {CHICAGO}, ZoneSource.OWN),
        ({"own": CHICAGO, "state": "IL"}, {CHICAGO}, ZoneSource.OWN),
        ({"own": "Asia/Tokyo"}, {"Asia/Tokyo", CHICAGO, NEW_YORK}, ZoneSource.OWN_AND_OTHERS),
        (
            {"own": "Asia/Tokyo", "state": "IL"},
            {"Asia/Tokyo", CHICAGO},
            ZoneSource.OWN_AND_OTHERS,
        ),
        ({"own": CHICAGO, "state": "NY"}, {CHICAGO, NEW_YORK}, ZoneSource.OWN_AND_OTHERS),
    ],
)
def test_an_address_counts_together_with_the_area_code(
    address: dict[str, str], zones: set[str], source: ZoneSource
) -> None:
    evidence = zone_evidence("+18122011234", **address)  # type: ignore[arg-type]  # Indiana, both
    assert set(evidence.candidates) == zones
    assert evidence.source is source
    assert "US-IN" in evidence.jurisdictions


def test_the_rules_of_address_and_area_code_hold_together() -> None:
    assert zone_evidence("+12122030000", state="FL").jurisdictions == ("US-FL", "US-NY")
    # Short names mean nothing beside other countries' numbers: BE is Berlin, or Belgium.
    assert zone_evidence("+493012345678", state="BE", postal_code="10115").jurisdictions == ("DE",)
    assert zone_evidence("+493012345678", state="US-FL").jurisdictions == ("DE", "US-FL")


@pytest.mark.parametrize("address", [{"state": "Flrida"}, {"postal_code": "09012"}])
def test_an_address_in_no_table_is_refused(address: dict[str, str]) -> None:
    with pytest.raises(UnknownPlace, match=next(iter(address.values()))):
        zone_evidence("+12122030000", **address)  # type: ignore[arg-type]


def test_further_numbers_of_a_person_count() -> None:
    evidence = zone_evidence("+12122030000", others=("+13105551234",))
    assert set(evidence.candidates) == {NEW_YORK, "America/Los_Angeles"}
    assert evidence.jurisdictions == ("US-CA", "US-NY")


def test_the_default_is_the_last_resort() -> None:
    unknown = "+17292011234"
    default = zone_evidence(unknown, campaign_default=CHICAGO)
    assert (default.candidates, default.source) == ((CHICAGO,), ZoneSource.CAMPAIGN_DEFAULT)
    assert zone_evidence("+12122030000", campaign_default=CHICAGO).candidates == (NEW_YORK,)
    with pytest.raises(UnknownZone):
        zone_evidence(unknown)


def test_evidence_of_an_earlier_version_is_read() -> None:
    stored = '{"candidates": ["Asia/Tokyo"], "source": "own", "told": {"own": "Asia/Tokyo"}}'
    evidence = ZoneEvidence.model_validate_json(stored)
    assert evidence.facts == ZoneFacts(own="Asia/Tokyo")
    assert ZoneEvidence.model_validate_json(evidence.model_dump_json()) == evidence


def test_old_evidence_is_renewed_from_its_facts() -> None:
    old = ZoneEvidence(
        candidates=(CHICAGO,),
        source=ZoneSource.AREA_CODE,
        data_version="last year's",
        facts=ZoneFacts(state="TN"),
    )
    assert set(renew_evidence(old, "+14232011234").candidates) == {CHICAGO, NEW_YORK}
    own = old.model_copy(update={"facts": ZoneFacts(own="Asia/Tokyo")})
    zones = {"Asia/Tokyo", CHICAGO, NEW_YORK}
    assert set(renew_evidence(own, "+14232011234").candidates) == zones
    # What was taken once and is refused by now stops no claim: the number tells.
    est = old.model_copy(update={"facts": ZoneFacts(own="EST")})
    assert set(renew_evidence(est, "+14232011234").candidates) == {CHICAGO, NEW_YORK}
    with pytest.raises(UnknownZone):
        renew_evidence(est, "+17292011234")
    fresh = zone_evidence("+14232011234")
    assert renew_evidence(fresh, "+12122030000") is fresh


def test_a_number_is_never_made_wider_by_evidence_in_which_it_lies() -> None:
    """Texas has two zones, Houston one; a zone of the same clock is the same zone."""
    assert zone_evidence("+17132011234", state="TX").candidates == (CHICAGO,)
    assert zone_evidence("+17132011234", state="TX").source is ZoneSource.AREA_CODE
    detroit = zone_evidence("+12122030000", own="America/Detroit")
    assert (detroit.candidates, detroit.source) == ((NEW_YORK,), ZoneSource.OWN)
    # Berlin's clock is Busingen's; Brisbane's is one of an Australian mobile's.
    assert zone_evidence("+491701234567", own="Europe/Busingen").candidates == ("Europe/Berlin",)
    brisbane = zone_evidence("+61412345678", own="Australia/Brisbane")
    assert (brisbane.candidates, brisbane.source) == (("Australia/Brisbane",), ZoneSource.OWN)


@pytest.mark.parametrize("blanks", [" ", "\t\n", " " * 100_000])
@pytest.mark.parametrize(("part", "text"), [("state", "FL"), ("postal_code", "33101")])
def test_blanks_around_an_address_are_not_kept(part: str, text: str, blanks: str) -> None:
    evidence = zone_evidence("+12125550143", **{part: f"{blanks}{text}{blanks}"})  # type: ignore[arg-type]
    assert evidence == zone_evidence("+12125550143", **{part: text})  # type: ignore[arg-type]
    assert evidence.facts is not None
    assert getattr(evidence.facts, part) == text


@pytest.mark.parametrize("padding", [".", ",", "\N{SNOWMAN}", "0"])
@pytest.mark.parametrize(("part", "text"), [("state", "FL"), ("postal_code", "33101")])
def test_an_address_is_short(part: str, text: str, padding: str) -> None:
    """What is remembered for everybody is not as long as whoever wrote it likes."""
    with pytest.raises(UnknownPlace, match=r"of 1[0-9]{5} characters; write at most 100"):
        zone_evidence("+12125550143", **{part: text + padding * 100_000})  # type: ignore[arg-type]


@pytest.mark.parametrize(("written", "code"), [("Hawaiʻi", "US-HI"), ("Québec", "CA-QC")])
def test_a_state_is_written_with_its_marks_and_without(written: str, code: str) -> None:
    plain = {"US-HI": "Hawaii", "CA-QC": "Quebec"}[code]
    evidence = {
        zone_evidence("+12122030000", state=text).jurisdictions for text in (written, plain)
    }
    assert evidence == {(code, "US-NY")}


@pytest.mark.parametrize("written", ["FL\N{SNOWMAN}", "\N{CJK UNIFIED IDEOGRAPH-6771}FL", "FLД"])
def test_what_stands_beside_a_state_is_not_passed_over(written: str) -> None:
    with pytest.raises(UnknownPlace, match="is in no table"):
        zone_evidence("+12122030000", state=written)
