"""Recipients of a revision, merged into the roster of the launch it is applied to."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from sqlalchemy import select

from outdial.domain.call.claim import CampaignState, FenceVerdict
from outdial.domain.call.status import REMOVED, CallStatus
from outdial.domain.record import RecipientState, StagingRecord, StagingState
from outdial.store.call.calls import get_call
from outdial.store.campaign import campaigns
from outdial.store.campaign.revisions import RevisionNote
from outdial.store.claims.leases import leases_to_check
from outdial.store.compliance.suppressions import suppress_all
from outdial.store.db.errors import (
    StagingEnded,
)
from outdial.store.db.tables import roster_chunk
from outdial.store.roster import flip, merging, staging
from outdial.store.roster.merging import RosterComparison
from outdial.store.roster.roster import read_chunk
from tests.builders import House, phone
from tests.store.proposing import apply, by_number, compare, merge, proposed, staged
from tests.store.stagings import find, people

pytestmark = pytest.mark.both_databases


def test_new_people_come_and_those_there_get_the_values_of_their_rows(house: House) -> None:
    campaign = house.launch(3)
    of = staged(house, campaign, [1, 2, 7], variables={"name": "new"})
    assert compare(house, campaign, of) == RosterComparison(added=1, changed=2, missing=1)
    proposed(house, campaign, of=of)
    apply(house, campaign)
    merge(house, of)
    there = by_number(house, campaign)
    assert {number: [one.variables for one in rows] for number, rows in there.items()} == {
        phone(0): [{}],
        phone(1): [{"name": "new"}],
        phone(2): [{"name": "new"}],
        phone(7): [{"name": "new"}],
    }
    assert all(one.state is RecipientState.WAITING for rows in there.values() for one in rows)
    assert len(house.claim(campaign).calls) == 4


def test_who_is_not_in_the_file_is_removed_only_when_that_was_asked(house: House) -> None:
    campaign = house.launch(5)
    call = house.claim(campaign, limit=1).calls[0]
    of = staged(house, campaign, [2, 3])
    proposed(house, campaign, of=of, removes=True, note=RevisionNote(removed=3))
    apply(house, campaign)  # which removes a few at once: nobody claims them in between
    rows = {number: one for number, (one,) in by_number(house, campaign).items()}
    ended = {number for number, one in rows.items() if one.state is RecipientState.DONE}
    assert ended == {phone(1), phone(4)}
    assert {rows[number].reason for number in ended} == {REMOVED}
    assert house.fence(call.call_id).reason == "it was withdrawn"
    house.end(call.call_id, CallStatus.CANCELED, may_have_rung=False)
    assert len(house.claim(campaign).calls) == 2


def test_a_few_are_matched_in_the_transaction_that_applies(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is called under the new revision with the former values."""
    monkeypatch.setattr(flip, "MOVED_AT_ONCE", 3)
    campaign = house.launch(3)
    of = staged(house, campaign, [0, 1, 7], variables={"v": "2"})
    proposed(house, campaign, of=of, removes=True)
    apply(house, campaign)
    rows = {number: one for number, (one,) in by_number(house, campaign).items()}
    assert rows.keys() == {phone(n) for n in (0, 1, 2, 7)}
    assert rows.pop(phone(2)).reason == REMOVED
    assert [one.variables for one in rows.values()] == [{"v": "2"}] * 3


def test_a_call_under_way_to_somebody_removed_is_the_last(house: House) -> None:
    campaign = house.launch(1, retry={"busy": {"delays": "1s"}})
    call = house.claim_one(campaign)
    house.place(call.call_id)
    of = staged(house, campaign, [7])
    proposed(house, campaign, of=of, removes=True, retry={"busy": {"delays": "1s"}})
    apply(house, campaign)
    merge(house, of)
    (check,) = house.write(
        lambda s: leases_to_check(s, now=house.now, older_than=timedelta(0), limit=9)
    )
    assert not check.to_be_hung_up
    assert house.end(call.call_id, CallStatus.BUSY).recipient_done


@pytest.mark.parametrize("placed", [False, True])
@pytest.mark.parametrize("values", [{}, {"name": "new"}])
def test_who_was_removed_during_a_call_comes_back(
    house: House, placed: bool, values: dict[str, str]
) -> None:
    """While the call goes on, with new values or the same; they are not called twice at once."""
    retry = {"busy": {"delays": "1s"}}
    campaign = house.launch(1, retry=retry)
    call = house.claim_one(campaign)
    if placed:
        house.place(call.call_id)
    of = staged(house, campaign, [7])
    proposed(house, campaign, of=of, removes=True, retry=retry)
    apply(house, campaign)
    merge(house, of)
    campaign = house.write(lambda s: campaigns.require_campaign(s, campaign.id))
    back = staged(house, campaign, [0], "back", variables=values)
    assert compare(house, campaign, back).changed == 1
    proposed(house, campaign, proposal="p2", of=back, removes=True, retry=retry)
    apply(house, campaign, "p2")
    merge(house, back)
    assert house.claim(campaign).calls == ()
    if not placed:
        assert house.fence(call.call_id).verdict is FenceVerdict.GO
    assert not house.end(call.call_id, CallStatus.BUSY).recipient_done
    assert by_number(house, campaign)[phone(0)][0].variables == values


