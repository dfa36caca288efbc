"""A call looked for in a provider's list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from outdial.providers.reports.listed_calls import Listed, ours

TO, OTHER = "+12025550143", "+12025550144"
SINCE = datetime(2027, 3, 1, 15, 30, 0, 700_000, tzinfo=UTC)
AFTER, BEFORE = SINCE + timedelta(seconds=3), SINCE - timedelta(seconds=3)


def _ours(*calls: Listed) -> str | None:
    return ours(calls, call_id="our-1", to=TO, since=SINCE)


def test_our_id_decides() -> None:
    alike = Listed("p-1", None, TO, AFTER)
    mine = Listed("p-2", "our-1", TO, None)
    assert _ours(alike, mine) == "p-2"


def test_without_our_id_number_and_time_decide() -> None:
    assert _ours(Listed("p-1", None, TO, AFTER), Listed("p-2", None, OTHER, AFTER)) == "p-1"


@pytest.mark.parametrize(
    "call",
    [
        Listed("p-1", "our-2", TO, AFTER),
        Listed("p-1", None, OTHER, AFTER),
        Listed("p-1", None, TO, BEFORE),
        Listed("p-1", None, TO, None),
        Listed("p-1", None, None, AFTER),
    ],
)
def test_what_is_not_ours(call: Listed) -> None:
    assert _ours(call) is None


def test_what_can_not_be_told_apart_is_not_found() -> None:
    assert _ours(Listed("p-1", None, TO, AFTER), Listed("p-2", None, TO, AFTER)) is None
    assert _ours(Listed("p-1", None, TO, AFTER), Listed("p-1", None, TO, AFTER)) == "p-1"


def test_a_provider_may_write_whole_seconds() -> None:
    assert _ours(Listed("p-1", None, TO, SINCE.replace(microsecond=0))) == "p-1"
    assert _ours(Listed("p-1", None, TO, SINCE.replace(second=59, minute=29))) is None
