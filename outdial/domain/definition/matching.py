"""Matches a call's outcome against the conditions of a definition. No code is evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from outdial.domain.call.status import AnsweredBy
from outdial.domain.definition.fields import Frozen, describe_value

_ABSENT = object()
_DEEPEST = 10
"""Steps of a path; an agent's data is a form, not a tree."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of a settled call that conditions are matched against."""

    outcome: str
    disposition: str | None = None
    attempt: int = 1
    answered_by: AnsweredBy | None = None
    final: bool = True
    """No other call to the recipient follows in this campaign."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """What the agent extracted."""


class Comparison(Frozen):
    """Conditions on one value; all of them must hold."""

    one_of: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    contains: str | None = None
    exists: bool | None = None

    def holds(self, value: object) -> bool:
        if self.exists is not None and self.exists is (value is _ABSENT or value is None):
            return False
        return (
            (not self.one_of or any(same(value, expected) for expected in self.one_of))
            and (self.at_least is None or _at_least(value, self.at_least))
            and (self.at_most is None or _at_least(_negative(value), -self.at_most))
            and (self.contains is None or _contains(value, self.contains))
        )


def _comparison(value: Any) -> Any:
    if isinstance(value, Comparison | Mapping):
        return value
    if isinstance(value, list | tuple):
        if not value or not all(isinstance(each, str | int | float) for each in value):
            raise ValueError(f"found {describe_value(value)}; write a list of values")
        return Comparison(one_of=tuple(_text(each) for each in value))
    if value is None:
        raise ValueError("found nothing; write a value, a list, or conditions")
    return Comparison(one_of=(_text(value),))


Condition = Annotated[
    Comparison,
    BeforeValidator(_comparison),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": ["string", "number", "boolean"]},
                {"type": "array", "items": {"type": ["string", "number", "boolean"]}},
                {"type": "object"},
            ]
        }
    ),
]


def matches_data(conditions: Mapping[str, Comparison], data: Mapping[str, Any]) -> bool:
    return all(condition.holds(_lookup(data, path)) for path, condition in conditions.items())


def _lookup(data: object, path: str) -> object:
    """The value at a dotted path, or `_ABSENT`; a number in a path is a position in a list."""
    steps = path.split(".")
    if len(steps) > _DEEPEST:
        return _ABSENT
    for step in steps:
        if isinstance(data, Mapping) and step in data:
            data = data[step]
        elif isinstance(data, Sequence) and not isinstance(data, str) and step.isdecimal():
            if int(step) >= len(data):
                return _ABSENT
            data = data[int(step)]
        else:
            return _ABSENT
    return data


def value_at(data: object, path: str) -> object | None:
    """The value at a dotted path; None if there is none."""
    value = _lookup(data, path)
    return None if value is _ABSENT else value


def same(value: object, expected: str) -> bool:
    """Whether a value is the one that was written: as a text, or as the same number."""
    if isinstance(value, str | bool | int | float):
        if _text(value) == expected:
            return True
        number = _number(value)
        return number is not None and not isinstance(value, str) and number == _number(expected)
    return False


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _negative(value: object) -> object:
    number = _number(value)
    return None if number is None else -number


def _at_least(value: object, bound: float) -> bool:
    number = _number(value)
    return number is not None and number >= bound


def _contains(value: object, part: str) -> bool:
    if isinstance(value, str):
        return part in value
    if isinstance(value, Sequence):
        return any(same(each, part) for each in value)
    return False
