"""B1 and B2, with siblings: calendars behind a proxy, and series that repeat without end."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI, Request, Response

from outdial.calendars import expansion
from outdial.calendars.caldav import CalDavCalendar
from outdial.calendars.expansion import busy_by
from outdial.calendars.port import CalendarConflict, CalendarUnavailable, Entry
from tests.api.conftest import serving
from tests.calendars.radicale import collection, radicale
from tests.calendars.test_caldav import AUTH, NOW, START, appointment, put

# The limit may be reached within a finalizer; the interpreter reports that, and it comes again.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

FROM = datetime(2026, 3, 4, tzinfo=UTC)
TO = FROM + timedelta(days=16)
LATER = START + timedelta(hours=2)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    async with radicale(tmp_path_factory.mktemp("radicale")) as url:
        yield url


CHANGED: dict[str, Callable[[str], str]] = {
    "as-it-is": lambda etag: etag,
    "mod-deflate": lambda etag: f'{etag[:-1]}-gzip"',
    "nginx": lambda etag: f"W/{etag}",
    "brotli": lambda etag: f'W/{etag[:-1]}--br"',
    "of-its-own": lambda etag: '"a1b2c3"',
}


@asynccontextmanager
async def proxy(
    server: str, change: Callable[[str], str], methods: tuple[str, ...] = ("GET", "PUT")
) -> AsyncIterator[str]:
    """The server behind a proxy that gives answers to these methods other ETags."""
    app = FastAPI()
    behind = httpx.AsyncClient(
        base_url=server, trust_env=False, headers={"accept-encoding": "identity"}
    )

    @app.api_route("/{path:path}", methods=[
        "GET", "PUT", "DELETE", "PROPFIND", "REPORT", "OPTIONS",
    ])  # fmt: skip
    async def forward(request: Request) -> Response:
        dropped = ("host", "content-length", "accept-encoding", "connection")
        headers = {k: v for k, v in request.headers.items() if k not in dropped}
        answer = await behind.request(
            request.method, request.url.path, content=await request.body(), headers=headers
        )
        hop = ("content-length", "connection")
        kept = {k: v for k, v in answer.headers.items() if k not in hop}
        if "etag" in kept and request.method in methods:
            kept["etag"] = change(kept["etag"])
        return Response(answer.content, answer.status_code, kept)

    async with behind, serving(app) as http:
        yield str(http.base_url).rstrip("/")


@pytest.mark.parametrize("name", CHANGED)
async def test_b1_a_proxy_that_changes_etags(server: str, name: str) -> None:
    """What nobody else changed can be moved, and taken out; what somebody changed cannot."""
    address = await collection(server, f"proxy-{name}")
    methods = ("GET",) if name == "of-its-own" else ("GET", "PUT")
    async with proxy(server, CHANGED[name], methods) as url:
        through = CalDavCalendar(
            address.replace(server, url), username=AUTH[0], password=AUTH[1], clock=lambda: NOW
        )
        etag = await through.write(appointment())
        assert etag
        later: dict[str, Any] = {
            "starts_at": LATER,
            "ends_at": LATER + timedelta(minutes=30),
            "mirrored": 0,
        }
        moved = await through.write(appointment(sequence=1, etag=etag, **later))
        entry = await through.read("a1@outdial")
        assert entry is not None
        assert entry.starts_at == LATER
        with pytest.raises(CalendarConflict):
            await through.write(appointment(sequence=2, etag='"0123"', mirrored=1))
        await put(address, "a1@outdial", "DTSTART:20260306T100000Z", "DURATION:PT30M")
        with pytest.raises(CalendarConflict):
            await through.write(appointment(sequence=2, etag=moved, mirrored=1))
        with pytest.raises(CalendarConflict):
            await through.remove(appointment(sequence=2, etag=moved, mirrored=1))
        fresh = await through.read("a1@outdial")
        assert fresh is not None
        await through.remove(appointment(sequence=2, etag=fresh.etag, mirrored=1))
        assert await through.read("a1@outdial") is None


def calendar_of(*lines: str, zone: str = "") -> str:
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//y//EN", *([zone] if zone else [])]
    event = ["BEGIN:VEVENT", "UID:series", "DTSTAMP:20260301T000000Z", *lines, "END:VEVENT"]
    return "\r\n".join([*head, *event, "END:VCALENDAR", ""])


def entry(component: Any) -> Entry | None:
    start, end = component["DTSTART"].dt, component["DTEND"].dt
    return Entry(str(component["UID"]), start.astimezone(UTC), end.astimezone(UTC))


def entry_or_duration(component: Any) -> Entry | None:
    start = component["DTSTART"].dt
    end = component["DTEND"].dt if "DTEND" in component else start + component["DURATION"].dt
    return Entry(str(component["UID"]), start.astimezone(UTC), end.astimezone(UTC))


SHORT = ("DTSTART:20100301T090000Z", "DTEND:20100301T090500Z")
FROM_NOW = ("DTSTART:20260304T000000Z", "DTEND:20260304T000100Z")
DATES = ",".join(f"2026{m:02}{d:02}T{h:02}0000Z" for m in range(1, 13) for d in range(1, 29)
                 for h in range(24))  # fmt: skip
ALL = {"BYHOUR": 24, "BYMINUTE": 60, "BYSECOND": 60}
EVERY = ";".join(f"{name}={','.join(map(str, range(count)))}" for name, count in ALL.items())
ZONE = "\r\n".join([
    "BEGIN:VTIMEZONE", "TZID:Nowhere",
    *(f"BEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nRRULE:FREQ=MINUTELY;INTERVAL={n}\r\n"
      "TZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nEND:STANDARD" for n in range(1, 400)),
    "END:VTIMEZONE",
])  # fmt: skip
HOSTILE = {
    "minutely": calendar_of(*FROM_NOW, "RRULE:FREQ=MINUTELY"),
    "secondly": calendar_of(*FROM_NOW, "RRULE:FREQ=SECONDLY"),
    "secondly for years": calendar_of(*SHORT, "RRULE:FREQ=SECONDLY;INTERVAL=7"),
    "secondly, seldom": calendar_of(*SHORT, "RRULE:FREQ=SECONDLY;INTERVAL=100000"),
    "hourly for years": calendar_of(*SHORT, "RRULE:FREQ=HOURLY"),
    "folded": calendar_of(*FROM_NOW, "RRULE:FREQ=MIN\r\n UTELY"),
    "all parts": calendar_of(*SHORT, f"RRULE:FREQ=YEARLY;{EVERY}"),
    "never": calendar_of(*SHORT, "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"),
    "many dates": calendar_of(*SHORT, f"RDATE:{DATES}"),
    "many exceptions": calendar_of(*SHORT, "RRULE:FREQ=DAILY", f"EXDATE:{DATES}"),
    "a zone of many rules": calendar_of(
        "DTSTART;TZID=Nowhere:20260305T090000", "DTEND;TZID=Nowhere:20260305T093000", zone=ZONE
    ),
    "large": calendar_of(*FROM_NOW, "RRULE:FREQ=DAILY", f"X-OF-SOMEBODY:{'x' * 2_000_000}"),
    "a huge count": calendar_of(*SHORT, "RRULE:FREQ=MINUTELY;INTERVAL=10;COUNT=99999999"),
}
WEEKLY = calendar_of(
    "DTSTART:20160304T140000Z", "DTEND:20160304T150000Z", "RRULE:FREQ=WEEKLY"
).replace("UID:series", "UID:weekly")


@pytest.mark.parametrize(
    "seconds", [0.2, pytest.param(expansion.OBJECT_SECONDS, marks=pytest.mark.faults)]
)
@pytest.mark.parametrize("name", HOSTILE)
def test_b2_a_series_takes_bounded_time_and_frees_nothing(
    name: str, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expansion, "OBJECT_SECONDS", seconds)
    begun = time.thread_time()
    entries = busy_by([HOSTILE[name], WEEKLY], FROM, TO, entry)
    assert time.thread_time() - begun < 3
    weekly = [one.starts_at for one in entries if one.uid == "weekly"]
    assert weekly == [FROM + timedelta(days=days, hours=14) for days in (2, 9)], "as ever"
    if name == "never":
        return  # it fits no day; that it takes time is a matter of taste
    at = {"a zone of many rules": datetime(2026, 3, 5, 7, 15, tzinfo=UTC)}.get(
        name, datetime(2026, 3, 5, 9, 0, 30, tzinfo=UTC)
    )
    if name in ("secondly, seldom", "many exceptions"):
        return  # nothing need be there
    assert any(
        one.starts_at <= at + timedelta(minutes=1) and one.ends_at >= at
        for one in entries
        if one.uid == "series"
    ), "what may be taken is not offered"


def test_b2_many_of_them_take_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """They share the time of all; when it is over, the others are taken as busy at once."""
    monkeypatch.setattr(expansion, "ALL_SECONDS", 0.5)
    begun = time.thread_time()
    entries = busy_by([HOSTILE["hourly for years"], *[HOSTILE["all parts"]] * 50], FROM, TO, entry)
    assert time.thread_time() - begun < 3
    assert entries


def test_a_series_takes_the_span_in_which_it_repeats_and_no_more() -> None:
    ends = calendar_of(
        "DTSTART:20260310T090000Z", "DTEND:20260310T090100Z",
        "RRULE:FREQ=MINUTELY;UNTIL=20260311T090000Z",
    )  # fmt: skip
    (one,) = busy_by([ends], FROM, TO, entry)
    assert datetime(2026, 3, 8, tzinfo=UTC) < one.starts_at < datetime(2026, 3, 10, 9, tzinfo=UTC)
    assert datetime(2026, 3, 11, 9, tzinfo=UTC) < one.ends_at < datetime(2026, 3, 14, tzinfo=UTC)
    for free in ("TRANSP:TRANSPARENT", "STATUS:CANCELLED"):
        assert busy_by([calendar_of(*FROM_NOW, "RRULE:FREQ=MINUTELY", free)], FROM, TO, entry) == []


def test_ordinary_series_are_exact() -> None:
    daily = calendar_of(
        "DTSTART;TZID=America/New_York:20250301T090000",
        "DTEND;TZID=America/New_York:20250301T100000",
        "RRULE:FREQ=DAILY", "EXDATE;TZID=America/New_York:20260305T090000",
    )  # fmt: skip
    entries = [one.starts_at for one in busy_by([daily], FROM, FROM + timedelta(days=6), entry)]
    hours = [(at.day, at.hour) for at in entries]
    assert hours == [(4, 14), (6, 14), (7, 14), (8, 13), (9, 13)], "summer begins on the 8th"


GOOGLE = "\r\n".join([
    "BEGIN:VTIMEZONE", "TZID:America/New_York", "BEGIN:DAYLIGHT", "TZOFFSETFROM:-0500",
    "TZOFFSETTO:-0400", "TZNAME:EDT", "DTSTART:19700308T020000",
    "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU", "END:DAYLIGHT", "BEGIN:STANDARD",
    "TZOFFSETFROM:-0400", "TZOFFSETTO:-0500", "TZNAME:EST", "DTSTART:19701101T020000",
    "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU", "END:STANDARD", "END:VTIMEZONE",
])  # fmt: skip
HALF_AN_HOUR = ("DTSTART:20260310T090000Z", "DTEND:20260310T093000Z")
AT_NINE = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)


def test_fifteen_hundred_single_events_are_exact_beside_one_that_takes_all_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They use nothing of the time that series share, and nothing keeps it from them."""
    local = ("DTSTART;TZID=America/New_York:20260310T050000", "DURATION:PT30M")
    single = [
        calendar_of(*HALF_AN_HOUR).replace("UID:series", "UID:single"),
        calendar_of(*local, zone=GOOGLE).replace("UID:series", "UID:single"),
    ]
    monkeypatch.setattr(expansion, "ALL_SECONDS", 0.25)
    entries = busy_by([HOSTILE["all parts"], *single * 750, WEEKLY], FROM, TO, entry_or_duration)
    times = {(one.starts_at, one.ends_at) for one in entries if one.uid == "single"}
    assert times == {(AT_NINE, AT_NINE + timedelta(minutes=30))}
    assert sum(one.uid == "single" for one in entries) == 1500


