"""Words of one report taken together."""

from __future__ import annotations

import logging

import pytest

from outdial.domain.call.status import CallStatus, FailureClass
from outdial.providers.reports.status_map import Meaning, StatusMap, listed_meaning, sharper

NOTHING = Meaning()
TALKING = Meaning(status=CallStatus.IN_PROGRESS)
RINGING = Meaning(status=CallStatus.RINGING)
DONE = Meaning(status=CallStatus.COMPLETED)
BUSY = Meaning(status=CallStatus.BUSY)
FAILED = Meaning(status=CallStatus.FAILED, failure=FailureClass.UNKNOWN)


@pytest.mark.parametrize(
    ("event", "status", "expected"),
    [
        (FAILED, BUSY, BUSY),
        (TALKING, RINGING, RINGING),
        (TALKING, DONE, TALKING),
        (DONE, TALKING, DONE),
        (DONE, NOTHING, DONE),
        (NOTHING, BUSY, BUSY),
        (NOTHING, NOTHING, NOTHING),
    ],
)
def test_the_status_makes_an_event_more_exact(
    event: Meaning, status: Meaning, expected: Meaning
) -> None:
    assert sharper(event, status) == expected


def test_words_of_free_choice_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    words = StatusMap(field="outcome", source="a test", rows={"done": DONE}, otherwise=FAILED)
    with caplog.at_level(logging.DEBUG):
        assert listed_meaning(words, "Ada wants to be called on Monday") == NOTHING
        assert listed_meaning(words, None) == NOTHING
    assert listed_meaning(words, "done") == DONE
    assert caplog.records == []