def test_who_was_removed_before_the_call_was_placed_comes_back_later(house: House) -> None:
    campaign = house.launch(1)
    call = house.claim_one(campaign)
    of = staged(house, campaign, [7])
    proposed(house, campaign, of=of, removes=True)
    apply(house, campaign)
    merge(house, of)
    house.end(call.call_id, CallStatus.CANCELED, may_have_rung=False)
    campaign = house.write(lambda s: campaigns.require_campaign(s, campaign.id))
    back = staged(house, campaign, [0, 7], "back")
    assert compare(house, campaign, back) == RosterComparison(changed=1, same=1)
    proposed(house, campaign, proposal="p2", of=back)
    apply(house, campaign, "p2")
    merge(house, back)
    assert len(house.claim(campaign).calls) == 2


def test_who_was_removed_comes_back_and_who_was_reached_is_not_called_again(house: House) -> None:
    campaign = house.launch(2)
    call = house.claim_one(campaign)
    house.place(call.call_id)
    house.end(call.call_id)
    of = staged(house, campaign, [7])
    proposed(house, campaign, of=of, removes=True)
    apply(house, campaign)
    merge(house, of)
    campaign = house.write(lambda s: campaigns.require_campaign(s, campaign.id))
    back = staged(house, campaign, [0, 1, 7], "back")
    assert compare(house, campaign, back) == RosterComparison(changed=1, same=2)
    proposed(house, campaign, proposal="p2", of=back, removes=True)
    apply(house, campaign, "p2")
    merge(house, back)
    states = {number: one.state for number, (one,) in by_number(house, campaign).items()}
    called = house.write(lambda s: get_call(s, call.call_id))
    assert called is not None
    reached = called.to
    assert states[reached] is RecipientState.DONE
    assert [state for number, state in states.items() if number != reached] == [
        RecipientState.WAITING
    ] * 2


def test_a_person_whose_numbers_took_turns_is_the_same_person(house: House) -> None:
    """Their first number was called and rejected: the row of it is not a new person."""
    campaign = house.launch(1)
    of = staged(house, campaign, [1], "alternates", alternate_phones=(phone(9),))
    proposed(house, campaign, of=of)
    apply(house, campaign)
    merge(house, of)
    campaign = house.write(lambda s: campaigns.require_campaign(s, campaign.id))
    for call in house.claim(campaign).calls:
        house.place(call.call_id)
        house.end(call.call_id, CallStatus.FAILED, failure="rejected", may_have_rung=False)
    numbers = set(by_number(house, campaign))
    assert phone(9) in numbers
    again = staged(house, campaign, [0, 1], "again", alternate_phones=())
    assert compare(house, campaign, again).added == 0
    assert compare(house, campaign, again).missing == 0


def test_a_person_whose_first_number_was_suppressed_is_the_same_person(house: House) -> None:
    """It was dropped without a call; their other number is in the row."""
    campaign = house.launch(0)
    of = staged(house, campaign, [1], "alternates", alternate_phones=(phone(9),))
    proposed(house, campaign, of=of)
    apply(house, campaign)
    merge(house, of)
    house.write(
        lambda s: suppress_all(s, "default", [phone(1)], "asked", now=house.now, source="test")
    )
    house.claim(campaign, limit=1)
    assert set(by_number(house, campaign)) == {phone(9)}
    campaign = house.write(lambda s: campaigns.require_campaign(s, campaign.id))
    again = staged(house, campaign, [1], "again", alternate_phones=(phone(9),))
    assert compare(house, campaign, again) == RosterComparison(same=1)
    proposed(house, campaign, proposal="p2", of=again, removes=True)
    apply(house, campaign, "p2")
    merge(house, again)
    (person,) = by_number(house, campaign)[phone(9)]
    assert person.reason != REMOVED
    campaign = house.write(lambda s: campaigns.require_campaign(s, campaign.id))
    two = staged(house, campaign, [1, 9], "two", alternate_phones=(phone(9),))
    assert compare(house, campaign, two).added == 1


