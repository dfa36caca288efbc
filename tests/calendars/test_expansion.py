"""Objects as nobody writes them: what they say takes time takes it."""

from __future__ import annotations

import time

import pytest

from outdial.calendars.expansion import busy_by
from tests.cases.test_calendars import FROM, GOOGLE, HALF_AN_HOUR, TO, calendar_of, entry

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
