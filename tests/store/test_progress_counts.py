"""Counts of recipients and calls change with the rows that they count, in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from alembic import command
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import case, delete, insert, literal, select, text, update
from sqlmodel import Session

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.status import CallStatus
from outdial.domain.record import CampaignRecord
from outdial.store.campaign.progress import progress_of, read_progress
from outdial.store.campaign.states import finish_campaign
from outdial.store.db import migrate
from outdial.store.db.database import Database
from outdial.store.db.tables import call, lease, progress_count, recipient
from tests.builders import House
from tests.databases import empty, migrated
from tests.generating import examples
from tests.store.counting import kept_counts, real_counts
from tests.store.racing import WAITS, apart, race

pytestmark = pytest.mark.both_databases

PEOPLE = 6
STATES = ("waiting", "ready", "calling", "settling", "done")
STATUSES = ("queued", "ringing", "in_progress", "completed", "busy")


def _call_in_two_launches(house: House) -> CampaignRecord:
    """Calls that have ended and calls under way; the first launch is over."""
    first = house.launch(PEOPLE, pacing={"max_concurrent": 4})
    _call_some(house, first)
    house.set_state(first, CampaignState.STOPPING)
    for call_id in house.database.read_sync(_live_calls):
        house.end(call_id, CallStatus.CANCELED, may_have_rung=False)
    assert house.write(lambda s: finish_campaign(s, first.id, now=house.now)) is not None
    second = house.launch(PEOPLE, pacing={"max_concurrent": 4})
    _call_some(house, second)
    return second


def _call_some(house: House, campaign: CampaignRecord) -> None:
    for claimed in house.claim(campaign).calls[:3]:
        house.fence(claimed.call_id)
        house.place(claimed.call_id)
        house.end(claimed.call_id, CallStatus.COMPLETED)


def _live_calls(s: Session) -> list[str]:
    return list(s.connection().execute(select(lease.c.call_id)).scalars())


def _same(s: Session) -> None:
    assert kept_counts(s) == real_counts(s)


def test_the_migration_counts_what_there_is(new_url: str) -> None:
    with migrated(new_url) as database:
        house = House(database)
        house.line()
        _call_in_two_launches(house)
        before = database.read_sync(kept_counts)
        assert {key[1] for key in before} == {1, 2}
        with database._write_engine.begin() as connection:
            command.downgrade(migrate.alembic_config(connection), "0024")
        database.migrate()
        assert database.read_sync(kept_counts) == before
        database.read_sync(_same)


def test_progress_is_of_the_present_launch(house: House) -> None:
    campaign = _call_in_two_launches(house)
    progress = house.database.read_sync(lambda s: read_progress(s, campaign.id))
    assert progress.recipients == PEOPLE
    assert progress.by_state == dict(zip(STATES, (0, 2, 1, 0, 3), strict=True))


def test_progress_of_several_campaigns(house: House) -> None:
    first = house.launch(3, "first", pacing={"max_concurrent": 2})
    second = house.launch(2, "second", first=10)
    house.claim(first)
    both = house.database.read_sync(lambda s: progress_of(s, [first, second]))
    assert [(each.campaign, each.recipients, each.in_flight) for each in both] == [
        ("first", 3, 2),
        ("second", 2, 0),
    ]
    alone = house.database.read_sync(lambda s: read_progress(s, first.id))
    assert alone == both[0]


_PEOPLE = st.sets(st.integers(0, PEOPLE - 1)).map(sorted)
_CHANGES = st.one_of(
    st.tuples(st.just("recipients"), _PEOPLE, st.sampled_from(STATES), st.booleans()),
    st.tuples(st.just("calls"), _PEOPLE, st.sampled_from(STATUSES), st.booleans()),
    st.tuples(st.just("turned"), _PEOPLE, st.sampled_from(STATES), st.booleans()),
    st.tuples(st.just("added"), _PEOPLE, st.sampled_from(STATES), st.booleans()),
    st.tuples(st.just("removed"), _PEOPLE, st.sampled_from(STATES), st.booleans()),
)


@settings(max_examples=examples(10))
@given(st.lists(st.tuples(st.lists(_CHANGES, max_size=4), st.booleans()), max_size=6))
def test_whatever_statements_change(
    session_database: Database,
    transactions: list[tuple[list[tuple[str, list[int], str, bool]], bool]],
) -> None:
    """Statements of one row, of many, and of none; transactions that are rolled back."""
    empty(session_database)
    house = House(session_database)
    house.line()
    campaign = house.launch(PEOPLE, pacing={"max_concurrent": PEOPLE})
    house.claim(campaign)
    ids = session_database.read_sync(
        lambda s: list(s.connection().execute(select(recipient.c.id)).scalars())
    )
    for changes, commits in transactions:

        def work(
            s: Session,
            changes: list[tuple[str, list[int], str, bool]] = changes,
            commits: bool = commits,
        ) -> None:
            for change in changes:
                _change(s, ids, *change)
            _same(s)
            if not commits:
                raise RuntimeError("killed")

        if commits:
            session_database.write_sync(work)
        else:
            with pytest.raises(RuntimeError):
                session_database.write_sync(work)
        session_database.read_sync(_same)


def _change(
    s: Session, ids: list[int], kind: str, people: list[int], value: str, flag: bool
) -> None:
    of = [ids[at] for at in people]
    if kind == "recipients":
        outcome = "booked" if flag else None
        change = update(recipient).where(recipient.c.id.in_(of))
        s.connection().execute(change.values(state=value, outcome=outcome))
    elif kind == "turned":
        turned = case((recipient.c.state == value, "ready"), else_=value)
        s.connection().execute(update(recipient).values(state=turned))
    elif kind == "calls":
        change = update(call).where(call.c.recipient_id.in_(of))
        s.connection().execute(change.values(status=value, is_attempt=flag))
    elif kind == "added":
        last = s.connection().execute(text("SELECT max(position) FROM recipient")).scalar_one()
        same = [each for each in recipient.c if each.name not in ("id", "position", "state")]
        some = select(*same, recipient.c.position + last + 1, literal(value))
        names = [*(each.name for each in same), "position", "state"]
        s.connection().execute(
            insert(recipient).from_select(names, some.where(recipient.c.id.in_(of)))
        )
    else:
        called = select(call.c.recipient_id)
        gone = delete(recipient).where(recipient.c.id.not_in(called), recipient.c.state == value)
        s.connection().execute(gone)


def test_a_transaction_never_waits_for_the_counts_of_another(
    house: House, on_postgresql: None
) -> None:
    """Two that change other rows of one campaign, each towards where the other's came from."""
    campaign = house.launch(4)
    first, second, third, fourth = house.database.read_sync(
        lambda s: list(s.connection().execute(select(recipient.c.id)).scalars())
    )

    def move(s: Session, who: int, state: str) -> None:
        s.connection().execute(text("SET LOCAL lock_timeout = '2s'"))
        s.connection().execute(update(recipient).where(recipient.c.id == who).values(state=state))

    def outer(s: Session) -> None:
        move(s, first, "ready")

        def inner(s: Session) -> None:
            move(s, second, "ready")
            move(s, third, "calling")

        with apart(lambda: house.database._write(inner)) as done:
            done.result(WAITS)
        move(s, fourth, "calling")

    house.database._write(outer)
    house.database.read_sync(_same)
    progress = house.database.read_sync(lambda s: read_progress(s, campaign.id))
    assert progress.by_state == dict(zip(STATES, (0, 2, 2, 0, 0), strict=True))


def test_counts_add_up_when_many_write_at_once(house: House, on_postgresql: None) -> None:
    campaign = house.launch(40)
    ids = house.database.read_sync(
        lambda s: list(s.connection().execute(select(recipient.c.id)).scalars())
    )

    def through(some: list[int]) -> Callable[[], None]:
        def work() -> None:
            for state in STATES[1:]:
                for who in some:
                    house.write(
                        lambda s, who=who, state=state: s.connection().execute(  # type: ignore[misc]
                            update(recipient)
                            .where(recipient.c.id == who)
                            .values(state=state, outcome="booked")
                        )
                    )

        return work

    race([through(ids[at::8]) for at in range(8)])
    house.database.read_sync(_same)
    shards = house.database.read_sync(
        lambda s: s.connection().execute(select(progress_count.c.value)).scalars().all()
    )
    assert max(Counter(shards).values()) <= 9, "more shards than transactions at once"
    assert house.database.read_sync(lambda s: read_progress(s, campaign.id)).by_state["done"] == 40
