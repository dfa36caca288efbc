from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from outdial.domain.call.claim import CampaignState, FenceVerdict
from outdial.domain.call.status import CallStatus, FailureClass, Fence
from outdial.domain.record import CallRecord
from outdial.store.call import calls, events
from outdial.store.call.calls import get_call
from outdial.store.call.events import store_events
from outdial.store.campaign import campaigns
from outdial.store.claims.leases import close_fence
from outdial.store.compliance import suppressions
from outdial.store.db.errors import UnknownCall
from tests.builders import TIMEOUT, House, definition, event, phone
from tests.store.racing import race

GO, WITHDRAWN = FenceVerdict.GO, FenceVerdict.WITHDRAWN


def _call(house: House, call_id: str) -> CallRecord:
    record = house.write(lambda s: get_call(s, call_id))
    assert record is not None
    return record


def _claimed(house: House) -> str:
    return house.claim_one(house.launch(1, retry={"busy": {"delays": "1m"}})).call_id


def test_the_first_to_come_dials(house: House) -> None:
    call_id = _claimed(house)
    sent = house.request_of(call_id)
    assert (sent.call_id, sent.to, sent.attempt) == (call_id, phone(0), 1)
    again = house.fence(call_id)
    assert again.verdict is FenceVerdict.ALREADY_PLACING
    assert again.deadline == house.now + TIMEOUT
    house.place(call_id, "p1")
    placed = house.fence(call_id)
    assert (placed.verdict, placed.provider_call_id) == (FenceVerdict.ALREADY_PLACED, "p1")
    assert _call(house, call_id).placed_at == house.now


@pytest.mark.both_databases
def test_of_twenty_who_race_one_dials(house: House) -> None:
    call_id = _claimed(house)
    passes = race([lambda: house.fence(call_id)] * 20)
    assert Counter(passed.verdict for passed in passes) == {
        GO: 1,
        FenceVerdict.ALREADY_PLACING: 19,
    }


def test_a_definite_refusal_is_noted_once(house: House) -> None:
    call_id = _claimed(house)

    def refuse() -> bool:
        return house.write(
            lambda s: calls.record_not_placed(
                s, call_id, failure=FailureClass.THROTTLED, detail="429", now=house.now
            )
        )

    assert not refuse()
    house.fence(call_id)
    assert refuse()
    assert not refuse()
    call = _call(house, call_id)
    assert (call.fence, call.failure, call.detail) == (
        Fence.NOT_PLACED,
        FailureClass.THROTTLED,
        "429",
    )
    passed = house.fence(call_id)
    assert (passed.verdict, passed.failure, passed.reason) == (
        FenceVerdict.NOT_PLACED,
        FailureClass.THROTTLED,
        "429",
    )


def test_an_event_proves_that_a_call_was_placed(house: House) -> None:
    call_id = _claimed(house)
    house.fence(call_id)
    ringing = event(call_id=call_id, provider_call_id="p1", status=CallStatus.RINGING)
    house.write(lambda s: store_events(s, "simulated", [ringing], now=house.now))
    assert not house.write(
        lambda s: calls.record_not_placed(
            s, call_id, failure=FailureClass.UNAVAILABLE, detail=None, now=house.now
        )
    )
    assert house.fence(call_id).verdict is FenceVerdict.ALREADY_PLACED


@pytest.mark.parametrize("state", [CampaignState.PAUSED, CampaignState.STOPPING])
def test_what_is_paused_after_the_claim_is_not_dialed(house: House, state: CampaignState) -> None:
    campaign = house.launch(1)
    call = house.claim_one(campaign)
    house.set_state(campaign, state)
    passed = house.fence(call.call_id)
    assert (passed.verdict, passed.reason) == (WITHDRAWN, f"the campaign is {state}")
    assert _call(house, call.call_id).fence is Fence.CLOSED
    if state is CampaignState.PAUSED:
        house.set_state(campaign, CampaignState.RUNNING)
    assert house.fence(call.call_id).reason == "the fence is closed"


def test_a_number_suppressed_after_the_claim_is_not_dialed(house: House) -> None:
    call_id = _claimed(house)
    house.write(
        lambda s: suppressions.suppress_all(
            s, "default", [phone(0)], "asked", now=house.now, source="test"
        )
    )
    assert house.fence(call_id).reason == "the number must not be called: asked"


def test_a_window_that_closed_after_the_claim_is_not_dialed_into(house: House) -> None:
    house.now = datetime(2026, 3, 4, 22, 59, 59, tzinfo=UTC)
    campaign = house.launch(1, schedule={"hours": "09:00-18:00", "guard": "0s"})
    call = house.claim_one(campaign)
    house.later(seconds=1)
    assert house.fence(call.call_id).verdict is WITHDRAWN


def test_hours_changed_after_the_claim_count_at_the_fence(house: House) -> None:
    campaign = house.launch(1)
    call = house.claim_one(campaign)
    narrower = definition(schedule={"hours": "11:00-12:00"})
    house.write(lambda s: campaigns.apply_definition(s, campaign.id, narrower, "", now=house.now))
    assert house.fence(call.call_id).verdict is WITHDRAWN


def test_a_daily_limit_counts_at_the_fence(house: House) -> None:
    limited = {"max_attempts_per_day": 1}
    first = house.launch(1, "first", retry=limited)
    second = house.launch(1, "second", retry=limited)
    call = house.claim_one(first)
    house.end(call.call_id, CallStatus.FAILED, failure="throttled", may_have_rung=False)
    later = house.claim_one(second)
    assert house.fence(later.call_id).verdict is GO
    house.end(later.call_id)
    house.later(seconds=5)
    assert house.claim(first).calls == ()


def test_a_call_that_ended_is_not_dialed(house: House) -> None:
    call_id = _claimed(house)
    house.end(call_id, CallStatus.CANCELED, may_have_rung=False)
    assert house.fence(call_id).verdict is WITHDRAWN


def test_a_swept_call_is_not_dialed(house: House) -> None:
    call_id = _claimed(house)
    assert house.write(lambda s: close_fence(s, call_id, now=house.now)) is Fence.CLAIMED
    assert house.fence(call_id).verdict is WITHDRAWN


def test_a_withdrawn_call_makes_its_recipient_wait(house: House) -> None:
    campaign = house.launch(1)
    call = house.claim_one(campaign)
    house.set_state(campaign, CampaignState.PAUSED)
    house.fence(call.call_id)
    settled = house.end(call.call_id, CallStatus.CANCELED, may_have_rung=False)
    assert (settled.outcome, settled.recipient_done) == ("canceled", False)
    house.set_state(campaign, CampaignState.RUNNING)
    house.later(seconds=5)
    assert house.claim_one(campaign).attempt == 1


def test_an_unknown_call_is_an_error(house: House) -> None:
    with pytest.raises(UnknownCall):
        house.fence("no-such-call")


def test_placing_an_unknown_call_is_an_error(house: House) -> None:
    with pytest.raises(UnknownCall):
        house.write(lambda s: events.record_placed(s, "no-such-call", "p", now=house.now))


def test_the_deadline_is_reckoned_from_the_fence(house: House) -> None:
    call_id = _claimed(house)
    house.later(minutes=2)
    house.fence(call_id)
    assert _call(house, call_id).fence_deadline == house.now + timedelta(seconds=10)