@pytest.mark.parametrize("seed", range(5))
def test_whoever_merges_and_in_whatever_steps_the_roster_matches(
    house: House, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker killed in the middle leaves the rest to the next one."""
    monkeypatch.setattr(flip, "MOVED_AT_ONCE", 2 * seed)
    draw = random.Random(seed)
    campaign = house.launch(8)
    for call in house.claim(campaign, limit=draw.randrange(1, 4)).calls:
        house.place(call.call_id)
        house.end(call.call_id)
    called = {one.phone for one in people(house, campaign) if one.calls}
    listed = draw.sample(range(12), draw.randrange(1, 12))
    of = staged(house, campaign, listed, variables={"v": "2"})
    expected = compare(house, campaign, of)
    proposed(house, campaign, of=of, removes=True)
    apply(house, campaign)
    merge(house, of, limit=draw.choice([1, 2, 3, 1000]))
    rows = people(house, campaign)
    assert len({one.phone for one in rows}) == len(rows)
    open_now = {one.phone for one in rows if one.state is not RecipientState.DONE}
    assert open_now == {phone(n) for n in listed} - called
    assert sum(one.reason == REMOVED for one in rows) == expected.missing
    assert len(rows) == 8 + expected.added
    assert all(one.variables == {"v": "2"} for one in rows if one.phone in open_now)


def test_appointments_are_entered_of_new_people_alone(house: House) -> None:
    """Drafts of people who are there would enrol them a second time."""
    campaign = house.launch(2)
    at = house.now.replace(year=2029)
    of = staged(house, campaign, [0, 1, 7], appointment_at=at)
    proposed(house, campaign, of=of)
    apply(house, campaign)
    merge(house, of)
    chunk = house.write(lambda s: read_chunk(s, campaign.id, campaign.launch, 0))
    assert chunk is not None
    assert [one.phone for one in chunk[1]] == [phone(7)]


def test_drafts_of_a_large_file_are_moved_in_steps(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The campaign can't claim meanwhile."""
    monkeypatch.setattr(flip, "MOVED_AT_ONCE", 0)
    monkeypatch.setattr(merging, "CHUNKS_AT_ONCE", 2)
    campaign, at = house.launch(2), house.now.replace(year=2029)
    of = staged(house, campaign, [0, 7, 8, 1, 9], chunk=1, appointment_at=at)
    proposed(house, campaign, of=of)
    apply(house, campaign)

    def chunks(launch: int) -> list[list[str]]:
        query = (
            select(roster_chunk.c.drafts)
            .where(roster_chunk.c.campaign_id == campaign.id, roster_chunk.c.launch == launch)
            .order_by(roster_chunk.c.sequence)
        )
        rows = house.write(lambda s: s.connection().execute(query).scalars().all())
        return [[draft["phone"] for draft in drafts] for drafts in rows]

    for moved, left in ((5, 3), (1, 1), (0, 0)):
        assert find(house, "rows").state is not StagingState.DONE
        assert moved == house.write(
            lambda s: flip.move_some(s, of, now=house.now, by_workflow=True)
        )
        assert len(chunks(of.row_launch)) == left
    assert find(house, "rows").state is StagingState.DONE
    assert chunks(campaign.launch) == [[phone(7)], [phone(8)], [phone(9)]]


def test_rows_that_were_given_up_are_not_applied(house: House) -> None:
    campaign = house.launch(1)
    of = staged(house, campaign, [7])
    proposed(house, campaign, of=of, pacing={"max_concurrent": 3})
    house.write(lambda s: staging.refuse(s, of, now=house.now, error="no", code="canceled"))
    with pytest.raises(StagingEnded):
        apply(house, campaign)
    assert house.write(lambda s: campaigns.require_campaign(s, campaign.id)).revision == 1


def test_a_campaign_that_was_stopped_meanwhile_gets_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flip, "MOVED_AT_ONCE", 0)
    campaign = house.launch(2)
    of = staged(house, campaign, [1, 7], variables={"v": "2"})
    proposed(house, campaign, of=of, removes=True)
    apply(house, campaign)
    house.set_state(campaign, CampaignState.STOPPING)
    merge(house, of)
    assert {one.phone: one.variables for one in people(house, campaign)} == {
        phone(0): {},
        phone(1): {},
    }


def test_other_additions_are_noticed_until_they_are_merged(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flip, "MOVED_AT_ONCE", 0)
    campaign = house.launch(1)
    first = staged(house, campaign, [5], "first")
    second = staged(house, campaign, [6], "second")

    def others(of: StagingRecord) -> bool:
        return house.write(lambda s: staging.has_other_additions(s, of))

    assert others(first)
    assert others(second)
    proposed(house, campaign, of=first)
    apply(house, campaign)
    assert others(second)
    merge(house, first)
    assert not others(second)
