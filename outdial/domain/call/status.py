"""The state machine of one phone call, and how a call's end is named."""

from __future__ import annotations

from enum import StrEnum


class CallStatus(StrEnum):
    """Status of a call. It only moves forward, and a terminal status never changes."""

    QUEUED = "queued"
    RINGING = "ringing"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def terminal(self) -> bool:
        return self in TERMINAL


TERMINAL = frozenset(
    {
        CallStatus.COMPLETED,
        CallStatus.NO_ANSWER,
        CallStatus.BUSY,
        CallStatus.FAILED,
        CallStatus.CANCELED,
    }
)

_RANK = {CallStatus.QUEUED: 0, CallStatus.RINGING: 1, CallStatus.IN_PROGRESS: 2}


def advance(current: CallStatus, reported: CallStatus) -> CallStatus:
    """The status after a report, which may be late, repeated or out of order."""
    if current.terminal:
        return current
    if reported.terminal:
        return reported
    return reported if _RANK[reported] > _RANK[current] else current


class AnsweredBy(StrEnum):
    HUMAN = "human"
    MACHINE = "machine"
    SCREENER = "screener"
    """A telephone's call screening, and nobody came on."""
    UNKNOWN = "unknown"


NOBODY_REACHED = frozenset({AnsweredBy.MACHINE, AnsweredBy.SCREENER})
"""Who answers in a person's place: what they say is not what the person said."""


class FailureClass(StrEnum):
    """Class of a failure: decides whether and where the call may be tried again."""

    THROTTLED = "throttled"  # too much at once; try later
    REJECTED = "rejected"  # this number: never again
    MISCONFIGURED = "misconfigured"  # this line: stop and say why
    BLOCKED = "blocked"  # the network blocks this line's caller id; nothing about the person
    REFUSED = "refused"  # the person refuses calls from us: final, and suppressed
    UNAVAILABLE = "unavailable"  # provider or carrier fault: try again
    UNKNOWN = "unknown"  # it may have rung; it is not known


class Fence(StrEnum):
    """How far the placement of a call got; moved only by conditional updates."""

    CLAIMED = "claimed"  # nothing has left
    PLACING = "placing"  # something may have left: never send again
    PLACED = "placed"  # the provider has it
    NOT_PLACED = "not_placed"  # certainly never dialed
    CLOSED = "closed"  # swept or withdrawn: may not dial any more


OUTCOME_UNKNOWN = "unknown"
OUTCOME_VOICEMAIL = "voicemail"
OUTCOME_SCREENED = "screened"
OUTCOME_REFUSED = "refused"
"""The outcome of a request that was never called: no telephone has its number, for example."""
OUTCOME_CANCELED = "canceled"
"""The outcome of recipients that end without a finished call."""
WITHDRAWN = "withdrawn"
STOPPED = "campaign stopped"
REMOVED = "removed: not among the recipients of the revision that was applied"
"""Why a recipient ends before all attempts were made."""
OPTED_OUT = "opted_out"
CALL_ME_LATER = "call_me_later"
BOOKED = "booked"


def outcome_of(
    status: CallStatus,
    *,
    answered_by: AnsweredBy | None = None,
    failure: FailureClass | None = None,
    disposition: str | None = None,
) -> str:
    """The outcome of a call, by which it is retried.

    The agent's disposition takes precedence over `completed`; `voicemail` and `screened` take
    precedence over both.
    """
    if status is CallStatus.COMPLETED:
        if answered_by is AnsweredBy.MACHINE:
            return OUTCOME_VOICEMAIL
        if answered_by is AnsweredBy.SCREENER:
            return OUTCOME_SCREENED
        return disposition or status.value
    if status is CallStatus.FAILED:
        if failure is FailureClass.UNKNOWN:
            return OUTCOME_UNKNOWN
        return f"failed:{(failure or FailureClass.UNAVAILABLE).value}"
    return status.value
