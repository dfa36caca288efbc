"""A revision is tried on some recipients, and promoted or taken back by itself."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.status import CallStatus
from outdial.domain.canary.arms import Arm, arm_of
from outdial.domain.canary.evidence import Evidence
from outdial.domain.canary.record import CANARY_AUTHOR, CanaryRecord
from outdial.domain.canary.verdict import CanaryState
from outdial.domain.record import DEFAULT_TENANT, CampaignRecord, RevisionRecord
from outdial.domain.rules.rulebook import Block
from outdial.store.call.calls import get_call
from outdial.store.campaign import campaigns, canaries, revisions
from outdial.store.campaign.states import finish_campaign
from outdial.store.compliance import rulings
from outdial.store.db.errors import CanaryRunning, CanaryTooSmall, RevisionChanged
from outdial.store.db.tables import canary_observation, recipient
from outdial.store.roster import requeue
from tests.builders import House, definition
from tests.domain.canaries import Person
from tests.store.canary_campaigns import (
    BASE,
    TRIED,
    apply,
    begin,
    call_all,
    carry_out,
    newest,
    recomputed,
)
from tests.store.test_outbox import listen, types

pytestmark = pytest.mark.both_databases

PEOPLE = 100
WIDE: dict[str, Any] = {"pacing": {"max_concurrent": 500}}
REACHED = Person(answers=1, opts_out=0, fails=0, cost=0)
OPTING_OUT = Person(answers=1, opts_out=0.2, fails=0, cost=0)
NEXT_YEAR = datetime(2027, 1, 1, tzinfo=UTC)


def _arms(house: House) -> dict[int, str | None]:
    rows = house.write(
        lambda s: s.connection().execute(select(recipient.c.id, recipient.c.arm)).all()
    )
    return {row.id: row.arm for row in rows}


def _agent_of(house: House, call_id: str) -> tuple[str, Any]:
    """The agent of a call, and the revision by which it was claimed."""
    record = house.write(lambda s: get_call(s, call_id))
    assert record is not None
    return house.request_of(call_id).agent, record.evidence["revision"]


def _revisions(house: House, campaign: CampaignRecord) -> list[RevisionRecord]:
    return house.write(lambda s: revisions.list_revisions(s, campaign.id, limit=10))


def _present(house: House, campaign: CampaignRecord) -> CampaignRecord:
    return house.write(lambda s: campaigns.require_campaign(s, campaign.id))


def _apply_to_all(
    house: House, campaign: CampaignRecord, restores: int | None = None, **changes: Any
) -> CampaignRecord:
    given, note = definition(campaign.name, **changes), revisions.RevisionNote(restores=restores)
    return house.write(
        lambda s: campaigns.apply_definition(s, campaign.id, given, "", now=house.now, note=note)
    )


def _take_back(house: House, campaign: CampaignRecord, **changes: Any) -> CampaignRecord:
    return _apply_to_all(house, campaign, restores=campaign.revision, **changes)


# --- begun ----------------------------------------------------------------------------------------


def test_it_begins_once_and_the_campaign_stays_at_its_revision(house: House) -> None:
    campaign = house.launch(PEOPLE)
    assert begin(house, campaign) == apply(house, campaign) == campaign
    record = newest(house, campaign)
    assert (record.state, record.base_revision, record.revision) == (CanaryState.RUNNING, 1, 2)
    assert (record.share, record.needed, record.evidence) == (0.5, PEOPLE / 4, Evidence())
    tried, first = _revisions(house, campaign)
    assert (tried.canary_share, tried.author, tried.reason) == (0.5, "user ana", "a new voice")
    assert first.canary_share is None


def test_one_at_a_time_and_only_from_the_present_revision(house: House) -> None:
    campaign = house.launch(PEOPLE)
    with pytest.raises(RevisionChanged):
        begin(house, campaign.model_copy(update={"revision": 7}))
    begin(house, campaign, proposal="one")
    with pytest.raises(CanaryRunning, match="revision 2 of reminder is being tried"):
        begin(house, campaign, proposal="two")


@pytest.mark.parametrize(
    ("people", "instead"), [(79, "apply it to all of them"), (81, "write 50% or more")]
)
def test_too_few_people_can_not_be_compared(house: House, people: int, instead: str) -> None:
    campaign = house.launch(people)
    with pytest.raises(CanaryTooSmall, match=instead):
        begin(house, campaign, 0.3)
    assert house.write(lambda s: canaries.find_newest(s, campaign.id)) is None


# --- arms -----------------------------------------------------------------------------------------


def test_everybody_who_waits_is_drawn_by_the_seed_and_keeps_the_arm(house: House) -> None:
    campaign = house.launch(PEOPLE)
    (before,) = house.claim(campaign, limit=1).calls
    called = house.write(lambda s: get_call(s, before.call_id))
    assert called is not None
    begin(house, campaign, 0.4)
    house.claim(campaign, limit=1)
    drawn = _arms(house)
    assert drawn.pop(called.recipient_id) is None
    assert drawn == {one: arm_of("seed", one, 0.4).value for one in drawn}
    assert 20 < list(drawn.values()).count(Arm.CANARY) < 60
    block = Block(jurisdiction="US-LA", until=NEXT_YEAR, reason="storm")
    house.write(lambda s: rulings.block(s, DEFAULT_TENANT, block, now=house.now))
    house.write(lambda s: rulings.unblock(s, DEFAULT_TENANT, "US-LA", now=house.now))
    house.end(before.call_id, CallStatus.NO_ANSWER)
    house.claim(campaign)
    after = _arms(house)
    assert {one: after[one] for one in drawn} == drawn


def test_a_step_draws_no_further_than_it_requeues(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many of them are done: a step over these reads no more than another."""
    monkeypatch.setattr(requeue.requeue_some, "__defaults__", (requeue.FROM_THE_START, 10))
    monkeypatch.setattr(requeue.end_of_step, "__defaults__", (10,))
    campaign = house.launch(PEOPLE)
    done = update(recipient).where(recipient.c.position < 15).values(state="done")
    house.write(lambda s: s.connection().execute(done))
    positions = select(recipient.c.position).where(recipient.c.arm.is_not(None))
    begin(house, campaign)
    for step in range(1, 4):
        house.claim(campaign, limit=1)
        drawn = house.write(lambda s: s.connection().execute(positions).scalars().all())
        assert all(position < 10 * step for position in drawn)
        assert bool(drawn) is (step > 1), "of those who are done nobody is"


