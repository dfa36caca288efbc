"""A shared calendar on a real CalDAV server: written, read, and never overwritten."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio
from icalendar import Calendar

from outdial.calendars.caldav import CalDavCalendar
from outdial.calendars.invitation import invitation
from outdial.calendars.port import CalendarConflict, CalendarUnavailable
from outdial.domain.appointment.appointment import Appointment, AppointmentStatus
from tests.calendars.radicale import collection, radicale

NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
START = datetime(2026, 3, 5, 14, 0, tzinfo=UTC)
AUTH = ("clinic", "secret")


def appointment(number: int = 1, **changes: Any) -> Appointment:
    values: dict[str, Any] = {
        "id": f"a{number}",
        "uid": f"a{number}@outdial",
        "tenant": "default",
        "calendar": "clinic",
        "phone": "+12125550100",
        "recipient_id": None,
        "call_id": None,
        "starts_at": START,
        "ends_at": START + timedelta(minutes=30),
        "status": AppointmentStatus.BOOKED,
        "sequence": 0,
        "title": "Dr. Okafor; checkup, Zoë",
    }
    return Appointment(**(values | changes))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    async with radicale(tmp_path_factory.mktemp("radicale")) as url:
        yield url


@pytest_asyncio.fixture(loop_scope="session")
async def address(server: str, request: pytest.FixtureRequest) -> str:
    return await collection(server, request.node.name.replace("[", "-").replace("]", ""))


@pytest.fixture
def calendar(address: str) -> CalDavCalendar:
    return CalDavCalendar(
        address, username=AUTH[0], password=AUTH[1], zone="America/New_York", clock=lambda: NOW
    )


async def put(address: str, uid: str, *lines: str) -> None:
    """What somebody else writes with a calendar program."""
    body = "\r\n".join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//y//EN", "BEGIN:VEVENT", f"UID:{uid}",
         "DTSTAMP:20260301T000000Z", *lines, "END:VEVENT", "END:VCALENDAR", ""]
    )  # fmt: skip
    async with httpx.AsyncClient(auth=AUTH, trust_env=False) as client:
        response = await client.put(f"{address}{quote(uid, safe='')}.ics", content=body)
        assert response.status_code in (201, 204), response.text


async def test_written_and_read(calendar: CalDavCalendar) -> None:
    etag = await calendar.write(appointment())
    entry = await calendar.read("a1@outdial")
    assert entry is not None
    assert (entry.starts_at, entry.ends_at) == (START, START + timedelta(minutes=30))
    assert entry.etag == etag
    assert etag
    assert await calendar.read("unknown") is None


async def test_a_repeated_write_is_recognized(calendar: CalDavCalendar) -> None:
    first = await calendar.write(appointment())
    assert await calendar.write(appointment()) == first
    moved = appointment(sequence=1, starts_at=START + timedelta(hours=1), etag=first, mirrored=0)
    second = await calendar.write(moved)
    assert second != first
    assert await calendar.write(moved) == second  # its answer was lost, and it is sent again


async def test_what_others_changed_is_not_overwritten(
    calendar: CalDavCalendar, address: str
) -> None:
    etag = await calendar.write(appointment())
    await put(address, "a1@outdial", "DTSTART:20260306T140000Z", "DTEND:20260306T143000Z")
    stored: dict[str, Any] = {"sequence": 1, "etag": etag, "mirrored": 0}
    with pytest.raises(CalendarConflict):
        await calendar.write(appointment(**stored, status=AppointmentStatus.CONFIRMED))
    with pytest.raises(CalendarConflict):
        await calendar.remove(appointment(**stored, status=AppointmentStatus.CANCELED))


async def test_what_others_removed_is_not_written_anew(
    calendar: CalDavCalendar, address: str
) -> None:
    etag = await calendar.write(appointment())
    async with httpx.AsyncClient(auth=AUTH, trust_env=False) as client:
        await client.delete(f"{address}a1%40outdial.ics")
    with pytest.raises(CalendarConflict):
        await calendar.write(appointment(sequence=1, etag=etag, mirrored=0))
    await calendar.remove(appointment(sequence=1, etag=etag, mirrored=0))


async def test_what_others_wrote_beside_it_stays(calendar: CalDavCalendar, address: str) -> None:
    await put(
        address, "theirs", "DTSTART:20260305T140000Z", "DTEND:20260305T143000Z",
        "DESCRIPTION:bring the x-rays", "SUMMARY:Checkup",
    )  # fmt: skip
    entry = await calendar.read("theirs")
    assert entry is not None
    await calendar.write(
        appointment(uid="theirs", etag=entry.etag, sequence=1, status=AppointmentStatus.CONFIRMED)
    )
    async with httpx.AsyncClient(auth=AUTH, trust_env=False) as client:
        text = (await client.get(f"{address}theirs.ics")).text
    assert "DESCRIPTION:bring the x-rays" in text
    assert "STATUS:CONFIRMED" in text


async def test_what_takes_time(calendar: CalDavCalendar, address: str) -> None:
    await put(address, "once", "DTSTART:20260305T140000Z", "DURATION:PT45M")
    await put(address, "day", "DTSTART;VALUE=DATE:20260306", "DTEND;VALUE=DATE:20260307")
    await put(
        address, "weekly", "DTSTART:20260301T100000Z", "DTEND:20260301T110000Z",
        "RRULE:FREQ=DAILY;COUNT=30",
    )  # fmt: skip
    await put(
        address, "free", "DTSTART:20260305T160000Z", "DTEND:20260305T170000Z", "TRANSP:TRANSPARENT"
    )
    await put(
        address, "off", "DTSTART:20260305T160000Z", "DTEND:20260305T170000Z", "STATUS:CANCELLED"
    )
    midnight = datetime(2026, 3, 5, tzinfo=UTC)
    busy = await calendar.busy(midnight, midnight + timedelta(days=2))
    entries = sorted((entry.uid, entry.starts_at, entry.ends_at) for entry in busy)

    def utc(day: int, hour: int, minute: int = 0) -> datetime:
        return datetime(2026, 3, day, hour, minute, tzinfo=UTC)

    assert entries == [
        ("day", utc(6, 5), utc(7, 5)),  # midnight in New York
        ("once", utc(5, 14), utc(5, 14, 45)),
        ("weekly", utc(5, 10), utc(5, 11)),
        ("weekly", utc(6, 10), utc(6, 11)),
    ]


async def test_removed(calendar: CalDavCalendar) -> None:
    etag = await calendar.write(appointment())
    gone = appointment(etag=etag, mirrored=0, sequence=1, status=AppointmentStatus.CANCELED)
    await calendar.remove(gone)
    await calendar.remove(gone)
    assert await calendar.read("a1@outdial") is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x/", "nowhere/"])
async def test_a_server_that_does_not_answer(url: str, server: str) -> None:
    broken = url if url.startswith("http") else f"{server}/clinic/nowhere/"
    calendar = CalDavCalendar(broken, username="x", password="y", clock=lambda: NOW)
    with pytest.raises(CalendarUnavailable):
        await calendar.write(appointment())


@pytest.mark.parametrize(
    ("status", "method", "shown"),
    [
        (AppointmentStatus.CONFIRMED, "PUBLISH", "CONFIRMED"),
        (AppointmentStatus.CANCELED, "CANCEL", "CANCELLED"),
    ],
)
def test_an_invitation(status: AppointmentStatus, method: str, shown: str) -> None:
    parsed: Any = Calendar.from_ical(invitation(appointment(status=status, sequence=3), NOW))
    (event,) = parsed.walk("VEVENT")
    assert parsed["METHOD"] == method
    assert (event["STATUS"], event["SEQUENCE"], event["UID"]) == (shown, 3, "a1@outdial")
    assert event["SUMMARY"] == "Dr. Okafor; checkup, Zoë"
    assert event["DTSTART"].dt == START
