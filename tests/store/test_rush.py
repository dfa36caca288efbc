"""A campaign of which many are due at once: a claim does the work that its calls need, no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, insert, select
from sqlmodel import Session

from outdial.domain.call.batches import LARGEST_STEP, RESCHEDULED, SMALLEST_STEP
from outdial.domain.call.status import CallStatus
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.store.claims import candidates, reservation
from outdial.store.claims.reschedule import FirstDue
from outdial.store.db.tables import EPOCH, recipient
from outdial.store.roster.rows import insert_recipients
from tests.builders import LINE, House, draft, located, phone, zones

pytestmark = pytest.mark.both_databases

PEOPLE = 1_000
NEW_YORK, LOS_ANGELES = "America/New_York", "America/Los_Angeles"
DAY = {"hours": "08:00-18:00"}
OPENS = datetime(2026, 3, 4, 13, tzinfo=UTC)
CLOSES = datetime(2026, 3, 4, 23, tzinfo=UTC)


def rows_of(
    campaign: CampaignRecord, people: int, zone: str = NEW_YORK, first: int = 0, **changes: Any
) -> list[dict[str, Any]]:
    """Recipients of a campaign as enrolment leaves them."""
    same = {
        "campaign_id": campaign.id,
        "launch": campaign.launch,
        "alternate_phones": [],
        "zones": zones(zone).model_dump_json(exclude_none=True),
        "variables": {},
        "line": campaign.plan.line,
        "state": RecipientState.WAITING.value,
        "due_at": EPOCH,
    }
    return [
        same | {"position": first + at, "phone": phone(first + at)} | changes
        for at in range(people)
    ]


def enroll(house: House, rows: list[dict[str, Any]]) -> None:
    house.write(lambda s: s.connection().execute(insert(recipient), rows))


@dataclass
class Work:
    """What was done meanwhile."""

    decisions: int = 0
    written: int = 0
    """Rows of recipients that statements changed."""
    statements: int = 0


@contextmanager
def counted(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    work = Work()

    def hear(_c: Any, cursor: Any, statement: str, *_: Any) -> None:
        work.statements += 1
        if statement.startswith("UPDATE recipient"):
            work.written += cursor.rowcount

    def counting(decide: Any) -> Any:
        def decided(*values: Any) -> Any:
            work.decisions += 1
            return decide(*values)

        return decided

    engine = house.database._write_engine
    with monkeypatch.context() as patched:
        for module in (candidates, reservation):
            patched.setattr(module, "decide", counting(module.decide))
        event.listen(engine, "after_cursor_execute", hear)
        try:
            yield work
        finally:
            event.remove(engine, "after_cursor_execute", hear)


def ready(house: House) -> int:
    def count(s: Session) -> int:
        of_state = recipient.c.state == RecipientState.READY.value
        query = select(func.count()).select_from(recipient).where(of_state)
        return int(s.connection().execute(query).scalar_one())

    return house.write(count)


@pytest.mark.both_databases(False)
@pytest.mark.parametrize(
    ("most", "at_once"), [(20, 20), (20, 1000), (200, 1000), (1, 1)], ids=lambda n: str(n)
)
def test_each_freed_slot_moves_one_recipient(
    house: House, monkeypatch: pytest.MonkeyPatch, most: int, at_once: int
) -> None:
    """However many are due, and however much more the campaign may do than its line."""
    house.line(most=most)
    campaign = house.launch(0, pacing={"max_concurrent": at_once})
    enroll(house, rows_of(campaign, PEOPLE))
    live = [call.call_id for call in house.claim(campaign).calls]
    assert len(live) == most
    rounds = 30
    with counted(house, monkeypatch) as work:
        for _ in range(rounds):
            house.end(live.pop(0))
            live.append(house.claim_one(campaign).call_id)
    assert ready(house) <= 2 * SMALLEST_STEP
    assert work.decisions <= 2 * rounds + 2 * SMALLEST_STEP, "one when ready, one when called"


def test_a_line_that_is_full_costs_no_decisions(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Campaigns that wait for a line look at it again and again."""
    house.line(most=1)
    campaign = house.launch(0, pacing={"max_concurrent": 500})
    enroll(house, rows_of(campaign, PEOPLE))
    house.claim(campaign)
    with counted(house, monkeypatch) as work:
        for _ in range(10):
            assert house.claim(campaign).calls == ()
    assert (work.decisions, work.written) == (0, 0)
    assert ready(house) <= 2 * SMALLEST_STEP


