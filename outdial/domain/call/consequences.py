"""What callbacks make of a settled call: what is decided in our own house, and what is left to do.

Pure; the settling transaction carries the first part out, and writes down the second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from outdial.domain.appointment.asked_time import Asked, Unclear, read_time
from outdial.domain.call.settlement import Close, Following, Redial
from outdial.domain.call.status import CALL_ME_LATER, AnsweredBy
from outdial.domain.decision.reasons import Reason
from outdial.domain.definition.callbacks import Callback, CallbackKind, asked_for
from outdial.domain.definition.matching import Facts, found_at
from outdial.domain.instants import FURTHEST_AHEAD, promised

CALL_AT = "call_at"
APPOINTMENT_AT = "appointment_at"
_NEVER_AGAIN = frozenset({"opted_out", "rejected"})


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What is known of a call when it settles."""

    outcome: str
    disposition: str | None
    attempt: int
    answered_by: AnsweredBy | None
    data: Mapping[str, Any]
    zones: tuple[str, ...]
    ended_at: datetime
    call_back_at: datetime | None = None
    attempts_made: int = 1
    max_attempts: int = 1
    takes_no_more: bool = False
    """The campaign is stopped, or the person withdrawn."""

    def matched(self, following: Following) -> Facts:
        return Facts(
            outcome=self.outcome,
            disposition=self.disposition,
            attempt=self.attempt,
            answered_by=self.answered_by,
            final=self.takes_no_more or isinstance(following, Close),
            data=self.data,
        )


@dataclass(slots=True)
class Consequences:
    following: Following
    steps: list[tuple[int, Callback]] = field(default_factory=list)
    """To be done by the after-call workflow, in order."""
    enroll: list[tuple[int, Callback]] = field(default_factory=list)
    suppress: list[str] = field(default_factory=list)
    """Reasons."""
    notes: dict[int, str] = field(default_factory=dict)
    """What became of a callback in our own house, by its position."""
    unmet: set[int] = field(default_factory=set)
    """Positions of those that came to nothing."""


def consequences_of(
    callbacks: tuple[Callback, ...], facts: CallFacts, following: Following
) -> Consequences:
    """Decide what `callbacks` add to what follows anyway."""
    found = Consequences(following)
    for at, callback in asked_for(callbacks, facts.matched(following)):
        if callback.do is CallbackKind.CALL_BACK:
            _call_back(found, at, callback, facts)
        elif callback.do is CallbackKind.SUPPRESS:
            _suppress(found, at, callback)
    for at, callback in asked_for(callbacks, facts.matched(found.following)):
        if callback.do is CallbackKind.ENROLL:
            found.enroll.append((at, callback))
        elif not callback.do.in_house:
            found.steps.append((at, callback))
    return found


def call_back_time(facts: CallFacts, path: str = CALL_AT) -> Asked | Unclear:
    """When the person asked to be called; in zones that differ, when it is that late in all."""
    value = found_at(facts.data, path)
    if value is None and facts.call_back_at is not None:
        return _in_time(Asked(facts.call_back_at), facts.ended_at)
    return _read_back(value, facts.zones, facts.ended_at)


def asked_back(
    data: Mapping[str, Any], zones: tuple[str, ...], ended_at: datetime
) -> datetime | None:
    """The same, of a call that no callback follows; None when nothing can be read."""
    read = _read_back(data.get(CALL_AT), zones, ended_at)
    return read.at if isinstance(read, Asked) else None


def _read_back(value: object, zones: tuple[str, ...], ended_at: datetime) -> Asked | Unclear:
    read = read_time(value, zones)
    if isinstance(read, Unclear) and read.candidates:
        read = Asked(read.candidates[-1])
    return read if isinstance(read, Unclear) else _in_time(read, ended_at)


def _in_time(asked: Asked, ended_at: datetime) -> Asked | Unclear:
    at = promised(asked.at, ended_at)
    if at is not None:
        return Asked(at)
    if asked.at > ended_at + FURTHEST_AHEAD:
        return Unclear("the time asked for is more than a year ahead")
    return Unclear("the time asked for has passed")


def _call_back(found: Consequences, at: int, callback: Callback, facts: CallFacts) -> None:
    before = found.following
    asked = call_back_time(facts, callback.at or CALL_AT)
    refused = None
    if (isinstance(before, Close) and before.reason.code in _NEVER_AGAIN) or found.suppress:
        refused = "this person is not called again"
    elif facts.takes_no_more:
        refused = "the campaign takes no more calls"
    elif facts.attempts_made >= facts.max_attempts:
        refused = f"all {facts.max_attempts} attempts were made"
    elif isinstance(asked, Unclear):
        refused = asked.reason
    if refused is not None or isinstance(asked, Unclear):
        found.notes[at] = refused or ""
        found.unmet.add(at)
        return
    reason = Reason(CALL_ME_LATER, "asked to be called then")
    if isinstance(before, Redial):
        found.following = replace(
            before, not_before=asked.at, reason=reason, promised=True, next_number=False
        )
    else:
        found.following = Redial(asked.at, reason, promised=True)
    found.notes[at] = "called back at the time asked for"


def _suppress(found: Consequences, at: int, callback: Callback) -> None:
    reason = callback.reason or "suppressed after a call"
    found.suppress.append(reason)
    found.notes[at] = reason
    found.following = Close(Reason("suppressed", f"not called again: {reason}"), suppress=reason)
