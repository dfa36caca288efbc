"""R3, P2: an agent's words are claims of a stranger, about times and about how the talk went."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outdial.domain.call.disposition import (
    LONGEST_SLUG,
    LONGEST_TEXT,
    OTHER,
    disposition_of,
    masked_text,
)
from outdial.domain.call.event import believable
from outdial.domain.call.retry import Retry
from outdial.domain.call.settlement import NextAttempt, Settling, follow
from outdial.domain.call.status import BOOKED, CALL_ME_LATER, OPTED_OUT
from outdial.domain.instants import FURTHEST_AHEAD
from outdial.domain.record import CallRecord, CampaignRecord, RecipientRecord
from outdial.providers.lines import ResultMapping
from outdial.providers.reports.analysis import redial_time_in
from outdial.store.call import calls, events
from outdial.store.db.database import Database
from outdial.store.roster.roster import list_recipients
from tests.builders import LINE, NOW, House, event
from tests.databases import empty
from tests.generating import examples

AGAIN: dict[str, Any] = {"retry": {"max_attempts": 3}}
NAMED = datetime(2026, 3, 5, 18, 0, tzinfo=UTC)
NO_PROMISES = [
    "2024-03-02T15:00",  # R3: agents take the present year for 2024
    "2026-03-04T09:30",
    "2026-03-04T14:58:00Z",
    "1970-01-01T00:00:00Z",
    "0001-01-01T00:00:00+23:59",
    "2027-03-09T15:00",
    "2999-12-31T23:59:59Z",
    "9999-12-31",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-23:59",
    "99999-01-01T00:00",
    "tomorrow at three",
    "20260305T180000",
    "2026-W10-4",
]
SENTENCES = [
    "x" * 2100,  # P2
    "Anna Schmidt asked to be called at +49 30 123456",
    "Anna Schmidt",
    "anna_schmidt_of_the_front_desk_at_the_clinic_in_town",
    "call +12125550143",
    "patient-4711234",
    "a.schmidt@example.com",
    "confirmed; ssn 078-05-1120",
    "booked\nNext appointment: " + "9" * 300,
    "\x00",
    "\ud800",
    "🙂",
    "<script>",
    "",
    "   ",
    "ok" * 30,
    "failed:rejected",
    "no answer",
    "unknown",
    "busy",
    "in_progress",
]


def ended_with(house: House, campaign: CampaignRecord, **words: Any) -> CallRecord:
    """One call whose agent said this, settled."""
    call_id = house.claim_one(campaign).call_id
    house.place(call_id)
    analysis = event(f"a-{call_id}", kind="analysis", call_id=call_id, at=house.now, **words)
    house.write(lambda s: events.store_events(s, LINE, [analysis], now=house.now))
    house.end(call_id)
    call = house.write(lambda s: calls.get_call(s, call_id))
    assert call is not None
    return call


def person(house: House, campaign: CampaignRecord) -> RecipientRecord:
    (row,) = house.write(lambda s: list_recipients(s, campaign.id, launch=1, limit=9))
    return row


@pytest.mark.parametrize("written", NO_PROMISES)
def test_a_time_that_is_no_promise_is_as_if_none_had_been_named(house: House, written: str) -> None:
    campaign = house.launch(1, **AGAIN)
    structured = {"disposition": CALL_ME_LATER, "call_at": written}
    ended_with(
        house,
        campaign,
        disposition=CALL_ME_LATER,
        redial_at=redial_time_in(structured),
        structured=structured,
    )
    row = person(house, campaign)
    assert (row.not_before, row.reason) == (
        NOW + timedelta(days=1),
        "call_me_later; tried again",
    )
    assert not house.claim(campaign).calls
    house.later(days=1)
    assert len(house.claim(campaign).calls) == 1


@pytest.mark.parametrize("written", ["2026-03-05T13:00", "2026-03-05T18:00:00Z"])
def test_a_time_that_is_one_is_kept(house: House, written: str) -> None:
    campaign = house.launch(1, **AGAIN)
    ended_with(
        house,
        campaign,
        disposition=CALL_ME_LATER,
        redial_at=redial_time_in({"call_at": written}),
    )
    row = person(house, campaign)
    assert (row.not_before, row.reason) == (NAMED, "asked to be called then")


@pytest.mark.parametrize("at", [datetime.max, datetime.min, datetime(2026, 3, 3)])  # noqa: DTZ901
def test_an_instant_of_an_event_that_no_adapter_has_read_is_bounded_too(
    house: House, at: datetime
) -> None:
    """Simulated networks and tools of tomorrow hand over instants, not texts."""
    campaign = house.launch(2, **AGAIN)
    ended_with(house, campaign, disposition=CALL_ME_LATER, redial_at=at)
    assert len(house.claim(campaign).calls) == 1
    house.later(days=2)
    assert len(house.claim(campaign).calls) == 1


@settings(max_examples=examples(200))
@given(
    named=st.one_of(st.datetimes(), st.datetimes(timezones=st.timezones())),
    ended=st.datetimes(datetime(2025, 1, 1), datetime(2035, 1, 1)),
)
def test_nobody_waits_longer_than_a_year_nor_is_called_before_the_end(
    named: datetime, ended: datetime
) -> None:
    end = ended.replace(tzinfo=UTC)
    believed = believable(event(at=end, redial_at=named), end)
    instant = believed.redial_at
    if instant is not None and instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    settling = Settling(
        outcome=CALL_ME_LATER,
        counts_as_attempt=True,
        earlier_outcomes=(),
        zones=("Europe/Berlin",),
        ended_at=end,
        redial_at=instant,
    )
    following = follow(settling, Retry(max_attempts=2))
    assert isinstance(following, NextAttempt)
    assert end <= following.not_before <= end + FURTHEST_AHEAD


@pytest.mark.parametrize("written", SENTENCES)
def test_what_is_no_word_is_other_and_stays_among_the_calls_own_data(
    house: House, written: str
) -> None:
    campaign = house.launch(1)
    if written == "\ud800":
        assert disposition_of(written) == OTHER
        return
    call = ended_with(house, campaign, disposition=written)
    assert (call.disposition, call.outcome) == (OTHER, OTHER)
    assert call.structured["disposition"] == masked_text(written.replace("\x00", ""))
    assert person(house, campaign).outcome == OTHER


@pytest.mark.parametrize(
    ("written", "masked"),
    [
        ("call +12125550143", "call +1212•••0143"),
        ("call +1 (212) 555-0143 now", "call +1212•••0143 now"),
        ("asked for +49 30 123456 at 10:30", "asked for +493•••3456 at 10:30"),
        ("at %2B12125550143", "at +1212•••0143"),
        ("ring (212) 555-0143", "ring ••••••••••"),
        ("write a.schmidt+x@example.com, please", "write •••@•••, please"),
        ("＋１２１２５５５０１４３", "+1212•••0143"),
        ("on 3 May at 10:30, room 204", "on 3 May at 10:30, room 204"),
        ("x" * (LONGEST_TEXT - 4) + " +12125550143", "x" * (LONGEST_TEXT - 4) + " +12"),
    ],
)
def test_numbers_and_mail_addresses_in_it_are_masked(
    house: House, written: str, masked: str
) -> None:
    call = ended_with(house, house.launch(1), disposition=written)
    assert call.structured["disposition"] == masked


def test_a_text_that_the_provider_repeats_among_its_data_is_masked_too(house: House) -> None:
    written = "Anna asked for +12125550143"
    data = {"disposition": written, "note": "kept"}
    call = ended_with(house, house.launch(1), disposition=written, structured=data)
    assert call.structured == {"disposition": "Anna asked for +1212•••0143", "note": "kept"}


@pytest.mark.parametrize(
    ("written", "slug"),
    [
        ("booked", BOOKED),
        ("BOOKED", BOOKED),
        ("Opted out", OPTED_OUT),
        ("opted-out", OPTED_OUT),
        ("Call me later", CALL_ME_LATER),
        ("Not interested", "not_interested"),
        ("callback-week-2", "callback_week_2"),
        ("bestätigt", "bestätigt"),
        ("बुक", "बुक"),
        ("ＢＯＯＫＥＤ", BOOKED),
        ("voicemail", "voicemail"),
    ],
)
def test_words_are_read_however_they_are_spelled(house: House, written: str, slug: str) -> None:
    call = ended_with(house, house.launch(1, **AGAIN), disposition=written)
    assert (call.disposition, call.outcome) == (slug, slug)


def test_a_definition_knows_words_of_its_own(house: House) -> None:
    """Two words may be a name; those that a callback asks for are not."""
    callback = {"do": "suppress", "when": {"disposition": "Has moved away"}}
    campaign = house.launch(1, callbacks=[callback])
    call = ended_with(house, campaign, disposition="has moved away")
    assert call.outcome == "has_moved_away"
    assert person(house, campaign).reason == "not called again: suppressed after a call"


def test_a_line_maps_what_its_agent_writes_however_it_is_spelled() -> None:
    mapping = ResultMapping(dispositions={"Termin vereinbart": "booked", "DNC": "opted_out"})
    for written, ours in (
        ("termin vereinbart", "booked"),
        ("TERMIN-VEREINBART", "booked"),
        ("dnc", "opted_out"),
        ("Termin", "Termin"),
    ):
        assert mapping.read(event(disposition=written)).disposition == ours


@settings(max_examples=examples(300))
@given(st.text(max_size=3000))
def test_every_text_becomes_a_slug_that_fits_a_search_attribute(written: str) -> None:
    slug = disposition_of(written)
    assert 0 < len(slug) <= LONGEST_SLUG
    assert len(slug.encode()) <= 255
    assert not any(c.isspace() or c in ":;/@+" for c in slug)
    assert disposition_of(slug) == slug
    assert sum(c.isdigit() for c in slug) <= 4


FAR = [
    datetime.max.replace(tzinfo=UTC),
    datetime.min.replace(tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    NOW + timedelta(days=400),
]


@pytest.mark.parametrize("at", FAR)
def test_a_report_from_another_age_happened_when_it_was_received(
    house: House, at: datetime
) -> None:
    campaign = house.launch(2, **AGAIN)
    call_id = house.claim_one(campaign).call_id
    house.place(call_id)
    reports = [
        event("r", call_id=call_id, at=at, status="ringing"),
        event("i", call_id=call_id, at=at, status="in_progress"),
        event("a", call_id=call_id, at=at, kind="analysis", disposition=BOOKED),
    ]
    stored = house.write(lambda s: events.store_events(s, LINE, reports, now=house.now))
    assert {each.at for each in stored.events} == {NOW}
    house.end(call_id)
    assert len(house.claim(campaign).calls) == 1


@pytest.mark.parametrize(
    "words",
    [
        {"duration_seconds": float("inf")},
        {"duration_seconds": float("nan")},
        {"duration_seconds": -5.0},
        {"duration_seconds": 1e300},
        {"cost": float("nan")},
        {"cost": 1e300},
        {"detail": "x" * 100_000},
        {"provider_call_id": "p" * 9000},
    ],
)
def test_numbers_and_names_that_no_call_has_are_left_out(
    house: House, words: dict[str, Any]
) -> None:
    campaign = house.launch(1)
    call = ended_with(house, campaign, **words, disposition=BOOKED)
    assert (call.outcome, call.cost) == (BOOKED, None)
    stored = believable(event(**words), NOW)
    assert len(stored.model_dump_json()) < 1000


def test_a_long_event_id_is_one_id(house: House) -> None:
    """PostgreSQL has no index for nine thousand characters: such a report came again for ever."""
    told_once = event("e" * 9000, provider_call_id="p1")
    for new in (True, False):
        stored = house.write(lambda s: events.store_events(s, LINE, [told_once], now=house.now))
        assert len(stored.new) == new


@settings(max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(max_size=40),
    at=st.one_of(st.none(), st.datetimes(), st.datetimes(timezones=st.just(UTC))),
    report=st.datetimes(timezones=st.just(UTC)),
)
def test_whatever_an_agent_says_the_next_person_is_called(
    session_database: Database, text: str, at: datetime | None, report: datetime
) -> None:
    empty(session_database)
    house = House(session_database)
    house.line()
    campaign = house.launch(2, **AGAIN)
    call_id = house.claim_one(campaign).call_id
    house.place(call_id)
    words = text.encode("utf-8", "replace").decode()
    analysis = event(kind="analysis", call_id=call_id, at=report, disposition=words, redial_at=at)
    house.write(lambda s: events.store_events(s, LINE, [analysis], now=house.now))
    house.end(call_id)
    assert len(house.claim(campaign).calls) == 1