@pytest.mark.parametrize("prose", ["DESCRIPTION", "X-ALT-DESC;FMTTYPE=text/html", "COMMENT"])
def test_a_long_description_makes_an_event_no_longer(prose: str) -> None:
    folded = "\r\n ".join(["x" * 70] * 5000)
    text = calendar_of(*HALF_AN_HOUR, f"{prose}:{folded}")
    (one,) = busy_by([text], FROM, TO, entry)
    assert (one.starts_at, one.ends_at) == (AT_NINE, AT_NINE + timedelta(minutes=30))


@pytest.mark.parametrize(
    ("lines", "days"),
    [
        (HALF_AN_HOUR, 2),
        (("DTSTART:20260310T090000Z", "DURATION:PT30M"), 3),
        (("DTSTART:20260310T090000Z",), 2),
        (("DTSTART;VALUE=DATE:20260310", "DTEND;VALUE=DATE:20260313"), 5),
        (("DTSTART:20260310T090000Z", "DURATION:P1W"), 9),
        ((*HALF_AN_HOUR, "RRULE:FREQ=DAILY;UNTIL=20260312T090000Z"), 4),
    ],
)
def test_what_is_too_large_to_be_parsed_takes_its_own_days(
    lines: tuple[str, ...], days: int
) -> None:
    text = calendar_of(*lines, f"X-OF-SOMEBODY:{'x' * 300_000}")
    (one,) = busy_by([text], FROM, TO + timedelta(days=60), entry)
    assert one.starts_at == datetime(2026, 3, 9, tzinfo=UTC)
    assert (
        AT_NINE <= one.ends_at <= datetime(2026, 3, 10, tzinfo=UTC) + timedelta(days=days, hours=1)
    )


