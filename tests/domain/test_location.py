"""Zones of recipients resolved from what was resolved before: the same as each by itself."""

from __future__ import annotations

import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from outdial.domain.numbers.policy import NumberPolicy, refusal
from outdial.domain.rules.location import Location, Locator, RecipientKind
from outdial.domain.rules.place import UnknownPlace
from outdial.domain.rules.zone import UnknownZone, zone_evidence
from tests.generating import examples
from tests.numbering import numbers_under

_NUMBERS = st.sampled_from(
    ["+12025550123", "+12025559999", "+13055550123", "+14165550123", "+18005550123",
     "+12645550123", "+447400123456", "+61412345678", "+3225550123", "+80012345678"]
)  # fmt: skip
_STATES = st.sampled_from(
    [None, "FL", "fl", " Florida ", "US-FL", "ON", "BE", "Nowhere", "é" * 101, " " * 101 + "FL"]
)
_POSTAL_CODES = st.sampled_from([None, "33101", "33102", "10001", "M5V 2T6", "1000", "ab", "09001"])
_ZONES = st.sampled_from([None, "America/New_York", "Europe/London"])
_PERSON = st.tuples(
    _NUMBERS, _ZONES, _STATES, _POSTAL_CODES, st.lists(_NUMBERS, max_size=2).map(tuple)
)


@settings(max_examples=examples(300))
@given(_ZONES, st.lists(_PERSON, max_size=20))
def test_a_locator_finds_what_the_evidence_of_each_person_says(
    default: str | None,
    people: list[tuple[str, str | None, str | None, str | None, tuple[str, ...]]],
) -> None:
    locator = Locator(default)
    with numbers_under(NumberPolicy(countries=frozenset({"US", "CA", "GB", "BE", ""}))):
        for e164, own, state, postal_code, others in people:
            location = locator.locate(
                e164, own=own, state=state, postal_code=postal_code, others=others
            )
            expected = _by_itself(e164, default, own, state, postal_code, others)
            assert location == expected


def test_a_long_part_of_an_address_is_not_remembered() -> None:
    locator = Locator(None)
    before = locator.locate("+12025550123", own=None, state="DC", postal_code=None)
    tracemalloc.start()
    try:
        for length in range(100_000, 100_020):
            state = "DC" + " " * length
            padded = locator.locate("+12025550123", own=None, state=state, postal_code=None)
            assert padded == before
        del state
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 500_000


def _by_itself(
    e164: str,
    default: str | None,
    own: str | None,
    state: str | None,
    postal_code: str | None,
    others: tuple[str, ...],
) -> Location:
    try:
        evidence = zone_evidence(
            e164,
            own=own,
            campaign_default=default,
            state=state,
            postal_code=postal_code,
            others=others,
        )
    except (UnknownZone, UnknownPlace) as error:
        return Location(None, str(error), error.code)
    refused = refusal(evidence.destinations)
    if refused is not None:
        return Location(None, refused)
    kind = RecipientKind(evidence.candidates, evidence.jurisdictions, evidence.destinations, None)
    return Location(evidence.model_dump_json(exclude_none=True), kind)
