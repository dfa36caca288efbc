"""Booking on both databases: never twice, each wish once, and nothing forgotten."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from outdial.domain.appointment.appointment import (
    Appointment,
    AppointmentStatus,
    Change,
    Made,
    NotMade,
    Party,
)
from outdial.domain.appointment.availability import Refusal, openings_on, ticks
from outdial.domain.appointment.calendar import CalendarRules
from outdial.store.appointments import booking, changing, lookup, slots
from outdial.store.appointments.history import history_of
from outdial.store.db.database import Database
from outdial.store.db.errors import StatementRefused
from outdial.store.db.tables import appointment_slot
from tests.appointments import list_appointments

NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
DAY = date(2026, 3, 5)


def rules(**changes: Any) -> CalendarRules:
    values: dict[str, Any] = {"name": "clinic", "time_zone": "UTC"}
    return CalendarRules.model_validate(values | changes)


STARTS = openings_on(rules(), DAY)


def party(number: int, call: bool = True) -> Party:
    return Party("default", f"+1212555{number:04}", call_id=f"call-{number}" if call else None)


def book(
    database: Database, number: int, start: datetime, of: CalendarRules | None = None, **more: Any
) -> Made | NotMade:
    key = more.pop("key", f"call-{number}/book")
    return database.write_sync(
        lambda s: booking.book(s, party(number), of or rules(), start, key=key, now=NOW, **more)
    )


def booked(database: Database, number: int, start: datetime, **more: Any) -> Appointment:
    made = book(database, number, start, **more)
    assert isinstance(made, Made)
    return made.appointment


def held_ticks(database: Database) -> Counter[tuple[int, int]]:
    query = select(appointment_slot.c.tick, appointment_slot.c.seat)
    return Counter(
        database.read_sync(lambda s: [(r.tick, r.seat) for r in s.connection().execute(query)])
    )


async def test_fifty_at_once_for_ten_places(database: Database) -> None:
    """Five starts with two seats each; everybody asks for one of them at the same time."""
    clinic = rules(hours="09:00-11:30", capacity=2)
    starts = openings_on(clinic, DAY)
    assert len(starts) == 5

    async def ask(number: int) -> Made | NotMade:
        start = starts[number % 5]
        return await database.write(
            lambda s: booking.book(s, party(number), clinic, start, key=f"k{number}", now=NOW)
        )

    answers = await asyncio.gather(*(ask(number) for number in range(50)))
    made = [answer for answer in answers if isinstance(answer, Made)]
    refused = [answer for answer in answers if isinstance(answer, NotMade)]
    assert (len(made), len(refused)) == (10, 40)
    assert Counter(answer.appointment.starts_at for answer in made) == dict.fromkeys(starts, 2)
    assert {answer.refusal for answer in refused} == {Refusal.FULL}
    assert all(answer.alternatives for answer in refused)
    assert set(held_ticks(database).values()) == {1}


async def test_the_constraint_holds_without_the_lock(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were the calendar not locked, the primary key would still refuse the second one."""
    monkeypatch.setattr(booking, "lock_calendar", lambda *_: None)
    clinic, start = rules(), STARTS[0]

    async def ask(number: int) -> bool:
        try:
            made = await database.write(
                lambda s: booking.book(s, party(number), clinic, start, key=f"k{number}", now=NOW)
            )
        except StatementRefused:
            return False
        return isinstance(made, Made)

    answers = await asyncio.gather(*(ask(number) for number in range(8)))
    assert sum(answers) == 1
    assert set(held_ticks(database).values()) == {1}


def test_the_same_five_minutes_of_a_seat_are_given_once(database: Database) -> None:
    first = booked(database, 1, STARTS[0])
    with pytest.raises(StatementRefused):
        database.write_sync(
            lambda s: slots.take(s, "default", "clinic", ticks(rules(), STARTS[0]), 0, first.id)
        )


