"""Proposed revisions: applied once, from the revision they were made from."""

from __future__ import annotations

import random

import pytest

from outdial.domain.call.claim import CampaignState, FenceVerdict
from outdial.domain.call.plan import CallPlan
from outdial.store.campaign import campaigns, revisions
from outdial.store.campaign.proposals import (
    delete_proposals,
    withdraw_proposal,
)
from outdial.store.campaign.states import finish_campaign
from outdial.store.db.errors import (
    CampaignEnded,
    ProposalGone,
    RevisionChanged,
)
from tests.builders import House, definition
from tests.domain.test_differences import CHANGES
from tests.store.proposing import apply, proposed
from tests.store.racing import race
from tests.store.test_outbox import listen, types

pytestmark = pytest.mark.both_databases


def test_a_proposal_becomes_the_next_revision_once(house: House) -> None:
    campaign = house.launch(2)
    proposed(house, campaign, pacing={"max_concurrent": 3})
    changed = apply(house, campaign)
    assert (changed.revision, changed.plan.pacing.max_concurrent) == (2, 3)
    assert apply(house, campaign) == changed
    newest, first = house.write(lambda s: revisions.list_revisions(s, campaign.id, limit=10))
    assert (newest.revision, newest.author, newest.reason) == (2, "user ana", "too fast")
    assert (first.revision, first.author, first.reason) == (1, None, None)
    assert house.write(lambda s: revisions.source_at(s, campaign.id, 2)) == "source"


def test_endpoints_hear_of_it(house: House) -> None:
    endpoint = listen(house)
    campaign = house.launch(1)
    proposed(house, campaign, pacing={"max_concurrent": 3})
    for _ in range(2):
        apply(house, campaign)
    assert types(house, endpoint) == ["campaign.applied"]


def test_of_two_proposals_the_second_is_refused(house: House) -> None:
    campaign = house.launch(1)
    for name in ("p1", "p2"):
        proposed(house, campaign, proposal=name, pacing={"max_concurrent": 3})
    apply(house, campaign)
    with pytest.raises(RevisionChanged, match="is at revision 2"):
        apply(house, campaign, "p2")
    assert house.write(lambda s: campaigns.require_campaign(s, campaign.id)).revision == 2


def test_two_that_apply_at_once_make_one_revision(house: House) -> None:
    campaign = house.launch(3)
    proposed(house, campaign, pacing={"max_concurrent": 3})
    changed = race([lambda: apply(house, campaign)] * 4)
    assert {each.revision for each in changed} == {2}


def test_a_proposal_of_another_campaign_or_of_none_is_gone(house: House) -> None:
    campaign, other = house.launch(1), house.launch(1, "other", first=10)
    proposed(house, campaign)
    for of, proposal in ((other, "p1"), (campaign, "p2")):
        with pytest.raises(ProposalGone):
            apply(house, of, proposal)
    assert house.write(lambda s: withdraw_proposal(s, campaign.id, "p1"))
    with pytest.raises(ProposalGone):
        apply(house, campaign)


def test_what_was_applied_can_not_be_withdrawn(house: House) -> None:
    campaign = house.launch(1)
    proposed(house, campaign, pacing={"max_concurrent": 3})
    apply(house, campaign)
    assert not house.write(lambda s: withdraw_proposal(s, campaign.id, "p1"))
    assert house.write(lambda s: withdraw_proposal(s, campaign.id, "p2"))


def test_what_nobody_applied_is_deleted_after_a_while(house: House) -> None:
    campaign = house.launch(1)
    proposed(house, campaign)
    assert house.write(lambda s: delete_proposals(s, before=house.now, limit=10)) == 0
    house.later(days=2)
    assert house.write(lambda s: delete_proposals(s, before=house.now, limit=10)) == 1


@pytest.mark.parametrize("state", [CampaignState.STOPPING, CampaignState.FINISHED])
def test_what_is_over_or_stopping_is_not_changed(house: House, state: CampaignState) -> None:
    campaign = house.launch(0 if state is CampaignState.FINISHED else 1)
    proposed(house, campaign)
    if state is CampaignState.FINISHED:
        house.write(lambda s: finish_campaign(s, campaign.id, now=house.now))
    else:
        house.set_state(campaign, state)
    with pytest.raises(CampaignEnded):
        apply(house, campaign)
    assert house.write(lambda s: campaigns.require_campaign(s, campaign.id)).revision == 1


def test_a_paused_campaign_is_changed_and_stays_paused(house: House) -> None:
    campaign = house.launch(1)
    house.set_state(campaign, CampaignState.PAUSED)
    proposed(house, campaign, pacing={"max_concurrent": 3})
    assert apply(house, campaign).state is CampaignState.PAUSED


@pytest.mark.parametrize("seed", range(5))
def test_the_way_back_gives_the_same_plan(house: House, seed: int) -> None:
    """Whatever was changed, and whatever it was before."""
    for name in ("main", "spare"):
        house.line(name)
    keys, draw = sorted(CHANGES.keys() - {"purpose", "recipients"}), random.Random(seed)
    before, after = (
        {key: CHANGES[key] for key in draw.sample(keys, draw.randrange(1, len(keys)))}
        for _ in range(2)
    )
    campaign = house.launch(1, **before)
    proposed(house, campaign, **after)
    changed = apply(house, campaign)
    assert changed.plan == CallPlan.of(definition(**after))
    earlier = house.write(lambda s: revisions.definition_at(s, campaign.id, 1))
    assert earlier is not None
    assert earlier == definition(**before)
    house.write(lambda s: campaigns.apply_definition(s, campaign.id, earlier, "", now=house.now))
    back = house.write(lambda s: campaigns.require_campaign(s, campaign.id))
    assert (back.plan, back.revision) == (campaign.plan, 3)


def test_a_claimed_call_runs_out_under_its_revision(house: House) -> None:
    campaign = house.launch(2, pacing={"max_concurrent": 1})
    call = house.claim_one(campaign)
    proposed(house, campaign, agent={"id": "agent-2", "settings": {"voice": "b"}}, recording=True)
    apply(house, campaign)
    sent = house.request_of(call.call_id)
    assert (sent.agent, sent.agent_settings, sent.recording) == ("agent-1", {}, None)
    house.end(call.call_id)
    sent = house.request_of(house.claim_one(campaign).call_id)
    assert (sent.agent, sent.agent_settings, sent.recording) == ("agent-2", {"voice": "b"}, True)


def test_a_call_on_a_line_that_went_away_runs_out_and_nobody_is_stranded(house: House) -> None:
    house.line("spare")
    campaign = house.launch(6, pacing={"max_concurrent": 2})
    claimed = house.claim(campaign).calls
    proposed(house, campaign, line="spare", pacing={"max_concurrent": 2})
    apply(house, campaign)
    assert [house.fence(call.call_id).verdict for call in claimed] == [FenceVerdict.GO] * 2
    for call in claimed:
        house.end(call.call_id)
    lines = []
    while calls := house.claim(campaign).calls:
        lines += [call.line for call in calls]
        for call in calls:
            house.end(call.call_id)
    assert lines == ["spare"] * 4
