"""A person's numbers take turns; promised times and ends are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from outdial.domain.call.claim import FenceVerdict
from outdial.domain.call.event import EventKind
from outdial.domain.call.status import CallStatus, FailureClass
from outdial.domain.record import CampaignRecord, RecipientRecord, RecipientState
from outdial.store.call import events
from outdial.store.compliance import suppressions
from outdial.store.roster import roster
from tests.builders import LINE, House, draft, event, located, phone

RETRY = {"max_attempts": 9, "no_answer": {"delays": "10m", "max_attempts": 9}}


def _campaign(house: House, **changes: Any) -> CampaignRecord:
    campaign = house.launch(0, **({"retry": RETRY} | changes))
    person = draft(0, phone=phone(0), alternate_phones=(phone(1), phone(2)))
    rows = located([person])
    house.write(lambda s: roster.enroll_chunk(s, campaign.id, campaign.launch, 1, rows))
    return campaign


def _person(house: House, campaign: CampaignRecord) -> RecipientRecord:
    (person,) = house.write(lambda s: roster.list_recipients(s, campaign.id, launch=1))
    return person


def _suppress(house: House, number: str) -> None:
    house.write(
        lambda s: suppressions.suppress_all(
            s, "default", [number], "asked", now=house.now, source="test"
        )
    )


def test_numbers_are_dialed_in_turn(house: House) -> None:
    campaign, dialed = _campaign(house), []
    for _ in range(5):
        claimed = house.claim_one(campaign)
        dialed.append(house.request_of(claimed.call_id).to)
        house.end(claimed.call_id, CallStatus.NO_ANSWER)
        house.later(minutes=10)
    assert dialed == [phone(0), phone(1), phone(2), phone(0), phone(1)]


def test_a_rejected_number_is_left_out(house: House) -> None:
    campaign = _campaign(house)
    first = house.claim_one(campaign)
    house.fence(first.call_id)
    house.end(first.call_id, CallStatus.FAILED, failure=FailureClass.REJECTED, may_have_rung=False)
    assert _person(house, campaign).phone == phone(1)
    second = house.claim_one(campaign)
    house.end(second.call_id, CallStatus.NO_ANSWER)
    assert _person(house, campaign).phone == phone(2)
    house.later(minutes=10)
    third = house.claim_one(campaign)
    house.end(third.call_id, CallStatus.NO_ANSWER)
    assert _person(house, campaign).phone == phone(1)


def test_a_suppressed_number_is_left_out_and_with_the_last_one_the_person(house: House) -> None:
    campaign = _campaign(house)
    for number in (0, 1):
        _suppress(house, phone(number))
        claim = house.claim(campaign)
        assert claim.calls == ()
        assert claim.wake_at is not None
        assert claim.wake_at <= house.now
    claimed = house.claim_one(campaign)
    assert claimed.masked.endswith("0002")
    _suppress(house, phone(2))
    assert house.fence(claimed.call_id).verdict is FenceVerdict.WITHDRAWN
    house.end(claimed.call_id, CallStatus.CANCELED, may_have_rung=False)
    house.later(minutes=1)
    assert house.claim(campaign).calls == ()
    person = _person(house, campaign)
    assert (person.state, person.outcome) == (RecipientState.DONE, "suppressed")


def test_a_call_that_was_stopped_by_a_listing_leads_to_the_next_number(house: House) -> None:
    campaign = _campaign(house)
    for number in (0, 1, 2):
        claimed = house.claim_one(campaign)
        house.place(claimed.call_id)
        _suppress(house, phone(number))
        house.end(claimed.call_id, CallStatus.CANCELED)
        claim = house.claim(campaign)
        assert claim.calls == ()
    person = _person(house, campaign)
    assert (person.state, person.outcome) == (RecipientState.DONE, "suppressed")
    assert person.attempts == 3


def test_a_late_opt_out_tells_which_numbers_were_listed(house: House) -> None:
    campaign = _campaign(house)
    claimed = house.claim_one(campaign)
    house.place(claimed.call_id)
    assert house.end(claimed.call_id).listed == ()
    analysis = event(call_id=claimed.call_id, kind=EventKind.ANALYSIS, disposition="opted_out")
    stored = house.write(lambda s: events.store_events(s, LINE, [analysis], now=house.now))
    (settled,) = stored.settled
    assert settled.listed == (phone(0), phone(1), phone(2))
    assert not settled.changed


def test_who_opts_out_does_so_with_all_numbers(house: House) -> None:
    campaign = _campaign(house)
    claimed = house.claim_one(campaign)
    house.place(claimed.call_id)
    analysis = event(call_id=claimed.call_id, kind=EventKind.ANALYSIS, disposition="opted_out")
    house.write(lambda s: events.store_events(s, LINE, [analysis], now=house.now))
    house.end(claimed.call_id)
    listed = [
        house.write(lambda s, n=n: suppressions.is_suppressed(s, "default", phone(n)))  # type: ignore[misc]
        for n in range(4)
    ]
    assert listed == ["opted out in a call"] * 3 + [None]


def test_a_promised_time_is_kept_whatever_part_of_the_day_it_is(house: House) -> None:
    retry = RETRY | {"dayparts": ["morning", "weekend"], "call_me_later": {"delays": "1d"}}
    campaign = _campaign(house, retry=retry)
    claimed = house.claim_one(campaign)  # Wednesday 10:00 in New York
    house.place(claimed.call_id)
    at = house.now + timedelta(hours=5)
    analysis = event(
        call_id=claimed.call_id,
        kind=EventKind.ANALYSIS,
        disposition="call_me_later",
        redial_at=at,
    )
    house.write(lambda s: events.store_events(s, LINE, [analysis], now=house.now))
    house.end(claimed.call_id)
    assert house.claim(campaign).wake_at == at
    house.now = at
    again = house.claim_one(campaign)
    assert again.masked == claimed.masked
    house.fence(again.call_id)
    house.end(again.call_id, CallStatus.NO_ANSWER)
    # The third attempt is made in the morning again.
    claim = house.claim(campaign)
    assert claim.calls == ()
    house.later(minutes=10)
    assert house.claim(campaign).wake_at == house.now.replace(hour=13, minute=0) + timedelta(days=1)


def test_a_time_without_a_zone_is_on_the_clocks_of_whoever_named_it(house: House) -> None:
    campaign = _campaign(house)
    claimed = house.claim_one(campaign)
    house.place(claimed.call_id)
    analysis = event(
        call_id=claimed.call_id,
        kind=EventKind.ANALYSIS,
        disposition="call_me_later",
        redial_at=datetime(2026, 3, 5, 15, 0),
    )
    house.write(lambda s: events.store_events(s, LINE, [analysis], now=house.now))
    house.end(claimed.call_id)
    assert house.claim(campaign).wake_at == datetime(2026, 3, 5, 20, 0, tzinfo=UTC)


def test_a_retry_beyond_the_campaigns_end_is_closed_at_once(house: House) -> None:
    ends = house.now + timedelta(hours=3)
    schedule = {"hours": "00:00-24:00", "end": ends}
    retry = {"no_answer": {"delays": ["1h", "3h"], "max_attempts": 5}}
    campaign = _campaign(house, schedule=schedule, retry=retry)
    first = house.claim_one(campaign)
    house.end(first.call_id, CallStatus.NO_ANSWER)
    assert _person(house, campaign).state is RecipientState.WAITING
    house.later(hours=1)
    second = house.claim_one(campaign)
    house.end(second.call_id, CallStatus.NO_ANSWER)
    person = _person(house, campaign)
    assert (person.state, person.outcome) == (RecipientState.DONE, "no_answer")
    assert "after the end" in str(person.reason)
