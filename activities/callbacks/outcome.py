"""What came of a step, and how one fails."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from temporalio.exceptions import ApplicationError

from outdial.domain.call.chain import StepState


@dataclass(frozen=True, slots=True)
class StepOutcome:
    state: StepState
    note: str
    result: dict[str, Any] = field(default_factory=dict)


def done(note: str, **result: Any) -> StepOutcome:
    return StepOutcome(StepState.DONE, note, result)


def follow_up(note: str, **result: Any) -> StepOutcome:
    """A matter for people."""
    return StepOutcome(StepState.FOLLOW_UP, note, result)


def refused(text: str) -> ApplicationError:
    """Trying again would not help. The text stands in a history: nothing personal in it."""
    return ApplicationError(text, type="StepRefused", non_retryable=True)


def not_yet(text: str) -> ApplicationError:
    """The next try may succeed."""
    return ApplicationError(text, type="StepFailed")
