"""Changes that concern a whole roster are made in steps, and none is forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from outdial.domain.call.claim import CampaignState, FenceVerdict
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.store.campaign import campaigns
from outdial.store.campaign.progress import read_progress
from outdial.store.campaign.states import finish_campaign
from outdial.store.roster import requeue, roster
from tests.builders import House, definition
from tests.store.test_rush import DAY, OPENS, counted

PEOPLE = 60
STEP = 25


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of 25 instead of thousands."""
    for step in (requeue.close_some, requeue.requeue_some):
        *others, usual = step.__defaults__ or ()
        assert usual == requeue.STEP
        monkeypatch.setattr(step, "__defaults__", (*others, STEP))


def _states(house: House, campaign: CampaignRecord) -> dict[str, int]:
    progress = house.write(lambda s: read_progress(s, campaign.id)).by_state
    return {state: count for state, count in progress.items() if count}


def _finish(house: House, campaign: CampaignRecord) -> bool:
    over = house.write(lambda s: finish_campaign(s, campaign.id, now=house.now))
    return over is not None


def test_claims_end_those_whom_a_stop_left(house: House) -> None:
    campaign = house.launch(PEOPLE)
    house.set_state(campaign, CampaignState.STOPPING)
    assert _states(house, campaign) == {"waiting": 35, "done": 25}
    assert house.claim(campaign).wake_at == house.now
    assert house.claim(campaign).wake_at is None
    assert _states(house, campaign) == {"done": PEOPLE}
    assert _finish(house, campaign)


def test_a_campaign_nobody_claims_for_is_ended_all_the_same(house: House) -> None:
    campaign = house.launch(PEOPLE)
    house.set_state(campaign, CampaignState.STOPPING)
    assert [_finish(house, campaign) for _ in range(3)] == [False, True, True]
    assert _states(house, campaign) == {"done": PEOPLE}


def test_nobody_is_called_whom_a_stop_has_not_reached(house: House) -> None:
    campaign = house.launch(PEOPLE)
    calls = house.claim(campaign, limit=3).calls
    house.set_state(campaign, CampaignState.STOPPING)
    for call in calls:
        assert house.fence(call.call_id).verdict is FenceVerdict.WITHDRAWN
    assert house.claim(campaign).calls == ()


def test_claims_decide_anew_those_whom_a_revision_left(house: House) -> None:
    house.now = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)  # 07:00 in New York
    house.line("second")
    campaign = house.launch(
        PEOPLE, schedule={"hours": "09:00-18:00"}, pacing={"max_concurrent": 90}
    )
    while house.claim(campaign).wake_at == house.now:
        pass
    revised = definition(
        line="second", schedule={"hours": "07:00-18:00"}, pacing={"max_concurrent": 90}
    )
    house.write(lambda s: campaigns.apply_definition(s, campaign.id, revised, "", now=house.now))
    claims = [house.claim(campaign)]
    while claims[-1].wake_at == house.now:
        claims.append(house.claim(campaign))
    taken = [call for claim in claims for call in claim.calls]
    assert len(taken) == PEOPLE
    assert {call.line for call in taken} == {"second"}
    assert len(claims) >= 2


def test_who_can_not_be_called_yet_by_a_revision_is_due_when_its_hours_open(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All at once, without a decision about each."""
    house.now = OPENS - timedelta(hours=3)
    house.line("second")
    campaign = house.launch(PEOPLE, schedule=DAY)
    while house.claim(campaign).wake_at == house.now:
        pass
    later = definition(line="second", schedule={"hours": "09:00-18:00"})
    house.write(lambda s: campaigns.apply_definition(s, campaign.id, later, "", now=house.now))
    with counted(house, monkeypatch) as work:
        claim = house.claim(campaign)
        while claim.wake_at == house.now:
            claim = house.claim(campaign)
    assert (claim.wake_at, work.decisions) == (OPENS + timedelta(hours=1), 0)
    people = house.write(lambda s: roster.list_recipients(s, campaign.id, launch=1, limit=100))
    assert len({person.reason for person in people}) == 1
    house.now = OPENS + timedelta(hours=1)
    assert {call.line for call in house.claim(campaign).calls} == {"second"}


def test_another_launch_starts_afresh(house: House) -> None:
    campaign = house.launch(PEOPLE)
    house.write(
        lambda s: campaigns.apply_definition(s, campaign.id, definition(), "", now=house.now)
    )
    house.set_state(campaign, CampaignState.STOPPING)
    while not _finish(house, campaign):
        pass
    again = house.launch(3)
    assert (again.id, again.launch) == (campaign.id, 2)
    assert len(house.claim(again).calls) == 3
    first = house.write(lambda s: roster.list_recipients(s, campaign.id, launch=1, limit=100))
    assert {person.state for person in first} == {RecipientState.DONE}