@pytest.mark.parametrize(
    "lines",
    [
        (*HALF_AN_HOUR, "RDATE:20260401T090000Z"),
        (*HALF_AN_HOUR, "RRULE:FREQ=DAILY;COUNT=90"),
        ("DTSTART:20260310T090000Z", "DURATION:P99999999999W"),
        ("DTSTART:20260310T090000Z", "DTEND:99991231T090000Z"),
    ],
)
def test_one_that_does_not_say_when_it_ends_takes_all_that_follows(lines: tuple[str, ...]) -> None:
    text = calendar_of(*lines, f"X-OF-SOMEBODY:{'x' * 300_000}")
    (one,) = busy_by([text], FROM, TO, entry)
    assert (one.starts_at, one.ends_at) == (datetime(2026, 3, 9, tzinfo=UTC), TO)


async def test_b2_at_a_server(server: str) -> None:
    address = await collection(server, "minutely")
    await put(address, "hostile", "DTSTART:20260304T000000Z", "DURATION:PT1M",
              "RRULE:FREQ=MINUTELY")  # fmt: skip
    calendar = CalDavCalendar(address, username=AUTH[0], password=AUTH[1], clock=lambda: NOW)
    (one,) = await calendar.busy(FROM, TO)
    assert (one.starts_at, one.ends_at) == (FROM, TO)


async def test_a_bearer_token_is_sent_as_it_is_now() -> None:
    headers: list[str | None] = []
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["REPORT"])
    async def report(request: Request) -> Response:
        headers.append(request.headers.get("authorization"))
        if headers[-1] == "Bearer old":
            return Response(status_code=401)
        body = b'<?xml version="1.0"?><multistatus xmlns="DAV:"/>'
        return Response(body, 207, media_type="application/xml")

    tokens = iter(["old", "new"])
    async with serving(app) as http:
        calendar = CalDavCalendar(
            f"{http.base_url}/c/", token=lambda: next(tokens), clock=lambda: NOW
        )
        with pytest.raises(CalendarUnavailable):
            await calendar.busy(FROM, TO)
        assert await calendar.busy(FROM, TO) == []
    assert headers[-1] == "Bearer new"
