"""Objects as nobody writes them: what they say takes time takes it."""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.calendars.expansion import busy_by
from outdial.calendars.port import Entry
from tests.cases.test_calendars import (
    AT_NINE,
    FROM,
    GOOGLE,
    HALF_AN_HOUR,
    TO,
    calendar_of,
    entry,
    entry_or_duration,
)

# The limit may be reached within a finalizer; the interpreter reports that, and it comes again.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

WEEKLY = (*HALF_AN_HOUR, "RRULE:FREQ=WEEKLY")
SECONDLY = ("DTSTART:20260304T000000Z", "DTEND:20260304T000100Z", "RRULE:FREQ=SECONDLY")
LOCAL = ("DTSTART;TZID=America/New_York:20260310T050000",
         "DTEND;TZID=America/New_York:20260310T053000")  # fmt: skip


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("BEGIN:VEVENT", "begin:vevent"),
        ("BEGIN:VEVENT", "Begin:VEvent"),
        ("BEGIN:VEVENT", "BEGIN :VEVENT"),
        ("BEGIN:VEVENT", "BEGIN;X-OF=b:VEVENT"),
        ("RRULE", "rrule"),
        ("RRULE", "R RULE"),
        ("RRULE", "RRULE "),
        ("RRULE", "RR\r\n\r\n  ULE"),
        ("DTSTART", "dtstart"),
        ("UID", "uid"),
    ],
)
def test_a_name_in_any_case_means_the_same(name: str, written: str) -> None:
    """A series that is too fast takes its span, however its names are written."""
    text = calendar_of(*SECONDLY).replace(name, written)
    (one,) = busy_by([text], FROM, TO, entry)
    assert (one.uid, one.starts_at, one.ends_at) == ("series", FROM, TO)


@pytest.mark.parametrize("written", ["begin:vtimezone", "Begin:VTimezone"])
def test_a_zone_in_any_case_is_no_part_of_an_event(written: str) -> None:
    """Its dates, of 1970, and its rules are not the event's."""
    zone = GOOGLE.replace("BEGIN:VTIMEZONE", written).replace("END:VTIMEZONE", "end:vtimezone")
    (one,) = busy_by([calendar_of(*LOCAL, zone=zone)], FROM, TO, entry)
    long = calendar_of(*LOCAL, f"X-OF-SOMEBODY:{'x' * 300_000}", zone=zone)
    (about,) = busy_by([long], FROM, TO, entry)
    assert FROM < about.starts_at < one.starts_at < one.ends_at < about.ends_at < TO


@pytest.mark.parametrize("what", ["TRANSP:transparent", "transp:TRANSPARENT", "Status:Cancelled"])
def test_what_takes_no_time_in_any_case(what: str) -> None:
    assert busy_by([calendar_of(*HALF_AN_HOUR, what)], FROM, TO, entry) == []
    assert busy_by([calendar_of(*SECONDLY, what)], FROM, TO, entry) == []


def test_zones_that_do_not_end_take_bounded_time() -> None:
    text = calendar_of(*HALF_AN_HOUR, zone="BEGIN:VTIMEZONE\r\n" * 50_000)
    begun = time.thread_time()
    (one,) = busy_by([text], FROM, TO, entry)
    assert time.thread_time() - begun < 3
    assert one.starts_at < one.ends_at


ODD = [
    ("DTSTART:20260305T000000Z", "DTEND:99991231T235959Z"),
    ("DTSTART:20260305T000000Z", "DURATION:P9999999999W"),
    ("DTSTART:20260305T000000Z", "DTEND:nonsense"),
    ("DTSTART:00010101T000000Z", "DTEND:99991231T235959Z"),
    ("DTSTART:20260305T000000Z", "DTSTART:20260306T000000Z", "DTEND:20260305T010000Z"),
    ("DTSTART;VALUE=DATE:20260305", "DTEND:20260305T010000Z"),
    ("DTSTART:20260305T000000Z", "DTEND:20260305T010000Z", "RRULE:FREQ=NEVER"),
    ("DTSTART:20260305T000000Z", "DTEND:20260305T010000Z", "RRULE:nonsense"),
    ("DTSTART;TZID=A,B:20260305T000000", "DTEND:20260305T010000Z"),
    ("DTSTART;=:20260305T000000Z", "DTEND:20260305T010000Z"),
    ("DTSTART:nonsense20260305T000000Z", "DTEND:20260305T010000Z"),
]
ORDINARY = calendar_of(*HALF_AN_HOUR).replace("UID:series", "UID:ordinary")


