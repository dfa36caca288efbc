"""Transcripts: text with one turn a line, as most providers write them."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict

Speaker = Literal["agent", "person"]

_AGENT = frozenset({"agent", "ai", "assistant", "bot"})
_PERSON = frozenset({"callee", "caller", "customer", "human", "machine", "person", "user"})
_TURN = re.compile(r"\s*([A-Za-z]+)\s*:\s*(.*)")


class Turn(BaseModel):
    """One turn of a conversation."""

    model_config = ConfigDict(frozen=True)

    speaker: Speaker | None
    """None where the text does not say who."""
    text: str


def turns_of(transcript: str) -> list[Turn]:
    """The turns of a transcript; a line without a known speaker goes on with the turn before."""
    turns: list[Turn] = []
    for line in transcript.splitlines():
        named = _TURN.fullmatch(line)
        speaker = _speaker(named[1]) if named else None
        if named is not None and speaker is not None:
            turns.append(Turn(speaker=speaker, text=named[2].strip()))
        elif line.strip() and turns and turns[-1].speaker is not None:
            last = turns.pop()
            turns.append(last.model_copy(update={"text": f"{last.text}\n{line.strip()}".strip()}))
        elif line.strip():
            turns.append(Turn(speaker=None, text=line.strip()))
    return turns


def _speaker(word: str) -> Speaker | None:
    if word.lower() in _AGENT:
        return "agent"
    return "person" if word.lower() in _PERSON else None
