"""How pages write numbers, instants and codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from outdial.domain.clocks import load_zone
from outdial.domain.codes import words
from outdial.domain.definition.differences import Effect
from outdial.domain.numbers.phone import mask_phone

EFFECTS: Mapping[Effect, str] = {
    Effect.NONE: "no call depends on it",
    Effect.IMMUTABLE: "can't be changed",
    Effect.NEXT_CLAIM: "from the next claim on",
    Effect.REQUEUE: "waiting recipients are re-evaluated",
    Effect.NEXT_CALL: "calls claimed from now on",
    Effect.NEXT_END: "calls that end from now on",
    Effect.VARIABLES: "rendered again for those who are not done",
    Effect.ROSTER: "recipients",
}


def instant(at: datetime) -> str:
    """`2026-11-30 09:05 UTC`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def exact(at: datetime) -> str:
    """`2026-11-30 09:05:01 UTC`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def local(at: datetime, zones: Sequence[str]) -> str:
    """`Tue 2026-12-01 10:00 in America/Denver (17:00 UTC)`, by the first of a person's zones."""
    if not zones:
        return instant(at)
    there = at.astimezone(load_zone(zones[0]))
    return f"{there:%a %Y-%m-%d %H:%M} in {zones[0]} ({at.astimezone(UTC):%H:%M} UTC)"


def until(at: datetime, now: datetime) -> str:
    """How far off an instant is: `in 12 s`, `in 5 min`, or its date and time."""
    wait = at - now
    if wait < timedelta(seconds=1):
        return "now"
    if wait < timedelta(minutes=2):
        return f"in {int(wait.total_seconds())} s"
    if wait < timedelta(hours=2):
        return f"in {int(wait.total_seconds() // 60)} min"
    return f"at {instant(at)}"


def elapsed(since: datetime, now: datetime) -> str:
    """`0:42`, or `1:00:02` from an hour on."""
    minutes, rest = divmod(max(0, int((now - since).total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def number(value: float) -> str:
    """`12,345`."""
    return f"{value:,}"


def percent(share: float) -> str:
    """`62.5 %`."""
    return f"{share * 100:.1f} %"


def plural(count: int, noun: str, many: str | None = None) -> str:
    """`1 recipient`, `1,200 recipients`."""
    return f"1 {noun}" if count == 1 else f"{count:,} {many or noun + 's'}"


FILTERS: Mapping[str, Callable[..., Any]] = {
    "effect": EFFECTS.__getitem__,
    "elapsed": elapsed,
    "exact": exact,
    "instant": instant,
    "local": local,
    "masked": mask_phone,
    "number": number,
    "percent": percent,
    "plural": plural,
    "step": lambda name: quote(name, safe=""),
    "until": until,
    "words": words,
}
