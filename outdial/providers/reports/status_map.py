"""Maps a provider's status and reason words to our statuses, from data files.

A file is an object of maps. Each has `rows` (word to meaning), optionally `prefixes` (pairs of
how a word begins and its meaning, first fit wins) and `otherwise`, the meaning of a word that
is not in the file: such a word is logged, and never an error.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from outdial.domain.call.status import AnsweredBy, CallStatus, FailureClass

log = logging.getLogger(__name__)

_PRINTABLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,119}")
_MANY_DIGITS = re.compile(r"\d{6}")


class Meaning(BaseModel):
    """What a provider's word says in ours; what it says nothing about is None."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: CallStatus | None = None
    failure: FailureClass | None = None
    answered: bool | None = None
    """Whether the word itself says that the call was answered, or that it was not."""
    presumes_answer: bool = False
    """`completed` if an earlier report shows that it was answered, else `no_answer`."""
    unserved: bool = False
    """The agent was never started, so whoever answered was not spoken to."""
    answered_by: AnsweredBy | None = None
    disposition: str | None = None
    """How the talk went, where the provider's word says so itself."""
    note: str | None = None
    """Why, for whoever reads the file."""

    @model_validator(mode="after")
    def _failed_has_a_class(self) -> Self:
        if self.status is CallStatus.FAILED and self.failure is None:
            raise ValueError("a status of failed needs the class of the failure")
        return self


class StatusMap(BaseModel):
    """One field of a provider, every value of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    field: str
    """As the provider names it; for the log."""
    source: str
    """Where the values and their meaning were found."""
    rows: dict[str, Meaning]
    prefixes: tuple[tuple[str, Meaning], ...] = ()
    otherwise: Meaning = Field(default_factory=Meaning)

    def meaning_of(self, word: str | None) -> Meaning:
        """What a word means; nothing at all for no word."""
        if word is None:
            return Meaning()
        row = self.rows.get(word)
        if row is not None:
            return row
        for beginning, meaning in self.prefixes:
            if word.startswith(beginning):
                return meaning
        log.warning("unknown value in %s: %s", self.field, _loggable(word))
        return self.otherwise


_FILE = TypeAdapter(dict[str, StatusMap])


def load_maps(path: Path) -> Mapping[str, StatusMap]:
    """The maps of a data file, by name.

    Raises pydantic's ValidationError when it is not such a file.
    """
    return _FILE.validate_json(path.read_bytes())


def listed_meaning(words: StatusMap, word: str | None) -> Meaning:
    """The meaning of a listed word; none, and no line in the log, for other text: for fields that
    customers fill as they like."""
    return words.rows.get(word or "", Meaning())


def sharper(event: Meaning, status: Meaning) -> Meaning:
    """An event's meaning, made more exact by the status that comes with it.

    A `call.failed` with a status of `busy` is busy. Where one says that the call is over and the
    other that it is not, the event is believed: the status may be newer than the event.
    """
    if event.status is None or status.status is None:
        return event if status.status is None else status
    return status if event.status.terminal is status.status.terminal else event


def _loggable(word: str) -> str:
    """The word, unless it may be text about a person or hold a phone number."""
    if _PRINTABLE.fullmatch(word) and not _MANY_DIGITS.search(word):
        return word
    return f"(not a word, {len(word)} characters)"