@pytest.mark.parametrize("lines", ODD)
def test_an_odd_event_is_busy_and_keeps_nobody_from_the_others(lines: tuple[str, ...]) -> None:
    entries = busy_by([calendar_of(*lines), ORDINARY], FROM, TO, entry)
    assert [one.uid for one in entries if one.uid == "ordinary"] == ["ordinary"]
    within = FROM + timedelta(days=1, minutes=30)
    assert any(one.starts_at <= within <= one.ends_at for one in entries if one.uid == "series")


def test_what_is_no_calendar_takes_the_whole_question() -> None:
    (one,) = busy_by(["<html>\n</html>"], FROM, TO, entry)
    assert (one.starts_at, one.ends_at) == (FROM, TO)


DATES = st.one_of(
    st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(lambda at: f"{at:%Y%m%dT%H%M%S}"),
    st.sampled_from(["00010101", "99991231T235959Z", "20260230T250000Z", "", "20260305/P1D"]),
    st.text("0123456789TZP-+/,", max_size=20),
)
NAMES = st.sampled_from(["DTEND", "DURATION", "RDATE", "EXDATE", "RECURRENCE-ID", "DUE", "TZID",
                         "SEQUENCE", "RRULE", "EXRULE", "dtstart", "STATUS", "UID"])  # fmt: skip
PARAMETERS = st.sampled_from(
    ["", ";TZID=Nowhere", ";VALUE=DATE", ";VALUE=PERIOD", ";TZID=UTC", ";"]
)
RULES = st.sampled_from(["FREQ=DAILY;COUNT=3", "FREQ=YEARLY;UNTIL=99991231T000000Z", "FREQ=",
                         "FREQ=DAILY;INTERVAL=0", "FREQ=WEEKLY;BYDAY=9MO"])  # fmt: skip
LINES = st.builds("{}{}:{}".format, NAMES, PARAMETERS, DATES | RULES)


@given(st.lists(LINES, max_size=5), st.sampled_from(["", GOOGLE, "BEGIN:VTIMEZONE", "END:X"]))
def test_no_event_makes_a_question_fail_or_is_free_for_it(lines: list[str], zone: str) -> None:
    """Whatever else an event says, it is busy when its own beginning is in the question."""
    text = calendar_of("DTSTART:20260305T000000Z", *lines, zone=zone)
    entries = busy_by([text, ORDINARY], FROM, TO, entry_or_duration)
    assert any(one.uid == "ordinary" for one in entries)
    if not any(line.upper().startswith(_ELSEWHERE) for line in lines):
        at = FROM + timedelta(days=1)
        assert any(one.starts_at <= at <= one.ends_at for one in entries), "it is not free"


_ELSEWHERE = ("EXDATE", "RECURRENCE-ID", "EXRULE", "RRULE")
"""What may say that an event is not at its own beginning."""


def _nothing() -> None:
    return None


class _Finalized:
    """Takes all the time in its finalizer, where no error can leave it."""

    def __del__(self) -> None:
        while True:
            _nothing()


def test_a_limit_that_a_finalizer_swallows_comes_again() -> None:
    calls = 0

    def read(component: Any) -> Entry | None:
        nonlocal calls
        _Finalized()
        while calls < 2_000_000:
            _nothing()
            calls += 1
        return None

    (one,) = busy_by([calendar_of(*WEEKLY)], FROM, TO, read)
    assert (one.starts_at <= AT_NINE, one.ends_at) == (True, TO), "it is taken as not read in time"
    assert calls < 1_000
    assert (sys.getprofile(), sys.gettrace()) == (None, None)
