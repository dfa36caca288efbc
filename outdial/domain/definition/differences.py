"""What differs between two versions of a definition, key by key, and what each change does to a
campaign that runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from outdial.domain.definition.campaign import CampaignDefinition
from outdial.domain.definition.source import CsvSource


class Effect(StrEnum):
    """What a changed key does to a campaign that runs."""

    NONE = "none"
    """No call and no recipient depends on it."""
    IMMUTABLE = "immutable"
    """It can't be changed once the campaign is launched."""
    NEXT_CLAIM = "next_claim"
    """It takes effect when calls are claimed next. No recipient is moved."""
    REQUEUE = "requeue"
    """Recipients that wait are decided about again: they are called earlier, later, or never."""
    NEXT_CALL = "next_call"
    """Calls that are claimed from now on have it. Earlier ones run out as they were claimed."""
    NEXT_END = "next_end"
    """It is applied to calls that end from now on."""
    VARIABLES = "variables"
    """Variables of recipients that are not done are rendered again."""
    ROSTER = "roster"
    """Recipients are added or removed."""


EFFECTS: Mapping[str, Effect] = {
    "name": Effect.IMMUTABLE,
    "purpose": Effect.IMMUTABLE,
    "calendar.time_zone": Effect.IMMUTABLE,
    "description": Effect.NONE,
    "webhooks": Effect.NONE,
    "pacing": Effect.NEXT_CLAIM,
    "budget": Effect.NEXT_CLAIM,
    "budget.per_person": Effect.REQUEUE,
    "line": Effect.REQUEUE,
    "schedule": Effect.REQUEUE,
    "retry": Effect.REQUEUE,
    "caps": Effect.REQUEUE,
    "accept_risk": Effect.REQUEUE,
    "consent": Effect.REQUEUE,
    "agent": Effect.NEXT_CALL,
    "caller_ids": Effect.NEXT_CALL,
    "max_duration": Effect.NEXT_CALL,
    "ring_timeout": Effect.NEXT_CALL,
    "recording": Effect.NEXT_CALL,
    "calendar": Effect.NEXT_CALL,
    "callbacks": Effect.NEXT_END,
    "variables": Effect.VARIABLES,
    "recipients": Effect.ROSTER,
}
"""By key; the longest path that is listed holds for everything below it."""


_IN_PARTS = "budget"
"""Its keys have effects of their own, which hold as well when it is added or removed as a whole."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One key of which two definitions have different values."""

    path: str
    """As in problems of a definition, such as `pacing.max_concurrent`; a part of a list that has
    names is shown by its name, such as `line[main].weight`."""
    before: str | None
    """As YAML has it in one line; None where the key is not set."""
    after: str | None
    effect: Effect


def differences(before: CampaignDefinition, after: CampaignDefinition) -> tuple[Difference, ...]:
    """Every key whose value differs, in the order of a definition; none for equal ones.

    Of two lists of recipients it is said how many people they have, never who.
    """
    old, new = _document(before), _document(after)
    return tuple(_compare("", old, new))


def effect_of(path: str) -> Effect:
    """What a change at a path does. Raises KeyError for one that no definition has."""
    key = max((each for each in EFFECTS if _is_within(path, each)), key=len, default=path)
    return EFFECTS[key]


def immutable(differing: Sequence[Difference]) -> tuple[Difference, ...]:
    """Those that can't be applied to a campaign that was launched."""
    return tuple(each for each in differing if each.effect is Effect.IMMUTABLE)


def _is_within(path: str, key: str) -> bool:
    return path == key or (path.startswith(key) and path[len(key)] in ".[")


class _Absent:
    """No value, where None might be one."""


_ABSENT = _Absent()


def _document(definition: CampaignDefinition) -> dict[str, Any]:
    written = definition.model_dump(mode="json", exclude={"recipients"})
    source = definition.recipients
    if isinstance(source, CsvSource):
        written["recipients"] = source.model_dump(mode="json")
    else:
        written["recipients"] = _People(source)
    return written


class _People:
    """A list of recipients, which is shown by its length alone."""

    def __init__(self, people: Sequence[Any]) -> None:
        self._people = tuple(people)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _People) and other._people == self._people

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        count = len(self._people)
        return "a list of 1 person" if count == 1 else f"a list of {count} people"


def _compare(path: str, old: Any, new: Any) -> Iterator[Difference]:
    if old == new:
        return
    if path == _IN_PARTS:
        old, new = old or dict.fromkeys(new), new or dict.fromkeys(old)
    parts, new_parts = _parts(old), _parts(new)
    if parts is not None and new_parts is not None:
        for key in dict.fromkeys([*new_parts, *parts]):
            below = f"{path}{key}" if path else key.removeprefix(".")
            yield from _compare(below, parts.get(key, _ABSENT), new_parts.get(key, _ABSENT))
        return
    yield Difference(path, _text(old), _text(new), effect_of(path))


def _parts(value: Any) -> dict[str, Any] | None:
    """What a mapping, or a list of mappings, is made of; None for what is shown as a whole."""
    if isinstance(value, Mapping):
        return {f".{key}": each for key, each in value.items()}
    if isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
        names = [each.get("name") for each in value]
        if all(isinstance(name, str) for name in names) and len(set(names)) == len(names):
            return {f"[{name}]": each for name, each in zip(names, value, strict=True)}
        return {f"[{at}]": each for at, each in enumerate(value)}
    return None


_PLAIN = re.compile(r"[^\W\d][\w./+@ -]*|[+]?\d[\w.:/+-]*( [A-Z]{3})?")
_WORDS_OF_YAML = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def _text(value: Any) -> str | None:
    """A value as YAML in one line; None for none."""
    if value is None or isinstance(value, _Absent):
        return None
    if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], Mapping | list):
        return _flow(value[0])  # as most people write it
    return _flow(value)


def _flow(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        # Keys that are not set say nothing.
        inner = (f"{key}: {_flow(each)}" for key, each in value.items() if each is not None)
        return "{" + ", ".join(inner) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(each) for each in value) + "]"
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS_OF_YAML
        return value if plain and value == value.strip() else json.dumps(value, ensure_ascii=False)
    return str(value)
