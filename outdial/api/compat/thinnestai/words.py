"""What our statuses are called by thinnestAI, and the other way round."""

from __future__ import annotations

from outdial.domain.call.status import CallStatus

STATUS = {
    CallStatus.QUEUED: "initiating",
    CallStatus.RINGING: "ringing",
    CallStatus.IN_PROGRESS: "in_progress",
    CallStatus.COMPLETED: "completed",
    CallStatus.NO_ANSWER: "no_answer",
    CallStatus.BUSY: "busy",
    CallStatus.FAILED: "failed",
    CallStatus.CANCELED: "failed",  # it has no word for a call that was called off
}
MEANT = {
    word: tuple(status for status, theirs in STATUS.items() if theirs == word)
    for word in STATUS.values()
}
"""The statuses that a filter's word stands for."""
