"""Launches that are staged: whole, or not there at all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.record import (
    DEFAULT_TENANT,
    CampaignRecord,
    StagingState,
)
from outdial.store.campaign import campaigns, listing, revisions
from outdial.store.campaign.progress import read_progress
from outdial.store.campaign.states import finish_campaign
from outdial.store.db.errors import (
    CampaignEnded,
    CampaignRunning,
    PurposeChanged,
    ReservedName,
    StagingEnded,
)
from outdial.store.roster import staging
from outdial.store.roster.rows import ReadSoFar, note_progress
from outdial.store.roster.staging import ABANDONED_AFTER
from tests.builders import NOW, House, definition
from tests.store.racing import race
from tests.store.stagings import (
    begin,
    counted,
    find,
    flip_to,
    people,
    refuse,
    remove,
    write,
)

pytestmark = pytest.mark.both_databases


def _campaign(house: House) -> CampaignRecord | None:
    return house.write(lambda s: campaigns.find_campaign(s, DEFAULT_TENANT, "reminder"))


def test_nothing_reads_a_campaign_before_its_first_launch_is_staged(house: House) -> None:
    of = begin(house)
    write(house, of, 3)
    assert _campaign(house) is None
    assert house.write(lambda s: listing.list_campaigns(s, DEFAULT_TENANT)) == []
    assert house.open_campaigns() == []
    read = find(house)
    assert (read.state, read.launch, read.rows_read, read.recipients) == (
        StagingState.STAGING,
        1,
        3,
        3,
    )
    assert house.write(lambda s: staging.find_staging(s, "other", "one")) is None


def test_a_staged_launch_becomes_the_present_one_with_all_its_recipients(house: House) -> None:
    of = begin(house)
    house.later(seconds=5)
    write(house, of, 3)
    write(house, of, 2, first=3)
    launched = flip_to(house, of, 5)
    assert launched == _campaign(house)
    assert (launched.launch, launched.revision, launched.state) == (1, 1, CampaignState.RUNNING)
    assert launched.created_at == launched.launched_at == NOW + timedelta(seconds=5)
    assert [person.position for person in people(house, launched)] == list(range(5))
    assert len(house.claim(launched).calls) == 5
    ended = find(house)
    assert (ended.state, ended.unfinished, ended.ended_at) == (StagingState.DONE, False, house.now)
    assert house.write(lambda s: revisions.definition_at(s, launched.id, 1)) == definition()


def test_the_launch_before_stays_what_it_was_until_the_flip(house: House) -> None:
    before = house.launch(2)
    for call in house.claim(before).calls:
        house.end(call.call_id)
    over = house.write(lambda s: finish_campaign(s, before.id, now=house.now))
    assert over is not None
    of = begin(house, again=True)
    write(house, of, 3)
    assert _campaign(house) == over
    assert len(people(house, over)) == 2
    assert house.database.read_sync(lambda s: read_progress(s, before.id)).recipients == 2
    launched = flip_to(house, of, 3, again=True)
    assert (launched.id, launched.launch, launched.revision) == (before.id, 2, 2)
    assert len(house.claim(launched).calls) == 3


def test_a_refused_first_launch_leaves_nothing_behind(house: House) -> None:
    house.write(lambda s: None)
    of = begin(house)
    write(house, of, 5, appointment_at=NOW)
    assert [count > 0 for count in counted(house).values()] == [True] * 5
    assert refuse(house, of, error="too bad", code="bad")
    assert remove(house, of, limit=2) == 3
    assert set(counted(house).values()) == {0}
    ended = find(house)
    assert (ended.state, ended.error, ended.error_code, ended.campaign_id) == (
        StagingState.REFUSED,
        "too bad",
        "bad",
        None,
    )
    assert begin(house, "two").public_id == "two"


def test_a_refused_second_launch_leaves_the_first_alone(house: House) -> None:
    before = house.launch(2)
    for call in house.claim(before).calls:
        house.end(call.call_id)
    house.write(lambda s: finish_campaign(s, before.id, now=house.now))
    of = begin(house, again=True)
    write(house, of, 3)
    refuse(house, of)
    remove(house, of)
    assert len(people(house, before)) == 2
    assert counted(house)["recipient"] == 2
    assert find(house).campaign_id == before.id


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (staging.CANCELED_CODE, "canceled"),
        (staging.INTERRUPTED_CODE, "no sign of life"),
        (staging.SUPERSEDED_CODE, "later try"),
    ],
)
def test_its_writer_is_told_why_it_has_ended(house: House, code: str, says: str) -> None:
    of = begin(house)
    write(house, of, 1)
    refuse(house, of, error="too bad", code=code)
    for attempt in (lambda: write(house, of, 1, first=1), lambda: flip_to(house, of, 1)):
        with pytest.raises(StagingEnded, match=says):
            attempt()
    remove(house, of)


def test_work_on_what_is_abandoned_reads_no_problems(house: House) -> None:
    of = begin(house)
    problem = {"file": "f", "line": 2, "column": 1, "field": "phone", "code": "bad_phone"}
    house.write(lambda s: note_progress(s, of, ReadSoFar(9, [problem] * 1000, 1000), now=house.now))
    house.later(seconds=29)
    other = house.write(
        lambda s: staging.begin_launch(
            s, DEFAULT_TENANT, definition("other"), "two", now=house.now, again=False
        )
    )
    assert house.write(lambda s: staging.abandoned(s, house.now)) == []
    house.later(seconds=1)
    (found,) = house.write(lambda s: staging.abandoned(s, house.now))
    assert (found.public_id, found.problem_count, found.problems) == ("one", 1000, ())
    house.write(lambda s: staging.refuse(s, other, now=house.now))
    assert len(house.write(lambda s: staging.abandoned(s, house.now))) == 2


def test_what_has_ended_is_neither_written_to_nor_flipped(house: House) -> None:
    of = begin(house)
    write(house, of, 1)
    refuse(house, of)
    with pytest.raises(StagingEnded):
        write(house, of, 1, first=1)
    with pytest.raises(StagingEnded):
        flip_to(house, of, 1)
    assert remove(house, of) == 1
    assert set(counted(house).values()) == {0}


def test_what_was_launched_is_not_refused_any_more(house: House) -> None:
    of = begin(house)
    write(house, of, 2)
    launched = flip_to(house, of, 2)
    assert not refuse(house, of)
    assert remove(house, of) == 1
    assert len(people(house, launched)) == 2


def test_a_launch_of_which_rows_are_missing_is_not_flipped(house: House) -> None:
    of = begin(house)
    write(house, of, 2)
    with pytest.raises(StagingEnded):
        flip_to(house, of, 3)
    assert _campaign(house) is None


def test_one_launch_of_a_name_at_a_time(house: House) -> None:
    begun = race([lambda name=str(n): begin(house, name) for n in range(6)])  # type: ignore[misc]
    assert len({record.public_id for record in begun}) == 1
    write(house, begun[0], 1)
    flip_to(house, begun[0], 1)
    with pytest.raises(CampaignRunning):
        begin(house, "late")


def test_a_writer_is_given_up_when_nothing_was_heard_of_it(house: House) -> None:
    of = begin(house)
    house.later(seconds=29)
    write(house, of, 1)
    house.later(seconds=29)
    alive = find(house)
    assert not staging.is_abandoned(alive, house.now)
    assert not refuse(house, alive, idle_since=house.now - ABANDONED_AFTER)
    house.later(seconds=1)
    assert staging.is_abandoned(find(house), house.now)
    assert refuse(house, of, idle_since=house.now - ABANDONED_AFTER)
    assert staging.is_abandoned(find(house), house.now)
    remove(house, of)
    assert not staging.is_abandoned(find(house), house.now)
    house.later(hours=1)
    assert house.write(lambda s: staging.abandoned(s, house.now)) == []


def test_the_refusals_of_a_launch_are_those_of_today(house: House) -> None:
    with pytest.raises(ReservedName):
        house.write(
            lambda s: staging.begin_launch(
                s, DEFAULT_TENANT, definition("direct"), "one", now=NOW, again=False
            )
        )
    before = house.launch(0)
    with pytest.raises(CampaignRunning):
        begin(house)
    house.write(lambda s: finish_campaign(s, before.id, now=house.now))
    with pytest.raises(CampaignEnded):
        begin(house)
    sales = definition(purpose="telemarketing")
    with pytest.raises(PurposeChanged):
        house.write(
            lambda s: staging.begin_launch(s, DEFAULT_TENANT, sales, "one", now=NOW, again=True)
        )


def test_problems_are_kept_while_rows_are_read(house: House) -> None:
    of = begin(house)
    problem = {"file": "f", "line": 2, "column": 1, "field": "phone", "code": "bad_phone"}
    house.later(seconds=10)
    house.write(lambda s: note_progress(s, of, ReadSoFar(2000, [problem], 1), now=house.now))
    read = find(house)
    assert (read.problems, read.problem_count, read.rows_per_second) == ((problem,), 1, 200)


def test_ended_records_are_deleted_later(house: House) -> None:
    of = begin(house)
    write(house, of, 1)
    flip_to(house, of, 1)

    def delete(s: Session) -> int:
        return staging.delete_ended(s, before=house.now - timedelta(days=1), limit=10)

    assert house.write(delete) == 0
    house.later(days=1, seconds=1)
    assert house.write(delete) == 1
