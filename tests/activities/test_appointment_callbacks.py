"""From the agent's words to a booking: exactly what was asked, or a follow-up, never another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import update
from temporalio.exceptions import ApplicationError

from outdial.calendars.caldav import CalDavCalendar
from outdial.calendars.port import Calendars
from outdial.domain.appointment.appointment import AppointmentStatus
from outdial.domain.call.callback_run import CallbackState
from outdial.resources.integrations import Integrations
from outdial.store.call import calls
from outdial.store.db.database import Database
from outdial.store.db.tables import recipient
from tests.activities.callbacks import SettledCalls, settled_calls
from tests.builders import NOW
from tests.calendars.radicale import collection, radicale
from tests.databases import migrated

BOOK = {"do": "book_appointment"}
DEEP: Any = "x"
for _ in range(50):
    DEEP = [DEEP]


@pytest_asyncio.fixture(loop_scope="session")
async def after(tmp_path: Path) -> AsyncIterator[SettledCalls]:
    with migrated(f"sqlite:///{tmp_path / 'outdial.db'}") as database:
        yield await settled_calls(database)


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


async def test_a_time_without_a_zone_is_the_callees(after: SettledCalls) -> None:
    call = after.settle(after.launch(BOOK), {"appointment_at": "2026-03-05T10:30"})
    assert await after.run(call) is CallbackState.DONE
    (booked,) = after.appointments()
    assert (booked.starts_at, booked.call_id) == (utc(5, 15, 30), call)
    assert after.callback_run(call).entries[0].result == {
        "appointment": booked.id,
        "starts_at": "2026-03-05T15:30:00+00:00",
    }


async def test_another_place_in_the_data_and_an_offset(after: SettledCalls) -> None:
    book = BOOK | {"at": "visit.when"}
    call = after.settle(after.launch(book), {"visit": {"when": "2026-03-05T10:30-05:00"}})
    assert await after.run(call) is CallbackState.DONE
    assert await after.run(call) is CallbackState.DONE  # a try whose answer was lost
    assert [each.starts_at for each in after.appointments()] == [utc(5, 15, 30)]


WRONG: list[Any] = [
    # no time at all
    None, "", "   ", "soon", "tomorrow at three", "Thursday", "next week", "10:30", "2026-03-05",
    "03/05/2026 10:30", "5. März 10:30", "2026-W10-4T10:30", "20260305T103000", "1772721000",
    # of another type
    True, False, 0, 1772721000, -1, 1.5e308, [], {}, ["2026-03-05T10:30"],
    {"date": "2026-03-05"}, {"$ne": None}, DEEP,
    # in no calendar, or out of range
    "2026-02-30T10:30", "2026-03-05T24:30", "2026-13-05T10:30", "0000-00-00T00:00",
    "9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+14:00", "2026-03-05T10:30+27:00",
    # hostile
    "2026-03-05T10:30'; DROP TABLE appointment;--", "{{ config }}", "2026-03-05T10:30\x07",
    "٢٠٢٦-٠٣-٠٥T١٠:٣٠", "2026-03-05T10:30" + "Z" * 5000, "<script>", "../../etc/passwd",
    # clear, and not to be had
    "2026-03-04T09:00",  # past
    "2026-03-05T20:00",  # closed
    "2026-03-07T10:30",  # a Saturday
    "2026-03-05T10:07",  # between two starts
    "2026-12-24T10:30",  # beyond the horizon
    "2026-03-08T02:30",  # an hour that the clock skips
]  # fmt: skip


async def test_wrong_and_hostile_words_become_follow_ups(after: SettledCalls) -> None:
    assert len(WRONG) >= 40
    problems = []
    for value in WRONG:
        data = {"appointment_at": value}
        call = after.settle(after.launch(BOOK), data, disposition="booked")
        record = after.house.write(lambda s, call=call: calls.get_call(s, call))  # type: ignore[misc]
        state = await after.run(call)
        entry = after.callback_run(call).entries[0]
        offered = (entry.result or {}).get("alternatives")
        if state is not CallbackState.FOLLOW_UP or not entry.note or not offered:
            problems.append(f"{value!r}: {state}, {entry.note}, {offered}")
        again = after.house.write(lambda s, call=call: calls.get_call(s, call))  # type: ignore[misc]
        if again != record or again is None or again.outcome != "booked":
            problems.append(f"{value!r}: the record was touched")
    assert problems == []
    assert after.appointments() == []


async def test_zones_that_disagree_become_a_follow_up(after: SettledCalls) -> None:
    campaign = after.launch(BOOK)
    call = after.settle(campaign, {"appointment_at": "2026-03-05T10:30"})
    split = '{"candidates":["America/Chicago","America/New_York"],"source":"area_code"}'
    set_zones(after.house.database, split)
    assert await after.run(call) is CallbackState.FOLLOW_UP
    assert after.appointments() == []


def set_zones(database: Database, text: str) -> None:
    database.write_sync(lambda s: s.connection().execute(update(recipient).values(zones=text)))


async def test_a_full_slot_offers_others(after: SettledCalls) -> None:
    data = {"appointment_at": "2026-03-05T10:30"}
    first, second = (after.settle(after.launch(BOOK), data) for _ in range(2))
    assert await after.run(first) is CallbackState.DONE
    assert await after.run(second) is CallbackState.FOLLOW_UP
    entry = after.callback_run(second).entries[0]
    assert entry.note == "that time is taken"
    assert entry.result == {
        "alternatives": [f"2026-03-05T{at}:00+00:00" for at in ("14:30", "15:00", "16:00")]
    }


@pytest.mark.parametrize(
    ("do", "status", "start"),
    [
        ("confirm_appointment", AppointmentStatus.CONFIRMED, utc(6, 15)),
        ("cancel_appointment", AppointmentStatus.CANCELED, utc(6, 15)),
        ("move_appointment", AppointmentStatus.BOOKED, utc(5, 15, 30)),
    ],
)
async def test_the_persons_appointment_is_changed_and_changed_back(
    after: SettledCalls, do: str, status: AppointmentStatus, start: datetime
) -> None:
    after.enter(utc(6, 15))
    campaign = after.launch({"do": do, "undo": True})
    call = after.settle(campaign, {"appointment_at": "2026-03-05T10:30"})
    for _ in range(2):
        assert await after.run(call) is CallbackState.DONE
    (changed,) = after.appointments()
    assert (changed.status, changed.starts_at, changed.sequence) == (status, start, 1)
    await after.undo(call)
    (back,) = after.appointments()
    assert (back.status, back.starts_at) == (AppointmentStatus.BOOKED, utc(6, 15))
    assert after.callback_run(call).entries[0].state is CallbackState.UNDONE


@pytest.mark.parametrize("do", ["confirm_appointment", "cancel_appointment", "move_appointment"])
async def test_without_an_appointment_there_is_nothing_to_change(
    after: SettledCalls, do: str
) -> None:
    call = after.settle(after.launch({"do": do}), {"appointment_at": "2026-03-05T10:30"})
    assert await after.run(call) is CallbackState.FOLLOW_UP
    assert after.callback_run(call).entries[0].note == "no appointment of this person is known"


async def test_a_title_that_fails_fails_the_callback(after: SettledCalls) -> None:
    calendar = {"name": "clinic", "time_zone": "America/New_York", "title": "{{ doctor }}"}
    call = after.settle(
        after.launch(BOOK, calendar=calendar), {"appointment_at": "2026-03-05T10:30"}
    )
    with pytest.raises(ApplicationError, match="'doctor' is undefined") as failed:
        await after.run(call)
    assert failed.value.non_retryable


@pytest_asyncio.fixture(loop_scope="session")
async def shared(tmp_path: Path) -> AsyncIterator[tuple[SettledCalls, CalDavCalendar]]:
    async with radicale(tmp_path) as url:
        address = await collection(url)
        calendar = CalDavCalendar(
            address, username="clinic", password="x", zone="UTC", clock=lambda: NOW
        )
        with migrated(f"sqlite:///{tmp_path / 'outdial.db'}") as database:
            integrations = Integrations(calendars=Calendars({"clinic": calendar}))
            yield await settled_calls(database, integrations), calendar


async def test_a_shared_calendar_is_read_and_written(
    shared: tuple[SettledCalls, CalDavCalendar],
) -> None:
    after, calendar = shared
    strangers = after.enter(utc(9, 15)).model_copy(
        update={"uid": "stranger", "starts_at": utc(5, 15), "ends_at": utc(5, 15, 45)}
    )
    await calendar.write(strangers)
    data = {"appointment_at": "2026-03-05T10:30"}  # overlaps the stranger's last 15 minutes
    refused, booked = (
        after.settle(after.launch(BOOK), data),
        after.settle(after.launch(BOOK), {"appointment_at": "2026-03-05T11:00"}),
    )
    assert await after.run(refused) is CallbackState.FOLLOW_UP
    assert await after.run(booked) is CallbackState.DONE
    (mine,) = [each for each in after.appointments() if each.call_id == booked]
    entry = await calendar.read(mine.uid)
    assert entry is not None
    assert (entry.starts_at, entry.etag) == (utc(5, 16), mine.etag)


async def test_what_others_moved_meanwhile_is_left_alone(
    shared: tuple[SettledCalls, CalDavCalendar],
) -> None:
    after, calendar = shared
    entered = after.enter(utc(6, 15), uid="theirs")
    moved = entered.model_copy(update={"starts_at": utc(6, 17), "ends_at": utc(6, 17, 30)})
    await calendar.write(moved)
    call = after.settle(after.launch({"do": "confirm_appointment"}))
    assert await after.run(call) is CallbackState.FOLLOW_UP
    assert "somebody else" in str(after.callback_run(call).entries[0].note)
    entry = await calendar.read("theirs")
    assert entry is not None
    assert entry.starts_at == utc(6, 17)
    assert after.appointments()[0].status is AppointmentStatus.BOOKED


async def test_cancelling_takes_it_out_of_the_shared_calendar(
    shared: tuple[SettledCalls, CalDavCalendar],
) -> None:
    after, calendar = shared
    entered = after.enter(utc(6, 15), uid="theirs")
    await calendar.write(entered)
    call = after.settle(after.launch({"do": "cancel_appointment"}))
    assert await after.run(call) is CallbackState.DONE
    assert await calendar.read("theirs") is None
