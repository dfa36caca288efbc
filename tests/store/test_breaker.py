from __future__ import annotations

from datetime import timedelta

import pytest

from outdial.domain.call.claim import CampaignState, Claim, FenceVerdict
from outdial.domain.call.status import CallStatus, FailureClass
from outdial.domain.line.breaker import BreakerPolicy, Circuit
from outdial.domain.record import DEFAULT_TENANT, CampaignRecord
from outdial.store.call import calls
from outdial.store.call.events import store_events
from outdial.store.lines import lines
from outdial.store.lines.lines import LineStatus
from tests.builders import LINE, House, event
from tests.store.racing import race

POLICY = BreakerPolicy(min_attempts=4)


@pytest.fixture(autouse=True)
def _line(house: House) -> None:
    house.line(breaker=POLICY)


def _status(house: House) -> LineStatus:
    status = house.write(lambda s: lines.line_status(s, DEFAULT_TENANT, LINE))
    assert status is not None
    return status


def _fail(house: House, claim: Claim, failure: FailureClass = FailureClass.UNAVAILABLE) -> None:
    for call in claim.calls:
        house.end(
            call.call_id,
            CallStatus.FAILED,
            failure=failure,
            detail="the provider answered 503",
            may_have_rung=False,
        )


def _opened(house: House, people: int = 9) -> CampaignRecord:
    campaign = house.launch(people)
    _fail(house, house.claim(campaign, limit=4))
    assert _status(house).health.circuit is Circuit.OPEN
    return campaign


def test_a_line_that_keeps_failing_is_passed_over(house: House) -> None:
    campaign = house.launch(9)
    _fail(house, house.claim(campaign, limit=3))
    assert _status(house).health.circuit is Circuit.CLOSED
    _fail(house, house.claim(campaign, limit=1))
    claim = house.claim(campaign)
    assert claim.calls == ()
    assert claim.reason == (
        "line simulated takes no calls until 15:00:30Z: 4 of 4 calls failed within 5m "
        "(unavailable: the provider answered 503)"
    )
    assert claim.state is CampaignState.RUNNING
    house.later(seconds=10)  # nobody else falls due any more
    claim = house.claim(campaign)
    assert (claim.calls, claim.wake_at) == ((), house.now + timedelta(seconds=20))


def test_the_last_failures_can_be_looked_at(house: House) -> None:
    _opened(house)
    failures = _status(house).failures
    assert [f.detail for f in failures] == ["the provider answered 503"] * 4
    assert {f.failure for f in failures} == {FailureClass.UNAVAILABLE}
    assert _status(house).health.reason is not None


@pytest.mark.parametrize("status", [CallStatus.BUSY, CallStatus.NO_ANSWER, CallStatus.CANCELED])
def test_what_the_callee_does_opens_nothing(house: House, status: CallStatus) -> None:
    campaign = house.launch(9)
    for call in house.claim(campaign).calls:
        house.end(call.call_id, status)
    assert _status(house).health.circuit is Circuit.CLOSED
    assert _status(house).failures == ()


@pytest.mark.parametrize("failure", [FailureClass.THROTTLED, FailureClass.REJECTED])
def test_throttles_and_rejections_open_nothing(house: House, failure: FailureClass) -> None:
    _fail(house, house.claim(house.launch(9)), failure)
    assert _status(house).health.circuit is Circuit.CLOSED


def test_calls_that_work_outweigh_some_that_fail(house: House) -> None:
    campaign = house.launch(20)
    first, *others = house.claim(campaign, limit=5).calls
    for call in (first, *others):
        house.place(call.call_id)
    house.end(first.call_id)  # the others go on, and count as well
    _fail(house, house.claim(campaign, limit=4))
    assert _status(house).health.circuit is Circuit.CLOSED
    house.later(minutes=6)  # those that worked, and those that failed, count no more
    _fail(house, house.claim(campaign, limit=3))
    assert _status(house).health.circuit is Circuit.CLOSED
    _fail(house, house.claim(campaign, limit=1))
    assert _status(house).health.circuit is Circuit.OPEN


def test_exactly_one_call_tries_it(house: House) -> None:
    first = _opened(house)
    second = house.launch(5, "second", first=50)
    house.later(seconds=30)
    (trial,) = house.claim(first).calls
    assert _status(house).health.trial_call_id == trial.call_id
    assert _status(house).health.circuit is Circuit.TRYING
    for campaign in (first, second):
        claim = house.claim(campaign)
        assert claim.calls == ()
        assert claim.reason.startswith("line simulated is tried with one call: 4 of 4 calls")
        assert claim.wake_at == house.now + timedelta(seconds=5)
    assert house.fence(trial.call_id).verdict is FenceVerdict.GO


