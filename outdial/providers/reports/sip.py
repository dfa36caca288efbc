"""Meanings of SIP final responses, for providers that pass on those of their carriers.

The words stand in sip.json. A 603 is a person who declined, unless its reason phrase says that
the network blocked the caller ("603+").
"""

from __future__ import annotations

import re
from pathlib import Path

from outdial.domain.call.status import FailureClass
from outdial.providers.reports.status_map import Meaning, load_maps

_MAPS = load_maps(Path(__file__).with_name("sip.json"))
_BLOCKED = re.compile(r"network[\s_-]*blocked|analytics1", re.IGNORECASE)


def meaning_of_response(code: str, phrase: str | None = None) -> Meaning:
    """What a final response says of a call; a code in no document by its class."""
    if code in _MAPS["caller_blocked"].rows and _BLOCKED.search(phrase or ""):
        return _MAPS["caller_blocked"].rows[code]
    return _MAPS["final_response"].meaning_of(code)


def block_or_refusal(code: str | None, phrase: str | None = None) -> Meaning | None:
    """A refusal by the person or a block by the network; None for any other response."""
    if code is None or not code.startswith("60"):
        return None
    meaning = meaning_of_response(code, phrase)
    explains = meaning.failure in (FailureClass.REFUSED, FailureClass.BLOCKED)
    return meaning if explains else None
