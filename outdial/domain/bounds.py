"""Bounds of values that come from outside: nesting, size, number of members, characters.

A value within them can be stored in both databases and written into any answer. The numbers are
our own: what a parser or the interpreter tolerates differs between versions.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from outdial.domain.errors import OutdialError

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large a value may be."""

    depth: int
    """Objects and lists within one another."""
    members: int
    """Keys and items, at all levels together."""
    characters: int | None = None
    """Of the value written as JSON; None where the body it comes in is bounded already."""
    longest_key: int = 500


DOCUMENT = Bounds(depth=32, members=250_000)
"""A request as a whole: ten thousand contacts with twenty fields each."""
FREE_FORM = Bounds(depth=12, members=1_000, characters=65_536)
"""A value that is given back as it came, such as `context` or `metadata`."""
AGENT_SETTINGS = Bounds(depth=16, members=5_000, characters=262_144)
"""Settings of an agent: prompts and schemas of tools stand in them."""
REQUEST = Bounds(depth=12, members=2_000, characters=65_536)
"""A request for a call, besides its free-form values."""
DEFINITION = Bounds(depth=32, members=1_000_000)
"""A campaign file as a whole, with people listed in it."""
FROM_PROVIDER = Bounds(depth=100, members=500_000, longest_key=1_000_000)
"""A provider's report: its transcript is a list of words in some cases."""
LARGEST_INTEGER = 2**63 - 1
"""Larger ones are floating-point numbers in most languages; no database column takes them."""


class OutOfBounds(OutdialError, ValueError):
    """A value is too large, too deep, or can't be stored; says where, and what would be right."""

    code = "out_of_bounds"

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{dotted(path)}: {problem}" if path else problem)


def parse_json(text: bytes, bounds: Bounds = DOCUMENT) -> Any:
    """The value of a JSON text, within bounds.

    Raises OutOfBounds, and ValueError with the place where it is not JSON, such as a lone
    surrogate, NaN or Infinity.
    """
    value = from_json(text.removeprefix(b"\xef\xbb\xbf"), allow_inf_nan=False)
    require_within(value, bounds)
    return value


def require_within(value: Any, bounds: Bounds, path: Path = ()) -> None:
    """Raises OutOfBounds unless the value is within bounds and every text in it can be stored."""
    if isinstance(value, dict) and _are_short_texts(value, bounds):
        return
    if not isinstance(value, dict | list | tuple):
        _require_scalar(value, path)
    else:
        _require_containers(value, bounds, path)
    if bounds.characters is not None:
        written = len(json.dumps(value, ensure_ascii=False, default=str))
        if written > bounds.characters:
            raise OutOfBounds(
                path, f"found {written} characters of JSON; write at most {bounds.characters}"
            )


def _are_short_texts(value: dict[Any, Any], bounds: Bounds) -> bool:
    """Whether it is a flat object of texts that is far within bounds, as the variables of most
    recipients are: this takes a tenth of the time of the full check."""
    try:
        keys = "".join(value)
        texts = keys + "".join(value.values())
    except TypeError:
        return False
    # No character takes more than six in JSON, and no member more than six besides its texts.
    written = 6 * (len(texts) + len(value)) + 2
    return (
        len(value) <= bounds.members
        and len(keys) <= bounds.longest_key
        and (bounds.characters is None or written <= bounds.characters)
        and "\0" not in texts
        and (texts.isascii() or not _has_surrogate(texts))
    )


def require_size(value: Any, bounds: Bounds, path: Path = ()) -> None:
    """Raises OutOfBounds for a value with too many levels or members."""
    for _ in _containers(value, bounds, path):
        pass


def _require_containers(value: Any, bounds: Bounds, path: Path) -> None:
    for container, at in _containers(value, bounds, path):
        for key, each in _items(container, bounds, at):
            if not isinstance(each, dict | list | tuple):
                _require_scalar(each, at, key)


def _containers(value: Any, bounds: Bounds, path: Path) -> Iterator[tuple[Any, Path]]:
    """Every object and list within a value, without recursion."""
    waiting: list[tuple[Any, Path, int]] = [(value, path, 1)]
    members = 0
    while waiting:
        container, at, depth = waiting.pop()
        if not isinstance(container, dict | list | tuple):
            continue
        if depth > bounds.depth:
            raise OutOfBounds(at, f"found more than {bounds.depth} levels; write fewer")
        members += len(container)
        if members > bounds.members:
            raise OutOfBounds(path, f"found more than {bounds.members} keys and items; write fewer")
        yield container, at
        each = container.items() if isinstance(container, dict) else enumerate(container)
        waiting += [
            (inner, (*at, key), depth + 1)
            for key, inner in each
            if isinstance(inner, dict | list | tuple)
        ]


def _items(container: Any, bounds: Bounds, at: Path) -> Iterable[tuple[str | int, Any]]:
    if not isinstance(container, dict):
        return enumerate(container)
    for key in container:
        if isinstance(key, str) and len(key) > bounds.longest_key:
            raise OutOfBounds(
                at, f"found a key of {len(key)} characters; write at most {bounds.longest_key}"
            )
        _require_scalar(key, at)
    return container.items()


def _require_scalar(value: Any, at: Path, *key: str | int) -> None:
    if isinstance(value, str):
        if "\0" in value:
            raise OutOfBounds((*at, *key), "found a NUL character; leave it out")
        if not value.isascii() and _has_surrogate(value):
            raise OutOfBounds((*at, *key), "found half a surrogate pair; write whole characters")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise OutOfBounds((*at, *key), "found a number that is not finite; write a finite one")
    elif isinstance(value, int) and not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
        raise OutOfBounds((*at, *key), "found a number of more than 64 bits; write it as text")


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def dotted(path: Path) -> str:
    """A path as messages show it, such as `context.order.lines[3]`; its middle is left out where
    it is long."""
    parts = list(path) if len(path) <= 8 else [*path[:5], "…", *path[-2:]]
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            shown = part if len(part) <= 60 else part[:59] + "…"
            shown = shown.encode("utf-8", "replace").decode().replace("\0", "?")
            text += f".{shown}" if text else shown
    return text
