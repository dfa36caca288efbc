"""Transcripts, which providers report as a text or as a list of turns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from outdial.providers.reports.payload import list_at, text_at


def transcript_in(content: Mapping[str, Any]) -> str | None:
    """The field `transcript`: a text, or turns of `role` and `content`, a line for each."""
    turns = [
        f"{text_at(turn, 'role') or 'unknown'}: {text_at(turn, 'content') or ''}"
        for turn in list_at(content, "transcript")
    ]
    return text_at(content, "transcript") or "\n".join(turns) or None
