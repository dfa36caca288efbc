"""Field types: what they read, what they refuse and in which words, and that they read back
what they write."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from outdial.domain.definition.fields import (
    CalendarDate,
    Delay,
    Duration,
    Instant,
    OneOrMany,
    describe_value,
    format_duration,
    parse_date,
    parse_delay,
    parse_duration,
    parse_instant,
    parse_zone,
)
from outdial.domain.definition.schedule import HourSpan, Span, parse_span

DURATION_HELP = "write a number and a unit, such as 45s, 10m, 2h, 1d or 1h30m"
SPAN_HELP = "write a span such as 09:00-18:00 (24:00 is the end of the day)"
INSTANT_HELP = "write a date, a time and an offset, such as 2030-01-31T09:00:00+01:00"


def refusal(parse: Callable[[Any], Any], value: object) -> str:
    with pytest.raises(ValueError, match="found") as caught:
        parse(value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("45s", 45), ("10m", 600), ("2h", 7200), ("1d", 86400), ("1w", 604800), ("1h30m", 5400),
        ("1h 30m", 5400), (" 1.5h ", 5400), ("10M", 600), ("0s", 0), ("366d", 366 * 86400),
    ],
)  # fmt: skip
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "value", ["", "10", 10, "ten minutes", "10min", "m10", "-5m", "1h-5m", None, True]
)
def test_no_durations(value: object) -> None:
    assert refusal(parse_duration, value) == f"found {describe_value(value)}; {DURATION_HELP}"


@pytest.mark.parametrize("value", ["367d", "99999999w", "9" * 400 + "d"])
def test_durations_have_an_end(value: str) -> None:
    assert refusal(parse_duration, value) == (
        f"found {describe_value(value)}, which is longer than a year; write less"
    )


@given(st.timedeltas(timedelta(), timedelta(days=366)))
def test_durations_read_back_what_they_write(value: timedelta) -> None:
    assert parse_duration(format_duration(value)) == value


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (5400, "1h30m"), (86400, "1d"), (90061, "1d1h1m1s"), (0.5, "0.5s")],
)
def test_durations_are_written_short(seconds: float, text: str) -> None:
    assert format_duration(timedelta(seconds=seconds)) == text


def test_delays() -> None:
    assert parse_delay("next_day") == "next_day"
    assert parse_delay("10m") == timedelta(minutes=10)
    assert refusal(parse_delay, "tomorrow") == f"found 'tomorrow'; {DURATION_HELP}, or next_day"


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("09:00-18:00", 540, 1080), ("9:00-18:00", 540, 1080), ("00:00-24:00", 0, 1440),
        ("22:00-02:00", 1320, 120), (" 09:00 – 18:30 ", 540, 1110), ("09:00 to 18:00", 540, 1080),
    ],
)  # fmt: skip
def test_spans(text: str, start: int, end: int) -> None:
    assert parse_span(text) == Span(start=start, end=end)


@pytest.mark.parametrize(
    "value", ["", "9-18", "09:00", "always", 9, None, {"start": 540, "end": 1}]
)
def test_no_spans(value: object) -> None:
    assert refusal(parse_span, value) == f"found {describe_value(value)}; {SPAN_HELP}"


@pytest.mark.parametrize("value", ["09:60-18:00", "24:00-09:00", "09:00-24:01", "09:00-99:00"])
def test_spans_outside_the_day(value: str) -> None:
    assert refusal(parse_span, value) == (f"found {value!r}, which is no time of day; {SPAN_HELP}")


def test_an_empty_span() -> None:
    assert refusal(parse_span, "09:00-09:00") == (
        "found '09:00-09:00', which is empty; write 00:00-24:00 for the whole day"
    )


@given(st.integers(0, 1439), st.integers(0, 1440))
def test_spans_read_back_what_they_write(start: int, end: int) -> None:
    span = Span(start=start, end=end)
    if start != end:
        assert parse_span(str(span)) == span


@given(st.datetimes(datetime(1970, 1, 1), datetime(2999, 1, 1)), st.integers(-1439, 1439))
def test_instants_are_the_same_instant_in_utc(wall: datetime, minutes: int) -> None:
    at = wall.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    for written in (at.isoformat(), at.isoformat(" "), at):
        read = parse_instant(written)
        assert read == at
        assert read.tzinfo is UTC


def test_no_instants() -> None:
    assert refusal(parse_instant, "tomorrow") == f"found 'tomorrow'; {INSTANT_HELP}"
    assert refusal(parse_instant, 1893456000) == f"found 1893456000; {INSTANT_HELP}"
    assert refusal(parse_instant, "20300131") == f"found '20300131'; {INSTANT_HELP}"
    assert refusal(parse_instant, "2030-02-30T09:00Z") == (
        f"found '2030-02-30T09:00Z', which is in no calendar; {INSTANT_HELP}"
    )
    assert refusal(parse_instant, "0001-01-01T00:00+14:00") == (
        "found '0001-01-01T00:00+14:00', which is in no calendar"
    )


@pytest.mark.parametrize(
    ("value", "message", "fixed"),
    [
        ("2030-01-31", "'2030-01-31'", "2030-01-31T00:00:00"),
        ("2030-01-31 09:00", "'2030-01-31 09:00'", "2030-01-31T09:00:00"),
        (datetime(2030, 1, 31), "2030-01-31T00:00:00", "2030-01-31T00:00:00"),
    ],
)
def test_instants_without_an_offset(value: object, message: str, fixed: str) -> None:
    assert refusal(parse_instant, value) == (
        f"found {message} without an offset; write one, such as {fixed}+00:00"
    )


def test_dates() -> None:
    assert parse_date("2030-12-25") == date(2030, 12, 25)
    assert parse_date(date(2030, 12, 25)) == date(2030, 12, 25)
    assert refusal(parse_date, "25.12.2030") == (
        "found '25.12.2030'; write a date such as 2030-12-25"
    )
    assert refusal(parse_date, "2030-02-30") == (
        "found '2030-02-30', which is in no calendar; write a date such as 2030-12-25"
    )


def test_zones() -> None:
    assert parse_zone("Europe/Berlin") == "Europe/Berlin"
    assert refusal(parse_zone, "Europe/Berln") == (
        "found 'Europe/Berln', which is no IANA time zone; did you mean Europe/Berlin?"
    )
    assert refusal(parse_zone, "Mars") == (
        "found 'Mars', which is no IANA time zone; write one such as America/New_York"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing"), (True, "true"), (0, "0"), (1.5, "1.5"), ("a", "'a'"), ("", "''"),
        ({}, "an empty mapping"), ({"a": 1}, "a mapping"), ([], "an empty list"),
        ((1,), "a list"), ("x" * 61, "'" + "x" * 59 + "…'"), (b"x", "a bytes"),
    ],
)  # fmt: skip
def test_how_a_value_is_shown(value: object, text: str) -> None:
    assert describe_value(value) == text


class Fields(BaseModel):
    durations: OneOrMany[Duration]
    delays: OneOrMany[Delay]
    hours: OneOrMany[HourSpan]
    dates: OneOrMany[CalendarDate]
    at: Instant


def test_one_is_many() -> None:
    one = {"durations": "1m", "delays": "next_day", "hours": "09:00-18:00", "dates": "2030-12-25"}
    at = {"at": "2030-01-31T09:00:00+01:00"}
    many = {key: [value] for key, value in one.items()}
    fields = Fields.model_validate(one | at)
    assert fields == Fields.model_validate(many | at)
    assert fields.hours == (Span(start=540, end=1080),)
    assert Fields.model_validate_json(fields.model_dump_json()) == fields
    assert Fields.model_validate(fields.model_dump()) == fields


def test_an_editor_is_offered_one_and_many() -> None:
    schema = Fields.model_json_schema()["properties"]["delays"]
    one, many = schema["anyOf"]
    assert one["type"] == "string"
    assert many == {"type": "array", "items": one}
