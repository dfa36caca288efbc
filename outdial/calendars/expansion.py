"""Busy times in iCalendar objects, with a bounded share of processor time for each.

A series can be written so that expanding it takes for ever: a repeat each second, a rule that
never fits, thousands of dates, a time zone with as many rules. Each object gets a bounded share of
processor time; one that needs more, or that repeats faster than slots are offered, takes the whole
span in which it repeats, so that nothing is offered that may be taken.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from types import FrameType
from typing import Any, TypeVar

import recurring_ical_events

from outdial.calendars.objects import object_of
from outdial.calendars.port import Entry

T = TypeVar("T")

MAX_TEXT = 256 * 1024
"""Characters of one object, without its prose; a longer one is not parsed."""
MAX_SINGLE = 16 * 1024
"""Characters of an object that is parsed without a limit of time, since it repeats nothing."""
OBJECT_SECONDS = 0.5
"""Of processor time; a daily series of ten years takes 20 ms."""
ALL_SECONDS = 3.0
"""Of processor time for all objects of one question that repeat something."""
SHORTEST_REPEAT = timedelta(minutes=5)
"""Slots are offered in such steps: what repeats faster leaves none."""
_DAY = timedelta(days=1)
_UNITS = {"SECONDLY": timedelta(seconds=1), "MINUTELY": timedelta(minutes=1)}
_PROSE = re.compile(r"(?mi)^(?:DESCRIPTION|X-ALT-DESC|COMMENT|ATTACH|ATTENDEE)[;:].*\n?")
"""Long, and nothing about when somebody is busy."""
_BLANKS = re.compile(r"[ \t]+")
_EVENT = re.compile(r"(?mi)^BEGIN(?=[;:])[^\n]*:VEVENT[ \t\r]*$")
_ZONE = re.compile(
    r"(?mi)^BEGIN:VTIMEZONE[ \t\r]*\n"
    r"(?:(?!BEGIN[;:][^\n]*VEVENT|BEGIN:VTIMEZONE|END:VTIMEZONE)[^\n]*\n)*"
    r"END:VTIMEZONE[ \t\r]*$"
)
"""It never reads a line twice: many that don't end would take for ever."""
_CALENDAR = re.compile(r"(?mi)^BEGIN(?=[;:])[^\n]*:VCALENDAR[ \t\r]*$")
_WHEN = {"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "RECURRENCE-ID"}
_REPEATS = re.compile(r"(?mi)^(?:RRULE|RDATE|EXRULE)[;:]")
_ZONE_RULE = re.compile(
    r"(?mi)^(?:RRULE:FREQ=YEARLY(?:;(?:BYMONTH|BYDAY|BYMONTHDAY|UNTIL|WKST)=[-+,0-9A-Z]{1,24})*"
    r"|RDATE[;:].{1,60})\s*$"
)
_ZONE_RULES = 8
"""More than the zones have that calendars write into their objects."""
_FIRST = r"(?mi)^(?:DTSTART|RECURRENCE-ID)[^:\n]*:([0-9]{8})"
_DURATION = re.compile(
    r"\+?P(?:([0-9]{1,4})W)?(?:([0-9]{1,5})D)?(?:T(?:([0-9]{1,6})H)?(?:([0-9]{1,8})M)?"
    r"(?:([0-9]{1,9})S)?)?"
)


class TooLong(BaseException):
    """An object takes more processor time than it gets. No Exception, so that no library that
    forgives what it can't read goes on without the limit."""


def busy_by(
    objects: Iterable[str],
    start: datetime,
    end: datetime,
    read: Callable[[Any], Entry | None],
) -> list[Entry]:
    """What takes time between two instants. `read` makes an entry of a VEVENT.

    An object that can't be read, or not in time, takes the span in which it may take some: anybody
    who sends an invitation writes one, and none makes the question fail.
    """
    entries: list[Entry] = []
    left = ALL_SECONDS
    for text in objects:
        plain = _plain(text)
        single = _is_single(plain)
        begun = time.thread_time()
        try:
            if single:
                entries += list(_occurrences(plain, start, end, read))
                continue
            if len(plain) > MAX_TEXT or _too_fast(plain) or left <= 0:
                raise TooLong
            occurrences = partial(_occurrences, plain, start, end, read)
            entries += _within(min(OBJECT_SECONDS, left), lambda work=occurrences: list(work()))  # type: ignore[misc]
        except (TooLong, Exception):  # the libraries raise whatever an odd text leads to
            entries += _throughout(plain, start, end)
        left -= 0 if single else time.thread_time() - begun
    return entries


def _plain(text: str) -> str:
    """The text unfolded, without its prose, with names as the library reads them: in any case, and
    with blanks in them."""
    unfolded = re.sub(r"(?:\r?\n)+[ \t]", "", text)
    named = re.sub(
        r"(?m)^[^:;\n]+", lambda name: _BLANKS.sub("", name[0].strip()).upper(), unfolded
    )
    return _PROSE.sub("", named)


def _occurrences(
    text: str, start: datetime, end: datetime, read: Callable[[Any], Entry | None]
) -> Iterator[Entry]:
    calendar = object_of(text)
    if any(_is_broken(event) for event in calendar.walk("VEVENT")):
        raise ValueError("an event does not say when it is")
    for component in recurring_ical_events.of(calendar).between(start, end):
        if component.name != "VEVENT" or _takes_no_time(component):
            continue
        entry = read(component)
        if entry is not None:
            yield entry


def _is_broken(event: Any) -> bool:
    """Whether the library left out when it is, since it couldn't read it."""
    broken = {name for name, _ in event.errors}
    return bool(broken & _WHEN) or (None in broken and "DTSTART" not in event)


def _takes_no_time(component: Any) -> bool:
    transparent = str(component.get("TRANSP", "")).upper() == "TRANSPARENT"
    return transparent or str(component.get("STATUS", "")).upper() == "CANCELLED"


def _is_single(plain: str) -> bool:
    """Whether it is a short object whose events don't repeat, in a zone as calendars write them:
    it takes about a millisecond, whatever it says."""
    if len(plain) > MAX_SINGLE or _REPEATS.search(_events(plain)):
        return False
    rules = len(_REPEATS.findall(plain))
    return rules <= _ZONE_RULES and rules == len(_ZONE_RULE.findall(plain))


def _too_fast(plain: str) -> bool:
    """Whether an event repeats faster than slots are offered."""
    for rule in re.findall(r"(?mi)^RRULE[^:\n]*:(.*)$", _events(plain)):
        parts = dict(part.split("=", 1) for part in rule.strip().upper().split(";") if "=" in part)
        unit = _UNITS.get(parts.get("FREQ", ""))
        interval = parts.get("INTERVAL", "1")
        if unit is not None and interval.isdigit() and int(interval) < SHORTEST_REPEAT / unit:
            return True
    return False


def _throughout(plain: str, start: datetime, end: datetime) -> list[Entry]:
    """All of the span in which its events may repeat, by what their texts say."""
    events = _events(plain)
    parts = _EVENT.split(events)[1:]
    if not parts and not _CALENDAR.search(plain):
        return [Entry("", start, end)]  # no calendar at all: nobody knows what it was to say
    if all(re.search(r"(?mi)^(TRANSP:TRANSPARENT|STATUS:CANCELLED)\s*$", part) for part in parts):
        return []
    first = _days(_FIRST, events)
    last = _last_day(parts, first)
    begins = max(start, min(first) - _DAY) if _all_say_when(parts) else start
    over = end if last is None else min(end, last + 2 * _DAY)
    uid = re.search(r"(?mi)^UID[^:\n]*:(.*)$", events)
    return [Entry(uid[1].strip() if uid else "", begins, over)] if begins < over else []


def _all_say_when(parts: list[str]) -> bool:
    """Whether each event has a beginning that we understand, and no date of a list before it."""
    return all(
        "DTSTART" in part
        and len(_days(_FIRST, part)) == len(re.findall(r"(?mi)^(?:DTSTART|RECURRENCE-ID)\b", part))
        and not _listed_before(part)
        for part in parts
    )


def _listed_before(part: str) -> bool:
    listed = re.findall(r"(?mi)^RDATE[;:](.*)$", part)
    days = [day for line in listed for day in _days(r"(?<![0-9])([0-9]{8})", line)]
    return bool(days) and min(days) < min(_days(_FIRST, part))


def _last_day(parts: list[str], first: list[datetime]) -> datetime | None:
    """The last day of these events, by what their texts say; None if they don't say it."""
    events = "".join(parts)
    until = _days(r"(?i)UNTIL=([0-9]{8})", events)
    repeats = re.findall(r"(?mi)^(RRULE|RDATE|EXRULE)[;:]", events)
    lengths = [_length(part) for part in parts]
    if not first or len(until) != len(repeats) or None in lengths:
        return None
    try:
        return max(first + until) + max(length for length in lengths if length is not None)
    except OverflowError:
        return None


def _length(part: str) -> timedelta | None:
    """How long an event lasts, in days or more exactly; None if its text can't be understood."""
    begins = _days(r"(?mi)^DTSTART[^:\n]*:([0-9]{8})", part)
    ends = _days(r"(?mi)^DTEND[^:\n]*:([0-9]{8})", part)
    lengths = [timedelta()]
    for text in re.findall(r"(?mi)^DURATION[^:\n]*:(.*)$", part):
        duration = _DURATION.fullmatch(text.strip().upper())
        if duration is None:
            return None
        weeks, days, hours, minutes, seconds = (int(group or 0) for group in duration.groups())
        lengths.append(
            timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
        )
    if len(begins) != 1 or len(ends) != len(re.findall(r"(?mi)^DTEND", part)):
        return None
    return max(lengths + [over - begins[0] for over in ends])


def _events(plain: str) -> str:
    """The text from the first event on: time zones have dates and rules of their own."""
    return _ZONE.sub("", plain)


def _days(pattern: str, text: str) -> list[datetime]:
    dates = []
    for digits in re.findall(pattern, text):
        try:
            day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
        except ValueError:
            continue
        if 1900 <= day.year <= 2999:  # a margin of days is added
            dates.append(datetime(day.year, day.month, day.day, tzinfo=UTC))
    return dates


def _within(seconds: float, work: Callable[[], T]) -> T:
    """What `work` returns. Raises TooLong once it has used so much of this thread's processor time.

    A thread can't be stopped from outside, so it looks at its own clock with every call it makes.
    What is raised in a finalizer goes no further, and Python drops a profile function that has
    raised: so a trace function, which never raises, puts it back with the next call.
    """
    deadline = time.thread_time() + seconds
    profiled, traced = sys.getprofile(), sys.gettrace()
    armed = True

    def look(frame: FrameType, event: str, argument: object) -> None:
        if armed and time.thread_time() > deadline:
            raise TooLong

    def arm(frame: FrameType, event: str, argument: object) -> None:
        if armed and sys.getprofile() is None:
            sys.setprofile(look)

    try:
        sys.settrace(arm)
        sys.setprofile(look)
        return work()
    finally:
        armed = False  # before any call, which could still raise
        sys.settrace(traced)
        sys.setprofile(profiled)
