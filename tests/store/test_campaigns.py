from __future__ import annotations

from typing import Any

import pytest

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.policy import Pacing
from outdial.domain.call.status import CallStatus
from outdial.domain.record import DEFAULT_TENANT, DIRECT_CAMPAIGN, CampaignRecord, Progress
from outdial.store.campaign import campaigns, listing
from outdial.store.campaign.campaigns import LaunchResult
from outdial.store.campaign.progress import read_progress
from outdial.store.campaign.revisions import definition_at
from outdial.store.campaign.states import finish_campaign, set_campaign_state
from outdial.store.claims.state import save_claim_state
from outdial.store.db.errors import (
    CampaignEnded,
    CampaignRunning,
    IllegalTransition,
    PurposeChanged,
    ReservedName,
    UnknownCampaign,
)
from outdial.store.roster import roster
from tests.builders import House, definition, drafts
from tests.staged import stage_drafts
from tests.store.racing import race

RUNNING, PAUSED, STOPPING, STOPPED, FINISHED = (
    CampaignState.RUNNING,
    CampaignState.PAUSED,
    CampaignState.STOPPING,
    CampaignState.STOPPED,
    CampaignState.FINISHED,
)


def _launch(house: House, again: bool = False, **changes: Any) -> LaunchResult:
    new_definition = definition(**changes)
    return house.write(
        lambda s: campaigns.launch_campaign(
            s, DEFAULT_TENANT, new_definition, "source", now=house.now, again=again
        )
    )


def _finish(house: House, campaign: CampaignRecord) -> CampaignRecord | None:
    return house.write(lambda s: finish_campaign(s, campaign.id, now=house.now))


def _progress(house: House, campaign: CampaignRecord) -> Progress:
    return house.database.read_sync(lambda s: read_progress(s, campaign.id))


def test_a_launch_creates_a_running_campaign(house: House) -> None:
    launched = _launch(house, pacing={"max_concurrent": 7, "per_minute": 60})
    record = launched.record
    assert launched.created
    assert (record.state, record.revision, record.launch) == (RUNNING, 1, 1)
    assert record.plan.pacing == Pacing(max_concurrent=7, per_minute=60)
    assert house.write(lambda s: campaigns.find_campaign(s, DEFAULT_TENANT, "reminder")) == record
    assert house.write(lambda s: campaigns.require_campaign(s, record.id)) == record
    assert house.write(lambda s: listing.list_campaigns(s, DEFAULT_TENANT)) == [record]
    assert house.write(lambda s: campaigns.find_campaign(s, "other", "reminder")) is None


def test_what_runs_is_not_launched_twice(house: House) -> None:
    record = _launch(house).record
    for again in (False, True):
        with pytest.raises(CampaignRunning) as refused:
            _launch(house, again, description="changed")
        assert refused.value.record == record
    assert house.write(lambda s: definition_at(s, record.id, 2)) is None


@pytest.mark.both_databases
def test_of_many_who_launch_one_name_one_does(house: House) -> None:
    def launch() -> bool:
        try:
            return _launch(house).created
        except CampaignRunning:
            return False

    assert sorted(race([launch] * 8)) == [False] * 7 + [True]


def test_what_is_over_is_launched_again_on_demand(house: House) -> None:
    campaign = house.launch(0)
    assert _finish(house, campaign) is not None
    with pytest.raises(CampaignEnded):
        _launch(house)
    with pytest.raises(PurposeChanged):
        _launch(house, again=True, purpose="telemarketing")
    house.later(hours=1)
    launched = _launch(house, again=True, pacing={"max_concurrent": 3})
    record = launched.record
    assert not launched.created
    assert (record.state, record.launch, record.revision) == (RUNNING, 2, 2)
    assert (record.plan.pacing.max_concurrent, record.finished_at) == (3, None)
    assert record.launched_at == house.now
    kept = house.write(lambda s: definition_at(s, record.id, 1))
    assert kept is not None
    assert kept.pacing.max_concurrent == 10


def test_the_next_launch_shows_nothing_of_the_claims_before(house: House) -> None:
    campaign = house.launch(0)
    values = {
        "wake_at": house.now,
        "reason": "outside the hours",
        "next_call_at": house.now,
        "next_call_zone": "America/New_York",
        "budget_exhausted": f"per_day {house.now:%Y-%m-%d}",
    }
    house.write(lambda s: save_claim_state(s, campaign.id, **values))
    _finish(house, campaign)
    _launch(house, again=True, budget={"per_day": "1 USD"})
    shown = house.write(lambda s: read_progress(s, campaign.id))
    assert (shown.wake_at, shown.reason) == (None, None)
    assert (shown.next_call_at, shown.next_call_zone) == (None, None)
    assert shown.budget is not None
    assert shown.budget.exhausted is None


def test_who_ends_it_once_more_is_told_that_it_is_over(house: House) -> None:
    """A worker may die after it ended a campaign and before it could say so."""
    campaign = house.launch(0)
    ended = _finish(house, campaign)
    house.later(minutes=1)
    assert ended is not None
    assert _finish(house, campaign) == ended


