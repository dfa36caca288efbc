"""What follows from an outcome."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from outdial.domain.call.disposition import disposition_of
from outdial.domain.call.retry import OutcomeRetry, Retry
from outdial.domain.call.settlement import Close, NextAttempt, Settling, follow
from outdial.domain.call.status import (
    CALL_ME_LATER,
    OUTCOME_SCREENED,
    OUTCOME_VOICEMAIL,
    AnsweredBy,
    CallStatus,
    outcome_of,
)

ENDED = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
RETRY = Retry(
    max_attempts=4,
    busy=OutcomeRetry(delays=(timedelta(minutes=10),), max_attempts=3),
    no_answer=OutcomeRetry(delays=(timedelta(hours=2), "next_day")),
)


def settling(outcome: str, *earlier: str, **more: object) -> Settling:
    values: dict[str, object] = {
        "outcome": outcome,
        "counts_as_attempt": True,
        "earlier_outcomes": earlier,
        "zones": ("America/New_York",),
        "ended_at": ENDED,
    }
    return Settling(**(values | more))  # type: ignore[arg-type]


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
            settling("call_me_later", redial_at=ENDED + timedelta(hours=20)),
            ENDED + timedelta(hours=20),
        ),
        # Half a minute ago means now; a time that has passed is no promise, nor is one of a
        # calendar's end: then it is as if none had been named.
        (settling("call_me_later", redial_at=ENDED - timedelta(seconds=30)), ENDED),
        *(
            (settling("call_me_later", redial_at=named), ENDED + timedelta(days=1))
            for named in (
                None,
                ENDED - timedelta(hours=1),
                datetime(2024, 3, 2, 15, 0, tzinfo=UTC),
                ENDED + timedelta(days=367),
                datetime.max.replace(tzinfo=UTC),
                datetime.min.replace(tzinfo=UTC),
            )
        ),
    ],
)
def test_redials(case: Settling, due: datetime) -> None:
    following = follow(case, RETRY)
    assert isinstance(following, NextAttempt)
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
    assert following.reason.code == code


def test_opting_out_suppresses() -> None:
    following = follow(settling("opted_out"), RETRY)
    assert isinstance(following, Close)
    assert following.suppress


def test_delays_may_grow() -> None:
    grows = Retry(
        max_attempts=9,
        busy=OutcomeRetry(
            delays=(timedelta(minutes=10), timedelta(minutes=30)),
            factor=2,
            longest=timedelta(hours=3),
            max_attempts=9,
        ),
    )
    minutes = []
    for earlier in range(6):
        following = follow(settling("busy", *["busy"] * earlier), grows)
        assert isinstance(following, NextAttempt)
        minutes.append((following.not_before - ENDED) / timedelta(minutes=1))
    assert minutes == [10, 30, 60, 120, 180, 180]


def test_jitter_is_the_same_for_the_same_person_and_attempt() -> None:
    jittery = RETRY.model_copy(update={"jitter": timedelta(minutes=10)})
    dues = set()
    for person in range(50):
        case = settling("busy", seed=f"r{person}")
        following = follow(case, jittery)
        assert isinstance(following, NextAttempt)
        assert following == follow(case, jittery)
        late = following.not_before - ENDED - timedelta(minutes=10)
        assert timedelta(0) <= late < timedelta(minutes=10)
        dues.add(late)
    assert len(dues) == 50
    promised = settling("call_me_later", redial_at=ENDED + timedelta(hours=5), seed="r1")
    following = follow(promised, jittery)
    assert isinstance(following, NextAttempt)
    assert (following.not_before, following.promised) == (ENDED + timedelta(hours=5), True)


@pytest.mark.parametrize(
    ("outcome", "next_number"),
    [("no_answer", True), ("busy", True), ("unknown", True), ("call_me_later", False)],
)
def test_who_was_not_reached_is_tried_at_the_next_number(outcome: str, next_number: bool) -> None:
    following = follow(settling(outcome, other_numbers=1), RETRY)
    assert isinstance(following, NextAttempt)
    assert following.next_number is next_number
    alone = follow(settling(outcome), RETRY)
    assert isinstance(alone, NextAttempt)
    assert not alone.next_number


def test_a_rejected_number_makes_way_for_the_next_one() -> None:
    following = follow(settling("failed:rejected", other_numbers=1), RETRY)
    assert isinstance(following, NextAttempt)
    assert (following.drop_number, following.not_before) == (True, ENDED)
    spent = follow(settling("failed:rejected", "busy", "busy", "busy", other_numbers=1), RETRY)
    assert isinstance(spent, Close)


def test_a_call_screening_reaches_nobody() -> None:
    """Whatever the agent made of it: it is tried again as a voicemail is."""
    outcome = outcome_of(
        CallStatus.COMPLETED, answered_by=AnsweredBy.SCREENER, disposition="opted_out"
    )
    assert outcome == OUTCOME_SCREENED
    retry = Retry.model_validate({"voicemail": {"delays": "1h"}})
    following = follow(settling(outcome), retry)
    assert isinstance(following, NextAttempt)
    assert isinstance(follow(settling(outcome), Retry()), Close)


RETRIED = ("busy", "no_answer", "voicemail", "failed", "unknown", "call_me_later")


@pytest.mark.parametrize("word", [*CallStatus, *RETRIED, OUTCOME_SCREENED])
def test_no_word_of_an_agent_passes_for_what_the_network_reports(word: str) -> None:
    """After a talk an agent has the person called again by two words alone."""
    again = {"delays": "1h", "max_attempts": 9}
    retry = Retry.model_validate({"max_attempts": 9} | dict.fromkeys(RETRIED, again))
    outcome = outcome_of(
        CallStatus.COMPLETED, answered_by=AnsweredBy.HUMAN, disposition=disposition_of(word)
    )
    following = follow(settling(outcome), retry)
    assert isinstance(following, NextAttempt) == (word in (CALL_ME_LATER, OUTCOME_VOICEMAIL))
