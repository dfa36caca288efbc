from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from sqlalchemy import select

from outdial.domain.call.claim import CampaignState, ClaimedCall
from outdial.domain.call.status import CallStatus, FailureClass
from outdial.domain.line.breaker import BreakerPolicy
from outdial.domain.line.routing import UnknownLine
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.store.campaign import campaigns
from outdial.store.campaign.states import finish_campaign
from outdial.store.db.tables import call, recipient
from tests.builders import House, definition

MAIN_AND_SPARE = [{"name": "main"}, {"name": "spare", "weight": 0}]
THREE_TO_ONE = [{"name": "main", "weight": 3}, {"name": "spare", "weight": 1}]


@pytest.fixture(autouse=True)
def _lines(house: House) -> None:
    for name in ("main", "spare"):
        house.line(name, breaker=BreakerPolicy(min_attempts=3))


def _refuse(
    house: House, claimed: ClaimedCall, failure: FailureClass = FailureClass.UNAVAILABLE
) -> None:
    house.end(claimed.call_id, CallStatus.FAILED, failure=failure, may_have_rung=False)


def _recipients(house: House, column: str) -> list[Any]:
    statement = select(recipient.c[column]).order_by(recipient.c.id)
    return list(house.write(lambda s: s.connection().execute(statement).scalars().all()))


def test_weights_share_the_calls(house: House) -> None:
    campaign = house.launch(40, line=THREE_TO_ONE, pacing={"max_concurrent": 40})
    counted = Counter(claimed.line for claimed in house.claim(campaign).calls)
    assert counted.total() == 40
    assert abs(counted["main"] - 30) <= 1


def test_the_spare_line_is_used_while_the_first_is_open(house: House) -> None:
    campaign = house.launch(20, line=MAIN_AND_SPARE, pacing={"max_concurrent": 20})
    first = house.claim(campaign, limit=3).calls
    assert {claimed.line for claimed in first} == {"main"}
    for claimed in first:
        _refuse(house, claimed)
    second = house.claim(campaign, limit=5).calls
    assert [claimed.line for claimed in second] == ["spare"] * 5
    house.later(seconds=30)
    third = house.claim(campaign, limit=5).calls
    assert Counter(c.line for c in third) == {"main": 1, "spare": 4}, "one call tries the first"
    (trial,) = (c for c in third if c.line == "main")
    house.end(trial.call_id)
    assert {c.line for c in house.claim(campaign).calls} == {"main"}


def test_a_line_that_is_only_full_sends_nobody_to_the_spare(house: House) -> None:
    house.line("main", most=2)
    campaign = house.launch(6, line=MAIN_AND_SPARE)
    assert [c.line for c in house.claim(campaign).calls] == ["main", "main"]
    claim = house.claim(campaign)
    assert (claim.calls, claim.reason) == ((), "all 2 calls of line main in flight")


def test_a_refused_call_moves_to_another_line_at_once(house: House) -> None:
    campaign = house.launch(1, line=MAIN_AND_SPARE, retry={"max_attempts": 1})
    refused = house.claim_one(campaign)
    _refuse(house, refused)
    moved = house.claim_one(campaign)
    assert (moved.line, moved.attempt) == ("spare", 1), "a refusal is no attempt"
    house.end(moved.call_id)
    assert _recipients(house, "outcome") == ["completed"]
    assert _recipients(house, "attempts") == [1]


@pytest.mark.parametrize(
    "failure",
    [FailureClass.UNAVAILABLE, FailureClass.THROTTLED, FailureClass.MISCONFIGURED],
)
def test_when_all_lines_have_refused_they_are_asked_again_later(
    house: House, failure: FailureClass
) -> None:
    campaign = house.launch(1, line=MAIN_AND_SPARE)
    for _ in range(2):
        _refuse(house, house.claim_one(campaign), failure)
    claim = house.claim(campaign)
    assert claim.calls == ()
    assert claim.wake_at is not None
    assert _recipients(house, "line_marks") == [{}]
    house.now = claim.wake_at
    assert house.claim_one(campaign).line == "main"


def test_a_number_is_given_up_when_every_line_rejects_it(house: House) -> None:
    campaign = house.launch(1, line=MAIN_AND_SPARE)
    _refuse(house, house.claim_one(campaign), FailureClass.REJECTED)
    second = house.claim_one(campaign)
    assert second.line == "spare"
    _refuse(house, second, FailureClass.REJECTED)
    assert _recipients(house, "state") == [RecipientState.DONE.value]
    assert _recipients(house, "outcome") == ["failed:rejected"]