def test_each_arm_is_called_under_its_own_revision(house: House) -> None:
    campaign = house.launch(PEOPLE)
    begin(house, campaign)
    calls = house.claim(campaign, limit=30).calls
    arms = _arms(house)
    for call in calls:
        record = house.write(lambda s, one=call.call_id: get_call(s, one))  # type: ignore[misc]
        assert record is not None
        expected = (TRIED, 2) if arms[record.recipient_id] == Arm.CANARY else (BASE, 1)
        assert _agent_of(house, call.call_id) == expected


def test_hours_of_the_canary_are_its_own(house: House) -> None:
    """The campaign has not begun; for the canary it has."""
    later: dict[str, Any] = {"schedule": {"hours": "00:00-24:00", "start": NEXT_YEAR}} | WIDE
    campaign = house.launch(PEOPLE, **later)
    assert not house.claim(campaign).calls
    begin(house, campaign, agent=BASE, **WIDE)
    called = house.claim(campaign).calls
    assert len(called) == list(_arms(house).values()).count(Arm.CANARY)
    back = _take_back(house, campaign, **later)
    assert back.revision == 3
    passed = house.fence(called[0].call_id)
    assert passed.reason, passed


def test_recipients_of_the_canary_wait_for_its_hours(house: House) -> None:
    campaign = house.launch(PEOPLE, **WIDE)
    begin(house, campaign, schedule={"hours": "00:00-24:00", "start": NEXT_YEAR}, **WIDE)
    called = call_all(house, campaign, random.Random(1), {BASE: REACHED}, at_once=200,
                      until=lambda: house.now.year > 2026)  # fmt: skip
    assert called == {BASE: list(_arms(house).values()).count(Arm.REST)}
    _take_back(house, campaign, **WIDE)
    house.now = house.now.replace(year=2026)
    left = house.claim(campaign).calls
    assert len(left) == list(_arms(house).values()).count(Arm.CANARY)


def test_a_call_runs_out_as_it_was_claimed(house: House) -> None:
    campaign = house.launch(PEOPLE, **WIDE)
    begin(house, campaign, **WIDE)
    calls = house.claim(campaign, limit=20).calls
    _take_back(house, campaign, **WIDE)
    assert newest(house, campaign).state is CanaryState.ROLLED_BACK
    assert {_agent_of(house, call.call_id) for call in calls} == {(BASE, 1), (TRIED, 2)}
    (after,) = house.claim(campaign, limit=1).calls
    assert _agent_of(house, after.call_id) == (BASE, 3)


# --- observed -------------------------------------------------------------------------------------


def test_the_first_call_of_each_recipient_is_observed(house: House) -> None:
    changes: dict[str, Any] = {"retry": {"no_answer": {"delays": "10s"}}} | WIDE
    campaign = house.launch(PEOPLE, **changes)
    before = house.claim(campaign, limit=3).calls
    begin(house, campaign, **changes)
    chance, people = random.Random(1), {BASE: Person(0, 0, 0), TRIED: REACHED}
    claimed = house.claim(campaign, limit=10).calls
    for call in (*before, *claimed):
        carry_out(house, call, chance, people)
    house.later(minutes=1)
    again = [call for call in house.claim(campaign, limit=100).calls if call.attempt == 2]
    for call in again:
        carry_out(house, call, chance, {BASE: REACHED, TRIED: REACHED})
    rows = house.write(lambda s: s.connection().execute(select(canary_observation)).all())
    assert again
    assert {row.call_id for row in rows} >= {call.call_id for call in claimed}
    assert len(rows) == len(claimed)
    assert {(row.arm, row.answered) for row in rows} == {("rest", False), ("canary", True)}


