"""Outcome of one try of a callback, and the errors by which a try fails."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from temporalio.exceptions import ApplicationError

from outdial.domain.call.callback_run import CallbackState


@dataclass(frozen=True, slots=True)
class CallbackOutcome:
    state: CallbackState
    note: str
    result: dict[str, Any] = field(default_factory=dict)


def done(note: str, **result: Any) -> CallbackOutcome:
    return CallbackOutcome(CallbackState.DONE, note, result)


def follow_up(note: str, **result: Any) -> CallbackOutcome:
    """An outcome that a person has to deal with."""
    return CallbackOutcome(CallbackState.FOLLOW_UP, note, result)


def refused(text: str) -> ApplicationError:
    """An error without retry. Its text is stored in a workflow history: no personal data."""
    return ApplicationError(text, type="CallbackRefused", non_retryable=True)


def not_yet(text: str) -> ApplicationError:
    """An error that is retried."""
    return ApplicationError(text, type="CallbackFailed")
