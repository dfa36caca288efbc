"""Names that other systems give our events, and their notation of instants and durations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from outdial.domain.endpoint import EVERY_EVENT, EventType


class Words:
    """A system's words for our events. A word may stand for several, or for none that we have."""

    def __init__(self, meant: Mapping[str, tuple[EventType, ...]]) -> None:
        self._meant = dict(meant)
        self._word = {event: word for word, events in meant.items() for event in events}

    def __iter__(self) -> Iterator[str]:
        return iter(self._meant)

    def word_of(self, event_type: str) -> str | None:
        return self._word.get(EventType(event_type))

    def meant_by(self, words: Iterable[str]) -> tuple[str, ...]:
        """Our event types. Raises ValueError for a word that there is not."""
        event_types: dict[str, None] = {}
        for word in words:
            if word not in self._meant:
                raise ValueError(f"found event {word!r}; known are {', '.join(self._meant)}")
            event_types |= dict.fromkeys(event.value for event in self._meant[word])
        return tuple(event_types)

    def words_of(self, event_types: Iterable[str]) -> list[str]:
        """The words for these event types, in the system's order."""
        chosen = set(event_types)
        if EVERY_EVENT in chosen:
            return list(self._meant)
        return [word for word, events in self._meant.items() if chosen.intersection(events)]


def zulu(at: datetime) -> str:
    """ISO 8601 in UTC, to the second, with a Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def zulu_of(text: str | None) -> str | None:
    """The same for an instant as the outbox writes it."""
    return None if text is None else zulu(datetime.fromisoformat(text))


def millis(at: datetime) -> str:
    """The same as JavaScript's `toISOString` writes it: to the millisecond."""
    at = at.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"


def millis_of(text: str | None) -> str | None:
    return None if text is None else millis(datetime.fromisoformat(text))


_NEVER_ANSWERED = frozenset({"no_answer", "busy", "failed", "canceled"})
_OF_A_TALK = ("duration_seconds", "transcript", "recording_url", "answered_at")


def without_ringing(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The data of a call, without the fields of a conversation where it was not answered.

    Providers measure ringing, and agents greet telephones that ring. These systems have only a
    conversation's duration and transcript: with those, a failed call reads as an answered one.
    """
    if data.get("status") not in _NEVER_ANSWERED:
        return data
    return {**data, **dict.fromkeys(_OF_A_TALK)}


def seconds_of(data: Mapping[str, Any]) -> int | None:
    """A call's length in whole seconds."""
    seconds = data.get("duration_seconds")
    return None if seconds is None else round(seconds)
