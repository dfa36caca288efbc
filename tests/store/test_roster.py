from __future__ import annotations

from functools import partial

import pytest
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.definition.recipient import RecipientDraft
from outdial.domain.record import CampaignRecord, RecipientRecord, RecipientState
from outdial.store.campaign import campaigns
from outdial.store.roster import roster
from tests.builders import ZONE, House, definition, draft, drafts, located, located_as, phone, zones
from tests.staged import stage_drafts
from tests.store.racing import race

pytestmark = pytest.mark.both_databases


def _campaign(house: House) -> CampaignRecord:
    return house.write(
        lambda s: campaigns.launch_campaign(
            s, "default", definition(), "", now=house.now, again=False
        )
    ).record


def _people(house: House, campaign: CampaignRecord) -> list[RecipientRecord]:
    return house.write(
        lambda s: roster.list_recipients(s, campaign.id, launch=campaign.launch, limit=1000)
    )


def _enroll_all(house: House, campaign: CampaignRecord) -> int:
    """As the activity does it: chunk after chunk, each in a transaction of its own."""
    after, new = 0, 0
    while True:
        enrolled = house.write(partial(_enroll_next, campaign=campaign, after=after))
        if enrolled is None:
            return new
        after, new = enrolled[0], new + enrolled[1]


def _enroll_next(s: Session, campaign: CampaignRecord, after: int) -> tuple[int, int] | None:
    """As `roster.enroll_next`, with one time zone for all."""
    chunk = roster.read_chunk(s, campaign.id, campaign.launch, after)
    if chunk is None:
        return None
    sequence, read = chunk
    rows = located(read)
    return sequence, roster.enroll_chunk(s, campaign.id, campaign.launch, sequence, rows)


def _stage(house: House, campaign: CampaignRecord, what: list[RecipientDraft], chunk: int) -> int:
    return house.write(lambda s: stage_drafts(s, campaign.id, campaign.launch, what, chunk))


def test_what_is_staged_is_enrolled_in_order(house: House) -> None:
    campaign = _campaign(house)
    assert _stage(house, campaign, drafts(7), 3) == 7
    assert _enroll_all(house, campaign) == 7
    people = _people(house, campaign)
    assert [p.position for p in people] == list(range(7))
    assert {p.state for p in people} == {RecipientState.WAITING}
    assert people[0].zones == (ZONE,)


def test_drafts_survive_staging_whole(house: House) -> None:
    campaign = _campaign(house)
    full = draft(
        3,
        alternate_phones=(phone(9),),
        time_zone=ZONE,
        postal_code="10001",
        state="NY",
        variables={"name": "Zoë \u0000", "when": "09:00"},
    )
    _stage(house, campaign, [full], 10)
    chunk = house.write(lambda s: roster.read_chunk(s, campaign.id, 1, 0))
    assert chunk is not None
    assert chunk == (1, [full])
    _enroll_all(house, campaign)
    assert _people(house, campaign)[0].variables == full.variables


def test_staging_or_enrolling_twice_enrolls_once(house: House) -> None:
    campaign = _campaign(house)
    _stage(house, campaign, drafts(5), 2)
    _stage(house, campaign, drafts(5), 2)
    assert _enroll_all(house, campaign) == 5
    rows = located(drafts(5))
    assert house.write(lambda s: roster.enroll_chunk(s, campaign.id, 1, 1, rows)) == 0
    assert len(_people(house, campaign)) == 5


def test_one_chunk_enrolled_at_once_by_many_is_enrolled_once(house: House) -> None:
    campaign = _campaign(house)
    rows = located(drafts(50))

    def enroll() -> int:
        return house.write(lambda s: roster.enroll_chunk(s, campaign.id, 1, 1, rows))

    assert sorted(race([enroll] * 6)) == [0] * 5 + [50]


def test_who_cannot_be_called_ends_with_the_reason(house: House) -> None:
    campaign = _campaign(house)
    rows = [
        located_as(draft(0), "no time zone is known"),
        located_as(draft(1), zones()),
        located_as(draft(2, phone=phone(1)), zones()),
        located_as(draft(3, phone=phone(0)), zones()),
        located_as(draft(4), "no time zone is known"),
    ]
    assert house.write(lambda s: roster.enroll_chunk(s, campaign.id, 1, 1, rows)) == 5
    late = [located_as(draft(5, phone=phone(1)), zones())]
    assert house.write(lambda s: roster.enroll_chunk(s, campaign.id, 1, 2, late)) == 1
    people = _people(house, campaign)
    assert [p.state is RecipientState.DONE for p in people] == [
        True,
        False,
        True,
        False,  # the number was refused for want of a zone only
        True,
        True,
    ]
    assert [p.reason for p in people if p.state is RecipientState.DONE] == [
        "no time zone is known",
        "duplicate: the number is on this roster already",
        "no time zone is known",
        "duplicate: the number is on this roster already",
    ]
    assert {p.outcome for p in people if p.state is RecipientState.DONE} == {"refused"}


def test_who_is_enrolled_after_a_stop_ends_as_canceled(house: House) -> None:
    campaign = _campaign(house)
    _stage(house, campaign, drafts(3), 10)
    house.set_state(campaign, CampaignState.STOPPING)
    assert _enroll_all(house, campaign) == 3
    assert {(p.state, p.outcome) for p in _people(house, campaign)} == {
        (RecipientState.DONE, "canceled")
    }


def test_recipients_are_listed_by_page_and_launch(house: House) -> None:
    campaign = house.launch(5, pacing={"max_concurrent": 2})
    house.claim(campaign)
    everybody = _people(house, campaign)
    page = house.write(
        lambda s: roster.list_recipients(
            s, campaign.id, launch=1, limit=2, after=everybody[1].position
        )
    )
    assert page == everybody[2:4]
    assert house.write(lambda s: roster.list_recipients(s, campaign.id, launch=2)) == []


def test_a_result_is_the_recipient_with_its_last_call(house: House) -> None:
    campaign = house.launch(1, retry={"busy": {"delays": "1m"}})
    person = _people(house, campaign)[0]
    before = house.write(lambda s: roster.recipient_result(s, person.id))
    assert before is not None
    assert (before.recipient, before.call, before.context) == (person, None, {})
    call = house.claim_one(campaign)
    after = house.write(lambda s: roster.recipient_result(s, person.id))
    assert after is not None
    assert after.call is not None
    assert (after.call.id, after.recipient.state) == (call.call_id, RecipientState.CALLING)
    assert house.write(lambda s: roster.recipient_result(s, 4711)) is None
