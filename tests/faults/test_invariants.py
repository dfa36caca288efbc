"""The check that all runs with faults rely on notices what it is there for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from outdial.domain.call.claim import CampaignState
from outdial.domain.call.status import CallStatus, Fence
from outdial.domain.record import CallRecord, Progress, RecipientRecord, RecipientState
from tests.faults.invariants import Aftermath, assert_nothing_broken

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


def _call(call_id: str, recipient: int) -> CallRecord:
    nothing: dict[str, Any] = dict.fromkeys(
        [
            *("caller_id", "fence_deadline", "disposition", "answered_by", "failure", "detail"),
            *("ringing_at", "answered_at", "settle_by", "cost", "transcript", "recording_url"),
            "duration_seconds",
        ]
    )
    return CallRecord(
        id=call_id,
        tenant="default",
        campaign_id=1,
        campaign="reminder",
        launch=1,
        recipient_id=recipient,
        number=1,
        attempt=1,
        workflow_id=f"call/default/reminder/1/{recipient}/1",
        line="simulated",
        provider_call_id=f"sim-{call_id}",
        to=f"+1202555010{recipient}",
        status=CallStatus.COMPLETED,
        fence=Fence.PLACED,
        outcome="completed",
        created_at=NOW,
        placed_at=NOW,
        ended_at=NOW,
        settled_at=NOW,
        **nothing,
    )


def _recipient(nth: int) -> RecipientRecord:
    return RecipientRecord(
        id=nth,
        campaign_id=1,
        launch=1,
        position=nth,
        phone=f"+1202555010{nth}",
        zones=("UTC",),
        variables={},
        state=RecipientState.DONE,
        attempts=1,
        calls=1,
        outcome="completed",
        reason="the call was completed",
        not_before=None,
    )


def _made(call_id: str, start: int, end: int | None) -> dict[str, Any]:
    def at(second: int) -> str:
        return (NOW + timedelta(seconds=second)).isoformat()

    return {
        "call_id": call_id,
        "result": "completed",
        "created_at": at(start),
        "ended_at": None if end is None else at(end),
    }


GOOD = Aftermath(
    progress=Progress(
        campaign="reminder",
        tenant="default",
        state=CampaignState.FINISHED,
        launch=1,
        recipients=2,
        by_state={"done": 2},
        by_outcome={"completed": 2},
        calls={"completed": 2},
        attempts=2,
        in_flight=0,
        launched_at=NOW,
    ),
    recipients=[_recipient(1), _recipient(2)],
    calls=[_call("a", 1), _call("b", 2)],
    attempted=frozenset({"a", "b"}),
    every_call_id=frozenset({"a", "b"}),
    leases=0,
    stats={"peak_open_per_number": 1},
    creates={"a": 1, "b": 1},
    made=[_made("a", 0, 10), _made("b", 10, 20)],
)


def _with_recipient(**changes: Any) -> Aftermath:
    return replace(GOOD, recipients=[_recipient(1), _recipient(2).model_copy(update=changes)])


def _with_call(**changes: Any) -> Aftermath:
    return replace(GOOD, calls=[_call("a", 1), _call("b", 2).model_copy(update=changes)])


def _with_progress(**changes: Any) -> Aftermath:
    return replace(GOOD, progress=GOOD.progress.model_copy(update=changes))


BROKEN = {
    "state": _with_progress(state=CampaignState.RUNNING),
    "recipient lost": replace(GOOD, recipients=[_recipient(1)]),
    "recipient waits": _with_recipient(state=RecipientState.WAITING),
    "recipient without reason": _with_recipient(reason=None),
    "call not settled": _with_call(settled_at=None),
    "call open": _with_call(status=CallStatus.RINGING),
    "outcomes do not add up": _with_progress(by_outcome={"completed": 1}),
    "calls do not add up": _with_progress(calls={"completed": 3}),
    "attempts do not add up": _with_progress(attempts=3),
    "attempts of a recipient": _with_recipient(attempts=2),
    "calls of a recipient": _with_recipient(calls=2),
    "lease left": replace(GOOD, leases=1),
    "open at the network": replace(GOOD, made=[_made("a", 0, 10), _made("b", 10, None)]),
    "made twice": replace(GOOD, creates={"a": 2, "b": 1}),
    "made without a record": replace(GOOD, creates={"a": 1, "b": 1, "c": 1}),
    "two at once to one number": replace(GOOD, stats={"peak_open_per_number": 2}),
    "too many at once": replace(GOOD, made=[_made("a", 0, 10), _made("b", 9, 20)]),
    "attempt never made": replace(GOOD, made=[_made("a", 0, 10)]),
    "made and not counted": replace(
        _with_progress(attempts=1),
        attempted=frozenset({"a"}),
        recipients=[_recipient(1), _recipient(2).model_copy(update={"attempts": 0})],
    ),
    "another outcome": _with_call(outcome="booked"),
}


def test_a_good_run_passes() -> None:
    assert_nothing_broken(GOOD, recipients=2, max_concurrent=1)


@pytest.mark.parametrize("what", BROKEN)
def test_every_breach_is_told(what: str) -> None:
    with pytest.raises(AssertionError):
        assert_nothing_broken(BROKEN[what], recipients=2, max_concurrent=1)