def test_a_claim_of_many_decides_about_as_many(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.line(most=1000)
    campaign = house.launch(0, pacing={"max_concurrent": 1000})
    enroll(house, rows_of(campaign, PEOPLE))
    with counted(house, monkeypatch) as work:
        assert len(house.claim(campaign).calls) == 200
    assert work.decisions <= 200 + SMALLEST_STEP


def test_redials_that_are_due_are_found_although_others_are_ready(house: House) -> None:
    house.line(most=1)
    campaign = house.launch(0, retry={"busy": {"delays": "1m"}})
    enroll(house, rows_of(campaign, 100))
    first = house.claim_one(campaign)
    house.end(first.call_id, CallStatus.BUSY)
    second = house.claim_one(campaign)
    assert second.masked != first.masked
    house.later(minutes=1)
    house.end(second.call_id)
    assert house.claim_one(campaign).masked == first.masked


def test_redials_that_are_due_at_once_do_not_all_become_ready(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.line(most=2)
    campaign = house.launch(0, pacing={"max_concurrent": 50})
    enroll(house, rows_of(campaign, 500, turn=0, due_at=house.now, not_before=house.now))
    live = [call.call_id for call in house.claim(campaign).calls]
    with counted(house, monkeypatch) as work:
        for _ in range(30):
            house.end(live.pop(0))
            live.append(house.claim_one(campaign).call_id)
    assert work.decisions <= 2 * 30 + 2 * SMALLEST_STEP
    assert ready(house) <= 2 * SMALLEST_STEP


@pytest.mark.parametrize("at_once", [10, 500])
def test_before_the_hours_all_are_rescheduled_in_few_claims(
    house: House, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Those who wait for the same hours are put off together, without a decision about each,
    however many calls may start."""
    house.now = OPENS - timedelta(hours=1)
    campaign = house.launch(0, schedule=DAY, pacing={"max_concurrent": at_once})
    people = 2 * RESCHEDULED
    enroll(house, rows_of(campaign, people))
    claims = 1
    with counted(house, monkeypatch) as work:
        while (claim := house.claim(campaign)).wake_at == house.now:
            claims += 1
    assert claim.wake_at == OPENS
    assert claims <= people // RESCHEDULED + 1
    assert work.decisions <= claims * 2 * SMALLEST_STEP
    assert work.written == people, "each was written once"


NEVER = {"attempts": 1}
NOT_YET = {"not_before": CLOSES}


@pytest.mark.parametrize(
    "stretches",
    [
        [(NEVER, 400)],
        [(NEVER, SMALLEST_STEP), (NOT_YET, 1), (NEVER, 300), ({}, 30)],
        [(NEVER, 50), (NOT_YET, 100), (NEVER, 200), ({}, 30)],
    ],
)
def test_whoever_is_read_is_decided_about(
    house: House, monkeypatch: pytest.MonkeyPatch, stretches: list[tuple[Any, int]]
) -> None:
    """But once in a claim, where the first of them wait: those that follow are put off together."""
    house.line(most=200)
    campaign = house.launch(0, retry={"max_attempts": 1}, pacing={"max_concurrent": 1000})
    first = 0
    for changes, people in stretches:
        enroll(house, rows_of(campaign, people, first=first, **changes))
        first += people
    read, find_due = list[int](), candidates.find_due

    def noting(*values: Any) -> Any:
        due = find_due(*values)
        read.append(len(due))
        return due

    monkeypatch.setattr(candidates, "find_due", noting)
    for _ in range(3):
        read.clear()
        with counted(house, monkeypatch) as work:
            house.claim(campaign)
        assert sum(read) <= work.decisions + LARGEST_STEP - SMALLEST_STEP


def test_closing_time_is_bounded_work_and_stops_nobody_else(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New York closes with thousands left; Los Angeles goes on, and nothing is done twice."""
    house.now = OPENS
    house.line(most=5)
    campaign = house.launch(0, schedule=DAY)
    left = 2 * RESCHEDULED
    enroll(house, rows_of(campaign, left))
    enroll(house, rows_of(campaign, 50, LOS_ANGELES, first=left))
    live = [call.call_id for call in house.claim(campaign).calls]
    house.now = CLOSES
    for call_id in live:
        house.end(call_id)
    with counted(house, monkeypatch) as work:
        claims, calls = 0, 0
        while calls < 5:
            calls += len(house.claim(campaign).calls)
            claims += 1
    assert claims <= left // RESCHEDULED + 2
    assert work.written <= left + 100
    with counted(house, monkeypatch) as work:
        claim = house.claim(campaign)
    assert (claim.calls, work.decisions) == ((), 0)
    assert claim.wake_at is None, "it waits for its own calls to end"


def test_an_opening_wakes_the_campaign_once(house: House) -> None:
    house.now = OPENS - timedelta(hours=1)
    house.line(most=3)
    campaign = house.launch(0, schedule=DAY, pacing={"max_concurrent": 3})
    enroll(house, rows_of(campaign, RESCHEDULED - 1))
    assert house.claim(campaign).wake_at == OPENS
    house.now = OPENS
    claim = house.claim(campaign)
    assert (len(claim.calls), claim.wake_at) == (3, None)


def test_first_calls_wait_for_no_more_than_all_attempts_of_those_before(house: House) -> None:
    """Retries go first, and they are limited."""
    house.line(most=2)
    attempts, people = 3, 15
    retry = {"busy": {"delays": "1m", "max_attempts": attempts}, "max_attempts": attempts}
    campaign = house.launch(0, retry=retry)
    enroll(house, rows_of(campaign, people))
    made: list[str] = []
    while len(set(made)) < people:
        house.later(minutes=1)
        for call in house.claim(campaign).calls:
            made.append(call.masked)
            house.end(call.call_id, CallStatus.BUSY)
    order = list(dict.fromkeys(made))
    for before, masked in enumerate(order):
        assert made.index(masked) <= attempts * before


def test_the_recipients_of_a_launch_at_night_are_due_when_their_hours_open(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A claim has nothing to decide before, and the campaign is woken once for each zone."""
    house.now = OPENS - timedelta(hours=3)
    campaign = house.launch(0, schedule=DAY)
    first_due = FirstDue(campaign.plan, house.now)
    drafts = [
        row._replace(zones=zones(NEW_YORK if at % 2 else LOS_ANGELES).model_dump_json())
        for at, row in enumerate(located([draft(at) for at in range(300)]))
    ]
    house.write(
        lambda s: insert_recipients(s, campaign.id, campaign.launch, LINE, drafts, first_due)
    )
    with counted(house, monkeypatch) as work:
        claim = house.claim(campaign)
    assert (claim.wake_at, work.decisions, work.written) == (OPENS, 0, 0)
    house.now = OPENS
    assert len(house.claim(campaign).calls) == 10
