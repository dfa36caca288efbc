"""Claims of campaigns on one line decide beside each other, and lock the line to reserve calls.

PostgreSQL: SQLite has one writer at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text, update
from sqlmodel import Session

from outdial.domain.call.batches import MOST_LEFT, RESCHEDULED, SMALLEST_STEP
from outdial.domain.call.status import CallStatus
from outdial.domain.line.capacity import LINE_RETRY
from outdial.domain.record import CampaignRecord, RecipientState
from outdial.store.call.late_evidence import lock_with_rivals
from outdial.store.claims import candidates, reservation
from outdial.store.claims.candidates import scan_due
from outdial.store.claims.number_locks import lock_numbers
from outdial.store.claims.reschedule import reschedule
from outdial.store.compliance.subscribers import number_lock
from outdial.store.db.dialect import lock_keys
from outdial.store.db.tables import line, recipient
from tests.backends import Kept
from tests.builders import House, phone
from tests.databases import empty
from tests.store.racing import WAITS, apart, race, until_somebody_waits
from tests.store.test_line_shares import launch, waiting
from tests.store.test_rush import CLOSES, DAY, LOS_ANGELES, NEW_YORK, counted, enroll, rows_of

MANY = {"max_concurrent": 500}


@pytest.fixture
def house(kept: Kept) -> House:
    _, database = kept("postgresql")
    empty(database)
    return House(database)


@contextmanager
def before(
    monkeypatch: pytest.MonkeyPatch, step: Callable[..., Any], work: Callable[[], object]
) -> Iterator[None]:
    """Have work done before each claim's step, by another thread."""

    def with_work(*values: Any, **named: Any) -> Any:
        with ThreadPoolExecutor(1) as executor:
            executor.submit(work).result(WAITS)
        return step(*values, **named)

    with monkeypatch.context() as patched:
        patched.setattr(reservation, step.__name__, with_work)
        yield


def once(work: Callable[[], object]) -> Callable[[], object]:
    """Work for the first time; nothing after that."""
    left = [work]
    return lambda: left.pop()() if left else None


def unlocked_lines(house: House) -> int:
    """How many lines no transaction has locked."""
    free = select(line.c.name).with_for_update(skip_locked=True)
    return len(house.write(lambda s: s.connection().execute(free).all()))


def ready(house: House, campaign: CampaignRecord) -> int:
    def count(s: Session) -> int:
        query = select(func.count()).where(
            recipient.c.campaign_id == campaign.id,
            recipient.c.state == RecipientState.READY.value,
        )
        return int(s.connection().execute(query).scalar_one())

    return house.database.read_sync(count)


