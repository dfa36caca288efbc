"""What follows from an outcome."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain.definition import OutcomeRetry, Retry
from domain.settlement import Close, Redial, Settling, follow

ENDED = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
RETRY = Retry(
    max_attempts=4,
    busy=OutcomeRetry(delays=(timedelta(minutes=10),), max_attempts=3),
    no_answer=OutcomeRetry(delays=(timedelta(hours=2), "next_day")),
)


def settling(outcome: str, *earlier: str, **more: object) -> Settling:
    known: dict[str, object] = {
        "outcome": outcome,
        "counts_as_attempt": True,
        "earlier_outcomes": earlier,
        "zones": ("America/New_York",),
        "ended_at": ENDED,
    }
    return Settling(**(known | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("case", "due"),
    [
        (settling("busy"), ENDED + timedelta(minutes=10)),
        (settling("busy", "busy"), ENDED + timedelta(minutes=10)),
        (settling("no_answer"), ENDED + timedelta(hours=2)),
        # The next day begins at midnight in New York, 05:00 UTC in winter.
        (settling("no_answer", "no_answer"), datetime(2026, 3, 3, 5, 0, tzinfo=UTC)),
        # Each outcome counts for itself.
        (settling("no_answer", "busy", "busy"), ENDED + timedelta(hours=2)),
        # Not dialed: no attempt, so no limit applies.
        (
            settling("failed:throttled", "busy", "busy", "busy", counts_as_attempt=False),
            ENDED + timedelta(seconds=5),
        ),
        (
            settling(
                "failed:throttled", counts_as_attempt=False, retry_after=timedelta(seconds=40)
            ),
            ENDED + timedelta(seconds=40),
        ),
        # By default an unknown outcome is not redialed that day.
        (settling("unknown"), datetime(2026, 3, 3, 5, 0, tzinfo=UTC)),
        (
            settling("call_me_later", call_back_at=ENDED + timedelta(hours=20)),
            ENDED + timedelta(hours=20),
        ),
        # A time that has passed means now, not yesterday.
        (settling("call_me_later", call_back_at=ENDED - timedelta(hours=1)), ENDED),
    ],
)
def test_redials(case: Settling, due: datetime) -> None:
    following = follow(case, RETRY)
    assert isinstance(following, Redial)
    assert following.not_before == due


@pytest.mark.parametrize(
    ("case", "code"),
    [
        (settling("completed"), "completed"),
        (settling("booked"), "booked"),
        (settling("voicemail"), "voicemail"),
        (settling("busy", "busy", "busy"), "max_attempts"),
        (settling("no_answer", "no_answer", "no_answer"), "max_attempts"),
        (settling("busy", "no_answer", "busy", "no_answer"), "max_attempts"),
        (settling("failed:rejected"), "rejected"),
        (settling("failed:rejected", counts_as_attempt=False), "rejected"),
        (settling("unknown", "unknown"), "max_attempts"),
        (settling("a disposition of its own"), "a disposition of its own"),
    ],
)
def test_ends(case: Settling, code: str) -> None:
    following = follow(case, RETRY)
    assert isinstance(following, Close)
    assert following.because.code == code


def test_opting_out_suppresses() -> None:
    following = follow(settling("opted_out"), RETRY)
    assert isinstance(following, Close)
    assert following.suppress