def test_a_call_that_was_withdrawn_is_not_observed(house: House) -> None:
    campaign = house.launch(PEOPLE)
    begin(house, campaign)
    call = house.claim_one(campaign)
    house.end(call.call_id, CallStatus.CANCELED, may_have_rung=False)
    assert not house.write(lambda s: s.connection().execute(select(canary_observation)).all())


# --- decided --------------------------------------------------------------------------------------


def _decided(house: House, campaign: CampaignRecord, tried: Person) -> CanaryRecord:
    people = {BASE: REACHED, TRIED: tried}
    call_all(house, campaign, random.Random(3), people,
             until=lambda: newest(house, campaign).state is not CanaryState.RUNNING)  # fmt: skip
    record = newest(house, campaign)
    assert record.evidence == recomputed(house, record)
    assert record.ended_at is not None
    return record


@pytest.mark.both_databases(False)
def test_an_agent_that_one_in_five_opts_out_of_is_taken_back(house: House) -> None:
    endpoint = listen(house)
    campaign = house.launch(600)
    begin(house, campaign, 0.25)
    record = _decided(house, campaign, OPTING_OUT)
    assert record.state is CanaryState.ROLLED_BACK
    assert record.evidence.canary.people < record.needed
    back, tried, _ = _revisions(house, campaign)
    assert (back.revision, back.restores, back.author) == (3, 1, CANARY_AUTHOR)
    assert back.reason == record.reason
    assert "more people opted out" in str(record.reason)
    assert tried.canary_share == 0.25
    assert _present(house, campaign).plan.agent.id == BASE
    assert types(house, endpoint).count("campaign.applied") == 1
    after = house.claim(campaign, limit=10).calls
    assert {_agent_of(house, call.call_id) for call in after} == {(BASE, 3)}


@pytest.mark.both_databases(False)
def test_one_that_changes_nothing_is_promoted(house: House) -> None:
    campaign = house.launch(300)
    begin(house, campaign, 0.25)
    record = _decided(house, campaign, REACHED)
    assert record.state is CanaryState.PROMOTED
    assert record.evidence.canary.people >= record.needed
    new = _revisions(house, campaign)[0]
    assert (new.revision, new.restores, new.author) == (3, 2, CANARY_AUTHOR)
    assert (_present(house, campaign).revision, _present(house, campaign).plan.agent.id) == (
        3,
        TRIED,
    )
    after = house.claim(campaign, limit=10).calls
    assert {_agent_of(house, call.call_id) for call in after} == {(TRIED, 3)}
    assert house.write(lambda s: revisions.revision_before(s, _present(house, campaign))) == 1


def test_nothing_else_is_applied_meanwhile(house: House) -> None:
    campaign = house.launch(PEOPLE)
    begin(house, campaign)
    for agent in ("third", BASE):
        with pytest.raises(CanaryRunning):
            _apply_to_all(house, campaign, agent=agent)
    assert newest(house, campaign).state is CanaryState.RUNNING


@pytest.mark.parametrize(
    ("agent", "restores", "state"),
    [
        (BASE, 1, CanaryState.ROLLED_BACK),
        (TRIED, None, CanaryState.PROMOTED),
        (TRIED, 2, CanaryState.PROMOTED),
    ],
)
def test_by_hand(house: House, agent: str, restores: int | None, state: CanaryState) -> None:
    campaign = house.launch(PEOPLE)
    begin(house, campaign)
    house.claim(campaign, limit=5)
    changed = _apply_to_all(house, campaign, restores, agent=agent)
    record = newest(house, campaign)
    assert (changed.revision, changed.plan.agent.id, record.state) == (3, agent, state)
    assert str(record.reason).startswith("by hand; ")
    begin(house, changed, proposal="again", agent="third")
    assert newest(house, campaign).revision == 4


def test_a_campaign_that_is_over_leaves_it_undecided(house: House) -> None:
    campaign = house.launch(PEOPLE)
    begin(house, campaign)
    call = house.claim_one(campaign)
    house.set_state(campaign, CampaignState.STOPPING)
    house.end(call.call_id)
    assert house.write(lambda s: finish_campaign(s, campaign.id, now=house.now)) is not None
    record = newest(house, campaign)
    assert (record.state, record.ended_at) == (CanaryState.UNDECIDED, house.now)
    again = house.launch(PEOPLE, first=PEOPLE)
    assert (again.launch, again.revision) == (2, 3)
    assert {_agent_of(house, one.call_id)[0] for one in house.claim(again, limit=5).calls} == {BASE}