def test_campaigns_of_one_line_decide_at_the_same_time(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.line(most=20)
    first, second = launch(house, "first"), launch(house, "second")
    both = threading.Barrier(2)
    with before(monkeypatch, scan_due, lambda: both.wait(WAITS)):
        claims = race([lambda: house.claim(first, limit=8), lambda: house.claim(second, limit=8)])
    assert [len(claim.calls) for claim in claims] == [8, 8]


def test_lines_are_locked_for_the_reservation_alone(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.line(most=20)
    house.line("other")
    campaign = launch(house, "campaign")
    while_deciding, while_reserving = list[int](), list[int]()
    deciding = before(monkeypatch, scan_due, lambda: while_deciding.append(unlocked_lines(house)))
    reserving = before(
        monkeypatch, lock_numbers, lambda: while_reserving.append(unlocked_lines(house))
    )
    with deciding, reserving:
        assert len(house.claim(campaign).calls) == 20
    assert (while_deciding, while_reserving) == ([2], [1])


def test_a_claim_takes_slots_that_become_free_while_it_decides(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would lose its turn if it left them: they are offered to others at once."""
    most = 80
    house.line(most=most)
    first, second = launch(house, "first", 100, **MANY), launch(house, "second", 200, **MANY)
    third = launch(house, "third", 100, **MANY)
    live = [call.call_id for call in house.claim(first).calls]
    assert len(live) == most
    assert house.claim(second).calls == ()
    house.later(seconds=1)
    assert house.claim(third).calls == ()

    def end() -> None:
        for call_id in live:
            house.end(call_id)

    house.later(seconds=1)
    with before(monkeypatch, scan_due, once(end)):
        claim = house.claim(second)
    assert len(claim.calls) == most // 2, "its share: the third waits, too"
    assert waiting(house).keys() == {second.id, third.id}
    assert claim.wake_at == house.now + LINE_RETRY
    assert len(house.claim(third).calls) == most // 2


def test_whoever_was_decided_about_for_slots_that_others_took_is_not_stored(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.line(most=150)
    first, second = launch(house, "first", 200, **MANY), launch(house, "second", 200, **MANY)
    taken = list[str]()

    def take() -> None:
        taken.extend(call.call_id for call in house.claim(first).calls)

    with counted(house, monkeypatch) as work, before(monkeypatch, scan_due, once(take)):
        claim = house.claim(second)
    assert (len(taken), claim.calls) == (150, ())
    assert claim.wake_at == house.now + LINE_RETRY, "it waits for the line"
    assert ready(house, second) <= MOST_LEFT
    assert work.written <= 150 + 2 * SMALLEST_STEP + MOST_LEFT
    assert waiting(house)[second.id] == 500, "it could use as many as it may start"
    called = set[str]()
    for call_id in taken:
        house.end(call_id)
    while calls := house.claim(second).calls:
        called |= {call.masked for call in calls}
        for call in calls:
            house.end(call.call_id)
    assert len(called) == 200, "nobody is forgotten"


def test_a_claim_that_finds_its_line_full_looks_again_later(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All who are due were decided about, and most are due as before: that wakes nobody."""
    house.line(most=100)
    first, second = launch(house, "first", 200, **MANY), launch(house, "second", 90, **MANY)
    with before(monkeypatch, scan_due, once(lambda: house.claim(first))):
        claim = house.claim(second)
    assert (claim.calls, claim.open_recipients) == ((), 90)
    assert claim.wake_at is not None
    assert claim.wake_at >= house.now + timedelta(seconds=5)


@pytest.mark.parametrize(
    ("stretches", "put_off", "called"),
    [
        ([(LOS_ANGELES, 25), (NEW_YORK, 30), (LOS_ANGELES, 100)], 0, 80),
        ([(NEW_YORK, 25), (LOS_ANGELES, 25), (NEW_YORK, 30), (LOS_ANGELES, 100)], 1, 80),
        ([(NEW_YORK, 3 * RESCHEDULED), (LOS_ANGELES, 100)], 1, 0),
    ],
)
def test_nobody_is_put_off_together_while_the_line_is_locked(
    house: House,
    monkeypatch: pytest.MonkeyPatch,
    stretches: list[tuple[str, int]],
    put_off: int,
    called: int,
) -> None:
    """Slots that became free are taken all the same, unless a thousand were outside their hours:
    then it is the next claim that decides about others."""
    house.now = CLOSES
    house.line(most=80)
    first = launch(house, "first", 100, **MANY)
    second = house.launch(0, "second", pacing=MANY, schedule=DAY)
    position = 0
    for zone, people in stretches:
        enroll(house, rows_of(second, people, zone, position))
        position += people
    live = [call.call_id for call in house.claim(first).calls]
    assert len(live) == 80
    unlocked = list[int]()

    def end() -> None:
        for call_id in live:
            house.end(call_id)

    def noting(*values: Any) -> int:
        unlocked.append(unlocked_lines(house))
        return reschedule(*values)

    monkeypatch.setattr(candidates, "reschedule", noting)
    with before(monkeypatch, scan_due, once(end)):
        claim = house.claim(second)
    assert unlocked == [1] * put_off
    assert len(claim.calls) == called
    if not called:
        assert claim.wake_at == house.now


def test_transactions_that_wait_for_each_other_are_repeated(house: House) -> None:
    """One claim has changed a recipient and waits for a line, another has the line and waits for a
    number, and late evidence about a call to the number waits for that recipient."""
    house.line(most=20)
    one = house.launch(1, "one", retry={"failed": {"delays": "10m"}})
    call_id = house.claim_one(one).call_id
    house.place(call_id)
    house.end(call_id, CallStatus.FAILED)
    waits = {"due_at": house.now, "not_before": house.now + timedelta(hours=1)}
    house.write(lambda s: s.connection().execute(update(recipient).values(waits)))
    other = house.launch(1, "other")
    has_number, go_on, tries = threading.Event(), threading.Event(), list[int]()

    def lock_late(s: Session) -> int:
        tries.append(1)
        s.connection().execute(text("SET LOCAL deadlock_timeout = '10ms'"))
        lock_keys(s, [number_lock("default", phone(0))])
        has_number.set()
        assert go_on.wait(WAITS)
        return len(lock_with_rivals(s, [call_id], [call_id]).calls)

    with apart(lambda: house.write(lock_late)) as late:
        assert has_number.wait(WAITS)
        with apart(lambda: house.claim(other, "other")) as has_line:
            until_somebody_waits(house.database)
            with apart(lambda: house.claim(one, "one")) as has_recipient:
                until_somebody_waits(house.database, 2)
                go_on.set()
    assert late.result() == 1
    assert len(has_line.result().calls) == 1
    assert has_recipient.result().calls == ()
    assert len(tries) == 2