@pytest.mark.both_databases
def test_racing_claims_try_it_once(house: House) -> None:
    _opened(house)
    others = [house.launch(3, f"other-{i}", first=50 + 10 * i) for i in range(6)]
    house.later(seconds=30)
    claims = race([lambda c=c: house.claim(c, key="k") for c in others])  # type: ignore[misc]
    assert sum(len(claim.calls) for claim in claims) == 1


def test_a_campaign_without_anybody_ready_leaves_the_trial_to_others(house: House) -> None:
    first = _opened(house, people=4)
    house.set_state(first, CampaignState.PAUSED)
    idle = house.launch(0, "idle")
    busy = house.launch(1, "busy", first=50)
    house.later(seconds=30)
    assert house.claim(idle).calls == ()
    assert len(house.claim(busy).calls) == 1


def test_it_closes_when_the_call_reaches_a_telephone(house: House) -> None:
    campaign = _opened(house)
    house.later(seconds=30)
    (trial,) = house.claim(campaign).calls
    house.place(trial.call_id, "p-1")
    rings = event("e1", provider_call_id="p-1", status=CallStatus.RINGING)
    house.write(lambda s: store_events(s, LINE, [rings], now=house.now))
    health = _status(house).health
    assert (health.circuit, health.since) == (Circuit.CLOSED, house.now)
    assert len(house.claim(campaign).calls) == 8
    house.end(trial.call_id, CallStatus.FAILED, failure=FailureClass.UNAVAILABLE)
    assert _status(house).health.circuit is Circuit.CLOSED  # one failure since it closed


@pytest.mark.parametrize("status", [CallStatus.COMPLETED, CallStatus.BUSY])
def test_it_closes_when_the_call_ends_well(house: House, status: CallStatus) -> None:
    campaign = _opened(house)
    house.later(seconds=30)
    (trial,) = house.claim(campaign).calls
    house.end(trial.call_id, status)
    assert len(house.claim(campaign).calls) == 8


def test_it_opens_again_when_the_call_fails(house: House) -> None:
    campaign = _opened(house)
    house.later(seconds=30)
    trial = house.claim(campaign)
    _fail(house, trial)
    house.later(seconds=10)
    claim = house.claim(campaign)
    assert (claim.calls, claim.wake_at) == ((), house.now + timedelta(seconds=50))
    assert "the call that tried it failed" in claim.reason


def test_a_trial_that_never_left_is_replaced(house: House) -> None:
    campaign = _opened(house)
    house.later(seconds=30)
    (trial,) = house.claim(campaign).calls
    house.end(trial.call_id, CallStatus.CANCELED, may_have_rung=False)
    assert house.claim(campaign).calls == ()
    house.later(seconds=5)
    assert len(house.claim(campaign).calls) == 1


def test_calls_claimed_before_do_not_leave_while_it_is_open(house: House) -> None:
    campaign = house.launch(9)
    early = house.claim_one(campaign)
    _fail(house, house.claim(campaign, limit=4))
    passed = house.fence(early.call_id)
    assert passed.verdict is FenceVerdict.WITHDRAWN
    assert passed.reason.startswith("line simulated takes no calls: 4 of 4")


def test_a_request_that_may_have_arrived_counts_at_once(house: House) -> None:
    campaign = house.launch(9)
    for call in house.claim(campaign, limit=4).calls:
        house.fence(call.call_id)
        house.write(
            lambda s, c=call: calls.record_doubt(  # type: ignore[misc]
                s, c.call_id, detail="ReadTimeout", now=house.now
            )
        )
    assert _status(house).health.reason == ("4 of 4 calls failed within 5m (unknown: ReadTimeout)")


def test_a_call_fails_its_line_once(house: House) -> None:
    claim = house.claim(house.launch(9), limit=3)
    for call in claim.calls:
        house.fence(call.call_id)
        house.write(
            lambda s, c=call: calls.record_doubt(s, c.call_id, detail="x", now=house.now)  # type: ignore[misc]
        )
    _fail(house, claim, FailureClass.UNKNOWN)
    assert len(_status(house).failures) == 3
    assert _status(house).health.circuit is Circuit.CLOSED


def test_new_limits_leave_a_circuit_as_it_is(house: House) -> None:
    _opened(house)
    house.line(most=5, breaker=POLICY)
    assert _status(house).health.circuit is Circuit.OPEN
