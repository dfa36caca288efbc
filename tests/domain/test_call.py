"""A call only moves forward."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass, advance, outcome_of

statuses = st.sampled_from(CallStatus)


@given(st.lists(statuses))
def test_terminal_is_terminal(reports: list[CallStatus]) -> None:
    status = CallStatus.QUEUED
    for reported in reports:
        before, status = status, advance(status, reported)
        if before.terminal:
            assert status is before


@given(st.lists(statuses))
def test_the_order_of_live_reports_does_not_matter(reports: list[CallStatus]) -> None:
    live = [status for status in reports if not status.terminal]
    forward = backward = CallStatus.QUEUED
    for status in live:
        forward = advance(forward, status)
    for status in reversed(live):
        backward = advance(backward, status)
    assert forward is backward


@pytest.mark.parametrize(
    ("status", "more", "outcome"),
    [
        (CallStatus.COMPLETED, {}, "completed"),
        (CallStatus.COMPLETED, {"disposition": "booked"}, "booked"),
        (
            CallStatus.COMPLETED,
            {"answered_by": AnsweredBy.MACHINE, "disposition": "x"},
            "voicemail",
        ),
        (CallStatus.NO_ANSWER, {}, "no_answer"),
        (CallStatus.BUSY, {}, "busy"),
        (CallStatus.FAILED, {"failure": FailureClass.REJECTED}, "failed:rejected"),
        (CallStatus.FAILED, {"failure": FailureClass.UNKNOWN}, "unknown"),
        (CallStatus.FAILED, {}, "failed:unavailable"),
        (CallStatus.CANCELED, {}, "canceled"),
    ],
)
def test_outcomes(status: CallStatus, more: dict[str, object], outcome: str) -> None:
    assert outcome_of(status, **more) == outcome  # type: ignore[arg-type]
