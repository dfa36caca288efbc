from __future__ import annotations

from datetime import timedelta

import pytest

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.status import CallStatus
from outdial.domain.record import CallRecord, CampaignRecord
from outdial.store.call import calls
from outdial.store.claims.leases import calls_in_flight
from outdial.store.claims.reservation import claim_calls
from outdial.store.compliance import suppressions
from outdial.store.db.errors import UnknownCampaign
from tests.builders import NOW, ZONE, House, phone

pytestmark = pytest.mark.both_databases


def _calls(house: House, campaign: CampaignRecord) -> list[CallRecord]:
    return house.write(lambda s: calls.list_calls(s, campaign.id, limit=1000))


def test_a_claim_turns_people_into_calls_with_slots(house: House) -> None:
    campaign = house.launch(3, pacing={"max_concurrent": 2}, max_duration="5m")
    claim = house.claim(campaign)
    assert len(claim.calls) == 2
    assert (claim.in_flight, claim.open_recipients, claim.wake_at) == (2, 3, None)
    call = claim.calls[0]
    assert call.workflow_id.startswith("call/default/reminder/1/")
    assert call.workflow_id.endswith("/1")
    assert (call.tenant, call.campaign, call.line) == ("default", "reminder", "simulated")
    assert (call.ring_timeout, call.max_duration) == (timedelta(seconds=30), timedelta(minutes=5))
    assert call.masked == "+1212•••0000" or call.masked == "+1212•••0001"
    assert house.write(lambda s: len(calls_in_flight(s, campaign.id))) == 2
    live = house.write(lambda s: calls_in_flight(s, campaign.id))
    assert {c.id for c in live} == {c.call_id for c in claim.calls}


def test_a_call_keeps_the_evidence_for_its_decision(house: House) -> None:
    campaign = house.launch(1)
    house.claim(campaign)
    (call,) = _calls(house, campaign)
    assert call.evidence["zones"] == [ZONE]
    assert call.evidence["zone_source"] == "own"
    assert call.evidence["revision"] == 1
    assert call.evidence["decided_at"] == NOW.isoformat()
    assert call.evidence["local_times"] == {ZONE: "2026-03-04T10:00:00-05:00"}
    assert (call.status, call.to, call.number, call.attempt) == (
        CallStatus.QUEUED,
        phone(0),
        1,
        1,
    )


def test_a_claim_repeated_with_its_key_gives_the_same_calls(house: House) -> None:
    campaign = house.launch(10, pacing={"max_concurrent": 4})
    first = house.claim(campaign, "run/1")
    house.end(first.calls[0].call_id)
    again = house.claim(campaign, "run/1")
    assert again.calls == first.calls
    assert (again.in_flight, again.open_recipients) == (3, 9)
    assert again.wake_at == house.now
    assert len(_calls(house, campaign)) == 4
    assert len(house.claim(campaign, "run/2").calls) == 1


def test_a_claim_reserves_no_more_than_its_limit(house: House) -> None:
    campaign = house.launch(5)
    claim = house.claim(campaign, limit=2)
    assert len(claim.calls) == 2
    assert claim.wake_at == house.now


def test_a_claim_never_takes_more_than_200(house: House) -> None:
    house.line(most=1000)
    campaign = house.launch(300, pacing={"max_concurrent": 300})
    claim = house.claim(campaign, limit=1000)
    assert (len(claim.calls), claim.wake_at) == (200, house.now)
    assert len(house.claim(campaign).calls) == 100


@pytest.mark.parametrize("state", [CampaignState.PAUSED, CampaignState.STOPPING])
def test_nothing_is_claimed_for_what_does_not_run(house: House, state: CampaignState) -> None:
    campaign = house.launch(3)
    house.set_state(campaign, state)
    claim = house.claim(campaign)
    assert (claim.state, claim.calls, claim.wake_at) == (state, (), None)


def test_a_number_has_one_live_call_over_all_campaigns(house: House) -> None:
    first = house.launch(2, "first")
    second = house.launch(2, "second", first=1)
    assert len(house.claim(first).calls) == 2
    claim = house.claim(second)
    assert [call.masked for call in claim.calls] == ["+1212•••0002"]
    assert claim.wake_at == house.now + timedelta(seconds=5)
    held = next(call for call in _calls(house, first) if call.to == phone(1))
    house.end(held.id)
    house.later(seconds=5)
    assert [call.masked for call in house.claim(second).calls] == ["+1212•••0001"]


def test_caller_ids_take_turns(house: House) -> None:
    ids = [phone(90), phone(91), phone(92)]
    campaign = house.launch(7, caller_ids=ids, pacing={"max_concurrent": 2})
    used = []
    for _ in range(7):
        call = house.claim_one(campaign)
        request = house.request_of(call.call_id)
        used.append(request.caller_id)
        house.end(call.call_id)
    assert used == (ids * 3)[:7]


def test_a_suppressed_number_is_never_claimed(house: House) -> None:
    campaign = house.launch(3)

    def suppress(number: int) -> None:
        house.write(
            lambda s: suppressions.suppress_all(
                s, "default", [phone(number)], "asked us to", now=house.now, source="test"
            )
        )

    suppress(0)
    reserved = house.write(lambda s: claim_calls(s, campaign.id, "k", now=house.now, limit=1))
    assert len(reserved.claim.calls) == 1
    assert [e.reason for e in reserved.ended] == ["the number must not be called: asked us to"]
    suppress(1)
    suppress(2)
    claim = house.claim(campaign)
    assert claim.calls == ()
    assert claim.open_recipients == 1


def test_the_end_of_a_campaign_in_flight_is_waited_for(house: House) -> None:
    campaign = house.launch(1)
    call = house.claim_one(campaign)
    claim = house.claim(campaign)
    assert (claim.calls, claim.wake_at, claim.open_recipients) == ((), None, 1)
    assert claim.reason == "waiting for calls to end"
    house.end(call.call_id)
    assert house.claim(campaign).open_recipients == 0


def test_an_unknown_campaign_is_an_error(house: House) -> None:
    with pytest.raises(UnknownCampaign):
        house.write(lambda s: claim_calls(s, 4711, "k", now=house.now))


def test_the_calls_of_one_recipient_are_numbered(house: House) -> None:
    campaign = house.launch(1, retry={"no_answer": {"delays": "1m"}})
    for number in (1, 2):
        call = house.claim_one(campaign)
        assert call.workflow_id.endswith(f"/{number}")
        assert call.attempt == number
        house.end(call.call_id, CallStatus.NO_ANSWER)
        house.later(minutes=1)
    assert house.claim(campaign).open_recipients == 0


def test_a_call_that_was_never_dialed_is_no_attempt(house: House) -> None:
    campaign = house.launch(1)
    for number in (1, 2, 3):
        call = house.claim_one(campaign)
        assert (call.workflow_id[-2:], call.attempt) == (f"/{number}", 1)
        house.end(call.call_id, CallStatus.FAILED, failure="throttled", may_have_rung=False)
        house.later(seconds=5)


def test_calls_are_listed_by_page_status_and_launch(house: House) -> None:
    campaign = house.launch(5)
    claim = house.claim(campaign)
    house.end(claim.calls[0].call_id)
    everything = _calls(house, campaign)
    after = everything[1].id
    page = house.write(lambda s: calls.list_calls(s, campaign.id, limit=2, after=after))
    assert page == everything[2:4]
    done = house.write(lambda s: calls.list_calls(s, campaign.id, status=CallStatus.COMPLETED))
    assert [call.id for call in done] == [claim.calls[0].call_id]
    assert house.write(lambda s: calls.list_calls(s, campaign.id, launch=2)) == []