def test_a_call_books_once_however_often_it_asks(database: Database) -> None:
    first = booked(database, 1, STARTS[0])
    assert book(database, 1, STARTS[0]) == Made(first, changed=False)
    assert book(database, 1, STARTS[3], key="another") == Made(first, changed=False)
    assert len(held_ticks(database)) == 6


def test_calendars_and_campaigns_with_other_rules_share_the_slots(database: Database) -> None:
    booked(database, 1, STARTS[0])
    longer = rules(duration="1h", every="15m")
    overlapping = book(database, 2, STARTS[0] + timedelta(minutes=15), longer)
    assert isinstance(overlapping, NotMade)
    assert isinstance(book(database, 3, STARTS[0], rules(name="dentist")), Made)


def test_other_peoples_appointments_count(database: Database) -> None:
    others = dict.fromkeys(ticks(rules(), STARTS[0]), 1)
    refused = book(database, 1, STARTS[0], others=others)
    assert isinstance(refused, NotMade)
    assert refused.alternatives[0] == STARTS[1]


def test_a_move_keeps_the_old_slot_until_the_new_one_is_had(database: Database) -> None:
    mine, theirs = booked(database, 1, STARTS[0]), booked(database, 2, STARTS[1])

    def move(start: datetime, key: str) -> Made | NotMade:
        return database.write_sync(
            lambda s: changing.move(s, mine.id, rules(), start, key=key, now=NOW, call_id="call-9")
        )

    refused = move(theirs.starts_at, "m1")
    assert isinstance(refused, NotMade)
    assert refused.refusal is Refusal.FULL
    assert STARTS[0] in refused.alternatives  # the slot it has counts as free for itself
    moved = move(STARTS[4], "m2")
    assert isinstance(moved, Made)
    assert (moved.appointment.starts_at, moved.appointment.sequence) == (STARTS[4], 1)
    assert move(STARTS[5], "m2") == Made(moved.appointment, changed=False)
    assert isinstance(book(database, 3, STARTS[0]), Made)


def test_history_is_kept(database: Database) -> None:
    mine = booked(database, 1, STARTS[0])

    def steps(s: Any) -> None:
        changing.confirm(s, mine.id, key="c", now=NOW, call_id="call-2")
        changing.move(s, mine.id, rules(), STARTS[2], key="m", now=NOW, call_id="call-3")
        changing.cancel(s, mine.id, key="x", now=NOW, call_id="call-4")
        changing.cancel(s, mine.id, key="x", now=NOW, call_id="call-4")

    database.write_sync(steps)
    changes = database.read_sync(lambda s: history_of(s, mine.id))
    assert [(c.change, c.call_id, c.sequence) for c in changes] == [
        (Change.BOOKED, "call-1", 0),
        (Change.CONFIRMED, "call-2", 1),
        (Change.MOVED, "call-3", 2),
        (Change.CANCELED, "call-4", 3),
    ]
    assert (changes[2].before_starts_at, changes[2].starts_at) == (STARTS[0], STARTS[2])
    assert changes[3].before_status is AppointmentStatus.BOOKED
    assert held_ticks(database) == {}


def test_what_was_canceled_is_neither_moved_nor_confirmed(database: Database) -> None:
    mine = booked(database, 1, STARTS[0])

    def attempt(s: Any) -> list[Made | NotMade]:
        changing.cancel(s, mine.id, key="x", now=NOW, call_id=None)
        return [
            changing.move(s, mine.id, rules(), STARTS[2], key="m", now=NOW, call_id=None),
            changing.confirm(s, mine.id, key="c", now=NOW, call_id=None),
        ]

    canceled = NotMade("the appointment was canceled")
    assert database.write_sync(attempt) == [canceled, canceled]


def hold(database: Database, number: int, start: datetime, now: datetime = NOW) -> Made | NotMade:
    until = now + timedelta(minutes=10)
    return database.write_sync(
        lambda s: booking.hold(
            s, party(number), rules(), start, key=f"{number}/{start}", now=now, until=until
        )
    )


