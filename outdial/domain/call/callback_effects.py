"""Effects of callbacks on a settled call.

The settling transaction applies redials, suppressions and enrolments, and stores the callbacks that
touch other systems for `CallbackWorkflow`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from outdial.domain.appointment.requested_time import RequestedTime, UnclearTime, read_time
from outdial.domain.call.settlement import Close, Following, NextAttempt
from outdial.domain.call.status import CALL_ME_LATER, AnsweredBy
from outdial.domain.decision.reasons import Reason
from outdial.domain.definition.callbacks import Callback, CallbackKind, matching_callbacks
from outdial.domain.definition.matching import Facts, value_at
from outdial.domain.instants import FURTHEST_AHEAD, promised

CALL_AT = "call_at"
APPOINTMENT_AT = "appointment_at"
_NEVER_AGAIN = frozenset({"opted_out", "rejected"})


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What conditions of callbacks are matched against, when a call settles."""

    outcome: str
    disposition: str | None
    attempt: int
    answered_by: AnsweredBy | None
    data: Mapping[str, Any]
    zones: tuple[str, ...]
    ended_at: datetime
    redial_at: datetime | None = None
    attempts_made: int = 1
    max_attempts: int = 1
    recipient_closed: bool = False
    """The campaign is stopped, or the recipient withdrawn."""

    def matched(self, following: Following) -> Facts:
        return Facts(
            outcome=self.outcome,
            disposition=self.disposition,
            attempt=self.attempt,
            answered_by=self.answered_by,
            final=self.recipient_closed or isinstance(following, Close),
            data=self.data,
        )


@dataclass(slots=True)
class CallbackEffects:
    following: Following
    deferred: list[tuple[int, Callback]] = field(default_factory=list)
    """Left to the callback workflow, in order, each with its position."""
    enroll: list[tuple[int, Callback]] = field(default_factory=list)
    suppress: list[str] = field(default_factory=list)
    """Reasons."""
    notes: dict[int, str] = field(default_factory=dict)
    """What became of a redial or suppression, by the callback's position."""
    unmet: set[int] = field(default_factory=set)
    """Positions of redials that were refused."""


def decide_effects(
    callbacks: tuple[Callback, ...], facts: CallFacts, following: Following
) -> CallbackEffects:
    """Decide what `callbacks` change about `following`, and what else they lead to."""
    effects = CallbackEffects(following)
    for at, callback in matching_callbacks(callbacks, facts.matched(following)):
        if callback.do is CallbackKind.REDIAL:
            _redial(effects, at, callback, facts)
        elif callback.do is CallbackKind.SUPPRESS:
            _suppress(effects, at, callback)
    for at, callback in matching_callbacks(callbacks, facts.matched(effects.following)):
        if callback.do is CallbackKind.ENROLL:
            effects.enroll.append((at, callback))
        elif not callback.do.applied_at_settlement:
            effects.deferred.append((at, callback))
    return effects


def redial_time(facts: CallFacts, path: str = CALL_AT) -> RequestedTime | UnclearTime:
    """When the person asked to be called; where their zones differ, the latest of the instants."""
    value = value_at(facts.data, path)
    if value is None and facts.redial_at is not None:
        return _within_a_year(RequestedTime(facts.redial_at), facts.ended_at)
    return _requested_instant(value, facts.zones, facts.ended_at)


def requested_redial(
    data: Mapping[str, Any], zones: tuple[str, ...], ended_at: datetime
) -> datetime | None:
    """When the person asked to be called, from the agent's data; None if it names no time."""
    read = _requested_instant(data.get(CALL_AT), zones, ended_at)
    return read.at if isinstance(read, RequestedTime) else None


def _requested_instant(
    value: object, zones: tuple[str, ...], ended_at: datetime
) -> RequestedTime | UnclearTime:
    read = read_time(value, zones)
    if isinstance(read, UnclearTime) and read.candidates:
        read = RequestedTime(read.candidates[-1])
    return read if isinstance(read, UnclearTime) else _within_a_year(read, ended_at)


def _within_a_year(requested: RequestedTime, ended_at: datetime) -> RequestedTime | UnclearTime:
    at = promised(requested.at, ended_at)
    if at is not None:
        return RequestedTime(at)
    if requested.at > ended_at + FURTHEST_AHEAD:
        return UnclearTime("the time asked for is more than a year ahead")
    return UnclearTime("the time asked for has passed")


def _redial(effects: CallbackEffects, at: int, callback: Callback, facts: CallFacts) -> None:
    before = effects.following
    requested = redial_time(facts, callback.at or CALL_AT)
    refused = None
    if (isinstance(before, Close) and before.reason.code in _NEVER_AGAIN) or effects.suppress:
        refused = "this person is not called again"
    elif facts.recipient_closed:
        refused = "the campaign takes no more calls"
    elif facts.attempts_made >= facts.max_attempts:
        refused = f"all {facts.max_attempts} attempts were made"
    elif isinstance(requested, UnclearTime):
        refused = requested.reason
    if refused is not None or isinstance(requested, UnclearTime):
        effects.notes[at] = refused or ""
        effects.unmet.add(at)
        return
    reason = Reason(CALL_ME_LATER, "asked to be called then")
    if isinstance(before, NextAttempt):
        effects.following = replace(
            before, not_before=requested.at, reason=reason, promised=True, next_number=False
        )
    else:
        effects.following = NextAttempt(requested.at, reason, promised=True)
    effects.notes[at] = "redialed at the requested time"


def _suppress(effects: CallbackEffects, at: int, callback: Callback) -> None:
    reason = callback.reason or "suppressed after a call"
    effects.suppress.append(reason)
    effects.notes[at] = reason
    effects.following = Close(Reason("suppressed", f"not called again: {reason}"), suppress=reason)
