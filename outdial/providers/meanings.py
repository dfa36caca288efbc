"""Words of one report taken together: the name of the event, and the status it carries."""

from __future__ import annotations

from outdial.providers.status_map import Meaning, StatusMap


def known_meaning(words: StatusMap, word: str | None) -> Meaning:
    """What a word of free choice means; nothing, and no line in the log, for any other text."""
    return words.rows.get(word or "", Meaning())


def sharper(event: Meaning, status: Meaning) -> Meaning:
    """An event's meaning, made more exact by the status told with it.

    A `call.failed` with a status of `busy` is busy. Where one says that the call is over and the
    other that it is not, the event is believed: the status may be newer than the event.
    """
    if event.status is None or status.status is None:
        return event if status.status is None else status
    return status if event.status.terminal is status.status.terminal else event
