"""Time zones that objects bring along: each object is read in its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from icalendar.timezone import tzp

from outdial.calendars.caldav import CalDavCalendar
from outdial.calendars.expansion import busy_by
from outdial.calendars.port import Entry
from tests.calendars.radicale import collection, radicale
from tests.calendars.test_caldav import AUTH, NOW, appointment

FROM = datetime(2026, 3, 4, tzinfo=UTC)
TO = FROM + timedelta(days=16)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    async with radicale(tmp_path_factory.mktemp("radicale")) as url:
        yield url


def zone_of(name: str, offset: str) -> list[str]:
    return [
        "BEGIN:VTIMEZONE", f"TZID:{name}", "BEGIN:STANDARD", "DTSTART:16010101T000000",
        f"TZOFFSETFROM:{offset}", f"TZOFFSETTO:{offset}", "END:STANDARD", "END:VTIMEZONE",
    ]  # fmt: skip


def event_in(parameter: str, *lines: str, day: str = "20260310T100000") -> list[str]:
    return [
        "BEGIN:VEVENT", "UID:one", "DTSTAMP:20260301T000000Z", f"DTSTART;{parameter}:{day}",
        "DURATION:PT30M", *lines, "END:VEVENT",
    ]  # fmt: skip


def object_with(*parts: list[str]) -> str:
    lines = [line for part in parts for line in part]
    return "\r\n".join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//y//EN", *lines, "END:VCALENDAR", ""]
    )


def entry(component: Any) -> Entry | None:
    start = component["DTSTART"].dt
    if start.tzinfo is None:
        start = start.replace(tzinfo=UTC)
    start = start.astimezone(UTC)
    return Entry(str(component["UID"]), start, start + timedelta(minutes=30))


def starts(*texts: str) -> list[datetime]:
    return sorted(one.starts_at for one in busy_by(texts, FROM, TO, entry))


def at(hour: int, day: int = 10) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        ("Customized Time Zone", "TZID=Customized Time Zone"),
        ("Customized Time Zone 1", 'TZID="Customized Time Zone 1"'),
        ("/example.org/Nowhere", "TZID=/example.org/Nowhere"),
        ("Büro: Süd", 'tzid="Büro: Süd"'),
        ("folded", "TZID=fol\r\n ded"),
        ("W. Europe Standard Time", "X-OF=y;TZID=W. Europe Standard Time"),
    ],
)
def test_two_zones_of_one_name(name: str, parameter: str) -> None:
    east, west = (
        object_with(zone_of(name, offset), event_in(parameter)) for offset in ("+0100", "-0800")
    )
    assert starts(east, west) == [at(9), at(18)]
    assert starts(west, east) == [at(9), at(18)], "whichever is read first"


def test_whatever_of_an_event_has_a_zone() -> None:
    for offset, hour in (("+0100", 9), ("-0800", 18)):
        zone = zone_of("Ours", offset)
        dates = "RDATE;TZID=Ours:20260312T100000,20260313T100000"
        series = event_in("TZID=Ours", "RRULE:FREQ=DAILY;COUNT=2", dates,
                          "EXDATE;TZID=Ours:20260311T100000")  # fmt: skip
        assert starts(object_with(zone, series)) == [at(hour), at(hour, 12), at(hour, 13)]
        day = object_with(zone, event_in("TZID=Ours", day="20260310"))
        assert starts(day) == [at(hour) - timedelta(hours=10)], "it begins at midnight there"
        assert starts(object_with(event_in("TZID=Ours"), zone)) == [at(hour)], "named before"


def test_a_zone_that_is_not_there_is_not_somebody_elses() -> None:
    mine = object_with(zone_of("Mine", "-0800"), event_in("TZID=Mine"))
    assert starts(mine, object_with(event_in("TZID=Mine"))) == [at(10), at(18)]


@pytest.mark.filterwarnings("ignore::icalendar.error.GloballyUniqueTZIDGuessed")
def test_names_that_everybody_knows_mean_what_they_mean() -> None:
    """Whatever an object says of them, as ever; Windows has names of its own."""
    for name in ("America/Los_Angeles", "Pacific Standard Time", "/x.org/America/Los_Angeles"):
        assert starts(object_with(event_in(f"TZID={name}"))) == [at(17)]
    wrong = object_with(zone_of("America/Los_Angeles", "+0100"))
    named = object_with(event_in("TZID=America/Los_Angeles"))
    read = object_with(zone_of("America/Los_Angeles", "+0100"),
                       event_in("TZID=America/Los_Angeles"))  # fmt: skip
    assert starts(wrong, named, read) == [at(17), at(17)]


def test_no_zone_is_kept() -> None:
    for number in range(20):
        name = f"kept {number}"
        starts(object_with(zone_of(name, "+0100"), event_in(f"TZID={name}")))
        assert tzp.timezone(name) is None


def test_threads_have_zones_of_their_own() -> None:
    def hours(number: int) -> list[datetime]:
        offset, hour = (("+0100", 9), ("-0800", 18))[number % 2]
        entries = starts(object_with(zone_of("Shared", offset), event_in("TZID=Shared")))
        return entries if entries != [at(hour)] else []

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(hours, range(100))) == [[]] * 100


async def test_an_appointment_that_somebody_moved_in_a_zone_of_theirs(server: str) -> None:
    """It is read in its own zone, and so is what is in its place already."""
    address = await collection(server, "zones")
    calendar = CalDavCalendar(address, username=AUTH[0], password=AUTH[1], clock=lambda: NOW)
    async with httpx.AsyncClient(auth=AUTH, trust_env=False) as client:
        for uid, offset in (("east", "+0100"), ("west", "-0800")):
            text = object_with(zone_of("Customized Time Zone", offset),
                               event_in("TZID=Customized Time Zone"))  # fmt: skip
            answer = await client.put(
                f"{address}{uid}.ics", content=text.replace(":one", f":{uid}")
            )
            assert answer.status_code in (201, 204)
    for uid, hour in (("east", 9), ("west", 18)):
        entries = await calendar.read(uid)
        assert entries is not None
        assert entries.starts_at == at(hour)
        moved = appointment(uid=uid, etag=entries.etag, sequence=1, mirrored=0)
        await calendar.write(moved)
        after = await calendar.read(uid)
        assert after is not None
        assert after.starts_at == moved.starts_at
    assert tzp.timezone("Customized Time Zone") is None
