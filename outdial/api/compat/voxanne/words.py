"""What our statuses and outcomes are called by Voxanne (its CallOutcome)."""

from __future__ import annotations

from outdial.domain.call.request import CallView
from outdial.domain.call.status import BOOKED, CALL_ME_LATER, OPTED_OUT, OUTCOME_UNKNOWN, CallStatus

STATUS = {status: status.value for status in CallStatus} | {CallStatus.CANCELED: "cancelled"}
MEANT: dict[str, tuple[CallStatus, ...]] = {
    **{word: (status,) for status, word in STATUS.items()},
    "missed": (CallStatus.NO_ANSWER, CallStatus.BUSY),
    "transferred": (),
}
"""The statuses that a filter's word stands for; none for what no call of ours can be."""
_OUTCOME = {
    BOOKED: "demo_booked",
    CALL_ME_LATER: "callback_scheduled",
    OPTED_OUT: "do_not_call",
    OUTCOME_UNKNOWN: "error",
    "hung_up": "hangup",
    CallStatus.CANCELED.value: "cancelled",
}
_FAILED = "failed:"


def outcome_word(view: CallView) -> str:
    """How a call went, or where it is."""
    if view.outcome is None:
        return STATUS[view.status]
    if view.outcome.startswith(_FAILED):
        return STATUS[CallStatus.FAILED]
    return _OUTCOME.get(view.outcome, view.outcome)
