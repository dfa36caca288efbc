"""Was it made, was it answered, why did it end: each from the facts of a report."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.domain.call.event import LONGEST_RING, CallEnd, CallEvent
from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass
from tests.builders import event

TALK = 300.0
ENDS = [status for status in CallStatus if status.terminal]


def end_of(*, answered_before: bool = False, **facts: Any) -> CallEnd:
    return CallEnd.of(signalled(**facts), answered_before=answered_before)


def signalled(**facts: Any) -> CallEvent:
    """The event as the call's workflow gets it."""
    return event(**facts).for_workflow()


@pytest.mark.parametrize("status", ENDS)
@pytest.mark.parametrize("failure", list(FailureClass))
@pytest.mark.parametrize(
    "proof",
    [
        {"answered": True},
        {"answered_by": AnsweredBy.HUMAN},
        {"answered_by": AnsweredBy.MACHINE},
        {"duration_seconds": TALK},
        {"answered_before": True},
    ],
)
def test_what_was_answered_is_completed_whatever_its_end_is_called(
    status: CallStatus, failure: FailureClass, proof: dict[str, Any]
) -> None:
    end = end_of(status=status, failure=failure, detail="worker-shutdown", **proof)
    assert (end.status, end.failure) == (CallStatus.COMPLETED, None)
    assert end.detail == "worker-shutdown"
    assert end.may_have_rung


def test_a_transcript_proves_an_answer() -> None:
    report = event(status=CallStatus.FAILED, failure="unavailable", transcript="Yes, speaking.")
    assert report.by_facts().status is CallStatus.COMPLETED
    empty = report.model_copy(update={"transcript": " \n"}).by_facts()
    assert (empty.status, empty.answered) == (CallStatus.FAILED, None)


@pytest.mark.parametrize("failure", list(FailureClass))
def test_a_report_is_an_attempt_whatever_its_word(failure: FailureClass) -> None:
    end = end_of(status=CallStatus.FAILED, failure=failure)
    assert (end.status, end.failure, end.may_have_rung) == (CallStatus.FAILED, failure, True)


def test_what_was_never_answered_is_not_completed() -> None:
    assert end_of(status=CallStatus.COMPLETED, answered=False).status is CallStatus.NO_ANSWER
    presumed: dict[str, Any] = {"status": CallStatus.COMPLETED, "presumes_answer": True}
    assert end_of(**presumed).status is CallStatus.NO_ANSWER
    assert end_of(**presumed, answered_before=True).status is CallStatus.COMPLETED
    # A provider that says so in its own word, and tells nothing else, is believed.
    assert end_of(status=CallStatus.COMPLETED).status is CallStatus.COMPLETED


@pytest.mark.parametrize("status", [CallStatus.BUSY, CallStatus.NO_ANSWER])
def test_a_duration_as_long_as_a_ring_does_not_contradict_such_a_word(status: CallStatus) -> None:
    assert end_of(status=status, duration_seconds=25).status is status
    longer = LONGEST_RING.total_seconds() + 1
    assert end_of(status=status, duration_seconds=longer).status is CallStatus.COMPLETED


@pytest.mark.parametrize("nobody", [None, AnsweredBy.UNKNOWN])
def test_an_unknown_answerer_proves_nothing(nobody: AnsweredBy | None) -> None:
    assert end_of(status=CallStatus.BUSY, answered_by=nobody).status is CallStatus.BUSY


@pytest.mark.parametrize(
    ("failure", "fault"),
    [
        (FailureClass.UNAVAILABLE, FailureClass.UNAVAILABLE),
        (FailureClass.MISCONFIGURED, FailureClass.MISCONFIGURED),
        (FailureClass.REFUSED, None),
        (FailureClass.UNKNOWN, None),
    ],
)
def test_the_line_answers_for_a_talk_that_it_cut(
    failure: FailureClass, fault: FailureClass | None
) -> None:
    end = end_of(status=CallStatus.FAILED, failure=failure, duration_seconds=TALK)
    assert end.fault is fault


@given(
    status=st.sampled_from(ENDS),
    failure=st.none() | st.sampled_from(list(FailureClass)),
    answered=st.none() | st.booleans(),
    presumes=st.booleans(),
    answered_by=st.none() | st.sampled_from(list(AnsweredBy)),
    seconds=st.none() | st.floats(0, 4000),
    before=st.booleans(),
)
def test_reading_again_changes_nothing(
    status: CallStatus,
    failure: FailureClass | None,
    answered: bool | None,
    presumes: bool,
    answered_by: AnsweredBy | None,
    seconds: float | None,
    before: bool,
) -> None:
    report = event(
        status=status,
        failure=failure if status is CallStatus.FAILED else None,
        answered=answered,
        presumes_answer=presumes,
        answered_by=answered_by,
        duration_seconds=seconds,
    )
    once = end_of(answered_before=before, **report.model_dump())
    assert once.by_facts(answered_before=False) == once
    assert end_of(answered_before=before, **report.by_facts().model_dump()) == once
