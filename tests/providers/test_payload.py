"""Fields of a body, and instants, that may be anything."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from outdial.providers.errors import WebhookRefused
from outdial.providers.reports.analysis import disposition_in, redial_time_in
from outdial.providers.reports.instants import from_iso, from_milliseconds, from_rfc2822, from_unix
from outdial.providers.reports.payload import (
    list_at,
    number_at,
    object_at,
    object_in,
    parsed,
    storable,
    text_at,
    value_at,
)

ODD: list[Any] = [None, "", "x", 7, -1.5, True, [], {}, [1], {"a": None}, float("inf")]


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_whatever_stands_there(odd: Any) -> None:
    content = {"a": {"b": odd}}
    assert text_at(content, "a", "b") == (odd if isinstance(odd, str) and odd else None)
    assert object_at(content, "a", "b") == (odd if isinstance(odd, dict) else {})
    assert list_at(content, "a", "b") == (odd if isinstance(odd, list) else [])
    assert number_at(content, "a", "b") == (odd if odd in (7, -1.5) else None)
    assert value_at(content, "a", "b", "c", "d") is None
    assert value_at(odd, "b", "c") is None


@pytest.mark.parametrize(
    ("text", "number"), [("55", 55), ("0.5", 0.5), ("-0.02", -0.02), ("1e400", None), ("nan", None)]
)
def test_a_number_may_be_written_as_text(text: str, number: float | None) -> None:
    assert number_at({"n": text}, "n") == number


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"null", b"\xff", b"{", b"[" * 100_000])
def test_a_body_that_is_no_object(body: bytes) -> None:
    with pytest.raises(WebhookRefused):
        object_in(body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a\\u0000": ["b\\u0000c", {"d": "\\ud800"}]}', {"a": ["bc", {"d": "?"}]}),
        (b'{"a": "\\u00e9\\ud83d\\ude00", "n": 1}', {"a": "é😀", "n": 1}),
    ],
)
def test_what_no_database_keeps_is_left_out(body: bytes, expected: dict[str, Any]) -> None:
    assert object_in(body) == expected


def test_deep_escapes_are_no_error() -> None:
    with pytest.raises(ValueError, match="deep"):
        parsed(b"[" * 900 + b'"\\u0000"' + b"]" * 900)
    assert storable("a\0b\ud800") == "ab?"


MOMENT = datetime(2027, 3, 1, 15, 30, tzinfo=UTC)
AS_SAID = datetime(2027, 3, 1, 16, 30)


@pytest.mark.parametrize(
    "instant",
    [
        from_unix(1803915000),
        from_milliseconds(1803915000000),
        from_iso("2027-03-01T15:30:00Z"),
        from_iso("2027-03-01T16:30:00+01:00"),
        from_iso("2027-03-01T15:30:00"),
        from_rfc2822("Mon, 01 Mar 2027 15:30:00 +0000"),
        from_rfc2822("Mon, 01 Mar 2027 15:30:00 -0000"),
    ],
)
def test_an_instant_in_every_spelling(instant: datetime | None) -> None:
    assert instant == MOMENT
    assert instant.tzinfo == UTC


@pytest.mark.parametrize("seconds", [None, 1e300, -1e300, float("nan"), float("inf")])
def test_a_unix_time_that_is_none(seconds: float | None) -> None:
    assert from_unix(seconds) is None
    assert from_milliseconds(seconds) is None


@pytest.mark.parametrize(
    "text", [None, "", "soon", "2027-13-01", "0001-01-01T00:00:00+14:00", "Mon, 99 Mar 2027", "1,2"]
)
def test_a_written_time_that_is_none(text: str | None) -> None:
    assert from_iso(text) is None
    assert from_rfc2822(text) is None


@pytest.mark.parametrize(
    ("structured", "disposition", "redial_at"),
    [
        ({}, None, None),
        ({"disposition": " booked ", "call_at": "2027-03-01T16:30:00+01:00"}, "booked", MOMENT),
        ({"disposition": "", "call_at": "2027-03-01T16:30:00"}, None, AS_SAID),
        ({"disposition": 7, "call_at": 7}, None, None),
        ({"disposition": ["booked"], "call_at": "tomorrow"}, None, None),
        ({"call_at": "0001-01-01T00:00:00+14:00"}, None, None),
    ],
)
def test_what_an_agent_extracted(
    structured: dict[str, Any], disposition: str | None, redial_at: datetime | None
) -> None:
    assert disposition_in(structured) == disposition
    assert redial_time_in(structured) == redial_at
