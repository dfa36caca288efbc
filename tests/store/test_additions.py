"""Additions to a launch: all recipients, or none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.record import (
    RecipientState,
    StagingKind,
    StagingRecord,
    StagingState,
)
from outdial.store.campaign.states import finish_campaign
from outdial.store.db.dialect import on_postgresql
from outdial.store.db.errors import (
    CampaignEnded,
    StagingEnded,
)
from outdial.store.db.tables import recipient
from outdial.store.db.tables import staging as staging_table
from outdial.store.roster import flip, roster, staging
from outdial.store.roster.rows import ReadSoFar, write_chunk
from tests.builders import LINE, House, draft, drafts, located, phone
from tests.store.racing import race
from tests.store.stagings import (
    accept,
    add,
    begin,
    counted,
    find,
    people,
    refuse,
    remove,
    write,
)

pytestmark = pytest.mark.both_databases


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
    of = add(house, campaign)
    assert (of.kind, of.launch) == (StagingKind.ADDITION, 1)
    write(house, of, 3, first=10)
    assert len(people(house, campaign)) == 2
    assert house.claim(campaign).open_recipients == 2
    assert not house.write(lambda s: roster.has_staged(s, campaign.id))


def test_an_accepted_addition_is_moved_step_by_step(house: House, monkeypatch: Any) -> None:
    monkeypatch.setattr(flip, "MOVED_AT_ONCE", 2)
    campaign = house.launch(2)
    of = add(house, campaign)
    write(house, of, 5, first=10)
    accept(house, of, 5)
    assert not refuse(house, of)
    assert house.write(lambda s: roster.has_staged(s, campaign.id))
    assert _move(house, of, limit=2) == [2, 2, 1, 0]
    assert [person.phone for person in people(house, campaign)][2:] == [
        phone(10 + n) for n in range(5)
    ]
    assert [person.position for person in people(house, campaign)] == list(range(7))
    # Until its workflow has looked, it is to be told.
    assert house.write(lambda s: roster.has_staged(s, campaign.id))
    assert _move(house, of, by_workflow=True) == [0]
    assert not house.write(lambda s: roster.has_staged(s, campaign.id))
    assert find(house, "more").state is StagingState.DONE


@pytest.mark.parametrize("last", [2**31 - 2, 2**31 - 1, 2**31, 2**40])
def test_the_number_of_additions_has_no_end(house: House, last: int) -> None:
    """Each takes an id, and its recipients carry a launch number of 32 bits."""
    _set_last_id(house, last)
    campaign = house.launch(1, "many")
    rows = located(drafts(3, first=5))
    house.write(lambda s: flip.add_at_once(s, campaign.id, "more", rows, now=house.now))
    assert len(people(house, campaign)) == 4
    of = add(house, campaign, "staged")
    assert of.id > last
    write(house, of, 2, first=20)
    accept(house, of, 2)
    assert len(people(house, campaign)) == 6


def _set_last_id(house: House, last: int) -> None:
    begin(house, "before")  # SQLite notes the last id with the first row

    def work(s: Session) -> None:
        s.connection().execute(staging_table.delete())
        if on_postgresql(s):
            statement = text("SELECT setval(pg_get_serial_sequence('staging', 'id'), :last)")
        else:
            statement = text("UPDATE sqlite_sequence SET seq = :last WHERE name = 'staging'")
        s.connection().execute(statement, {"last": last})

    house.write(work)


@pytest.mark.parametrize("first", [1, 2**31 - 5, 2**31, 2**32 - 3, 2**40])
def test_additions_that_are_staged_together_have_numbers_of_their_own(first: int) -> None:
    numbers = [staging.row_launch_of(first + n) for n in (0, 1, 2, 9, 2**30, 2**31 - 1)]
    assert len(set(numbers)) == len(numbers)
    assert all(-(2**31) <= number < 0 for number in numbers)


def test_an_addition_that_was_forestalled_never_begins(house: House) -> None:
    campaign = house.launch(1)

    def forestall(public_id: str) -> bool:
        return house.write(
            lambda s: staging.forestall_addition(s, campaign, public_id, now=house.now)
        )

    assert forestall("first")
    assert not forestall("first")
    with pytest.raises(StagingEnded, match="later try"):
        add(house, campaign, "first")
    assert add(house, campaign, "second").state is StagingState.STAGING
    assert not forestall("second")
    ended = find(house, "first")
    assert (ended.state, ended.unfinished) == (StagingState.REFUSED, False)
    house.later(days=1, seconds=1)
    assert (
        house.write(
            lambda s: staging.delete_ended(s, before=house.now - timedelta(days=1), limit=10)
        )
        == 1
    )


def test_of_a_try_and_a_later_one_at_once_the_later_one_decides(house: House) -> None:
    """Either the first begins before, or never."""
    campaign = house.launch(1)

    def begin() -> bool:
        try:
            return add(house, campaign, "first").unfinished
        except StagingEnded:
            return False

    def forestall() -> bool:
        return house.write(
            lambda s: staging.forestall_addition(s, campaign, "first", now=house.now)
        )

    begun, forestalled = race([begin, forestall])
    assert begun is not forestalled
    assert find(house, "first").unfinished is begun


def test_a_few_are_added_at_once(house: House) -> None:
    campaign = house.launch(1)
    rows = located(drafts(3, first=5))
    house.write(lambda s: flip.add_at_once(s, campaign.id, "more", rows, now=house.now))
    assert len(people(house, campaign)) == 4
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
    assert sorted(p.position for p in people(house, campaign)) == list(range(60))


def test_a_number_that_is_on_the_roster_is_refused(house: House) -> None:
    campaign = house.launch(2)
    of = add(house, campaign)
    refused = located([draft(1)])[0]._replace(zones=None, refusal="no time zone")
    house.write(
        lambda s: write_chunk(
            s, of, LINE, [*located([draft(0), draft(7)]), refused], ReadSoFar(3), now=house.now
        )
    )
    accept(house, of, 3)
    added = people(house, campaign)[2:]
    assert [(p.state, p.outcome, p.reason) for p in added] == [
        (RecipientState.DONE, "refused", roster.DUPLICATE),
        (RecipientState.WAITING, None, None),
        (RecipientState.DONE, "refused", "no time zone"),
    ]


def test_nobody_is_added_to_what_stops(house: House) -> None:
    campaign = house.launch(1)
    of = add(house, campaign)
    write(house, of, 1, first=5)
    house.set_state(campaign, CampaignState.STOPPING)
    with pytest.raises(CampaignEnded):
        accept(house, of, 1)
    with pytest.raises(CampaignEnded):
        add(house, campaign, "late")
    refuse(house, of)
    remove(house, of)
    assert counted(house)["recipient"] == 1


def test_who_is_moved_after_a_stop_ends_as_canceled(house: House, monkeypatch: Any) -> None:
    monkeypatch.setattr(flip, "MOVED_AT_ONCE", 0)
    campaign = house.launch(0)
    of = add(house, campaign)
    write(house, of, 3)
    accept(house, of, 3)
    house.set_state(campaign, CampaignState.STOPPING)
    assert house.write(lambda s: finish_campaign(s, campaign.id, now=house.now)) is None
    _move(house, of, by_workflow=True)
    assert {(p.state, p.outcome) for p in people(house, campaign)} == {
        (RecipientState.DONE, "canceled")
    }
    assert house.write(lambda s: finish_campaign(s, campaign.id, now=house.now)) is not None


def test_an_addition_that_is_written_keeps_the_campaign_open(house: House) -> None:
    campaign = house.launch(0)
    of = add(house, campaign)
    write(house, of, 1)
    assert house.write(lambda s: finish_campaign(s, campaign.id, now=house.now)) is None
    refuse(house, of)
    assert house.write(lambda s: finish_campaign(s, campaign.id, now=house.now)) is not None
    assert remove(house, of) == 1


def test_the_row_of_an_addition_survives_a_repeated_acceptance(house: House) -> None:
    campaign = house.launch(0)
    of = add(house, campaign)
    write(house, of, 2)
    accept(house, of, 2)
    with pytest.raises(StagingEnded):
        accept(house, of, 2)
    assert len(people(house, campaign)) == 2
    kept = house.write(
        lambda s: s.connection().execute(select(func.count()).select_from(staging_table)).scalar()
    )
    assert kept == 1
