"""Words of ours that were renamed before the first release, and what they are called now.

Whoever still writes one, as a key, a field, a value or an option, is refused with the current name.
A word is retired only where its current name is known: elsewhere it is unknown like any other.
"""

from __future__ import annotations

from collections.abc import Collection

RETIRED = {
    "because": "reason",
    "call_back": "redial",
}


def current_name(word: str, names: Collection[str]) -> str | None:
    """What a retired word is called now, among the names that are valid in its place."""
    current = RETIRED.get(word)
    return current if word not in names and current in names else None
