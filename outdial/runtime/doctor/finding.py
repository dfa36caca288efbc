"""Findings: what a check of the installation came to, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    SKIPPED = "skipped"
    """It could not be checked, or does not apply here; the text says why."""
    WARNING = "warning"
    """Calls are made, but something is not as it should be."""
    PROBLEM = "problem"
    """No calls are made, or their results are lost, until somebody repairs it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    check: str
    level: Level
    code: str
    """For programs: `ok`, or which problem it is."""
    text: str
    remedy: str | None = None
    """What to do about it."""


def ok(check: str, text: str) -> Finding:
    return Finding(check, Level.OK, "ok", text)


def skipped(check: str, text: str) -> Finding:
    return Finding(check, Level.SKIPPED, "skipped", text)


def warning(check: str, code: str, text: str, remedy: str) -> Finding:
    return Finding(check, Level.WARNING, code, text, remedy)


def problem(check: str, code: str, text: str, remedy: str) -> Finding:
    return Finding(check, Level.PROBLEM, code, text, remedy)


def from_error(check: str, code: str, message: str) -> Finding:
    """A problem from an error's text, whose last clause says what would be right."""
    text, _, remedy = message.rpartition("; ")
    return problem(check, code, text, remedy) if text else problem(check, code, remedy, remedy)