def test_a_held_slot_is_kept_for_its_call(database: Database) -> None:
    assert isinstance(hold(database, 1, STARTS[0]), Made)
    assert isinstance(book(database, 2, STARTS[0]), NotMade)
    kept = booked(database, 1, STARTS[0])
    assert kept.status is AppointmentStatus.BOOKED
    assert len(held_ticks(database)) == 6


def test_a_call_holds_one_slot(database: Database) -> None:
    hold(database, 1, STARTS[0])
    hold(database, 1, STARTS[1])
    assert isinstance(book(database, 2, STARTS[0]), Made)
    assert isinstance(book(database, 3, STARTS[1]), NotMade)


def test_a_hold_is_released_with_its_call_and_a_booking_is_not(database: Database) -> None:
    hold(database, 1, STARTS[0])
    booked(database, 2, STARTS[1])
    for number in (1, 2):
        call = f"call-{number}"
        database.write_sync(lambda s, call=call: slots.release_of_call(s, call, NOW))  # type: ignore[misc]
    assert isinstance(book(database, 3, STARTS[0]), Made)
    assert isinstance(book(database, 4, STARTS[1]), NotMade)


def test_a_forgotten_hold_expires(database: Database) -> None:
    hold(database, 1, STARTS[0])
    assert isinstance(hold(database, 2, STARTS[0], NOW + timedelta(minutes=9)), NotMade)
    assert isinstance(hold(database, 2, STARTS[0], NOW + timedelta(minutes=10)), Made)


@pytest.mark.parametrize("what", ["book", "move", "cancel", "confirm"])
def test_undoing(database: Database, what: str) -> None:
    mine = booked(database, 1, STARTS[0], key="book")

    def change(s: Any) -> Made | NotMade:
        if what == "move":
            changing.move(s, mine.id, rules(), STARTS[2], key="move", now=NOW, call_id=None)
        elif what == "cancel":
            changing.cancel(s, mine.id, key="cancel", now=NOW, call_id=None)
        elif what == "confirm":
            changing.confirm(s, mine.id, key="confirm", now=NOW, call_id=None)
        changing.undo(s, "default", rules(), what, undo_key="undo", now=NOW)
        return changing.undo(s, "default", rules(), what, undo_key="undo", now=NOW)

    undone = database.write_sync(change)
    assert isinstance(undone, Made)
    assert not undone.changed
    after = undone.appointment
    status = AppointmentStatus.CANCELED if what == "book" else AppointmentStatus.BOOKED
    assert (after.status, after.starts_at) == (status, STARTS[0])
    assert len(held_ticks(database)) == (0 if what == "book" else 6)


def test_a_later_change_is_not_undone(database: Database) -> None:
    mine = booked(database, 1, STARTS[0], key="book")

    def change(s: Any) -> Made | NotMade:
        changing.confirm(s, mine.id, key="c", now=NOW, call_id=None)
        return changing.undo(s, "default", rules(), "book", undo_key="undo", now=NOW)

    assert database.write_sync(change) == NotMade("the appointment was changed again since")


def test_what_exists_is_entered_beyond_the_capacity_and_once(database: Database) -> None:
    def enter(s: Any) -> list[Made]:
        return [
            booking.enter(s, party(number, call=False), rules(), STARTS[0], key=f"e{key}", now=NOW)
            for number, key in ((1, 1), (2, 2), (2, 3))
        ]

    entered = database.write_sync(enter)
    assert [made.changed for made in entered] == [True, True, False]
    assert isinstance(book(database, 3, STARTS[0]), NotMade)
    next_one = database.read_sync(
        lambda s: lookup.next_of_person(s, "default", "clinic", ["+12125550002"], NOW)
    )
    assert next_one == entered[1].appointment
    listed = database.read_sync(
        lambda s: list_appointments(s, "default", "clinic", start=NOW, end=NOW + timedelta(days=2))
    )
    assert len(listed) == 2
