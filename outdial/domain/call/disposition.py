"""Disposition: the agent's result of a conversation, as a short slug.

It becomes the call's outcome, which is a search attribute, is part of histories and reports, and
selects callbacks. A language model wrote it, so it may be a long text with personal data; such a
text becomes `other`, and is kept in the call's own data only.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from outdial.domain.call.status import (
    BOOKED,
    CALL_ME_LATER,
    OPTED_OUT,
    OUTCOME_SCREENED,
    OUTCOME_UNKNOWN,
    CallStatus,
)
from outdial.domain.numbers.phone import mask_phone

OTHER = "other"
"""The disposition of a call whose agent wrote something else than a word."""
LONGEST_SLUG = 50
MOST_WORDS = 6
LONGEST_TEXT = 500
"""Characters of a text that are kept beside the slug."""

WELL_KNOWN = frozenset(
    {
        BOOKED, CALL_ME_LATER, OPTED_OUT, "moved", "rescheduled", "cancelled", "confirmed",
        "declined", "interested", "not_interested", "wrong_number", "wrong_person", "do_not_call",
        "left_message", "no_decision", "call_back_later", "already_done", "not_available",
        "hung_up", "transferred", "satisfied", "unsatisfied", "language_barrier",
    }
)  # fmt: skip
"""Words that a text of several words may be, beside those of the line and of the definition."""
_RESERVED = frozenset(
    {status.value for status in CallStatus}
    - {CallStatus.COMPLETED.value, CallStatus.CANCELED.value}
    | {OUTCOME_UNKNOWN, OUTCOME_SCREENED}
)
"""Outcomes that the network reports, never an agent: after a talk nobody is called again for one.
`voicemail` is none of them, since agents recognize one where the line does not."""
_BETWEEN = re.compile(r"[\s\-./_]+")
_DIGITS = re.compile(r"\d{4}")
_MOST_DIGITS = 4
_SHOWN_CATEGORIES = frozenset({"L", "M", "N"})
_NUMBER = re.compile(r"(?:\+|%2B)?\(?\d(?:[\s().\-/\u2010-\u2015]{0,3}\d){6,}", re.IGNORECASE)
_EMAIL = re.compile(r"[^\s@<>,;:()]{1,64}@[^\s@<>,;:()]{1,255}")


def masked_text(text: str) -> str:
    """The text as it is kept: bounded, telephone numbers and mail addresses masked.

    It is masked before it is cut, so that no cut leaves a number too short to be recognized.
    """
    text = unicodedata.normalize("NFKC", text[: 2 * LONGEST_TEXT])
    text = _EMAIL.sub("•••@•••", text)
    return _NUMBER.sub(_masked_number, text)[:LONGEST_TEXT]


def _masked_number(match: re.Match[str]) -> str:
    digits = "".join(c for c in match[0].upper().removeprefix("%2B") if c.isdigit())
    return mask_phone(f"+{digits}") if match[0][0] in "+%" else "•" * len(digits)


def slug_of(text: str) -> str | None:
    """The text in lower case with underscores between its words; None if that is no slug."""
    if len(text) > LONGEST_TEXT:
        return None
    folded = unicodedata.normalize("NFKC", text).casefold()
    slug = _BETWEEN.sub("_", folded).strip("_")
    plain = all(c == "_" or unicodedata.category(c)[0] in _SHOWN_CATEGORIES for c in slug)
    return slug if slug and plain and len(slug) <= LONGEST_SLUG else None


def disposition_of(text: str, slugs: Collection[str] = ()) -> str:
    """The slug of an agent's text; `OTHER` for what is no word.

    Several words with spaces between them are a sentence, unless they are one of the given
    slugs or of the well-known ones: a name of two words would pass for a slug otherwise.
    """
    slug = slug_of(text)
    if slug is None or slug in _RESERVED:
        return OTHER
    if slug in slugs or slug in WELL_KNOWN:
        return slug
    digits = sum(c.isdigit() for c in slug)
    if len(text.split()) > 1 or slug.count("_") >= MOST_WORDS:
        return OTHER
    return OTHER if digits > _MOST_DIGITS or _DIGITS.search(slug) else slug
