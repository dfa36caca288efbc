"""No telephone number leaves a process through its logs."""

from __future__ import annotations

import logging

import pytest

from outdial.runtime.logging import MaskingFormatter, mask_phones


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("calling +12025550123 now", "calling +1202•••0123 now"),
        ("GET /v1/calls?to=%2B442079460123", "GET /v1/calls?to=+44207•••0123"),
        ("two: +12025550123,+12025550199", "two: +1202•••0123,+1202•••0199"),
        ("at 2026-11-21T07:00:00+00:00", "at 2026-11-21T07:00:00+00:00"),
        ("id 12025550123456789", "id 12025550123456789"),
    ],
)
def test_numbers_are_masked(text: str, expected: str) -> None:
    assert mask_phones(text) == expected


def test_tracebacks_are_masked_too() -> None:
    try:
        raise ValueError("cannot dial +12025550123")
    except ValueError as error:
        record = logging.LogRecord(
            "x", logging.ERROR, __file__, 1, "failed for %s", ("+12025550199",),
            (type(error), error, error.__traceback__),
        )  # fmt: skip
    text = MaskingFormatter().format(record)
    assert "0123" in text
    assert "2025550" not in text
    assert text.splitlines()[0].endswith("ERROR   x: failed for +1202•••0199")
