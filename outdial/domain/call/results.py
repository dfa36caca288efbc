"""Where a line's agent puts what it found out, under the names that campaigns know.

Agents are told to extract `disposition`, `call_at` and `appointment_at`. One that was built for
something else has its own names and words; a line says once which is which.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from outdial.domain.call.disposition import LONGEST_TEXT, slug_of
from outdial.domain.call.event import CallEvent
from outdial.domain.definition.matching import found_at

DISPOSITION = "disposition"


class ResultMapping(BaseModel):
    """Paths and words of one line."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fields: dict[str, str] = Field(default_factory=dict)
    """Our name for a value, and the path at which the agent's data holds it."""
    dispositions: dict[str, str] = Field(default_factory=dict)
    """The agent's word for how a talk went, and ours."""

    def read(self, event: CallEvent) -> CallEvent:
        """The event with its values under our names; what it had stays."""
        if not (self.fields or self.dispositions):
            return event
        changes: dict[str, Any] = {}
        found = {name: found_at(event.structured, path) for name, path in self.fields.items()}
        named = {name: value for name, value in found.items() if value is not None}
        if named:
            changes["structured"] = {**event.structured, **named}
        word = named.get(DISPOSITION, event.disposition)
        if isinstance(word, str) and 0 < len(word.strip()) <= LONGEST_TEXT:
            changes["disposition"] = self._ours(word.strip())
        return event.model_copy(update=changes)

    def _ours(self, word: str) -> str:
        """Our word for the agent's, which may spell its own in several ways."""
        ours = self.dispositions.get(word)
        slug = slug_of(word)
        if ours is None and slug is not None:
            alike = (o for theirs, o in self.dispositions.items() if slug_of(theirs) == slug)
            ours = next(alike, None)
        return word if ours is None else slug_of(ours) or ours
