"""The end of a call, its settlement, and what follows for its recipient."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.status import AnsweredBy, CallStatus, Fence
from outdial.domain.record import (
    CallRecord,
    CampaignRecord,
    RecipientRecord,
    RecipientState,
    Settled,
)
from outdial.store.call import calls, events, settlement
from outdial.store.claims.leases import calls_in_flight
from outdial.store.compliance import suppressions
from outdial.store.db.errors import UnknownCall
from outdial.store.roster import roster
from tests.builders import LINE, House, ended, event, phone
from tests.store.racing import race

WAIT = timedelta(seconds=30)
BUSY_RETRY: dict[str, Any] = {"retry": {"busy": {"delays": ["10m", "1h"]}}}


def _call(house: House, call_id: str) -> CallRecord:
    record = house.write(lambda s: calls.get_call(s, call_id))
    assert record is not None
    return record


def _person(house: House, settled: Settled) -> RecipientRecord:
    result = house.write(lambda s: roster.recipient_result(s, settled.recipient_id))
    assert result is not None
    return result.recipient


def _placed(house: House, campaign: CampaignRecord) -> str:
    call_id = house.claim_one(campaign).call_id
    house.place(call_id)
    return call_id


def _overdue(house: House, campaign: CampaignRecord) -> list[Settled]:
    return house.write(lambda s: settlement.settle_overdue(s, campaign.id, now=house.now))


def test_an_end_frees_the_slot_and_settles(house: House) -> None:
    campaign = house.launch(1)
    call_id = _placed(house, campaign)
    house.later(minutes=1)
    settled = house.end(call_id, duration_seconds=42.5, answered_by=AnsweredBy.HUMAN)
    assert settled.changed
    assert settled.settled
    assert (settled.status, settled.outcome) == (CallStatus.COMPLETED, "completed")
    assert settled.campaign_workflow_id == "campaign/default/reminder"
    assert settled.recipient_done
    call = _call(house, call_id)
    assert (call.ended_at, call.settled_at) == (house.now, house.now)
    assert (call.duration_seconds, call.answered_by) == (42.5, AnsweredBy.HUMAN)
    assert house.write(lambda s: len(calls_in_flight(s, campaign.id))) == 0
    person = _person(house, settled)
    assert (person.state, person.outcome, person.attempts) == (
        RecipientState.DONE,
        "completed",
        1,
    )


def test_an_end_is_recorded_once(house: House) -> None:
    campaign = house.launch(1, **BUSY_RETRY)
    call_id = _placed(house, campaign)
    first = house.end(call_id, CallStatus.BUSY)
    again = house.end(call_id, CallStatus.COMPLETED)
    assert (again.changed, again.settled, again.status) == (False, True, CallStatus.BUSY)
    assert _person(house, first).attempts == 1
    assert _call(house, call_id).status is CallStatus.BUSY


@pytest.mark.both_databases
def test_an_end_told_by_many_at_once_is_recorded_once(house: House) -> None:
    campaign = house.launch(1, **BUSY_RETRY)
    call_id = _placed(house, campaign)
    results = race([lambda: house.end(call_id, CallStatus.BUSY)] * 8)
    assert [settled.changed for settled in results].count(True) == 1
    assert _person(house, results[0]).attempts == 1


def test_a_late_end_does_not_free_the_slot_of_the_next_call(house: House) -> None:
    campaign = house.launch(1, retry={"busy": {"delays": "1s"}})
    first = _placed(house, campaign)
    house.end(first, CallStatus.BUSY)
    house.later(seconds=1)
    _placed(house, campaign)
    house.end(first, CallStatus.COMPLETED)
    assert house.write(lambda s: len(calls_in_flight(s, campaign.id))) == 1


def test_a_redial_waits_for_its_delay(house: House) -> None:
    campaign = house.launch(1, **BUSY_RETRY)
    settled = house.end(_placed(house, campaign), CallStatus.BUSY)
    assert not settled.recipient_done
    person = _person(house, settled)
    assert (person.state, person.outcome) == (RecipientState.WAITING, "busy")
    assert person.not_before == house.now + timedelta(minutes=10)
    house.later(minutes=10)
    settled = house.end(_placed(house, campaign), CallStatus.BUSY)
    assert _person(house, settled).not_before == house.now + timedelta(hours=1)
    house.later(hours=1)
    settled = house.end(_placed(house, campaign), CallStatus.BUSY)
    assert settled.recipient_done
    person = _person(house, settled)
    assert (person.outcome, person.attempts, person.calls) == ("busy", 3, 3)


def test_a_throttled_call_comes_back_when_the_provider_says(house: House) -> None:
    campaign = house.launch(1)
    settled = house.end(
        house.claim_one(campaign).call_id,
        CallStatus.FAILED,
        failure="throttled",
        may_have_rung=False,
        retry_after=timedelta(seconds=17),
    )
    person = _person(house, settled)
    assert (person.attempts, person.calls) == (0, 1)
    assert person.not_before == house.now + timedelta(seconds=17)


def test_a_call_that_never_left_cannot_be_placed_after_its_end(house: House) -> None:
    call_id = house.claim_one(house.launch(1)).call_id
    house.end(call_id, CallStatus.CANCELED, may_have_rung=False)
    assert _call(house, call_id).fence is Fence.CLOSED


def test_a_call_awaits_its_analysis_without_a_slot(house: House) -> None:
    campaign = house.launch(1)
    call_id = _placed(house, campaign)
    settled = house.end(call_id, analysis_wait=WAIT)
    assert (settled.changed, settled.settled, settled.outcome) == (True, False, None)
    assert _person(house, settled).state is RecipientState.SETTLING
    claim = house.claim(campaign)
    assert (claim.in_flight, claim.open_recipients) == (0, 1)
    assert claim.wake_at == house.now + WAIT
    assert _overdue(house, campaign) == []


def test_the_analysis_settles_a_call_that_has_ended(house: House) -> None:
    campaign = house.launch(1)
    call_id = _placed(house, campaign)
    house.end(call_id, analysis_wait=WAIT)
    analysis = event("a", kind="analysis", call_id=call_id, disposition="booked", cost=0.12)
    stored = house.write(lambda s: events.store_events(s, LINE, [analysis], now=house.now))
    (settled,) = stored.settled
    assert (settled.outcome, settled.recipient_done) == ("booked", True)
    assert stored.events[0].workflow_id is None
    call = _call(house, call_id)
    assert (call.outcome, call.disposition, call.cost) == ("booked", "booked", 0.12)
    house.now += WAIT
    assert _overdue(house, campaign) == []


def test_an_analysis_that_came_before_the_end_is_not_awaited(house: House) -> None:
    campaign = house.launch(1)
    call_id = _placed(house, campaign)
    analysis = event("a", kind="analysis", call_id=call_id, disposition="booked")
    stored = house.write(lambda s: events.store_events(s, LINE, [analysis], now=house.now))
    assert stored.settled == []
    settled = house.end(call_id, analysis_wait=WAIT)
    assert (settled.settled, settled.outcome) == (True, "booked")


def test_without_analysis_the_claim_settles(house: House) -> None:
    campaign = house.launch(1, **BUSY_RETRY)
    call_id = _placed(house, campaign)
    house.end(call_id, CallStatus.COMPLETED, analysis_wait=WAIT)
    house.now += WAIT
    claim = house.claim(campaign)
    assert claim.open_recipients == 0
    assert _call(house, call_id).outcome == "completed"
    late = event("a", kind="analysis", call_id=call_id, disposition="booked", transcript="Hi")
    stored = house.write(lambda s: events.store_events(s, LINE, [late], now=house.now))
    assert stored.settled == []
    call = _call(house, call_id)
    assert (call.outcome, call.disposition, call.transcript) == ("completed", "booked", "Hi")


def test_overdue_calls_are_settled_in_bounded_steps(house: House) -> None:
    campaign = house.launch(8)
    for claimed in house.claim(campaign).calls:
        house.end(claimed.call_id, analysis_wait=WAIT)
    house.now += WAIT
    step = house.write(lambda s: settlement.settle_overdue(s, campaign.id, now=house.now, limit=5))
    assert [settled.changed for settled in step] == [True] * 5
    assert len(_overdue(house, campaign)) == 3
    assert _overdue(house, campaign) == []


@pytest.mark.both_databases
def test_settling_by_many_at_once_happens_once(house: House) -> None:
    campaign = house.launch(1, **BUSY_RETRY)
    call_id = _placed(house, campaign)
    house.end(call_id, CallStatus.BUSY, analysis_wait=WAIT)
    house.now += WAIT

    def settle() -> Settled:
        return house.write(lambda s: settlement.settle_call(s, call_id, now=house.now))

    results = race([settle] * 6 + [lambda: (_overdue(house, campaign) or [settle()])[0]] * 2)
    assert [settled.changed for settled in results].count(True) == 1


def test_what_has_not_ended_is_not_settled(house: House) -> None:
    call_id = _placed(house, house.launch(1))
    settled = house.write(lambda s: settlement.settle_call(s, call_id, now=house.now))
    assert (settled.changed, settled.settled) == (False, False)


def test_opting_out_suppresses_the_number_before_any_redial(house: House) -> None:
    campaign = house.launch(1, **BUSY_RETRY)
    call_id = _placed(house, campaign)
    analysis = event("a", kind="analysis", call_id=call_id, disposition="opted_out")
    house.write(lambda s: events.store_events(s, LINE, [analysis], now=house.now))
    assert house.end(call_id).recipient_done
    why = house.write(lambda s: suppressions.is_suppressed(s, "default", phone(0)))
    assert why == "opted out in a call"


@pytest.mark.parametrize("answered_by", [None, AnsweredBy.HUMAN, AnsweredBy.MACHINE])
def test_opting_out_is_heard_after_the_settlement_too(
    house: House, answered_by: AnsweredBy | None
) -> None:
    again = {"delays": "10m"}
    campaign = house.launch(1, retry={"busy": again, "voicemail": again})
    call_id = _placed(house, campaign)
    # What a machine answered is a voicemail, whatever its end was called.
    house.end(call_id, CallStatus.BUSY, answered_by=answered_by)
    late = event("a", kind="analysis", call_id=call_id, disposition="opted_out")
    house.write(lambda s: events.store_events(s, LINE, [late], now=house.now))
    suppressed = house.write(lambda s: suppressions.is_suppressed(s, "default", phone(0)))
    assert (suppressed is None) == (answered_by is AnsweredBy.MACHINE)
    house.later(minutes=10)
    assert bool(house.claim(campaign).calls) == (answered_by is AnsweredBy.MACHINE)


def test_a_person_who_named_a_time_is_called_then(house: House) -> None:
    campaign = house.launch(1)
    call_id = _placed(house, campaign)
    then = house.now + timedelta(hours=3)
    analysis = event("a", call_id=call_id, disposition="call_me_later", redial_at=then)
    house.write(lambda s: events.store_events(s, LINE, [analysis], now=house.now))
    settled = house.end(call_id)
    assert _person(house, settled).not_before == then


def test_a_call_that_ends_after_a_stop_is_its_recipients_last(house: House) -> None:
    campaign = house.launch(1, **BUSY_RETRY)
    call_id = _placed(house, campaign)
    house.set_state(campaign, CampaignState.STOPPING)
    settled = house.end(call_id, CallStatus.BUSY)
    assert settled.recipient_done
    person = _person(house, settled)
    assert (person.outcome, person.reason) == ("busy", "campaign stopped")


def test_an_end_must_be_one(house: House) -> None:
    call_id = _placed(house, house.launch(1))
    with pytest.raises(ValueError, match="ends no call"):
        house.end(call_id, CallStatus.RINGING)


def test_the_end_of_an_unknown_call_is_an_error(house: House) -> None:
    with pytest.raises(UnknownCall):
        house.write(lambda s: settlement.end_call(s, "no-such-call", ended(), now=house.now))
    with pytest.raises(UnknownCall):
        house.write(lambda s: settlement.settle_call(s, "no-such-call", now=house.now))
