"""Settlement: decides from an outcome whether the recipient is called again or ends.

Runs in the transaction that settles the call, so that no other attempt starts before it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from outdial.domain.call.retry import OutcomeRetry, Retry
from outdial.domain.call.status import (
    BOOKED,
    CALL_ME_LATER,
    OPTED_OUT,
    OUTCOME_SCREENED,
    OUTCOME_UNKNOWN,
    OUTCOME_VOICEMAIL,
    CallStatus,
    FailureClass,
)
from outdial.domain.clocks import next_local_day
from outdial.domain.decision.reasons import Reason
from outdial.domain.instants import promised
from outdial.domain.line.routing import Left


@dataclass(frozen=True, slots=True)
class Settling:
    """The input of settlement."""

    outcome: str
    counts_as_attempt: bool
    earlier_outcomes: Sequence[str]
    """Outcomes of this recipient's earlier attempts, oldest first."""
    zones: tuple[str, ...]
    ended_at: datetime
    redial_at: datetime | None = None
    retry_after: timedelta | None = None
    lines_left: Left = Left.NONE
    """Lines of the campaign that may still dial this number."""
    other_numbers: int = 0
    """How many further numbers the person has."""
    seed: str = ""
    """Identifies the recipient: jitter is derived from it, so it is the same each time."""


@dataclass(frozen=True, slots=True)
class NextAttempt:
    not_before: datetime
    reason: Reason
    promised: bool = False
    """The person asked for this time."""
    next_number: bool = False
    """Call the next number; this one moves to the end of the list."""
    drop_number: bool = False
    """This number is not called again; the next one takes its place."""


@dataclass(frozen=True, slots=True)
class Close:
    """The recipient's end; `outcome` is final."""

    reason: Reason
    suppress: str | None = None
    """Put the number on the suppression list, for this reason."""


Following = NextAttempt | Close

THROTTLE_WAIT = timedelta(seconds=5)
"""When a throttling provider names no time: long enough for a per-second limit to pass."""
LONGEST_THROTTLE = timedelta(days=1)
"""However long a provider asks for: a wait of years would leave the person uncalled for good."""
MISCONFIGURED_WAIT = timedelta(minutes=1)
"""A person has to repair the line; asking once a minute finds out soon enough."""

_NOT_REACHED = frozenset(
    {"busy", "no_answer", OUTCOME_VOICEMAIL, OUTCOME_SCREENED, "failed", OUTCOME_UNKNOWN}
)
"""Outcomes after which another number of the person may do better."""
_FINAL = frozenset({CallStatus.COMPLETED.value, BOOKED, CallStatus.CANCELED.value})


_OF_THE_LINE = {
    f"failed:{failure}" for failure in (FailureClass.MISCONFIGURED, FailureClass.BLOCKED)
}
"""A person has to do something about the line."""


def follow(settling: Settling, retry: Retry) -> Following:
    """Decide between another attempt and the end."""
    outcome = settling.outcome
    if outcome == OPTED_OUT:
        return Close(Reason("opted_out", "asked not to be called"), suppress="opted out in a call")
    if outcome == f"failed:{FailureClass.REFUSED}":
        refused = "the person refuses calls from us"
        return Close(Reason("refused", refused), suppress="refused a call")
    passed_on = not settling.counts_as_attempt and settling.lines_left is not Left.NONE
    if outcome == f"failed:{FailureClass.REJECTED}" and not passed_on:
        if settling.other_numbers and len(settling.earlier_outcomes) + 1 < retry.max_attempts:
            reason = Reason("rejected", "the provider never dials this number; the next one")
            return NextAttempt(settling.ended_at, reason, drop_number=True)
        return Close(Reason("rejected", "the provider never dials this number"))
    if not settling.counts_as_attempt:
        return _after_no_attempt(settling)
    if outcome in _FINAL:
        return Close(Reason(outcome, f"the call was {outcome}"))
    policy = _policy(outcome, retry)
    if policy is None:
        return Close(Reason(outcome, f"{outcome} is not tried again"))
    return _after_attempt(settling, retry, policy)


def numbers_after(
    called: str, others: Sequence[str], following: NextAttempt
) -> tuple[str, list[str]] | None:
    """The number that is called next, and the person's others in their order; None: the same one
    again. `called` is the one of the call that is settled."""
    if not others or not (following.next_number or following.drop_number):
        return None
    phone, *rest = others
    if not following.drop_number:
        rest.append(called)
    return phone, rest


def _after_no_attempt(settling: Settling) -> Following:
    if settling.lines_left is Left.ANOTHER:
        reason = Reason("another_line", "the line did not take the call; another one is tried")
        return NextAttempt(settling.ended_at, reason)
    if settling.outcome in _OF_THE_LINE:
        wait = MISCONFIGURED_WAIT
    else:
        wait = min(settling.retry_after or THROTTLE_WAIT, LONGEST_THROTTLE)
    return NextAttempt(
        settling.ended_at + wait, Reason("not_dialed", "the line did not take the call")
    )


def _after_attempt(settling: Settling, retry: Retry, policy: OutcomeRetry) -> Following:
    made = len(settling.earlier_outcomes) + 1
    if made >= retry.max_attempts:
        return Close(Reason("max_attempts", f"all {retry.max_attempts} attempts were made"))
    same = Counter(_family(o) for o in settling.earlier_outcomes)[_family(settling.outcome)] + 1
    if same >= policy.limit:
        return Close(
            Reason("max_attempts", f"{settling.outcome} {same} times; {policy.limit} is the limit")
        )
    promise = promised(settling.redial_at, settling.ended_at)
    if settling.outcome == CALL_ME_LATER and promise is not None:
        return NextAttempt(promise, Reason(CALL_ME_LATER, "asked to be called then"), promised=True)
    delay = policy.delay(same)
    if delay == "next_day":
        due = next_local_day(settling.zones, settling.ended_at)
    else:
        due = settling.ended_at + delay
    due += retry.jitter * _share(f"{settling.seed}/{made}")
    return NextAttempt(
        due,
        Reason(settling.outcome, f"{settling.outcome}; tried again"),
        next_number=bool(settling.other_numbers) and _family(settling.outcome) in _NOT_REACHED,
    )


def _share(seed: str) -> float:
    """A pseudo-random number in [0, 1), the same for the same seed."""
    digest = hashlib.blake2b(seed.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") / 2**32


def _policy(outcome: str, retry: Retry) -> OutcomeRetry | None:
    return {
        "busy": retry.busy,
        "no_answer": retry.no_answer,
        OUTCOME_VOICEMAIL: retry.voicemail,
        OUTCOME_SCREENED: retry.voicemail,
        "failed": retry.failed,
        OUTCOME_UNKNOWN: retry.unknown,
        CALL_ME_LATER: retry.call_me_later,
    }.get(_family(outcome))


def _family(outcome: str) -> str:
    return outcome.partition(":")[0]