def test_the_name_of_the_direct_campaign_is_reserved(house: House) -> None:
    with pytest.raises(ReservedName):
        _launch(house, name=DIRECT_CAMPAIGN)


@pytest.mark.both_databases
def test_the_direct_campaign_is_created_once_and_never_ends(house: House) -> None:
    def ensure() -> CampaignRecord:
        return house.write(
            lambda s: campaigns.ensure_direct_campaign(s, DEFAULT_TENANT, now=house.now)
        )

    records = race([ensure] * 6)
    direct = records[0]
    assert all(record == direct for record in records)
    assert direct.direct
    assert _finish(house, direct) is None
    assert house.set_state(direct, PAUSED).state is PAUSED
    with pytest.raises(IllegalTransition):
        house.set_state(direct, STOPPING)
    assert house.open_campaigns() == []


def test_states_change_only_where_that_makes_sense(house: House) -> None:
    campaign = house.launch(1)
    assert house.set_state(campaign, PAUSED).state is PAUSED
    assert house.set_state(campaign, PAUSED).state is PAUSED
    assert house.set_state(campaign, RUNNING).state is RUNNING
    assert house.set_state(campaign, STOPPING).state is STOPPING
    for state in (RUNNING, PAUSED, STOPPED, FINISHED):
        with pytest.raises(IllegalTransition):
            house.set_state(campaign, state)
    stopped = _finish(house, campaign)
    assert stopped is not None
    assert stopped.state is STOPPED
    for state in CampaignState:
        with pytest.raises(IllegalTransition):
            house.set_state(campaign, state)


def test_an_unknown_campaign_is_an_error(house: House) -> None:
    with pytest.raises(UnknownCampaign):
        house.write(lambda s: read_progress(s, 4711))
    with pytest.raises(UnknownCampaign):
        house.write(lambda s: set_campaign_state(s, 4711, PAUSED, now=house.now))


def test_hanging_up_may_be_asked_for_while_stopping(house: House) -> None:
    campaign = house.launch(1)

    def stop(hang_up: bool, reason: str | None) -> CampaignRecord:
        return house.write(
            lambda s: set_campaign_state(
                s, campaign.id, STOPPING, now=house.now, hang_up=hang_up, reason=reason
            )
        )

    assert not stop(False, "enough").hang_up
    hung_up = stop(True, None)
    assert (hung_up.hang_up, hung_up.reason) == (True, "enough")
    assert stop(False, None).hang_up


def test_stopping_ends_all_recipients_that_are_not_called(house: House) -> None:
    campaign = house.launch(30, pacing={"max_concurrent": 2})
    first, second = house.claim(campaign).calls
    house.set_state(campaign, STOPPING)
    progress = _progress(house, campaign)
    assert progress.by_state["done"] == 28
    assert progress.by_outcome == {"canceled": 28}
    assert _finish(house, campaign) is None
    house.end(first.call_id, CallStatus.BUSY)
    house.end(second.call_id)
    assert _progress(house, campaign).by_outcome == {"canceled": 28, "busy": 1, "completed": 1}
    stopped = _finish(house, campaign)
    assert stopped is not None
    assert (stopped.state, stopped.finished_at) == (STOPPED, house.now)
    house.later(hours=1)
    assert _finish(house, campaign) == stopped


def test_a_campaign_finishes_when_nothing_is_left(house: House) -> None:
    campaign = house.launch(1)
    assert _finish(house, campaign) is None
    call = house.claim_one(campaign)
    assert _finish(house, campaign) is None
    house.end(call.call_id)
    house.set_state(campaign, PAUSED)
    assert _finish(house, campaign) is None
    house.set_state(campaign, RUNNING)
    finished = _finish(house, campaign)
    assert finished is not None
    assert finished.state is FINISHED


def test_a_campaign_does_not_finish_before_all_are_enrolled(house: House) -> None:
    record = _launch(house).record
    assert _finish(house, record) is None
    house.write(lambda s: roster.mark_enrolled(s, record.id, 1))
    house.write(lambda s: stage_drafts(s, record.id, 1, drafts(3)))
    assert _finish(house, record) is None
    house.write(lambda s: roster.enroll_chunk(s, record.id, 1, 1, []))
    assert _finish(house, record) is not None


def test_progress_tells_what_a_campaign_waits_for(house: House) -> None:
    campaign = house.launch(2, pacing={"max_concurrent": 1})
    call = house.claim_one(campaign)
    progress = _progress(house, campaign)
    assert (progress.recipients, progress.in_flight, progress.reason) == (
        2,
        1,
        "1 of 1 calls in flight",
    )
    house.end(call.call_id)
    house.write(lambda s: save_claim_state(s, campaign.id, wake_at=house.now, reason="lunch"))
    progress = _progress(house, campaign)
    assert (progress.wake_at, progress.reason, progress.in_flight) == (house.now, "lunch", 0)
    assert (progress.calls, progress.attempts, progress.by_outcome) == (
        {"completed": 1},
        1,
        {"completed": 1},
    )
    house.write(
        lambda s: set_campaign_state(s, campaign.id, PAUSED, now=house.now, reason="holiday")
    )
    progress = _progress(house, campaign)
    assert (progress.wake_at, progress.reason) == (None, "holiday")