def test_a_rejection_is_remembered_over_attempts(house: House) -> None:
    retry = {"busy": {"delays": "10m"}}
    campaign = house.launch(1, line=MAIN_AND_SPARE, retry=retry)
    _refuse(house, house.claim_one(campaign), FailureClass.REJECTED)
    house.end(house.claim_one(campaign).call_id, CallStatus.BUSY)
    house.later(minutes=10)
    assert house.claim_one(campaign).line == "spare"


def test_an_unknown_placement_never_moves_to_another_line(house: House) -> None:
    retry = {"unknown": {"delays": "1m", "max_attempts": 9}, "max_attempts": 9}
    campaign = house.launch(1, line=THREE_TO_ONE, retry=retry)
    for _ in range(4):
        claimed = house.claim_one(campaign)
        assert claimed.line == "main"
        house.fence(claimed.call_id)
        assert house.claim(campaign).calls == (), "it is in flight for as long as it may be"
        house.end(claimed.call_id, CallStatus.FAILED, failure=FailureClass.UNKNOWN)
        house.later(minutes=6)


def test_who_waits_for_an_open_line_alone_keeps_nobody_else_waiting(house: House) -> None:
    retry = {"unknown": {"delays": "1s"}}
    campaign = house.launch(30, line=THREE_TO_ONE, retry=retry, pacing={"max_concurrent": 30})
    on_main = [c for c in house.claim(campaign, limit=24).calls if c.line == "main"]
    for claimed in on_main:
        house.end(claimed.call_id, CallStatus.FAILED, failure=FailureClass.UNKNOWN)
    house.later(seconds=2)
    claim = house.claim(campaign)
    assert {c.line for c in claim.calls} == {"spare"}
    assert len(claim.calls) == 6, "those who never were called"
    assert claim.wake_at is not None
    assert claim.wake_at > house.now


def test_the_rate_and_concurrency_of_each_line_hold(house: House) -> None:
    house.line("main", most=4)
    house.line("spare", most=3)
    lines = [{"name": "main"}, {"name": "spare"}]
    campaign = house.launch(20, line=lines, pacing={"max_concurrent": 20})
    counted = Counter(claimed.line for claimed in house.claim(campaign).calls)
    assert counted == {"main": 4, "spare": 3}


def test_others_on_the_second_line_share_it(house: House) -> None:
    """A campaign that waits for both of its lines is seen by those on either."""
    house.line("main", most=1)
    house.line("spare", most=10)
    both = house.launch(50, "both", line=["main", "spare"], pacing={"max_concurrent": 50})
    alone = house.launch(50, "alone", first=100, line="spare", pacing={"max_concurrent": 50})
    held = house.claim(both).calls
    assert len(held) == 11
    for claimed in held:
        house.end(claimed.call_id)
    assert len(house.claim(alone).calls) == 5


def test_each_line_has_its_own_agent_and_numbers(house: House) -> None:
    lines = [
        {"name": "main", "weight": 1},
        {"name": "spare", "weight": 0, "agent": "agent-9", "caller_ids": "+12125550999"},
    ]
    campaign = house.launch(1, line=lines, caller_ids="+12125550111")
    first = house.request_of(house.claim_one(campaign).call_id)
    assert (first.agent, first.caller_id) == ("agent-1", "+12125550111")
    statement = select(call.c.id)
    (call_id,) = house.write(lambda s: s.connection().execute(statement).scalars().all())
    house.end(call_id, CallStatus.FAILED, failure=FailureClass.UNAVAILABLE, may_have_rung=False)
    second = house.request_of(house.claim_one(campaign).call_id)
    assert (second.agent, second.caller_id) == ("agent-9", "+12125550999")


def test_new_lines_hold_from_the_next_claim_on(house: House) -> None:
    campaign = house.launch(4, line="main")
    assert house.claim_one(campaign).line == "main"
    _apply(house, campaign, line=["spare"])
    assert {c.line for c in house.claim(campaign).calls} == {"spare"}
    with pytest.raises(UnknownLine, match="nowhere"):
        _apply(house, campaign, line=["spare", "nowhere"])


def _apply(house: House, campaign: CampaignRecord, **changes: Any) -> None:
    edited = definition(campaign.name, **changes)
    house.write(lambda s: campaigns.apply_definition(s, campaign.id, edited, "", now=house.now))


def test_a_stopped_campaign_with_several_lines_starts_again(house: House) -> None:
    campaign = house.launch(1, line=["main", "spare"])
    house.set_state(campaign, CampaignState.STOPPING)
    house.claim(campaign)
    house.write(lambda s: finish_campaign(s, campaign.id, now=house.now))
    again = house.launch(1, line=["spare"])
    assert house.claim_one(again).line == "spare"
