"""Gauges of the store: what is in flight, due or late, and zero where nothing is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.status import CallStatus, FailureClass
from outdial.domain.line.breaker import BreakerPolicy, Circuit
from outdial.domain.money.price import LinePrice
from outdial.domain.record import DEFAULT_TENANT
from outdial.store.call import events
from outdial.store.gauges import StoreGauges, read_store_gauges
from outdial.store.lines import lines
from outdial.store.webhooks import outbox, outstanding
from outdial.store.webhooks.outbox import OutboxEvent
from tests.builders import LINE, House, event
from tests.store.test_outbox import answer, due, listen

NOTHING = timedelta(0)
_OURS = {(DEFAULT_TENANT, LINE), (DEFAULT_TENANT, "weak")}


def read(house: House) -> StoreGauges:
    return house.write(lambda s: read_store_gauges(s, _OURS, house.now))


def test_an_idle_installation_is_all_zero(house: House) -> None:
    gauges = read(house)
    assert gauges.in_flight == {}
    assert gauges.campaigns == {
        CampaignState.RUNNING: 0,
        CampaignState.PAUSED: 0,
        CampaignState.STOPPING: 0,
    }
    late = (
        gauges.oldest_lease, gauges.overdue_lease, gauges.overdue_claim, gauges.unsignalled,
        gauges.outbox_oldest, gauges.outbox_overdue, gauges.failing_longest,
    )  # fmt: skip
    assert set(late) == {NOTHING}
    assert (gauges.budgets_spent, gauges.budget_left, gauges.endpoints_failing) == (0, None, 0)


@pytest.mark.both_databases
def test_calls_in_flight_by_line_status_and_campaign_state(house: House) -> None:
    campaign = house.launch(3)
    other = house.launch(1, "other", first=10)
    first, *_ = house.claim(campaign).calls
    house.claim(other)
    house.place(first.call_id)
    reported = event("r", call_id=first.call_id, status="ringing")
    house.write(lambda s: events.store_events(s, LINE, [reported], now=house.now))
    house.set_state(other, CampaignState.PAUSED)
    house.later(seconds=90)
    gauges = read(house)
    assert gauges.in_flight == {
        (LINE, "queued", "running"): 2,
        (LINE, "ringing", "running"): 1,
        (LINE, "queued", "paused"): 1,
    }
    assert gauges.campaigns[CampaignState.RUNNING] == 1
    assert gauges.campaigns[CampaignState.PAUSED] == 1
    assert gauges.oldest_lease == timedelta(seconds=90)
    assert gauges.overdue_lease == NOTHING
    house.later(hours=9)
    assert read(house).overdue_lease > timedelta(hours=7)


@pytest.mark.both_databases
def test_a_running_campaign_that_does_not_claim_is_overdue(house: House) -> None:
    campaign = house.launch(1, schedule={"hours": "11:00-12:00"})
    claim = house.claim(campaign)
    assert claim.wake_at is not None
    assert read(house).overdue_claim == NOTHING
    house.now = claim.wake_at + timedelta(minutes=3)
    assert read(house).overdue_claim == timedelta(minutes=3)
    house.set_state(campaign, CampaignState.PAUSED)
    assert read(house).overdue_claim == NOTHING


def test_a_line_that_rests_or_is_held(house: House) -> None:
    policy = BreakerPolicy(min_attempts=2, wait=timedelta(minutes=1))
    house.line("weak", breaker=policy)
    house.line("removed")
    campaign = house.launch(4, line="weak", first=20)
    for _ in range(2):
        call_id = house.claim_one(campaign).call_id
        house.fence(call_id)
        house.end(call_id, CallStatus.FAILED, failure=FailureClass.UNAVAILABLE)
    until = house.now + timedelta(minutes=5)
    house.write(lambda s: lines.hold_line(s, DEFAULT_TENANT, LINE, until, "so it said"))
    by_name = {line.name: line for line in read(house).lines}
    assert by_name.keys() == {LINE, "weak"}  # one that the settings no longer have is left out
    assert (by_name["weak"].circuit, by_name["weak"].held) == (Circuit.OPEN, False)
    assert (by_name[LINE].circuit, by_name[LINE].held) == (Circuit.CLOSED, True)
    house.later(minutes=6)
    assert not {line.name for line in read(house).lines if line.held}


@pytest.mark.both_databases
def test_an_outbox_that_nobody_drains_is_overdue(house: House) -> None:
    endpoint = listen(house)
    happened = [OutboxEvent("call.completed", subject, {}) for subject in "aab"]
    house.write(lambda s: outbox.publish(s, DEFAULT_TENANT, happened, now=house.now))
    house.later(minutes=4)
    gauges = read(house)
    assert gauges.outbox_overdue == gauges.outbox_oldest == timedelta(minutes=4)
    assert gauges.endpoints_failing == 0
    # A worker that takes it up and never sends anything changes nothing.
    house.write(lambda s: outstanding.take_up(s, [endpoint.id], now=house.now))
    assert read(house).outbox_overdue == timedelta(minutes=4)


@pytest.mark.both_databases
def test_an_endpoint_that_fails_is_failing_and_not_overdue(house: House) -> None:
    """Its events wait for their next try, and those behind them for theirs."""
    endpoint = listen(house)
    happened = [OutboxEvent("call.completed", "a", {}) for _ in range(3)]
    house.write(lambda s: outbox.publish(s, DEFAULT_TENANT, happened, now=house.now))
    [first] = due(house, endpoint, house.now)
    answer(house, first, 500, house.now, waits=[timedelta(hours=1)])
    house.write(lambda s: outstanding.rest(s, endpoint.id))
    house.later(minutes=30)
    gauges = read(house)
    assert gauges.outbox_overdue == NOTHING
    assert (gauges.endpoints_failing, gauges.failing_longest) == (1, timedelta(minutes=30))
    assert gauges.outbox_oldest == timedelta(minutes=30)


def test_a_report_without_its_workflow(house: House) -> None:
    call_id = house.claim_one(house.launch()).call_id
    house.place(call_id)
    reported = event("r", call_id=call_id, status="ringing")
    house.write(lambda s: events.store_events(s, LINE, [reported], now=house.now))
    house.later(seconds=70)
    assert read(house).unsignalled == timedelta(seconds=70)
    keys = [(DEFAULT_TENANT, LINE, "r")]
    house.write(lambda s: events.mark_signalled(s, keys, now=house.now))
    assert read(house).unsignalled == NOTHING


def test_budgets(house: House) -> None:
    house.line(price=LinePrice("USD", 1_000_000, 0, 60))
    campaign = house.launch(5, budget={"most": "100 USD"}, max_duration="10m")
    assert read(house).budget_left == 1.0
    house.claim(campaign, limit=1)
    assert read(house).budget_left == pytest.approx(0.9)
    house.claim(campaign)
    gauges = read(house)
    assert gauges.budget_left == pytest.approx(0.5)
    assert gauges.budgets_spent == 0
