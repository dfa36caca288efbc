"""Launches and additions that are staged: whole, or not there at all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.record import (
    DEFAULT_TENANT,
    CampaignRecord,
    RecipientRecord,
    RecipientState,
    StagingKind,
    StagingRecord,
    StagingState,
)
from outdial.store.campaign import campaigns, listing
from outdial.store.campaign.progress import read_progress
from outdial.store.campaign.states import finish_campaign
from outdial.store.db.errors import (
    CampaignEnded,
    CampaignRunning,
    PurposeChanged,
    ReservedName,
    StagingEnded,
)
from outdial.store.db.tables import campaign as campaign_table
from outdial.store.db.tables import claim_state, progress_count, recipient, roster_chunk
from outdial.store.db.tables import staging as staging_table
from outdial.store.roster import flip, roster, staging
from outdial.store.roster.rows import ReadSoFar, note_progress, write_chunk
from outdial.store.roster.staging import ABANDONED_AFTER
from tests.builders import LINE, NOW, House, definition, draft, drafts, located, phone
from tests.store.racing import race

pytestmark = pytest.mark.both_databases


def _begin(house: House, public_id: str = "one", *, again: bool = False) -> StagingRecord:
    return house.write(
        lambda s: staging.begin_launch(
            s, DEFAULT_TENANT, definition(), public_id, now=house.now, again=again
        )
    )


def _add(house: House, to: CampaignRecord, public_id: str = "more") -> StagingRecord:
    return house.write(lambda s: staging.begin_addition(s, to.id, public_id, now=house.now))


def _write(house: House, of: StagingRecord, count: int, *, first: int = 0, **more: Any) -> None:
    rows = located([draft(i, **more) for i in range(first, first + count)])
    so_far = ReadSoFar(first + count)
    house.write(lambda s: write_chunk(s, of, LINE, rows, so_far, now=house.now))


def _flip(house: House, of: StagingRecord, count: int, *, again: bool = False) -> CampaignRecord:
    return house.write(
        lambda s: flip.flip_launch(
            s, of, definition(), "source", recipients=count, now=house.now, again=again
        )
    )


def _accept(house: House, of: StagingRecord, count: int) -> StagingRecord:
    return house.write(lambda s: flip.accept_addition(s, of, recipients=count, now=house.now))


def _refuse(house: House, of: StagingRecord, **how: Any) -> bool:
    return house.write(lambda s: staging.refuse(s, of, now=house.now, **how))


def _remove(house: House, of: StagingRecord, limit: int = 1000) -> int:
    """In how many transactions."""
    steps = 1
    while house.write(lambda s: staging.remove_some(s, of, now=house.now, limit=limit)):
        steps += 1
    return steps


def _people(house: House, of: CampaignRecord) -> list[RecipientRecord]:
    return house.write(lambda s: roster.list_recipients(s, of.id, launch=of.launch, limit=1000))


def _find(house: House, public_id: str = "one") -> StagingRecord:
    record = house.write(lambda s: staging.find_staging(s, DEFAULT_TENANT, public_id))
    assert record is not None
    return record


def _counted(house: House) -> dict[str, int]:
    tables = (campaign_table, claim_state, recipient, roster_chunk, progress_count)

    def count(s: Session) -> dict[str, int]:
        return {
            table.name: s.connection().execute(select(func.count()).select_from(table)).scalar_one()
            for table in tables
        }

    return house.database.read_sync(count)


def _campaign(house: House) -> CampaignRecord | None:
    return house.write(lambda s: campaigns.find_campaign(s, DEFAULT_TENANT, "reminder"))


def test_nothing_reads_a_campaign_before_its_first_launch_is_staged(house: House) -> None:
    of = _begin(house)
    _write(house, of, 3)
    assert _campaign(house) is None
    assert house.write(lambda s: listing.list_campaigns(s, DEFAULT_TENANT)) == []
    assert house.write(listing.list_open_campaigns) == []
    read = _find(house)
    assert (read.state, read.launch, read.rows_read, read.recipients) == (
        StagingState.STAGING,
        1,
        3,
        3,
    )
    assert house.write(lambda s: staging.find_staging(s, "other", "one")) is None


def test_a_staged_launch_becomes_the_present_one_with_all_its_recipients(house: House) -> None:
    of = _begin(house)
    house.later(seconds=5)
    _write(house, of, 3)
    _write(house, of, 2, first=3)
    launched = _flip(house, of, 5)
    assert launched == _campaign(house)
    assert (launched.launch, launched.revision, launched.state) == (1, 1, CampaignState.RUNNING)
    assert launched.created_at == launched.launched_at == NOW + timedelta(seconds=5)
    assert [person.position for person in _people(house, launched)] == list(range(5))
    assert len(house.claim(launched).calls) == 5
    ended = _find(house)
    assert (ended.state, ended.unfinished, ended.ended_at) == (StagingState.DONE, False, house.now)
    assert house.write(lambda s: campaigns.definition_at(s, launched.id, 1)) == definition()


def test_the_launch_before_stays_what_it_was_until_the_flip(house: House) -> None:
    before = house.launch(2)
    for call in house.claim(before).calls:
        house.end(call.call_id)
    over = house.write(lambda s: finish_campaign(s, before.id, now=house.now))
    assert over is not None
    of = _begin(house, again=True)
    _write(house, of, 3)
    assert _campaign(house) == over
    assert len(_people(house, over)) == 2
    assert house.database.read_sync(lambda s: read_progress(s, before.id)).recipients == 2
    launched = _flip(house, of, 3, again=True)
    assert (launched.id, launched.launch, launched.revision) == (before.id, 2, 2)
    assert len(house.claim(launched).calls) == 3


def test_a_refused_first_launch_leaves_nothing_behind(house: House) -> None:
    house.write(lambda s: None)
    of = _begin(house)
    _write(house, of, 5, appointment_at=NOW)
    assert [count > 0 for count in _counted(house).values()] == [True] * 5
    assert _refuse(house, of, error="too bad", code="bad")
    assert _remove(house, of, limit=2) == 3
    assert set(_counted(house).values()) == {0}
    ended = _find(house)
    assert (ended.state, ended.error, ended.error_code, ended.campaign_id) == (
        StagingState.REFUSED,
        "too bad",
        "bad",
        None,
    )
    assert _begin(house, "two").public_id == "two"


def test_a_refused_second_launch_leaves_the_first_alone(house: House) -> None:
    before = house.launch(2)
    for call in house.claim(before).calls:
        house.end(call.call_id)
    house.write(lambda s: finish_campaign(s, before.id, now=house.now))
    of = _begin(house, again=True)
    _write(house, of, 3)
    _refuse(house, of)
    _remove(house, of)
    assert len(_people(house, before)) == 2
    assert _counted(house)["recipient"] == 2
    assert _find(house).campaign_id == before.id


def test_what_has_ended_is_neither_written_to_nor_flipped(house: House) -> None:
    of = _begin(house)
    _write(house, of, 1)
    _refuse(house, of)
    with pytest.raises(StagingEnded):
        _write(house, of, 1, first=1)
    with pytest.raises(StagingEnded):
        _flip(house, of, 1)
    assert _remove(house, of) == 1
    assert set(_counted(house).values()) == {0}


def test_what_was_launched_is_not_refused_any_more(house: House) -> None:
    of = _begin(house)
    _write(house, of, 2)
    launched = _flip(house, of, 2)
    assert not _refuse(house, of)
    assert _remove(house, of) == 1
    assert len(_people(house, launched)) == 2


def test_a_launch_of_which_rows_are_missing_is_not_flipped(house: House) -> None:
    of = _begin(house)
    _write(house, of, 2)
    with pytest.raises(StagingEnded):
        _flip(house, of, 3)
    assert _campaign(house) is None


def test_one_launch_of_a_name_at_a_time(house: House) -> None:
    begun = race([lambda name=str(n): _begin(house, name) for n in range(6)])  # type: ignore[misc]
    assert len({record.public_id for record in begun}) == 1
    _write(house, begun[0], 1)
    _flip(house, begun[0], 1)
    with pytest.raises(CampaignRunning):
        _begin(house, "late")


def test_a_writer_is_given_up_when_nothing_was_heard_of_it(house: House) -> None:
    of = _begin(house)
    house.later(seconds=29)
    _write(house, of, 1)
    house.later(seconds=29)
    alive = _find(house)
    assert not staging.is_abandoned(alive, house.now)
    assert not _refuse(house, alive, idle_since=house.now - ABANDONED_AFTER)
    house.later(seconds=1)
    assert staging.is_abandoned(_find(house), house.now)
    assert _refuse(house, of, idle_since=house.now - ABANDONED_AFTER)
    assert staging.is_abandoned(_find(house), house.now)
    _remove(house, of)
    assert not staging.is_abandoned(_find(house), house.now)
    assert house.write(staging.unfinished) == []


def test_the_refusals_of_a_launch_are_those_of_today(house: House) -> None:
    with pytest.raises(ReservedName):
        house.write(
            lambda s: staging.begin_launch(
                s, DEFAULT_TENANT, definition("direct"), "one", now=NOW, again=False
            )
        )
    before = house.launch(0)
    with pytest.raises(CampaignRunning):
        _begin(house)
    house.write(lambda s: finish_campaign(s, before.id, now=house.now))
    with pytest.raises(CampaignEnded):
        _begin(house)
    sales = definition(purpose="telemarketing")
    with pytest.raises(PurposeChanged):
        house.write(
            lambda s: staging.begin_launch(s, DEFAULT_TENANT, sales, "one", now=NOW, again=True)
        )


def test_problems_are_kept_while_rows_are_read(house: House) -> None:
    of = _begin(house)
    problem = {"file": "f", "line": 2, "column": 1, "field": "phone", "code": "bad_phone"}
    house.later(seconds=10)
    house.write(lambda s: note_progress(s, of, ReadSoFar(2000, [problem], 1), now=house.now))
    read = _find(house)
    assert (read.problems, read.problem_count, read.rows_per_second) == ((problem,), 1, 200)


def test_ended_records_are_deleted_later(house: House) -> None:
    of = _begin(house)
    _write(house, of, 1)
    _flip(house, of, 1)

    def delete(s: Session) -> int:
        return staging.delete_ended(s, before=house.now - timedelta(days=1), limit=10)

    assert house.write(delete) == 0
    house.later(days=1, seconds=1)
    assert house.write(delete) == 1


# --- additions ----------------------------------------------------------------------------------


def _move(house: House, of: StagingRecord, limit: int = 1000, **how: Any) -> list[int]:
    moved: list[int] = []
    while True:
        moved.append(
            house.write(lambda s: flip.move_some(s, of, now=house.now, limit=limit, **how))
        )
        if not moved[-1]:
            return moved


def test_an_addition_is_invisible_until_it_is_accepted(house: House) -> None:
    campaign = house.launch(2)
    of = _add(house, campaign)
    assert (of.kind, of.launch) == (StagingKind.ADDITION, 1)
    _write(house, of, 3, first=10)
    assert len(_people(house, campaign)) == 2
    assert house.claim(campaign).open_recipients == 2
    assert not house.write(lambda s: roster.has_staged(s, campaign.id))


def test_an_accepted_addition_is_moved_step_by_step(house: House, monkeypatch: Any) -> None:
    monkeypatch.setattr(flip, "MOVED_AT_ONCE", 2)
    campaign = house.launch(2)
    of = _add(house, campaign)
    _write(house, of, 5, first=10)
    _accept(house, of, 5)
    assert not _refuse(house, of)
    assert house.write(lambda s: roster.has_staged(s, campaign.id))
    assert _move(house, of, limit=2) == [2, 2, 1, 0]
    assert [person.phone for person in _people(house, campaign)][2:] == [
        phone(10 + n) for n in range(5)
    ]
    assert [person.position for person in _people(house, campaign)] == list(range(7))
    # Until its workflow has looked, it is to be told.
    assert house.write(lambda s: roster.has_staged(s, campaign.id))
    assert _move(house, of, by_workflow=True) == [0]
    assert not house.write(lambda s: roster.has_staged(s, campaign.id))
    assert _find(house, "more").state is StagingState.DONE


def test_a_few_are_added_at_once(house: House) -> None:
    campaign = house.launch(1)
    rows = located(drafts(3, first=5))
    house.write(lambda s: flip.add_at_once(s, campaign.id, "more", rows, now=house.now))
    assert len(_people(house, campaign)) == 4
    assert len(house.claim(campaign).calls) == 4


def test_a_number_that_an_addition_names_twice_is_called_once(house: House) -> None:
    campaign = house.launch(1)
    rows = [
        one._replace(position=at, phone=phone(of))
        for at, (one, of) in enumerate(
            zip(located([draft(i) for i in range(10, 15)]), (20, 20, 0, 21, 20), strict=True)
        )
    ]
    house.write(lambda s: flip.add_at_once(s, campaign.id, "more", rows, now=house.now))
    waiting = select(recipient.c.phone).where(
        recipient.c.campaign_id == campaign.id, recipient.c.state == "waiting"
    )
    numbers = house.write(lambda s: s.connection().execute(waiting).scalars().all())
    assert sorted(numbers) == sorted(map(phone, (0, 20, 21)))


def test_many_add_recipients_at_once(house: House) -> None:
    campaign = house.launch(0)

    def add(first: int) -> None:
        rows = located(drafts(10, first))
        name = str(first)
        house.write(lambda s: flip.add_at_once(s, campaign.id, name, rows, now=house.now))

    race([lambda first=i * 10: add(first) for i in range(6)])  # type: ignore[misc]
    assert sorted(p.position for p in _people(house, campaign)) == list(range(60))


def test_a_number_that_is_on_the_roster_is_refused(house: House) -> None:
    campaign = house.launch(2)
    of = _add(house, campaign)
    refused = located([draft(1)])[0]._replace(zones=None, refusal="no time zone")
    house.write(
        lambda s: write_chunk(
            s, of, LINE, [*located([draft(0), draft(7)]), refused], ReadSoFar(3), now=house.now
        )
    )
    _accept(house, of, 3)
    people = _people(house, campaign)[2:]
    assert [(p.state, p.outcome, p.reason) for p in people] == [
        (RecipientState.DONE, "refused", roster.DUPLICATE),
        (RecipientState.WAITING, None, None),
        (RecipientState.DONE, "refused", "no time zone"),
    ]


def test_nobody_is_added_to_what_stops(house: House) -> None:
    campaign = house.launch(1)
    of = _add(house, campaign)
    _write(house, of, 1, first=5)
    house.set_state(campaign, CampaignState.STOPPING)
    with pytest.raises(CampaignEnded):
        _accept(house, of, 1)
    with pytest.raises(CampaignEnded):
        _add(house, campaign, "late")
    _refuse(house, of)
    _remove(house, of)
    assert _counted(house)["recipient"] == 1


def test_who_is_moved_after_a_stop_ends_as_canceled(house: House, monkeypatch: Any) -> None:
    monkeypatch.setattr(flip, "MOVED_AT_ONCE", 0)
    campaign = house.launch(0)
    of = _add(house, campaign)
    _write(house, of, 3)
    _accept(house, of, 3)
    house.set_state(campaign, CampaignState.STOPPING)
    assert house.write(lambda s: finish_campaign(s, campaign.id, now=house.now)) is None
    _move(house, of, by_workflow=True)
    assert {(p.state, p.outcome) for p in _people(house, campaign)} == {
        (RecipientState.DONE, "canceled")
    }
    assert house.write(lambda s: finish_campaign(s, campaign.id, now=house.now)) is not None


def test_an_addition_that_is_written_keeps_the_campaign_open(house: House) -> None:
    campaign = house.launch(0)
    of = _add(house, campaign)
    _write(house, of, 1)
    assert house.write(lambda s: finish_campaign(s, campaign.id, now=house.now)) is None
    _refuse(house, of)
    assert house.write(lambda s: finish_campaign(s, campaign.id, now=house.now)) is not None
    assert _remove(house, of) == 1


def test_the_row_of_an_addition_survives_a_repeated_acceptance(house: House) -> None:
    campaign = house.launch(0)
    of = _add(house, campaign)
    _write(house, of, 2)
    _accept(house, of, 2)
    with pytest.raises(StagingEnded):
        _accept(house, of, 2)
    assert len(_people(house, campaign)) == 2
    kept = house.write(
        lambda s: s.connection().execute(select(func.count()).select_from(staging_table)).scalar()
    )
    assert kept == 1
