"""What a decision against a call means for the recipient."""

from __future__ import annotations

from collections.abc import Sequence

from outdial.domain.decision.decision import Decision, Never

_OF_NUMBER = frozenset({"suppressed", "rejected"})
"""Reasons that say nothing about the recipient's other numbers."""


def drops_number(decision: Decision, others: Sequence[str]) -> bool:
    """Whether the number is dropped for good and the next one is decided about, in place of the
    recipient's end."""
    return bool(others) and isinstance(decision, Never) and decision.reason.code in _OF_NUMBER


def final_outcome(earlier: str | None, never: Never) -> str:
    """The outcome of a recipient that a decision ends; `earlier` is that of the last call."""
    code = never.reason.code
    return earlier if earlier is not None and code != "suppressed" else code
